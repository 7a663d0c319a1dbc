// SPDX-License-Identifier: MIT
#pragma once
// A dependency whose failure is a value.

#include <utility>

#include "umbel/core/error.hpp"
#include "umbel/di/depends.hpp"

namespace umbel {

/// A parameter that is filled by running `provider` first, and says so if that failed. The failure, of the provider or
/// of what it needs, fails neither the node that tries nor the request, unless somebody else takes the same provider by
/// Depends.
///
///     Task<Response> page(Try<recommendations> also) {
///       if (!also.ok()) co_return plain_page();
///       co_return page_with(*also);
///     }
///
/// Reads like a `const Result<T>`.
template <auto& provider, auto... options>
class Try {
public:
  using Value = Made<provider>;

  /// The resolver calls this. A unit test may too, with what outlives us.
  explicit constexpr Try(const Value& value) noexcept : value_(&value) {}
  /// The provider failed. The error outlives this.
  explicit constexpr Try(const Error& error) noexcept : error_(&error) {}

  /// The provider made its value.
  constexpr bool ok() const noexcept { return error_ == nullptr; }
  /// The same.
  explicit constexpr operator bool() const noexcept { return ok(); }
  /// Rethrows the error if there is no value.
  const Value& value() const {
    if (error_) error_->rethrow();
    return *value_;
  }
  const Value& operator*() const { return value(); }
  const Value* operator->() const { return &value(); }
  /// Only if !ok().
  constexpr const Error& error() const noexcept { return *error_; }

private:
  const Value* value_ = nullptr;
  const Error* error_ = nullptr;  // Lives as long as the request.
};

/// Of a provider that makes nothing.
template <auto& provider, auto... options>
  requires std::is_void_v<Made<provider>>
class Try<provider, options...> {
public:
  using Value = void;

  constexpr Try() noexcept = default;
  /// The provider failed. The error outlives this.
  explicit constexpr Try(const Error& error) noexcept : error_(&error) {}

  /// The provider did not fail.
  constexpr bool ok() const noexcept { return error_ == nullptr; }
  /// The same.
  explicit constexpr operator bool() const noexcept { return ok(); }
  /// Rethrows the error, if there is one.
  void value() const {
    if (error_) error_->rethrow();
  }
  /// Only if !ok().
  constexpr const Error& error() const noexcept { return *error_; }

private:
  const Error* error_ = nullptr;
};

template <auto& provider, auto... options>
struct ParameterTraits<Try<provider, options...>>
    : detail::EdgeTraits<Try<provider, options...>, provider, detail::Take::attempt, options...> {
  static Try<provider, options...> get(detail::Resolver& resolver, const detail::Step&, detail::Input input) noexcept {
    using P = Try<provider, options...>;
    if (const Error* const error = resolver.failure(input)) return P{*error};
    if constexpr (std::is_void_v<Made<provider>>) return P{};
    else return P{resolver.value<Made<provider>>(input)};
  }
};

}  // namespace umbel
