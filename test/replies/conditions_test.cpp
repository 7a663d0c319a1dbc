// SPDX-License-Identifier: MIT
#include "umbel/core/conditions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "umbel/core/http_date.hpp"

namespace umbel {
namespace {

using Kind = AskedRange::Kind;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr const char* before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr const char* at = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr const char* after = "Sun, 06 Nov 1994 08:49:38 GMT";
const Validators strong{"\"a\"", http_date_from(at)};
const Validators weak{"W/\"a\"", http_date_from(at)};
const std::chrono::sys_seconds now = *http_date_from(at) + std::chrono::hours{1};

OwnedRequest with(const Fields& fields, Method method = Method::get) {
  OwnedRequest request{method, "/"};
  for (const auto& [name, value] : fields) request.header(name, value);
  return request;
}
Condition check(const Fields& fields, const Validators& validators = strong, Method method = Method::get) {
  const OwnedRequest request = with(fields, method);
  return check_conditions(request.view(), validators);
}
AskedRange range(const Fields& fields, std::uint64_t size = 100, const Validators& validators = strong) {
  const OwnedRequest request = with(fields);
  return check_range(request.view(), validators, size, now);
}
/// "first+size", "whole", "none".
std::string range_of(std::string field, std::uint64_t size = 100) {
  const AskedRange asked = range({{"Range", std::move(field)}}, size);
  if (asked.kind == Kind::whole) return "whole";
  if (asked.kind == Kind::unsatisfiable) return "none";
  return std::to_string(asked.range.first) + "+" + std::to_string(asked.range.size);
}

TEST(Conditions, HoldIfThereAreNone) { EXPECT_EQ(check({}), Condition::holds); }

TEST(Conditions, OfNoneMatchCompareWeakly) {
  for (const char* list : {"\"a\"", "W/\"a\"", "*", " * ", "\"x\", \"a\"", ",,W/\"x\",W/\"a\"", "\"x, y\",\"a\""}) {
    EXPECT_EQ(check({{"If-None-Match", list}}), Condition::not_modified) << list;
    EXPECT_EQ(check({{"If-None-Match", list}}, weak), Condition::not_modified) << list;
    EXPECT_EQ(check({{"If-None-Match", list}}, strong, Method::put), Condition::failed) << list;
  }
  for (const char* list : {"\"x\"", "a", "\"a", "a\"", "W/a", "w/\"a\"", "", "\"\"", "x \"a\"", "**"})
    EXPECT_EQ(check({{"If-None-Match", list}}), Condition::holds) << list;
}

TEST(Conditions, OfMatchCompareStrongly) {
  EXPECT_EQ(check({{"If-Match", "\"x\", \"a\""}}), Condition::holds);
  EXPECT_EQ(check({{"If-Match", "*"}}), Condition::holds);
  EXPECT_EQ(check({{"If-Match", "\"x\""}}), Condition::failed);
  EXPECT_EQ(check({{"If-Match", "W/\"a\""}}, weak), Condition::failed);
  EXPECT_EQ(check({{"If-Match", "\"a\""}}, weak), Condition::failed);
  EXPECT_EQ(check({{"If-Match", "\"x\""}, {"If-Match", "\"a\""}}), Condition::holds);
}

TEST(Conditions, OfDatesCompareTheSecond) {
  EXPECT_EQ(check({{"If-Modified-Since", before}}), Condition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", at}}), Condition::not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", after}}), Condition::not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", after}}, strong, Method::post), Condition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", "yesterday"}}), Condition::holds);
  EXPECT_EQ(check({{"If-Unmodified-Since", before}}), Condition::failed);
  EXPECT_EQ(check({{"If-Unmodified-Since", at}}), Condition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", after}, {"If-Unmodified-Since", before}}, Validators{"\"a\"", {}}),
            Condition::holds);
}

TEST(Conditions, OfTagsWinOverDates) {
  EXPECT_EQ(check({{"If-None-Match", "\"x\""}, {"If-Modified-Since", after}}), Condition::holds);
  EXPECT_EQ(check({{"If-Match", "\"a\""}, {"If-Unmodified-Since", before}}), Condition::holds);
  EXPECT_EQ(check({{"If-Match", "\"x\""}, {"If-None-Match", "\"a\""}}), Condition::failed);
}

TEST(Range, IsReadAsTheRfcWantsIt) {
  EXPECT_EQ(range_of("bytes=0-0"), "0+1");
  EXPECT_EQ(range_of("bytes=10-19"), "10+10");
  EXPECT_EQ(range_of("bytes=90-"), "90+10");
  EXPECT_EQ(range_of("bytes=-10"), "90+10");
  EXPECT_EQ(range_of("bytes=-1000"), "0+100");
  EXPECT_EQ(range_of("bytes=90-1000"), "90+10");
  EXPECT_EQ(range_of("Bytes= , 5-6 ,"), "5+2");
  EXPECT_EQ(range_of("bytes=0-99999999999999999999999999"), "0+100");
  EXPECT_EQ(range_of("bytes=-99999999999999999999999999"), "0+100");
}

TEST(Range, ThatLiesOutsideIsUnsatisfiable) {
  for (const char* field : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-", "bytes=100-,-0"})
    EXPECT_EQ(range_of(field), "none") << field;
  EXPECT_EQ(range_of("bytes=0-", 0), "none");
  EXPECT_EQ(range_of("bytes=-5", 0), "none");
}

TEST(Range, ThatIsMalformedIsIgnored) {
  for (const char* field : {"bytes=", "bytes=,", "bytes=-", "bytes=1", "bytes=2-1", "bytes=a-b", "bytes=1-2x",
                            "bytes 1-2", "lines=1-2", "", "bytes=0-1,x", "bytes=+1-2", "bytes=1--2", "bytes=0x1-2"})
    EXPECT_EQ(range_of(field), "whole") << field;
}

TEST(Range, OfSeveralIsTheWholeUnlessOneIsLeft) {
  EXPECT_EQ(range_of("bytes=0-1,5-6"), "whole");
  EXPECT_EQ(range_of("bytes=0-1,500-"), "0+2");
  std::string many = "bytes=0-0";
  for (int i = 0; i < 100'000; ++i) many += ",0-0";
  EXPECT_EQ(range_of(many), "whole");
}

TEST(Range, IsOfGetAlone) {
  const OwnedRequest request = with({{"Range", "bytes=0-1"}}, Method::head);

  EXPECT_EQ(check_range(request.view(), strong, 100, now).kind, Kind::whole);
}

TEST(Range, IsLookedAtIfNothingHasChanged) {
  const auto kind = [](const char* validator, const Validators& validators = strong) {
    return range({{"Range", "bytes=0-1"}, {"If-Range", validator}}, 100, validators).kind;
  };

  EXPECT_EQ(kind("\"a\""), Kind::part);
  EXPECT_EQ(kind(at), Kind::part);
  for (const char* validator : {"\"x\"", "W/\"a\"", before, after, "nonsense", "*"})
    EXPECT_EQ(kind(validator), Kind::whole);
  EXPECT_EQ(kind("W/\"a\"", weak), Kind::whole);
  const OwnedRequest fresh = with({{"Range", "bytes=0-1"}, {"If-Range", at}});
  EXPECT_EQ(check_range(fresh.view(), strong, 100, *strong.last_modified).kind, Kind::whole);
}

}  // namespace
}  // namespace umbel
