// SPDX-License-Identifier: MIT
#include "umbel/json/constraints.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

/// The 422 of one item.
std::string refusal(std::string_view type, std::string_view loc, std::string_view message, std::string_view input,
                    std::string_view ctx) {
  const std::string text = R"({"detail":[{"type":")" + std::string{type} + R"(","loc":[)" + std::string{loc} +
                           R"(],"msg":")" + std::string{message} + R"(","input":)" + std::string{input} +
                           R"(,"ctx":{)" + std::string{ctx} + "}}]}";
  return text;
}

/// What a handler answers that takes one parameter.
template <class P>
std::string answer(std::string_view query) {
  TestApp test;
  test.app.get("/", [](P) { return std::string{"fine"}; });
  return test.body("/?" + std::string{query});
}

TEST(Constraints, BoundANumber) {  // Rule 29.
  using Limit = Query<"limit", int, 20, ge<1>, le<100>>;

  EXPECT_EQ(answer<Limit>(""), "fine");
  EXPECT_EQ(answer<Limit>("limit=1"), "fine");
  EXPECT_EQ(answer<Limit>("limit=100"), "fine");
  EXPECT_EQ(answer<Limit>("limit=0"), refusal("greater_than_equal", R"("query","limit")",
                                              "Input should be greater than or equal to 1", R"("0")", R"("ge":1)"));
  EXPECT_EQ(answer<Limit>("limit=101"),
            refusal("less_than_equal", R"("query","limit")", "Input should be less than or equal to 100", R"("101")",
                    R"("le":100)"));
}

TEST(Constraints, BoundANumberStrictly) {
  using N = Query<"n", std::int64_t, gt<-1>, lt<10>>;

  EXPECT_EQ(answer<N>("n=0"), "fine");
  EXPECT_EQ(answer<N>("n=9"), "fine");
  EXPECT_EQ(answer<N>("n=-1"),
            refusal("greater_than", R"("query","n")", "Input should be greater than -1", R"("-1")", R"("gt":-1)"));
  EXPECT_EQ(answer<N>("n=10"),
            refusal("less_than", R"("query","n")", "Input should be less than 10", R"("10")", R"("lt":10)"));
}

TEST(Constraints, CompareAcrossSigns) {
  using Unsigned = Query<"n", std::uint64_t, ge<-1>, le<18446744073709551615u>>;
  using Signed = Query<"n", int, lt<18446744073709551615u>>;

  EXPECT_EQ(answer<Unsigned>("n=18446744073709551615"), "fine");
  EXPECT_EQ(answer<Signed>("n=-1"), "fine");
}

TEST(Constraints, BoundFloatingPoint) {
  using X = Query<"x", double, ge<0>, lt<0.5>>;

  EXPECT_EQ(answer<X>("x=0"), "fine");
  EXPECT_EQ(answer<X>("x=-0.1"), refusal("greater_than_equal", R"("query","x")",
                                         "Input should be greater than or equal to 0", R"("-0.1")", R"("ge":0.0)"));
  EXPECT_EQ(answer<X>("x=0.5"),
            refusal("less_than", R"("query","x")", "Input should be less than 0.5", R"("0.5")", R"("lt":0.5)"));
}

TEST(Constraints, WriteABoundWithoutAnExponent) {
  using X = Query<"x", double, le<1e21>>;

  EXPECT_NE(answer<X>("x=2e21").find("less than or equal to 1000000000000000000000\""), std::string::npos);
}

TEST(Constraints, WantMultiples) {
  using N = Query<"n", int, multiple_of<5>>;
  using U = Query<"n", unsigned, multiple_of<5>>;
  using X = Query<"x", double, multiple_of<0.1>>;

  for (const char* n : {"n=0", "n=15", "n=-5"}) EXPECT_EQ(answer<N>(n), "fine") << n;
  EXPECT_EQ(answer<U>("n=4294967295"), "fine");
  EXPECT_EQ(answer<N>("n=7"), refusal("multiple_of", R"("query","n")", "Input should be a multiple of 5", R"("7")",
                                      R"("multiple_of":5)"));
  for (const char* x : {"x=0.3", "x=-0.7", "x=0", "x=1e300", "x=123456.7"}) EXPECT_EQ(answer<X>(x), "fine") << x;
  EXPECT_EQ(answer<X>("x=0.25"), refusal("multiple_of", R"("query","x")", "Input should be a multiple of 0.1",
                                         R"("0.25")", R"("multiple_of":0.1)"));
}

TEST(Constraints, TellOneAtATimeAndMultiplesFirst) {  // Rule 30.
  using N = Query<"n", int, ge<10>, multiple_of<5>>;

  EXPECT_NE(answer<N>("n=7").find(R"("type":"multiple_of")"), std::string::npos);
  EXPECT_NE(answer<N>("n=5").find(R"("type":"greater_than_equal")"), std::string::npos);
}

