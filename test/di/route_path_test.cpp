// SPDX-License-Identifier: MIT
#include "umbel/di/route_path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace umbel::test {
namespace {

using detail::parse_route;
using detail::RouteMistake;
using detail::SegmentKind;

TEST(RoutePath, IsParsedIntoSegments) {
  constexpr detail::ParsedRoute route = parse_route("/items/{id:int}/{name}/{rest:path}");

  static_assert(route.mistake == RouteMistake::none && route.count == 4);
  EXPECT_EQ(route.segments[0].text, "items");
  EXPECT_EQ(route.segments[1].kind, SegmentKind::integer);
  EXPECT_EQ(route.segments[1].text, "id");
  EXPECT_EQ(route.segments[2].kind, SegmentKind::parameter);
  EXPECT_EQ(route.segments[3].kind, SegmentKind::rest);
  EXPECT_TRUE(route.has("rest") && !route.has("items"));
}

TEST(RoutePath, OfOneSlashIsOneEmptySegment) {
  EXPECT_EQ(parse_route("/").count, 1u);
  EXPECT_EQ(parse_route("/a/").count, 2u);
}

TEST(RoutePath, KnowsEveryMistake) {
  EXPECT_EQ(parse_route("").mistake, RouteMistake::starts_without_slash);
  EXPECT_EQ(parse_route("items").mistake, RouteMistake::starts_without_slash);
  EXPECT_EQ(parse_route("/a{id}").mistake, RouteMistake::brace_inside_a_segment);
  EXPECT_EQ(parse_route("/{id}.txt").mistake, RouteMistake::brace_inside_a_segment);
  EXPECT_EQ(parse_route("/{").mistake, RouteMistake::brace_inside_a_segment);
  EXPECT_EQ(parse_route("/{a}{b}").mistake, RouteMistake::brace_inside_a_segment);
  EXPECT_EQ(parse_route("/{}").mistake, RouteMistake::empty_name);
  EXPECT_EQ(parse_route("/{:int}").mistake, RouteMistake::empty_name);
  EXPECT_EQ(parse_route("/{id:float}").mistake, RouteMistake::unknown_type);
  EXPECT_EQ(parse_route("/{id:}").mistake, RouteMistake::unknown_type);
  EXPECT_EQ(parse_route("/{id}/{id}").mistake, RouteMistake::same_name_twice);
  EXPECT_EQ(parse_route("/{p:path}/x").mistake, RouteMistake::path_before_the_end);
  EXPECT_EQ(parse_route("/{p:path}/").mistake, RouteMistake::path_before_the_end);
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "/s";
  EXPECT_EQ(parse_route(deep).mistake, RouteMistake::too_many_segments);
  EXPECT_EQ(parse_route(std::string_view{deep}.substr(2)).mistake, RouteMistake::none);
}

TEST(RoutePath, BehindAPrefixHasItsParametersAndMayBeEmpty) {
  constexpr detail::ParsedRoute prefix = detail::parse_prefix("/users/{id}");
  constexpr detail::ParsedRoute route = detail::parse_below(prefix, "/orders/{order}");

  static_assert(route.count == 4 && route.has("id") && route.has("order"));
  static_assert(detail::parse_below(prefix, "").count == 2);
  EXPECT_EQ(detail::parse_below(prefix, "/{id}").mistake, RouteMistake::same_name_twice);
  EXPECT_EQ(detail::parse_below(prefix, "orders").mistake, RouteMistake::starts_without_slash);
  EXPECT_EQ(detail::parse_below(detail::parse_prefix("/{p:path}"), "/x").mistake, RouteMistake::path_before_the_end);
  EXPECT_EQ(detail::parse_below(detail::parse_prefix("/{p:path}"), "").mistake, RouteMistake::none);
}

TEST(RoutePrefix, KnowsEveryMistake) {
  using detail::mistake_in_plain_prefix;
  EXPECT_EQ(mistake_in_plain_prefix(""), RouteMistake::none);
  EXPECT_EQ(mistake_in_plain_prefix("/a/b"), RouteMistake::none);
  EXPECT_EQ(mistake_in_plain_prefix("a"), RouteMistake::starts_without_slash);
  EXPECT_EQ(mistake_in_plain_prefix("/a/"), RouteMistake::ends_with_a_slash);
  EXPECT_EQ(mistake_in_plain_prefix("/a/{id}"), RouteMistake::parameter_in_prefix);
  EXPECT_EQ(mistake_in_plain_prefix("/a}"), RouteMistake::parameter_in_prefix);
}

TEST(RoutePrefix, OfOneSlashIsNothing) {
  EXPECT_EQ(RoutePrefix{"/"}.text(), "");
  EXPECT_EQ(RoutePrefix{runtime_route("/")}.text(), "");
  EXPECT_EQ(RoutePrefix{"/v1"}.text(), "/v1");
}

}  // namespace
}  // namespace umbel::test
