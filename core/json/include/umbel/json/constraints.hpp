// SPDX-License-Identifier: MIT
#pragma once
// What the value of a parameter or of a model's member has to be, written behind its type in any order:
// Query<"limit", int, 20, ge<1>, le<100>>, Bounded<int, ge<1>, le<100>>.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/json/detail/character_type.hpp"
#include "umbel/json/fixed_string.hpp"
#include "umbel/json/pattern.hpp"

namespace umbel {

namespace detail {

template <class T>
concept NumberType = std::is_arithmetic_v<T> && !std::same_as<T, bool> && !CharacterType<T>;
template <class T>
concept TextType = std::same_as<T, std::string> || std::same_as<T, std::string_view>;

/// What a constraint is given. One of four; no variant, which every program would pay for when it is compiled.
struct Bound {
  enum class Kind : std::uint8_t { negative, whole, fraction, text };

  constexpr Bound(std::int64_t value) noexcept
      : kind(value < 0 ? Kind::negative : Kind::whole), whole(static_cast<std::uint64_t>(value)) {}
  constexpr Bound(std::uint64_t value) noexcept : kind(Kind::whole), whole(value) {}
  constexpr Bound(double value) noexcept : kind(Kind::fraction), fraction(value) {}
  constexpr Bound(std::string_view value) noexcept : kind(Kind::text), text(value) {}

  /// Calls `see` with what it is.
  constexpr decltype(auto) visit(auto&& see) const {
    switch (kind) {
      case Kind::negative:
        return see(static_cast<std::int64_t>(whole));
      case Kind::whole:
        return see(whole);
      case Kind::fraction:
        return see(fraction);
      default:
        return see(text);
    }
  }

  Kind kind;
  std::uint64_t whole = 0;  // Negative ones modulo 2^64.
  double fraction = 0;
  std::string_view text;
};

/// What a broken constraint says: FastAPI's type, the message around the bound, and the bound's name in `ctx`.
struct Violation {
  std::string_view type;
  std::string_view key;
  std::string_view before;
  std::string_view after;
  Bound bound;
};

/// As pydantic writes it. Of a list's size, the size itself has to follow.
std::string message_of(const Violation& broken);

template <class A, class B>
constexpr bool is_less(A a, B b) noexcept {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) return std::cmp_less(a, b);
  else return static_cast<std::common_type_t<A, B, double>>(a) < static_cast<std::common_type_t<A, B, double>>(b);
}

constexpr bool is_multiple(long double value, long double of) noexcept {
  // As pydantic does: 0.3 is a multiple of 0.1, though its nearest double is not.
  const long double ratio = value / of;
  if (!(ratio < 9e18L && ratio > -9e18L)) return true;  // Beyond the precision that could tell.
  const long double rest = value - of * static_cast<long double>(static_cast<std::int64_t>(ratio));
  const long double off = rest < 0 ? -rest : rest;
  const long double tolerance = (value < 0 ? -value : value) / 1e9L;
  return off <= tolerance || (off > of ? off - of : of - off) <= tolerance;
}

struct GreaterEqual {
  static constexpr std::string_view type = "greater_than_equal";
  static constexpr std::string_view key = "ge";
  static constexpr std::string_view words = "Input should be greater than or equal to ";
  static constexpr bool holds(auto value, auto bound) noexcept { return !is_less(value, bound); }
};
struct Greater {
  static constexpr std::string_view type = "greater_than";
  static constexpr std::string_view key = "gt";
  static constexpr std::string_view words = "Input should be greater than ";
  static constexpr bool holds(auto value, auto bound) noexcept { return is_less(bound, value); }
};
struct LessEqual {
  static constexpr std::string_view type = "less_than_equal";
  static constexpr std::string_view key = "le";
  static constexpr std::string_view words = "Input should be less than or equal to ";
  static constexpr bool holds(auto value, auto bound) noexcept { return !is_less(bound, value); }
};
struct Less {
  static constexpr std::string_view type = "less_than";
  static constexpr std::string_view key = "lt";
  static constexpr std::string_view words = "Input should be less than ";
  static constexpr bool holds(auto value, auto bound) noexcept { return is_less(value, bound); }
};
struct MultipleOf {
  static constexpr std::string_view type = "multiple_of";
  static constexpr std::string_view key = "multiple_of";
  static constexpr std::string_view words = "Input should be a multiple of ";
  template <class T, class B>
  static constexpr bool holds(T value, B bound) noexcept {
    if constexpr (!std::is_integral_v<T>) return is_multiple(value, bound);
    else if constexpr (std::is_signed_v<T>) return std::int64_t{value} % static_cast<std::int64_t>(bound) == 0;
    else return std::uint64_t{value} % static_cast<std::uint64_t>(bound) == 0;
  }
};

enum class Constrains : std::uint8_t { number, length, text };

/// `ge<1>` and its like. Of several that are broken, pydantic tells of multiple_of first.
template <class Relation, auto bound>
struct NumberConstraint {
  static constexpr Constrains umbel_constrains = Constrains::number;
  static constexpr bool comes_first = std::same_as<Relation, MultipleOf>;
  static constexpr bool is_whole = std::is_integral_v<std::remove_cvref_t<decltype(bound)>>;
  static constexpr bool has_number = NumberType<std::remove_cvref_t<decltype(bound)>>;
  static constexpr bool has_step = !std::same_as<Relation, MultipleOf> || bound > 0;

