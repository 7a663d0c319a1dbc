// SPDX-License-Identifier: MIT
#pragma once
// JSON into structs: parsed, checked and stored in one pass.

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "umbel/core/arena.hpp"
#include "umbel/json/detail/shape.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/json/location.hpp"

namespace umbel {

/// One thing that is wrong with a document, in the words that FastAPI has for a body.
struct ModelError {
  std::string type;               // "missing", "int_type", "string_type", "extra_forbidden", "json_invalid", ...
  std::vector<LocationPart> loc;  // {"items", 3, "price"}; {offset} of json_invalid, if it is known.
  std::string message;            // "Field required"
  std::string input;  // What stands there, as JSON; of `missing`, the object around it. "null" if it is long.
  std::string ctx;    // The members of a JSON object, without its braces; empty: there is none.
};

/// All of them, in the order of the text; members that are missing stand behind those that are there.
using ModelErrors = std::vector<ModelError>;

/// Of more errors than these, the first are told.
inline constexpr std::size_t most_model_errors = 100;
/// Of a longer value, an error does not tell what it is: `input` is null.
inline constexpr std::size_t longest_error_input = 256;

namespace detail {
// `texts` keeps what a std::string_view refers to, if there may be one.
ModelErrors read_shape(PaddedText text, JsonLimits limits, const Shape& shape, void* into, Arena* texts = nullptr);
ModelErrors read_shape(std::string_view text, JsonLimits limits, const Shape& shape, void* into,
                       Arena* texts = nullptr);

template <class T>
constexpr void check_readable() noexcept {
  static_assert(!has_view<T>(),
                "umbel: a std::string_view in a model has nobody to keep its characters once the model is read: take "
                "std::string, or give read_model an Arena; to write models, and in a Body, it is fine");
}
}  // namespace detail

/// Reads a document into `model`, which is a struct, or a list or a map of them, freshly made. If errors come back,
/// what is in it means nothing.
///
///     Item item;
///     for (const ModelError& error : read_model(text, item)) report(error);
///
/// A member is required unless it is an std::optional or a Defaulted. Numbers, bool and enums are as lenient as
/// pydantic is by default: "5", 5.0 and true are integers, 5 and "5.5" are numbers, "yes" and 1 are true. An enum is
/// the name of one. Members that the struct has not are passed over, or `extra_forbidden` if
/// `ModelTraits<T>::forbids_extra`.
///
/// A std::variant of structs is told by their Tag; in `loc` of what is wrong inside, the tag is a part, as FastAPI has
/// it. std::chrono::year_month_day and sys_days are a date, `2026-11-23`. A sys_time of seconds, or of thousandths,
/// millionths or billionths of one, is a date and time with its offset (RFC 3339 section 5.6), `2026-11-23T08:30:00Z`;
/// of a fraction that is longer, the rest is dropped. Seconds may be left out, and a space may stand for the T. It is
/// written in UTC.
///
/// Beside a Constrained's constraints, a struct may have a rule of its own: `validate`, in the struct's namespace,
/// takes it by a const reference and gives a std::optional<std::string>, or what becomes one: nothing, or what is
/// wrong, a `value_error`. It is asked if everything in the struct is right.
///
///     std::optional<std::string> validate(const Stay& stay) {
///       if (stay.until < stay.from) return "until lies before from";
///       return std::nullopt;
///     }
///
/// The document is checked whole, as a JsonReader does, also where nothing of it is kept. If it is malformed, nested
/// too deeply, no UTF-8, has a lone surrogate, NaN, an integer beyond 64 bits (but where a float is wanted) or a number
/// beyond a double, there is one error, `json_invalid`, and no other. A member, or a key of a map, that is there twice
/// is a `duplicate_key`: pydantic would take the last, others the first, and who checks a document must read it as
/// whoever acts on it does. Of members that are passed over, nobody asks.
template <detail::Document T>
ModelErrors read_model(std::string_view text, T& model, JsonLimits limits = {}) {
  detail::check_readable<T>();
  return detail::read_shape(text, limits, detail::ShapeOf<T>::value, &model);
}
/// The same without a copy of the text.
template <detail::Document T>
ModelErrors read_model(PaddedText text, T& model, JsonLimits limits = {}) {
  detail::check_readable<T>();
  return detail::read_shape(text, limits, detail::ShapeOf<T>::value, &model);
}
/// The same of a T that may have std::string_views, which cost no copy: they refer to `text`, or, where it has escapes,
/// into `texts`, and are valid as long as both.
template <detail::Document T>
ModelErrors read_model(PaddedText text, T& model, Arena& texts, JsonLimits limits = {}) {
  return detail::read_shape(text, limits, detail::ShapeOf<T>::value, &model, &texts);
}

}  // namespace umbel
