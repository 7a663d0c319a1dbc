// SPDX-License-Identifier: MIT
#pragma once
// A member of a model that may be absent.

#include <type_traits>
#include <utility>

namespace umbel {

/// A member that keeps what its initialiser says if the document has none:
///
///     struct Item {
///       std::string name;
///       Defaulted<std::string> currency = "EUR";
///       Defaulted<int> count = 1;
///       Defaulted<std::vector<std::string>> tags;  // Empty.
///     };
///
/// Written around the type, since no program can see whether a plain member has an initialiser: those are required.
/// Unlike an std::optional, it does not take null.
template <class T>
class Defaulted {
public:
  /// What it holds.
  using Value = T;

  /// Holds a T{}.
  Defaulted() = default;
  /// The default, or any other value.
  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Defaulted>)
  constexpr explicit(!std::is_convertible_v<U&&, T>) Defaulted(U&& value) : value_(std::forward<U>(value)) {}

  /// The value.
  constexpr const T& operator*() const& noexcept { return value_; }
  /// The value, to be changed.
  constexpr T& operator*() & noexcept { return value_; }
  /// The value of a temporary.
  constexpr T&& operator*() && noexcept { return std::move(value_); }
  /// The value's members.
  constexpr const T* operator->() const noexcept { return &value_; }
  /// The same.
  constexpr T* operator->() noexcept { return &value_; }
  /// Where a T is wanted.
  constexpr operator const T&() const noexcept { return value_; }

  /// Of the values.
  bool operator==(const Defaulted&) const = default;

private:
  T value_{};  // Nothing else: a Defaulted is read and written where it lies, as its value.
};

}  // namespace umbel