  template <class T>
  static constexpr bool holds(T value) noexcept {
    return Relation::holds(value, bound);
  }
  template <class T>
  static constexpr Violation violation() noexcept {
    return {Relation::type, Relation::key, Relation::words, {}, bound_for<T>()};
  }

private:
  // As pydantic keeps it: a number of the parameter's kind.
  template <class T>
  static constexpr Bound bound_for() noexcept {
    if constexpr (std::is_floating_point_v<T>) return static_cast<double>(bound);
    else if constexpr (std::is_signed_v<decltype(bound)>) return static_cast<std::int64_t>(bound);
    else return static_cast<std::uint64_t>(bound);
  }
};

/// As Python's len counts: code points, in place of bytes.
constexpr std::size_t code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

struct AtLeast {
  static constexpr std::string_view type = "string_too_short";
  static constexpr std::string_view list_type = "too_short";
  static constexpr std::string_view key = "min_length";
  static constexpr std::string_view words = "String should have at least ";
  static constexpr std::string_view list_words = "List should have at least ";
  static constexpr bool holds(std::size_t size, std::size_t length) noexcept { return size >= length; }
};
struct AtMost {
  static constexpr std::string_view type = "string_too_long";
  static constexpr std::string_view list_type = "too_long";
  static constexpr std::string_view key = "max_length";
  static constexpr std::string_view words = "String should have at most ";
  static constexpr std::string_view list_words = "List should have at most ";
  static constexpr bool holds(std::size_t size, std::size_t length) noexcept { return size <= length; }
};

/// `min_length<3>` and `max_length<50>`.
template <class Relation, std::size_t length>
struct LengthConstraint {
  static constexpr Constrains umbel_constrains = Constrains::length;
  static constexpr bool comes_first = true;

  static constexpr bool holds_for(std::size_t size) noexcept { return Relation::holds(size, length); }
  static constexpr bool holds(std::string_view text) noexcept { return holds_for(code_points(text)); }
  template <class T>
  static constexpr Violation violation() noexcept {
    return {Relation::type, Relation::key, Relation::words, length == 1 ? " character" : " characters",
            std::uint64_t{length}};
  }
  static constexpr Violation list_violation() noexcept {
    return {Relation::list_type, Relation::key, Relation::list_words,
            length == 1 ? " item after validation, not " : " items after validation, not ", std::uint64_t{length}};
  }
};

template <FixedString text>
struct PatternConstraint {
  using Compiled = CompiledPattern<text>;
  static constexpr Constrains umbel_constrains = Constrains::text;
  static constexpr PatternError error = Compiled::sizes.error;
  static constexpr bool comes_first = false;

