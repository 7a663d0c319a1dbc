// SPDX-License-Identifier: MIT
#include "umbel/di/convert.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace umbel::test {
namespace {

template <class T>
std::optional<T> converted(std::string_view text) {
  std::optional<T> out;
  const ConvertError error = FromText<T>::convert(text, out);
  EXPECT_EQ(static_cast<bool>(error), !out.has_value()) << text;
  return out;
}
template <class T>
std::string error_of(std::string_view text) {
  std::optional<T> out;
  return std::string{FromText<T>::convert(text, out).type};
}

TEST(Convert, TakesIntegersWithinTheirType) {
  EXPECT_EQ(converted<int>("-12"), -12);
  EXPECT_EQ(converted<int>("+12"), 12);
  EXPECT_EQ(converted<int>("007"), 7);
  EXPECT_EQ(converted<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(converted<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(converted<std::uint8_t>("255"), 255);
  EXPECT_EQ(converted<std::int8_t>("-128"), -128);
  EXPECT_EQ(converted<unsigned>("-0"), 0u);
}

template <class T>
void expect_every_length() {
  using Limits = std::numeric_limits<T>;
  std::string digits;
  for (int size = 1; size <= Limits::digits10 + 2; ++size) {
    digits += static_cast<char>('0' + size % 10);
    const std::string zeros(digits.size(), '0');
    const bool fits =
        size <= Limits::digits10 || (size == Limits::digits10 + 1 && digits <= std::to_string(Limits::max()));
    EXPECT_EQ(error_of<T>(digits), fits ? "" : "int_parsing_size") << digits;
    if (fits) {
      EXPECT_EQ(converted<T>(digits), static_cast<T>(std::stoull(digits)));
    }
    EXPECT_EQ(converted<T>(zeros), T{0});
    for (std::size_t place = 0; place < digits.size(); ++place) {
      for (const char c : {'/', ':', 'a', '\0', '\xb9'}) {
        std::string broken = zeros;
        broken[place] = c;
        EXPECT_EQ(error_of<T>(broken), "int_parsing") << broken;
      }
    }
  }
  EXPECT_EQ(converted<T>(std::to_string(Limits::max())), Limits::max());
  EXPECT_EQ(converted<T>(std::to_string(Limits::min())), Limits::min());
}

TEST(Convert, TakesDigitsUpToTheLengthOfTheType) {
  expect_every_length<std::int8_t>();
  expect_every_length<std::uint8_t>();
  expect_every_length<std::int16_t>();
  expect_every_length<std::uint16_t>();
  expect_every_length<std::int32_t>();
  expect_every_length<std::uint32_t>();
  expect_every_length<std::int64_t>();
  expect_every_length<std::uint64_t>();
}

TEST(Convert, RefusesWhatIsNoInteger) {
  for (const char* text : {"", "abc", "1.5", "1e3", " 1", "1 ", "0x10", "+", "-", "+-1", "--1", "1_000"}) {
    EXPECT_EQ(error_of<int>(text), "int_parsing") << text;
    EXPECT_EQ(error_of<unsigned>(text), "int_parsing") << text;
  }
}

TEST(Convert, RefusesIntegersBeyondTheirType) {
  EXPECT_EQ(error_of<int>("2147483648"), "int_parsing_size");
  EXPECT_EQ(error_of<std::int64_t>("9223372036854775808"), "int_parsing_size");
  EXPECT_EQ(error_of<std::uint64_t>("18446744073709551616"), "int_parsing_size");
  EXPECT_EQ(error_of<std::uint8_t>("256"), "int_parsing_size");
  EXPECT_EQ(error_of<std::int8_t>("-129"), "int_parsing_size");
  EXPECT_EQ(error_of<unsigned>("-1"), "int_parsing_size");
}

TEST(Convert, TakesNumbers) {
  EXPECT_EQ(converted<double>("1.5"), 1.5);
  EXPECT_EQ(converted<double>("+1e3"), 1000.0);
  EXPECT_EQ(converted<float>("-0.25"), -0.25f);
  for (const char* text : {"", "x", "1.5x", "1,5"}) EXPECT_EQ(error_of<double>(text), "float_parsing") << text;
  for (const char* text : {"inf", "-inf", "nan", "1e999"}) EXPECT_EQ(error_of<double>(text), "finite_number") << text;
}

TEST(Convert, RefusesANumberBeyondItsType) { EXPECT_EQ(error_of<float>("1e300"), "finite_number"); }

TEST(Convert, TakesTheWordsForABool) {
  for (const char* text : {"true", "True", "1", "on", "YES", "t", "y"}) EXPECT_EQ(converted<bool>(text), true) << text;
  for (const char* text : {"false", "0", "off", "No", "F", "n"}) EXPECT_EQ(converted<bool>(text), false) << text;
  for (const char* text : {"", "2", "maybe"}) EXPECT_EQ(error_of<bool>(text), "bool_parsing") << text;
}

TEST(Convert, TakesTextAsItIs) {
  EXPECT_EQ(converted<std::string>(""), "");
  EXPECT_EQ(converted<std::string_view>(" a "), " a ");
}

}  // namespace
}  // namespace umbel::test
