// SPDX-License-Identifier: MIT
#include "umbel/di/convert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "umbel/core/request.hpp"

namespace umbel::detail {

namespace {

// As pydantic reads numbers: without the white space around them, and std::from_chars takes no plus sign.
std::string_view bare_number(std::string_view text) noexcept {
  constexpr std::string_view space = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  text = text.substr(first, text.find_last_not_of(space) + 1 - first);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}

/// `5` of `5.0` and `5.`
std::string_view without_zero_fraction(std::string_view text) noexcept {
  const std::size_t point = text.find('.');
  const bool is_zero = point != std::string_view::npos && text.find_first_not_of('0', point + 1) == text.npos;
  return is_zero ? text.substr(0, point) : text;
}

/// What nearly all integers are: a few digits. False if it is anything else.
template <class T>
inline bool parse_digits(std::string_view text, T& out) noexcept {
  if (text.empty() || text.size() > 18) return false;
  T value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  return out = value, true;
}

template <class T>
TextError parse_integer(std::string_view text, T& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return TextError::not_an_integer;
  return error == std::errc{} ? TextError::none : TextError::too_large;
}

[[gnu::noinline]] TextError parse_unusual(std::string_view text, std::int64_t& out) noexcept {
  return parse_integer(without_zero_fraction(bare_number(text)), out);
}
[[gnu::noinline]] TextError parse_unusual(std::string_view text, std::uint64_t& out) noexcept {
  text = without_zero_fraction(bare_number(text));
  if (!text.starts_with('-')) return parse_integer(text, out);
  std::int64_t negative = 0;
  const TextError error = parse_integer(text, negative);
  out = 0;
  return error == TextError::none && negative != 0 ? TextError::too_large : error;
}

/// Whether a number that no double can hold is too small rather than too large. It is a well-formed one.
bool is_tiny(std::string_view text) noexcept {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, e);
  const std::size_t first = digits.find_first_of("123456789");
  const std::size_t point = std::min(digits.find('.'), digits.size());
  // How many places the first digit stands before the point.
  const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  std::int64_t exponent = 0;
  const std::string_view power = bare_number(text.substr(std::min(e + 1, text.size())));
  const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), exponent);
  if (error == std::errc::result_out_of_range) return power.starts_with('-');
  return exponent < -place;
}

}  // namespace

ConvertError words_for(TextError error) noexcept {
  switch (error) {
    case TextError::none:
      break;
    case TextError::not_an_integer:
      return {"int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
    case TextError::too_large:
      return {"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"};
    case TextError::not_a_number:
      return {"float_parsing", "Input should be a valid number, unable to parse string as a number"};
    case TextError::not_finite:
      return {"finite_number", "Input should be a finite number"};
    case TextError::not_a_bool:
      return {"bool_parsing", "Input should be a valid boolean, unable to interpret input"};
  }
  return {};
}

TextError parse_signed(std::string_view text, std::int64_t min, std::int64_t max, std::int64_t& out) noexcept {
  if (!parse_digits(text, out)) {
    if (const TextError error = parse_unusual(text, out); error != TextError::none) return error;
  }
  return out < min || out > max ? TextError::too_large : TextError::none;
}

TextError parse_unsigned(std::string_view text, std::uint64_t max, std::uint64_t& out) noexcept {
  if (!parse_digits(text, out)) {
    if (const TextError error = parse_unusual(text, out); error != TextError::none) return error;
  }
  return out > max ? TextError::too_large : TextError::none;
}

TextError parse_double(std::string_view text, double max, double& out) noexcept {
  text = bare_number(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return TextError::not_a_number;
  if (error != std::errc{}) {
    if (!is_tiny(text)) return TextError::not_finite;
    out = text.starts_with('-') ? -0.0 : 0.0;
  }
  return std::abs(out) <= max ? TextError::none : TextError::not_finite;
}

TextError parse_bool(std::string_view text, bool& out) noexcept {
  constexpr std::array<std::string_view, 6> yes{"true", "1", "on", "yes", "t", "y"};
  constexpr std::array<std::string_view, 6> no{"false", "0", "off", "no", "f", "n"};
  for (std::size_t i = 0; i < yes.size(); ++i) {
    if (equal_ignoring_case(text, yes[i])) return out = true, TextError::none;
    if (equal_ignoring_case(text, no[i])) return out = false, TextError::none;
  }
  return TextError::not_a_bool;
}

}  // namespace umbel::detail
