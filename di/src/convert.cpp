// SPDX-License-Identifier: MIT
#include "umbel/di/convert.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "umbel/core/request.hpp"

namespace umbel::detail {

namespace {

constexpr ConvertError not_an_integer{"int_parsing",
                                      "Input should be a valid integer, unable to parse string as an integer"};
constexpr ConvertError too_large{"int_parsing_size",
                                 "Unable to parse input string as an integer, exceeded maximum size"};
constexpr ConvertError not_a_number{"float_parsing",
                                    "Input should be a valid number, unable to parse string as a number"};
constexpr ConvertError not_finite{"finite_number", "Input should be a finite number"};
constexpr ConvertError not_a_bool{"bool_parsing", "Input should be a valid boolean, unable to interpret input"};

// std::from_chars takes no plus sign.
std::string_view without_plus(std::string_view text) noexcept {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
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
ConvertError parse_integer(std::string_view text, T& out) noexcept {
  text = without_plus(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return not_an_integer;
  return error == std::errc{} ? ConvertError{} : too_large;
}

}  // namespace

ConvertError parse_signed(std::string_view text, std::int64_t min, std::int64_t max, std::int64_t& out) noexcept {
  if (!parse_digits(text, out)) {
    if (const ConvertError error = parse_integer(text, out)) return error;
  }
  return out < min || out > max ? too_large : ConvertError{};
}

ConvertError parse_unsigned(std::string_view text, std::uint64_t max, std::uint64_t& out) noexcept {
  if (!text.empty() && text[0] == '-') {
    std::int64_t negative = 0;
    const ConvertError error = parse_integer(text, negative);
    out = 0;
    if (error || negative != 0) return error ? error : too_large;
    return {};
  }
  if (!parse_digits(text, out)) {
    if (const ConvertError error = parse_integer(text, out)) return error;
  }
  return out > max ? too_large : ConvertError{};
}

ConvertError parse_double(std::string_view text, double max, double& out) noexcept {
  text = without_plus(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return not_a_number;
  return error == std::errc{} && std::abs(out) <= max ? ConvertError{} : not_finite;
}

ConvertError parse_bool(std::string_view text, bool& out) noexcept {
  constexpr std::array<std::string_view, 6> yes{"true", "1", "on", "yes", "t", "y"};
  constexpr std::array<std::string_view, 6> no{"false", "0", "off", "no", "f", "n"};
  for (std::size_t i = 0; i < yes.size(); ++i) {
    if (equal_ignoring_case(text, yes[i])) return out = true, ConvertError{};
    if (equal_ignoring_case(text, no[i])) return out = false, ConvertError{};
  }
  return not_a_bool;
}

}  // namespace umbel::detail
