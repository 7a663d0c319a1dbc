// SPDX-License-Identifier: MIT
#include "umbel/di/scopes.hpp"

#include <gtest/gtest.h>

#include <string>

#include "journal.hpp"
#include "peer.hpp"

namespace umbel::test {
namespace {

Task<std::string> who(Scopes asked) {
  journal().write("[" + asked.text() + "]");
  co_return asked.text();
}
Task<std::string> active(Depends<who, scopes<"me">> user) { co_return "active " + *user; }
Task<std::string> plain_check() {
  journal().write("once");
  co_return "";
}

class ScopesOf : public ::testing::Test, public TestApp {
protected:
  ScopesOf() { journal().take(); }
};

Task<std::string> nested(Depends<active, scopes<"items", "me">> user) { co_return *user; }

TEST_F(ScopesOf, ANodeAreThoseOfTheWayToIt) {
  app.get("/", nested);

  EXPECT_EQ(body("/"), "active items me");
}

Task<std::string> two_ways(Depends<who, scopes<"a">> a, Depends<who, scopes<"b">> b, Depends<who, scopes<"a">> again) {
  co_return *a + *b + *again;
}

TEST_F(ScopesOf, DifferentWaysMakeItANodeForEach) {  // Rule 1.
  app.get("/", two_ways);

  EXPECT_EQ(body("/"), "aba");
  EXPECT_EQ(journal().take(), "[a] [b]");
}

Task<std::string> order_does_not_matter(Depends<active, scopes<"x", "y">>, Depends<active, scopes<"y", "x">>) {
  co_return "";
}

TEST_F(ScopesOf, TheSameSetAreTheSame) {  // Rule 1.
  app.get("/", order_does_not_matter);

  body("/");
  EXPECT_EQ(journal().take(), "[x y me]");
}

Task<std::string> not_looked_at(Depends<plain_check, scopes<"a">>, Depends<plain_check, scopes<"b">>) { co_return ""; }

TEST_F(ScopesOf, ANodeThatDoesNotLookDoNotMatter) {  // Rule 1.
  app.get("/", not_looked_at);

  body("/");
  EXPECT_EQ(journal().take(), "once");
}

Task<std::string> guarded(Guard<who, scopes<"admin">> user) { co_return *user; }

TEST_F(ScopesOf, AGuardAreThoseOfItsEdge) {
  app.get("/", guarded);

  EXPECT_EQ(body("/"), "admin");
  EXPECT_EQ(journal().take(), "[admin]");
}

TEST_F(ScopesOf, NobodyAreNone) {
  app.get("/", who);

  EXPECT_EQ(body("/"), "");
}

}  // namespace
}  // namespace umbel::test
