// SPDX-License-Identifier: MIT
#include "umbel/di/route_options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

int token_of(Header<"x-token">) { return 1; }
void require_login(Depends<token_of>, Query<"q">) {}
Task<void> require_admin(Depends<token_of>) { co_return; }

int length_of(Body<> body) { return static_cast<int>(body->size()); }
void of_length(Depends<token_of>, Depends<length_of>) {}

using detail::node_of;
using detail::takes_body;

static_assert(!takes_body<node_of<require_login>>);
static_assert(takes_body<node_of<length_of>>);
static_assert(takes_body<node_of<of_length>>, "through another node");

TEST(GuardList, HasGuardsInTheOrderOfNaming) {
  const RouteOptions options{.guards = guards<require_login, require_admin>};

  EXPECT_EQ((std::vector<const detail::NodeInfo*>{options.guards.begin(), options.guards.end()}),
            (std::vector<const detail::NodeInfo*>{node_of<require_login>, node_of<require_admin>}));
  EXPECT_EQ(RouteOptions{}.guards.size(), 0u);
  EXPECT_EQ(guards<>.size(), 0u);
}

TEST(TagList, HasTagsInTheOrderOfNaming) {
  const RouteOptions options{.tags = tags<"items", "admin">};

  EXPECT_EQ((std::vector<std::string>{options.tags.begin(), options.tags.end()}),
            (std::vector<std::string>{"items", "admin"}));
  EXPECT_EQ(RouteOptions{}.tags.size(), 0u);
}

template <int n>
struct Level {
  static int node(Depends<Level<n - 1>::node>, Depends<Level<n - 1>::node, uncached>) { return n; }
};
template <>
struct Level<0> {
  static int node(Body<>) { return 0; }
};
static_assert(takes_body<node_of<Level<40>::node>>, "a ladder is looked at once per level");

}  // namespace
}  // namespace umbel::test