  static constexpr bool holds(std::string_view value) noexcept { return Compiled::found_in(value); }
  template <class T>
  static constexpr Violation violation() noexcept {
    return {"string_pattern_mismatch", "pattern", "String should match pattern '", "'", text.view()};
  }
};

template <class Option>
concept Constraint = requires { Option::umbel_constrains; };
template <auto option>
using OptionType = std::remove_cvref_t<decltype(option)>;

/// Whether the option can speak of a T at all.
template <class Option, class T>
constexpr bool fits() {
  if constexpr (!Constraint<Option>) return true;
  else if constexpr (Option::umbel_constrains == Constrains::number) return NumberType<T>;
  else return TextType<T>;
}

template <class T, class Option>
inline constexpr Violation violation_of = Option::template violation<T>();
template <class Option>
inline constexpr Violation list_violation_of = Option::list_violation();

/// What the constraints among the options say of a value.
template <class T, auto... options>
struct Constraints {
  /// The first that the value breaks, or null. `lengths`: those of the value itself, not of the list it stands in.
  template <bool lengths = true, class Value>
  static constexpr const Violation* broken_by(const Value& value) noexcept {
    const Violation* broken = nullptr;
    [[maybe_unused]] const auto check = [&]<class Option>(const Option&, bool first) {
      if constexpr (Constraint<Option> && fits<Option, T>()) {
        if constexpr (lengths || Option::umbel_constrains != Constrains::length) {
          if (!broken && Option::comes_first == first && !Option::holds(value)) broken = &violation_of<T, Option>;
        }
      }
    };
    (check(options, true), ...);
    (check(options, false), ...);
    return broken;
  }

  /// The same for a list's size.
  static constexpr const Violation* broken_by_size(std::size_t size) noexcept {
    const Violation* broken = nullptr;
    [[maybe_unused]] const auto check = [&]<class Option>(const Option&) {
      if constexpr (Constraint<Option>) {
        if constexpr (Option::umbel_constrains == Constrains::length) {
          if (!broken && !Option::holds_for(size)) broken = &list_violation_of<Option>;
        }
      }
    };
    (check(options), ...);
    return broken;
  }
};

}  // namespace detail

/// Options of a parameter that is a number: greater than or equal, greater, less than or equal, less. The bound is a
/// whole number if the parameter is one. A value that breaks it is a 422, `greater_than_equal` and so on.
///
///     Query<"limit", int, 20, ge<1>, le<100>>
template <auto bound>
inline constexpr detail::NumberConstraint<detail::GreaterEqual, bound> ge{};
/// Greater: as `ge`.
template <auto bound>
inline constexpr detail::NumberConstraint<detail::Greater, bound> gt{};
/// Less than or equal: as `ge`.
template <auto bound>
inline constexpr detail::NumberConstraint<detail::LessEqual, bound> le{};
/// Less: as `ge`.
template <auto bound>
inline constexpr detail::NumberConstraint<detail::Less, bound> lt{};

/// A number that `step` divides. Of floating point to within a billionth of the value, as pydantic has it: 0.3 is a
/// multiple of 0.1.
template <auto step>
inline constexpr detail::NumberConstraint<detail::MultipleOf, step> multiple_of{};

/// Options of a parameter that is text: its length in code points, as Python's `len` counts (a byte that is no UTF-8
/// counts as one, if it does not continue a character). Of a std::vector they count its elements.
template <std::size_t length>
inline constexpr detail::LengthConstraint<detail::AtLeast, length> min_length{};
/// At the most: as `min_length`.
template <std::size_t length>
inline constexpr detail::LengthConstraint<detail::AtMost, length> max_length{};

/// An option of a parameter that is text: a regular expression that must match somewhere in it; anchor it with ^ and $
/// to mean all of it. Compiled with the program: one that is wrong does not compile.
///
///     Query<"code", std::string_view, pattern<"^[a-z]{3}-\\d+$">>
///
/// It has what Rust's regex crate, which FastAPI uses, and ECMAScript have in common: literals, `.` (no line feed),
/// classes, groups, `|`, `* + ? {n} {n,} {n,m}` and their lazy forms, `^ $ \A \z` (of the whole text), `\b \B`,
/// `\d \w \s` and their opposites (of ASCII), `\n \t \r \f \v \xHH \uHHHH \x{...}`. It has no look-around, back
/// references, flags or `\p{...}`. A character is a code point. The time is bounded by the text's length times the
/// pattern's, whatever a client sends.
template <FixedString text>
inline constexpr detail::PatternConstraint<text> pattern{};

}  // namespace umbel
