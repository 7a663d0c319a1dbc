// SPDX-License-Identifier: MIT
#include "urlencoded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace umbel::detail {
namespace {

std::string told(std::string_view body, std::size_t size, std::size_t limit = 100) {
  UrlencodedReader reader{limit};
  std::string text;
  for (bool is_over = false; !is_over;) {
    const std::string piece{body.substr(0, size)};
    body.remove_prefix(piece.size());
    is_over = piece.empty();
    if (is_over) reader.end();
    reader.feed(piece);
    PairEvent event = reader.next();
    for (; event == PairEvent::pair; event = reader.next())
      text += '[' + std::string{reader.name()} + '|' + std::string{reader.value()} + ']';
    if (event == PairEvent::too_long) return text + "LONG";
  }
  return text;
}

std::string told(std::string_view body) {
  const std::string whole = told(body, body.size() + 1);
  for (std::size_t size = 1; size <= body.size(); ++size) EXPECT_EQ(told(body, size), whole) << "pieces of " << size;
  return whole;
}

TEST(Urlencoded, HasPairs) {
  EXPECT_EQ(told("a=1&b=2"), "[a|1][b|2]");
  EXPECT_EQ(told("a=1=2&b"), "[a|1=2][b|]");
  EXPECT_EQ(told("=1&a="), "[|1][a|]");
  EXPECT_EQ(told("a+b=%20&%"), "[a+b|%20][%|]") << "as they were sent";
}

TEST(Urlencoded, HasNoEmptyPairs) {
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("&&&"), "");
  EXPECT_EQ(told("&a=1&&b=2&"), "[a|1][b|2]");
}

TEST(Urlencoded, HasPairsOfALimitedSize) {
  const std::string pair(100, 'x');
  EXPECT_EQ(told(pair), '[' + pair + "|]");
  EXPECT_EQ(told("a&" + pair + "x&b"), "[a|]LONG");
}

}  // namespace
}  // namespace umbel::detail
