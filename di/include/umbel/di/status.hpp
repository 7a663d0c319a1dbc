// SPDX-License-Identifier: MIT
#pragma once
// Replies that say their status by their type.

#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/core/response.hpp"

namespace umbel {

/// What a handler returns for a reply of another status than 200, or with header fields: a model, or a list of models,
/// or text. In documents of the API the route has this status.
///
///     Created<Item> create_item(Body<Item> item) {
///       return Created<Item>{store(*item)}.header("location", "/items/7");
///     }
template <int code, class T = void>
class Status {
  static_assert(code >= 200 && code <= 999, "umbel: a reply's status is between 200 and 999");
  static_assert(Response::may_have_body(code) || std::is_void_v<T>,
                "umbel: 204 and 304 have no body: NoContent, Status<304>");

public:
  /// What is written.
  using Value = T;

  /// Not explicit, so that a handler may return the value itself.
  Status(T value) : value_(std::move(value)) {}

  /// The value.
  const T& operator*() const noexcept { return value_; }
  /// Its members.
  const T* operator->() const noexcept { return &value_; }

  /// Adds a field. Throws as ResponseHeaders does.
  Status& header(std::string_view name, std::string_view value) & { return headers_.append(name, value), *this; }
  /// The same of a temporary.
  Status&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }
  /// For the library, which sends them.
  ResponseHeaders&& take_headers() noexcept { return std::move(headers_); }

private:
  T value_;
  ResponseHeaders headers_;
};

/// The same without a body: NoContent is one.
template <int code>
class Status<code, void> {
  static_assert(code >= 200 && code <= 999, "umbel: a reply's status is between 200 and 999");

public:
  /// There is none.
  using Value = void;

  Status() noexcept = default;

  /// Adds a field. Throws as ResponseHeaders does.
  Status& header(std::string_view name, std::string_view value) & { return headers_.append(name, value), *this; }
  /// The same of a temporary.
  Status&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }
  /// For the library, which sends them.
  ResponseHeaders&& take_headers() noexcept { return std::move(headers_); }

private:
  ResponseHeaders headers_;
};

/// 201: something is there that was not.
template <class T = void>
using Created = Status<201, T>;
/// 202: it will be done.
template <class T = void>
using Accepted = Status<202, T>;
/// 204: it is done, and there is nothing to say.
using NoContent = Status<204>;

}  // namespace umbel
