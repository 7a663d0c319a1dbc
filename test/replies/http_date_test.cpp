// SPDX-License-Identifier: MIT
#include "umbel/core/http_date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace umbel {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
constexpr sys_seconds example{seconds{784'111'777}};  // Of RFC 9110 section 5.6.7.

TEST(HttpDate, IsWrittenAsTheRfcWantsIt) {
  EXPECT_EQ(to_http_date(example), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(to_http_date(sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDate, IsReadInThreeForms) {
  EXPECT_EQ(http_date_from("Sun, 06 Nov 1994 08:49:37 GMT"), example);
  EXPECT_EQ(http_date_from("Sunday, 06-Nov-94 08:49:37 GMT"), example);
  EXPECT_EQ(http_date_from("Sun Nov  6 08:49:37 1994"), example);
  EXPECT_EQ(http_date_from("Wed Nov 16 08:49:37 1994"), example + std::chrono::days{10});
}

TEST(HttpDate, OfTwoDigitsLiesNotMoreThan50YearsAhead) {
  const sys_seconds now = *http_date_from("Thu, 01 Jan 2026 00:00:00 GMT");

  EXPECT_EQ(http_date_from("Sunday, 06-Nov-94 08:49:37 GMT", now), example);
  EXPECT_EQ(http_date_from("Friday, 06-Nov-26 08:49:37 GMT", now), http_date_from("Fri, 06 Nov 2026 08:49:37 GMT"));
}

TEST(HttpDate, ThatIsMalformedIsNone) {
  for (const char* text :
       {"", "now", "0", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(http_date_from(text), std::nullopt) << text;
}

TEST(HttpDate, ComesBackAsItWent) {
  for (std::int64_t second = 0; second < 4'102'444'800; second += 7'654'321)
    EXPECT_EQ(http_date_from(to_http_date(sys_seconds{seconds{second}})), sys_seconds{seconds{second}});
}

}  // namespace
}  // namespace umbel
