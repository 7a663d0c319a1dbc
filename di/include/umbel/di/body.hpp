// SPDX-License-Identifier: MIT
#pragma once
// The request's body, whole: as a document that is read into a struct, or as bytes.

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "umbel/di/params.hpp"
#include "umbel/json/model_reader.hpp"

namespace umbel {

/// What is answered to a body whose content type is not the one that the route reads.
enum class OnWrongType : std::uint8_t {
  invalid,      // 422, as to a body that is no such document: what FastAPI does.
  unsupported,  // 415.
};

namespace detail {

/// A body, or a part of one, that is read into a model.
struct BodyModel {
  const Shape* shape;
  JsonKey name;
  bool is_required;
  void (*construct)(void* slot);
  // Here, so that only programs that read a model need umbel-json.
  ModelErrors (*read)(PaddedText text, JsonLimits limits, const Shape& shape, void* into, Arena* texts);
  ModelErrors (*read_copy)(std::string_view text, JsonLimits limits, const Shape& shape, void* into, Arena* texts);
};

/// Where it has a name it may be one of several, of any type that a model's member may have.
template <class T, FixedString name>
inline constexpr bool can_be_a_body = std::is_same_v<T, std::string_view> || is_document<T> || !name.empty();
template <class T, FixedString name>
inline constexpr bool has_a_plain_name = is_plain_json_text(name.view());

/// Of a std::vector, std::map and so on: how the program writes it.
template <class T, FixedString name>
struct BodyTitle {
  static constexpr std::string_view type = type_name<T>;
  static constexpr auto make() {
    struct Title {
      char text[type.size() + sizeof(name.text) + 16]{};
    } made;
    std::size_t at = 0;
    const std::string_view quote = name.empty() ? "" : "\"";
    for (const std::string_view part : {std::string_view{"Body<"}, type, std::string_view{name.empty() ? "" : ", "},
                                        quote, name.view(), quote, std::string_view{">"}}) {
      for (const char c : part) made.text[at++] = c;
    }
    return made;
  }
  static constexpr auto title = make();
};

/// The one ValueInfo of a body that is a model.
template <class T, FixedString name>
struct BodyValue {
  static constexpr BodyModel make() noexcept {
    return {.shape = &ShapeOf<T>::value,
            .name = JsonKey{name.view()},
            .is_required = !IsOptional<T>::value,
            .construct = [](void* slot) { ::new (slot) T{}; },
            .read = [](PaddedText text, JsonLimits limits, const Shape& shape, void* into,
                       Arena* texts) { return read_shape(text, limits, shape, into, texts); },
            .read_copy = [](std::string_view text, JsonLimits limits, const Shape& shape, void* into,
                            Arena* texts) { return read_shape(text, limits, shape, into, texts); }};
  }
  static constexpr BodyModel model = make();
  static constexpr ValueInfo info{Source::body,   name.view(), BodyTitle<T, name>::title.text,
                                  sizeof(T),      alignof(T),  nullptr,
                                  destroyer<T>(), &model};
};

}  // namespace detail

/// The whole body; nodes run when it is complete. A body over the limit is a 413.
///
///     Item create_item(Body<Item> item) { return store(*item); }
///
/// Body<> is the bytes that came; they are valid until the request ends. Of any other T, a struct or a std::vector,
/// std::map, std::array, std::optional or std::variant of such, it is JSON that `read_model` reads straight into a T,
/// without a copy of the body where the transport has room behind it. All that is wrong becomes one 422, together with
/// what is wrong with other parameters, each `loc` from "body" to the element: ["body", "items", 3, "price"]. Of no
/// JSON it tells the offset, `json_invalid` at ["body", 17].
///
/// A std::string_view in T costs no copy and no memory of its own. It refers to the body, or to the request's arena
/// where its text has escapes, and is valid until the request ends: what is kept beyond it takes std::string.
///
/// Where a graph has several, each has a name, and the body is an object with these members: Body<Item, "item"> and
/// Body<User, "user">, `{"item": {...}, "user": {...}}`. The same name and type twice is one. One that stands alone is
/// the body itself, whatever its name. With a name T may also be a number, text, a bool or an enum.
///
/// The content type is `application/json` or `application/*+json`, and says no charset but UTF-8. Any other, or none,
/// is a 422, as from a form that a foreign page sends; or a 415, see OnWrongType. No body at all is `missing`, unless T
/// is an optional.
template <class T = std::string_view, FixedString name = "">
class Body : public detail::ValueParameter<T> {
  static_assert(
      detail::can_be_a_body<T, name>,
      "umbel: Body<T> is JSON that is read into T, and T is no document: a struct, or a std::vector, std::map, "
      "std::array, std::optional or std::variant of them. Take Body<> for the bytes that came, give it a name, "
      "Body<T, \"name\">, if it is a member of the body, or, for a class with constructors or private members, "
      "specialise umbel::ModelTraits");
  static_assert(detail::has_a_plain_name<T, name>, "umbel: the name of a body needs no escaping in JSON");
  using detail::ValueParameter<T>::ValueParameter;
};

template <>
struct ParameterTraits<Body<>> {
  static constexpr detail::Source source = detail::Source::body;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static Body<> get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    return Body<>{resolver.request().body()};
  }
};

template <class T, FixedString name>
struct ParameterTraits<Body<T, name>> {
  static constexpr detail::Source source = detail::Source::body;
  template <class Where>
  static constexpr detail::Need need() {
    detail::Need need{source};
    need.value = &detail::BodyValue<T, name>::info;
    return need;
  }
  static Body<T, name> get(detail::Resolver& resolver, const detail::Step&, detail::Input input) noexcept {
    return Body<T, name>{*static_cast<const T*>(resolver.at(input.at.offset))};
  }
};

}  // namespace umbel
