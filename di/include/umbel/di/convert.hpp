// SPDX-License-Identifier: MIT
#pragma once
// From text to a parameter's type. Specialise FromText for types of your own.

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "umbel/json/detail/character_type.hpp"
#include "umbel/json/detail/enum_names.hpp"

namespace umbel {

/// Why a text is not what it should be; FastAPI's `type` and `msg`. All are literals.
struct ConvertError {
  std::string_view type;           // Empty: no error.
  std::string_view message;        // "Input should be a valid integer, ..."
  std::string_view expected = {};  // What `ctx` says of it: {"expected": "'a', 'b' or 'c'"}. Empty: there is none.
  /// Something is wrong with the text.
  explicit operator bool() const noexcept { return !type.empty(); }
};

/// How a text parameter becomes a T. Specialise it for your own type: `static ConvertError convert(std::string_view
/// text, std::optional<T>& out)`. It is pure, and may run before any node does.
template <class T>
struct FromText;

namespace detail {

enum class TextError : std::uint8_t { none, not_an_integer, too_large, not_a_number, not_finite, not_a_bool };

TextError parse_signed(std::string_view text, std::int64_t min, std::int64_t max, std::int64_t& out) noexcept;
TextError parse_unsigned(std::string_view text, std::uint64_t max, std::uint64_t& out) noexcept;
TextError parse_double(std::string_view text, double max, double& out) noexcept;
TextError parse_bool(std::string_view text, bool& out) noexcept;

/// In FastAPI's words.
ConvertError words_for(TextError error) noexcept;

/// What nearly all integers are: digits alone, so few that they fit any T of this width. False if it is anything else.
template <std::integral T>
constexpr bool convert_few_digits(std::string_view text, std::optional<T>& out) noexcept {
  if (text.size() - 1 >= std::numeric_limits<T>::digits10) return false;  // Without text, the difference wraps.
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  out = static_cast<T>(value);
  return true;
}

}  // namespace detail

/// Any text, as it came.
template <>
struct FromText<std::string_view> {
  /// Any text; what it refers to is the request's.
  static ConvertError convert(std::string_view text, std::optional<std::string_view>& out) noexcept {
    out = text;
    return {};
  }
};

/// Any text, copied.
template <>
struct FromText<std::string> {
  /// Never an error.
  static ConvertError convert(std::string_view text, std::optional<std::string>& out) {
    out.emplace(text);
    return {};
  }
};

/// true, 1, on, yes, t, y and their opposites, in any case.
template <>
struct FromText<bool> {
  /// An error where something else is there.
  static ConvertError convert(std::string_view text, std::optional<bool>& out) noexcept {
    bool value = false;
    if (const auto error = detail::parse_bool(text, value); error != detail::TextError::none)
      return detail::words_for(error);
    out = value;
    return {};
  }
};

/// Decimal, with an optional sign, as pydantic reads it: white space around it and a fraction of zeros (`5.0`) do not
/// matter. What does not fit the type is an error. Underscores between digits are one, too, unlike pydantic's.
template <std::integral T>
  requires(!detail::CharacterType<T>)
struct FromText<T> {
  /// What the digits are read as, before it is seen whether they fit.
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  /// An error where something else is there, or the number does not fit.
  static ConvertError convert(std::string_view text, std::optional<T>& out) noexcept {
    using Limits = std::numeric_limits<T>;
    if (detail::convert_few_digits(text, out)) return {};
    Wide value = 0;
    detail::TextError error;
    if constexpr (std::is_signed_v<T>) error = detail::parse_signed(text, Limits::min(), Limits::max(), value);
    else error = detail::parse_unsigned(text, Limits::max(), value);
    if (error != detail::TextError::none) [[unlikely]]
      return detail::words_for(error);
    out = static_cast<T>(value);
    return {};
  }
};

/// Decimal or scientific, white space around it does not matter. What is too small becomes 0. Infinities, NaN and what
/// is too large are refused (`finite_number`), where pydantic takes them: JSON could not give them back.
template <std::floating_point T>
struct FromText<T> {
  /// An error where something else is there, or the number does not fit.
  static ConvertError convert(std::string_view text, std::optional<T>& out) noexcept {
    constexpr long double max = std::numeric_limits<T>::max();
    constexpr double widest = std::numeric_limits<double>::max();
    double value = 0;
    const auto error = detail::parse_double(text, max < widest ? static_cast<double>(max) : widest, value);
    if (error != detail::TextError::none) return detail::words_for(error);
    out = static_cast<T>(value);
    return {};
  }
};

namespace detail {

template <class E>
concept NamedEnum = FixedEnum<E> && (EnumNames<E>::count > 0);

}  // namespace detail

/// An enumerator by its name: `red` for `Colour::red`, in this case. The names are the compiler's, so that nothing has
/// to be written; they are found for `enum class` and `enum E : int`, for values from -128 to 127 (0 to 255 if the
/// underlying type is unsigned), and by clang not if the enum is declared inside a class template. Specialise FromText
/// for others, or for other spellings.
template <detail::NamedEnum E>
struct FromText<E> {
  /// For documents: "'a', 'b' or 'c'".
  static constexpr std::string_view umbel_names = detail::EnumNames<E>::expected;
  /// The name of an enumerator, as it is written in the program.
  static ConvertError convert(std::string_view text, std::optional<E>& out) noexcept {
    using Names = detail::EnumNames<E>;
    E value{};
    if (!Names::find(text, value)) return {"enum", Names::message, Names::expected};
    out = value;
    return {};
  }
};

/// What a text parameter may be: whatever has a FromText.
template <class T>
concept TextConvertible = requires(std::string_view text, std::optional<T>& out) {
  { FromText<T>::convert(text, out) } -> std::same_as<ConvertError>;
};

}  // namespace umbel
