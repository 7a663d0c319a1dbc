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

TEST(Convert, TakesIntegersAsPydanticWritesThem) {
  for (const char* text : {"+5", " 5", "5 ", "\t5\r\n", "5.0", "5.", " +5.000 "}) {
    EXPECT_EQ(converted<int>(text), 5) << text;
    EXPECT_EQ(converted<unsigned>(text), 5u) << text;
  }
  EXPECT_EQ(converted<int>("-5.0"), -5);
  EXPECT_EQ(converted<unsigned>(" -0.0"), 0u);
}

TEST(Convert, RefusesWhatIsNoInteger) {  // Rule 30.
  for (const char* text : {"", " ", "abc", "1.5", "1e3", "1 2", "0x10", "+", "-", "+-1", "--1", "- 1", "1_000", ".0",
                           ".", "1.0.0", "5.00x"}) {
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

TEST(Convert, TakesNumbersAsPydanticWritesThem) {
  for (const char* text : {" 1.5", "1.5 ", "+1.5", "15e-1", "\n1.5"}) EXPECT_EQ(converted<double>(text), 1.5) << text;
  EXPECT_EQ(converted<double>("1."), 1.0);
  EXPECT_EQ(converted<double>(".5"), 0.5);
  for (const char* text : {"1.5 2", "1e", "+-1.5", "1_0.5", "0x1p3", "-", "."})
    EXPECT_EQ(error_of<double>(text), "float_parsing") << text;
}

TEST(Convert, MakesZeroOfWhatIsTooSmall) {
  const std::string long_zero = "0." + std::string(400, '0') + "1";
  const std::string long_one = "0." + std::string(400, '0') + "1e401";
  for (const char* text : {"1e-400", "-1e-400", "0.001e-330", "123456e-99999999999999999999", long_zero.c_str()})
    EXPECT_EQ(converted<double>(text), 0.0) << text;
  EXPECT_EQ(converted<double>(long_one.c_str()), 1.0);
  EXPECT_EQ(converted<double>("4.9e-324"), 4.9e-324);
  EXPECT_EQ(converted<float>("1e-300"), 0.0f);
  const std::string huge = "1" + std::string(400, '0');
  for (const char* text : {"1e400", "-1E+400", "1e99999999999999999999", "0.0001e+315", huge.c_str()})
    EXPECT_EQ(error_of<double>(text), "finite_number") << text;
}

TEST(Convert, RefusesANumberBeyondItsType) { EXPECT_EQ(error_of<float>("1e300"), "finite_number"); }

TEST(Convert, TakesTheWordsForABool) {
  for (const char* text : {"true", "True", "1", "on", "YES", "t", "y"}) EXPECT_EQ(converted<bool>(text), true) << text;
  for (const char* text : {"false", "0", "off", "No", "F", "n"}) EXPECT_EQ(converted<bool>(text), false) << text;
  for (const char* text : {"", "2", "maybe"}) EXPECT_EQ(error_of<bool>(text), "bool_parsing") << text;
}

enum class Fruit : unsigned char { apple, pear = 7, plum = 255 };
enum class Level { low = -128, high = 127, beyond = 128 };
enum Plain : int { one = 1, uno = 1, two };

TEST(Convert, TakesEnumeratorsByName) {
  EXPECT_EQ(converted<Fruit>("apple"), Fruit::apple);
  EXPECT_EQ(converted<Fruit>("plum"), Fruit::plum);
  EXPECT_EQ(converted<Level>("low"), Level::low);
  EXPECT_EQ(converted<Level>("high"), Level::high);
  EXPECT_EQ(converted<Plain>("two"), two);
  for (const char* text : {"", "Apple", "apple ", "0", "Fruit::apple", "apple', 'pear"})
    EXPECT_EQ(error_of<Fruit>(text), "enum") << text;
  EXPECT_EQ(error_of<Level>("beyond"), "enum") << "out of what is looked at";
}

TEST(Convert, NamesTheEnumeratorsThatItExpects) {  // Rule 30.
  std::optional<Fruit> out;
  const ConvertError error = FromText<Fruit>::convert("kiwi", out);

  EXPECT_EQ(error.message, "Input should be 'apple', 'pear' or 'plum'");
  EXPECT_EQ(error.expected, "'apple', 'pear' or 'plum'");
}

TEST(Convert, TakesTextAsItIs) {
  EXPECT_EQ(converted<std::string>(""), "");
  EXPECT_EQ(converted<std::string_view>(" a "), " a ");
}

}  // namespace
}  // namespace umbel::test