TEST(Constraints, BoundATextInCodePoints) {
  using Q = Query<"q", std::string_view, min_length<3>, max_length<5>>;

  EXPECT_EQ(answer<Q>("q=%C3%A9%C3%A9%E2%82%AC"), "fine");
  EXPECT_EQ(answer<Q>("q=%F0%9F%98%80abcd"), "fine");
  EXPECT_EQ(answer<Q>("q=ab"), refusal("string_too_short", R"("query","q")", "String should have at least 3 characters",
                                       R"("ab")", R"("min_length":3)"));
  EXPECT_EQ(answer<Q>("q=abcdef"),
            refusal("string_too_long", R"("query","q")", "String should have at most 5 characters", R"("abcdef")",
                    R"("max_length":5)"));
}

TEST(Constraints, CountOneCharacterInTheSingular) {
  using Q = Query<"q", std::string, min_length<1>>;

  EXPECT_NE(answer<Q>("q=").find("at least 1 character\""), std::string::npos);
}

TEST(Constraints, WantAPattern) {
  using Q = Query<"q", std::string, default_to<"x1">, pattern<"^[a-z]\\d$">>;

  EXPECT_EQ(answer<Q>(""), "fine");
  EXPECT_EQ(answer<Q>("q=a7"), "fine");
  EXPECT_EQ(answer<Q>("q=7"),
            refusal("string_pattern_mismatch", R"("query","q")", R"(String should match pattern '^[a-z]\\d$')",
                    R"("7")", R"("pattern":"^[a-z]\\d$")"));
}

TEST(Constraints, TellOfTheLengthBeforeThePattern) {
  using Q = Query<"q", std::string, pattern<"^a+$">, max_length<2>>;

  EXPECT_NE(answer<Q>("q=bbb").find("string_too_long"), std::string::npos);
  EXPECT_NE(answer<Q>("q=b").find("string_pattern_mismatch"), std::string::npos);
}

TEST(Constraints, StandInAnyOrderWithTheDefault) {
  TestApp test;
  test.app.get("/",
               [](Query<"a", int, ge<1>, 5, le<9>> a, Query<"b", std::string_view, min_length<1>, default_to<"b">> b,
                  Query<"c", double, le<2.5>, 1> c) {
                 return std::to_string(*a) + std::string{*b} + std::to_string(static_cast<int>(*c));
               });

  EXPECT_EQ(test.body("/"), "5b1");
  EXPECT_EQ(test.body("/?a=9&b=x&c=2"), "9x2");
  EXPECT_EQ(test.status("/?a=10"), 422);
}

TEST(Constraints, SpeakOfWhatAnOptionalHolds) {
  using N = Query<"n", std::optional<int>, ge<1>>;

  EXPECT_EQ(answer<N>(""), "fine");
  EXPECT_EQ(answer<N>("n=1"), "fine");
  EXPECT_NE(answer<N>("n=0").find("greater_than_equal"), std::string::npos);
}

TEST(Constraints, HoldForPathsHeadersAndCookies) {  // Rule 29.
  TestApp test;
  test.app.get("/{id}", [](Path<"id", int, gt<0>>, Header<"x", int, 1, lt<5>>,
                           Cookie<"c", std::optional<std::string>, max_length<2>>) {});
  OwnedRequest request{Method::get, "/0"};
  request.header("x", "5").header("cookie", "c=abc");

  const std::string body = test.ask(std::move(request))->body();

  for (const char* loc : {R"("greater_than","loc":["path","id"])", R"("less_than","loc":["header","x"])",
                          R"("string_too_long","loc":["cookie","c"])"}) {
    EXPECT_NE(body.find(loc), std::string::npos) << body;
  }
}

TEST(Constraints, OfAListCountItsElementsAndHoldForEach) {
  using Tags = Query<"t", std::vector<int>, min_length<2>, max_length<3>, ge<1>>;

  EXPECT_EQ(answer<Tags>("t=1&t=2"), "fine");
  EXPECT_EQ(answer<Tags>("t=1"),
            refusal("too_short", R"("query","t")", "List should have at least 2 items after validation, not 1",
                    R"(["1"])", R"("field_type":"List","min_length":2,"actual_length":1)"));
  EXPECT_EQ(answer<Tags>("t=1&t=2&t=3&t=4"),
            refusal("too_long", R"("query","t")", "List should have at most 3 items after validation, not 4",
                    R"(["1","2","3","4"])", R"("field_type":"List","max_length":3,"actual_length":4)"));
  EXPECT_EQ(answer<Tags>("t=1&t=0"), refusal("greater_than_equal", R"("query","t",1)",
                                             "Input should be greater than or equal to 1", R"("0")", R"("ge":1)"));
}

TEST(Constraints, DoNotChangeTheSizeOfAParameter) { EXPECT_EQ(sizeof(Query<"n", int, 5, ge<1>>), sizeof(int)); }

}  // namespace
}  // namespace umbel::test
