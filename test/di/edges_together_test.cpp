// SPDX-License-Identifier: MIT
// Ways of taking a provider, where they meet: what random graphs have found.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class EdgesTogether : public ::testing::Test, public TestApp {
protected:
  EdgesTogether() { journal().take(); }

  template <auto& handler>
  std::string order() {
    app.get("/", handler);
    last = ask("/");
    return journal().take();
  }
  std::unique_ptr<Peer> last;
};

// --- Lazy and others ------------------------------------------------------------------------------------------------

constexpr auto& node = ready<"n">;
constexpr auto& hop = plain<"p">;
constexpr auto& session = resource<"s">;

Task<std::string> awaits(Lazy<hop> lazy) {
  journal().write("h");
  const int value = co_await lazy;
  co_return std::to_string(value);
}

TEST_F(EdgesTogether, ASequentialPlanRunsWhatALazyAwaits) {
  app.policy(Policy::sequential);

  EXPECT_EQ((order<awaits>()), "h p");
  EXPECT_EQ(last->body(), "1");
}

Task<std::string> awaits_what_it_has(Depends<node>, Lazy<node> lazy) {
  const int value = co_await lazy;
  co_return std::to_string(value);
}

TEST_F(EdgesTogether, ALazyMayNameWhatSomebodyElseTakes) {
  EXPECT_EQ((order<awaits_what_it_has>()), "n");
  EXPECT_EQ(last->body(), "1");
}

/// Refers to a session, and says when it goes.
struct Cursor {
  Cursor() { journal().write("c+"); }
  Cursor(Cursor&& other) noexcept : is_open(std::exchange(other.is_open, false)) {}
  ~Cursor() {
    if (is_open) journal().write("c-");
  }
  bool is_open = true;
};
Task<Cursor> open_cursor(Lazy<session> lazy) {
  co_await lazy;
  Cursor cursor;
  co_return cursor;
}

TEST_F(EdgesTogether, WhatWasMadeOfALazyGoesBeforeIt) { EXPECT_EQ((order<handler<open_cursor>>()), "s+ c+ h c- s-"); }

// --- in a tear-down -------------------------------------------------------------------------------------------------

template <auto& provider>
Resource<int> asks_at_the_end(Lazy<provider> lazy) {
  int value = 1;
  co_yield value;
  try {
    co_await lazy;
    journal().write("got");
  } catch (const Cancelled&) {
    journal().write("cancelled");
  }
}

TEST_F(EdgesTogether, ATearDownGetsNoLazyThatHasNotRun) {
  EXPECT_EQ((order<handler<asks_at_the_end<hop>>>()), "h cancelled");
  EXPECT_EQ(last->status(), 200);
}

Task<Response> opens_later(Depends<asks_at_the_end<session>>, Lazy<session> lazy) {
  co_await lazy;
  co_return Response{204};
}

TEST_F(EdgesTogether, ATearDownGetsNoLazyThatIsGone) { EXPECT_EQ((order<opens_later>()), "s+ s- cancelled"); }

Task<Response> has_it(Depends<session>, Depends<asks_at_the_end<session>>) { co_return Response{204}; }

TEST_F(EdgesTogether, ATearDownGetsALazyThatIsThere) { EXPECT_EQ((order<has_it>()), "s+ got s-"); }

// --- Exclusive and last_use -----------------------------------------------------------------------------------------

template <FixedString name>
Resource<int> slow_end(Exclusive<node>) {
  int value = 1;
  co_yield value;
  journal().write(std::string{name.view()} + "-");
  co_await sleep(10ms);
  journal().write(std::string{name.view()} + ".");
}
Task<int> uses_both(Depends<slow_end<"a">, Lifetime::last_use>, Depends<slow_end<"b">, Lifetime::last_use>) {
  co_return 1;
}

TEST_F(EdgesTogether, TearDownsThatUseTheSameThingAloneDoNotOverlap) {
  app.get("/", handler<uses_both>);
  const auto peer = begin("/");
  run();
  port.advance(10ms);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "n b- h b. a- a.");
}

// --- Guard and others -----------------------------------------------------------------------------------------------

Task<> refuses() {
  journal().write("refuses");
  throw HttpError{401};
  co_return;
}
Task<> tries_the_guard(Try<refuses>) { co_return; }
Task<> is_lazy_about_the_guard(Lazy<refuses>) { co_return; }

TEST_F(EdgesTogether, AGuardRefusesAlthoughAnotherTriesIt) {
  app.guard<refuses, tries_the_guard>();

  EXPECT_EQ((order<handler<>>()), "refuses");
  EXPECT_EQ(last->status(), 401);
}

TEST_F(EdgesTogether, AGuardRunsAlthoughAnotherIsLazyAboutIt) {
  app.guard<is_lazy_about_the_guard, refuses>();

  EXPECT_EQ((order<handler<>>()), "refuses");
  EXPECT_EQ(last->status(), 401);
}

Task<> does_not_await(Lazy<node>) {
  journal().write("g");
  co_return;
}

TEST_F(EdgesTogether, NobodyWaitsForALazyOfAGuard) {
  app.guard<does_not_await>();

  EXPECT_EQ((order<handler<>>()), "g h");
  EXPECT_EQ(last->status(), 200);
}

Task<Response> guarded_by_a_session(Guard<session>, Depends<node>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(EdgesTogether, AGuardMayBeAResource) { EXPECT_EQ((order<guarded_by_a_session>()), "s+ n h s-"); }

Task<Response> guarded_twice(Depends<node>, Guard<hop, uncached>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(EdgesTogether, AnUncachedGuardRunsOnceAndFirst) { EXPECT_EQ((order<guarded_twice>()), "p n h"); }

}  // namespace
}  // namespace umbel::test
