// SPDX-License-Identifier: MIT
#pragma once
// A member of a model whose values have bounds.

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/json/constraints.hpp"

namespace umbel {

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T, class Allocator>
inline constexpr bool is_vector<std::vector<T, Allocator>> = true;

template <class T, class Option>
constexpr bool can_constrain() noexcept {
  if constexpr (!Constraint<Option>) return false;
  else if constexpr (Option::umbel_constrains == Constrains::number)
    return NumberType<T> && Option::has_number && Option::has_step && (Option::is_whole || !std::is_integral_v<T>);
  else if constexpr (Option::umbel_constrains == Constrains::length) return TextType<T> || is_vector<T>;
  else return TextType<T> && Option::error == PatternError::none;
}

}  // namespace detail

/// A T that has been checked when it was read: `ge`, `gt`, `le`, `lt` and `multiple_of` are for numbers, `min_length`
/// and `max_length` for text and std::vector, `pattern` for text.
///
///     struct Line {
///       Bounded<int, ge<1>, le<100>> count;
///       Text<min_length<1>, max_length<80>> title;
///       Constrained<std::vector<std::string>, max_length<8>> tags;
///     };
///
/// In the program it is a T: what is put into it there is not checked, nor is what is written.
template <class T, auto... constraints>
class Constrained {
  static_assert(
      (detail::can_constrain<T, detail::OptionType<constraints>>() && ...),
      "umbel: this constraint is none for a member of this type: ge, gt, le, lt and multiple_of are for numbers "
      "(whole ones for integers), min_length and max_length for text and std::vector, pattern for text");

public:
  /// What it holds.
  using Value = T;

  /// Holds a T{}.
  Constrained() = default;
  /// Any value, which is not checked.
  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Constrained>)
  constexpr explicit(!std::is_convertible_v<U&&, T>) Constrained(U&& value) : value_(std::forward<U>(value)) {}

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
  bool operator==(const Constrained&) const = default;

private:
  T value_{};  // Nothing else: it is read and written where it lies, as its value.
};

/// A number with bounds.
template <class Number, auto... constraints>
  requires detail::NumberType<Number>
using Bounded = Constrained<Number, constraints...>;

/// A std::string with bounds on its length, in code points, or with a pattern.
template <auto... constraints>
using Text = Constrained<std::string, constraints...>;

}  // namespace umbel
