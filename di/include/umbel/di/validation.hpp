// SPDX-License-Identifier: MIT
#pragma once
// What is wrong with a request: the 422 that lists every error of the whole graph, at most the first 100.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/error.hpp"
#include "umbel/core/response.hpp"
#include "umbel/json/location.hpp"

namespace umbel {

/// One thing that is wrong with a request, spelled as FastAPI spells it.
struct ValidationItem {
  /// `sent`: what the client sent, if it sent anything. What is no UTF-8 is not repeated to it.
  ValidationItem(std::string type, std::vector<LocationPart> loc, std::string message,
                 std::optional<std::string_view> sent = std::nullopt);

  /// Adds a member to `ctx`: `.context("ge", 1)`. What JSON cannot say, text that is no UTF-8 or NaN, is left out.
  ValidationItem& context(std::string_view key, std::string_view value) &;
  /// Adds to `ctx`, as the others below do.
  ValidationItem& context(std::string_view key, const char* value) & { return context(key, std::string_view{value}); }
  /// A number.
  ValidationItem& context(std::string_view key, double value) &;
  /// The same, of other numbers.
  template <std::integral Number>
  ValidationItem& context(std::string_view key, Number value) & {
    if constexpr (std::is_signed_v<Number>) return signed_context(key, value);
    else return unsigned_context(key, value);
  }
  /// The same of a temporary.
  template <class Value>
  ValidationItem&& context(std::string_view key, Value value) && {
    return std::move(context(key, value));
  }

  std::string type;               // "missing", "int_parsing", ...; "value_error" by custom for what a node finds.
  std::vector<LocationPart> loc;  // {"query", "tag", 1}
  std::string message;            // "Field required"
  std::string input;              // What the client sent, as JSON: "\"abc\"". "null" if it sent nothing.
  std::string ctx;                // The members of a JSON object, without its braces; empty: there is none.

private:
  ValidationItem& signed_context(std::string_view key, std::int64_t value);
  ValidationItem& unsigned_context(std::string_view key, std::uint64_t value);
};

/// What is wrong with a request's parameters, in declaration order: what `Engine::call` throws. A client gets it as
/// `422 {"detail": [{"type", "loc", "msg", "input", "ctx"}, ...]}`. A node that finds a request wrong may throw one of
/// its own, and the client gets its items:
///
///     if (*until < *from) throw ValidationError{"value_error", {"query", "until"}, "until lies before from"};
class ValidationError : public HttpError {
public:
  ValidationError() : HttpError(422) {}
  /// One item.
  explicit ValidationError(ValidationItem item) : ValidationError() { add(std::move(item)); }
  /// One item, spelled out.
  ValidationError(std::string type, std::vector<LocationPart> loc, std::string message,
                  std::optional<std::string_view> sent = std::nullopt)
      : ValidationError(ValidationItem{std::move(type), std::move(loc), std::move(message), sent}) {}

  /// Adds an item.
  ValidationError& add(ValidationItem item) & { return items_.push_back(std::move(item)), *this; }
  ValidationError&& add(ValidationItem item) && { return std::move(add(std::move(item))); }
  /// In the order in which the client reads them.
  const std::vector<ValidationItem>& items() const noexcept { return items_; }

private:
  std::vector<ValidationItem> items_;
};

/// The reply that an error deserves: an HttpError's own, `{"detail": "Internal Server Error"}` for everything else.
Response to_response(const Error& error);
/// The 422 with all of its items.
Response to_response(const ValidationError& error);

}  // namespace umbel
