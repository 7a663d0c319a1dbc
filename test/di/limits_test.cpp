// SPDX-License-Identifier: MIT
// Lanes, capacities, deadlines, and what becomes of a request whose peer has left.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/deadline.hpp"
#include "umbel/di/provide.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Limited : public ::testing::Test, public TestApp {
protected:
  Limited() { journal().take(); }
};

using LaneLimit = Limited;
using Capacity = Limited;
using DeadlineLimit = Limited;
using Disconnect = Limited;

// --- lanes ----------------------------------------------------------------------------------------------------------

int looks_up() { return 1; }
inline constexpr auto lookup = provider<looks_up>.lane("db");

TEST_F(LaneLimit, LetsSoManyRunAtOnceAndTheRestWait) {  // Rule 13; case "lanes".
  app.lane("db", {.limit = 40});
  app.get("/", handler<lookup>);
  app.get("/coroutine", handler<>);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(begin("/"));
  port.run();

  EXPECT_EQ(port.pool().waiting(), 40u);
  EXPECT_EQ(status("/coroutine"), 200);  // Nothing else is delayed... and now everything has run.
  EXPECT_TRUE(std::all_of(peers.begin(), peers.end(), [](const auto& peer) { return peer->status() == 200; }));
}

TEST_F(LaneLimit, IsA503BeforeAnythingRuns) {  // Rule 13.
  app.lane("db", {.limit = 1, .queue_limit = 1});
  static constexpr auto& before = ready<"before">;
  app.get("/", handler<before, lookup>);
  const auto first = begin("/");
  const auto second = begin("/");
  journal().take();

  const auto third = begin("/");

  EXPECT_EQ(third->status(), 503);
  EXPECT_EQ(third->header("retry-after"), "1");
  EXPECT_EQ(journal().take(), "");
  run();
  EXPECT_EQ(first->status(), 200);
  EXPECT_EQ(second->status(), 200);
  EXPECT_EQ(status("/"), 200);
}

TEST_F(LaneLimit, OfAnUnknownNameStopsTheStart) {
  app.get("/", handler<lookup>);
  try {
    app.start(port.context());
    FAIL();
  } catch (const StartError& error) {
    EXPECT_NE(std::string{error.what()}.find("the application has no lane \"db\""), std::string::npos) << error.what();
  }
}

constexpr auto& wide_1 = plain<"w1">;
constexpr auto& wide_2 = plain<"w2">;

TEST_F(LaneLimit, ReservesTheWidthOfThePlan) {  // Rule 13.
  port.pool().set_limit(3);
  app.get("/", handler<wide_1, wide_2>);

  const auto first = begin("/");   // Two places.
  const auto second = begin("/");  // Two more are too many.

  EXPECT_EQ(second->status(), 503);
  run();
  EXPECT_EQ(first->status(), 200);
}

// --- capacity -------------------------------------------------------------------------------------------------------

inline constexpr auto& open_a = resource<"a">;
inline constexpr auto& open_b = resource<"b">;
inline constexpr auto a = provider<open_a>.capacity(1);
inline constexpr auto b = provider<open_b>.capacity(1);
constexpr auto& works = slow<"w", 10, a, b>;
constexpr auto& works_too = slow<"w", 10, b, a>;

TEST_F(Capacity, NeverMakesRequestsWaitInACircle) {  // Rule 14; case "pools".
  app.get("/ab", handler<works>);
  app.get("/ba", handler<works_too>);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(begin(i % 2 ? "/ab" : "/ba"));

  for (int i = 0; i < 100; ++i) port.advance(10ms);

  EXPECT_TRUE(std::all_of(peers.begin(), peers.end(), [](const auto& peer) { return peer->status() == 200; }));
}

inline constexpr auto& open_connection = sync_resource<"c">;
inline constexpr auto connection = provider<open_connection>.capacity(5);
constexpr auto& queries = plain<"q", connection>;

TEST_F(Capacity, AnswersSixtyClientsOfAPoolOfFive) {  // Rule 14: FastAPI's issue 3205.
  app.get("/", plain_handler<queries>);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 60; ++i) peers.push_back(begin("/"));
  port.run();
  EXPECT_EQ(port.pool().waiting(), 5u);

  run();

  EXPECT_TRUE(std::all_of(peers.begin(), peers.end(), [](const auto& peer) { return peer->status() == 200; }));
}

TEST_F(Capacity, IsGivenBackByWhoLeavesWhileWaiting) {  // Rules 14 and 25.
  app.get("/", handler<works>);
  const auto first = begin("/");
  const auto second = begin("/");
  const auto third = begin("/");

  second->leave();
  port.advance(10ms);
  EXPECT_EQ(first->status(), 200);
  EXPECT_EQ(second->replies(), 1u);
  port.advance(10ms);

  EXPECT_EQ(third->status(), 200);
  const auto fourth = begin("/");
  port.advance(10ms);
  EXPECT_EQ(fourth->status(), 200);
}

Resource<int> breaks_when_made(Query<"fail", bool, false> fail) {
  if (*fail) throw HttpError{500};
  int value = 1;
  co_yield value;
}
inline constexpr auto fragile = provider<breaks_when_made>.capacity(1);

TEST_F(Capacity, IsGivenBackWhenTheSetUpFails) {  // Rule 14.
  app.get("/", handler<fragile>);

  EXPECT_EQ(status("/?fail=1"), 500);
  EXPECT_EQ(status("/"), 200);
  EXPECT_EQ(status("/"), 200);
}

Task<Response> takes_it_twice(Depends<a, Lifetime::request>, Depends<a>) { co_return Response{204}; }

TEST_F(Capacity, TakenTwiceByOneRequestStopsTheStart) {
  app.get("/", takes_it_twice);
  EXPECT_THROW(app.start(port.context()), StartError);
}

// --- deadlines ------------------------------------------------------------------------------------------------------

constexpr auto& long_work = slow<"l", 500, open_a>;
constexpr auto& after_work = ready<"after", long_work>;

TEST_F(DeadlineLimit, IsA504AndStartsNothingMore) {  // Rule 27.
  app.get("/", handler<after_work>, {.deadline = 100ms});
  const auto peer = begin("/");

  port.advance(99ms);
  EXPECT_EQ(peer->replies(), 0u);
  port.advance(1ms);

  EXPECT_EQ(peer->status(), 504);
  EXPECT_EQ(journal().take(), "a+ l+ l! a!cancelled a-");
}

TEST_F(DeadlineLimit, DoesNotMatterToWhoIsInTime) {
  app.get("/", handler<long_work>, {.deadline = 501ms});
  const auto peer = begin("/");

  port.advance(500ms);

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(port.alarm(), Time::max());
}

std::string tells_deadline(Deadline deadline) {
  return deadline.is_set() ? std::to_string(deadline.left(deadline.time() - 70ms) / 1ms) : "none";
}

TEST_F(DeadlineLimit, IsKnownToWhoTakesIt) {  // Rule 27.
  app.get("/", tells_deadline, {.deadline = 100ms});
  app.get("/none", tells_deadline);

  EXPECT_EQ(body("/"), "70");
  EXPECT_EQ(body("/none"), "none");
}

TEST_F(DeadlineLimit, OfTheTransportIsTakenOver) {  // Rule 27.
  app.get("/", handler<long_work>);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.set_deadline(port.now() + 50ms);
  peer.ask(app);

  port.advance(50ms);

  EXPECT_EQ(peer.status(), 504);
}

TEST_F(DeadlineLimit, OfAShutdownIsACancellation) {  // Rule 28.
  app.post("/", handler<long_work>);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/"}};
  peer.ask(app);

  peer.cancel(CancelReason::shutdown);
  run();

  EXPECT_EQ(peer.status(), 503);
  EXPECT_EQ(journal().take(), "a+ l+ l! a!cancelled a-");
}

// --- disconnect -----------------------------------------------------------------------------------------------------

TEST_F(Disconnect, LetsAPostFinish) {  // Rule 25.
  app.post("/", handler<long_work>);
  const auto peer = begin(OwnedRequest{Method::post, "/"});

  peer->leave();
  port.advance(500ms);

  EXPECT_EQ(journal().take(), "a+ l+ l- h a-");
}

TEST_F(Disconnect, IsWhatTheRouteSays) {  // Rule 25.
  app.post("/cancel", handler<long_work>, {.on_disconnect = OnDisconnect::cancel});
  app.get("/finish", handler<long_work>, {.on_disconnect = OnDisconnect::finish});
  const auto cancelled = begin(OwnedRequest{Method::post, "/cancel"});
  cancelled->leave();
  run();
  EXPECT_EQ(journal().take(), "a+ l+ l! a!cancelled a-");
  const auto finished = begin("/finish");

  finished->leave();
  port.advance(500ms);

  EXPECT_EQ(journal().take(), "a+ l+ l- h a-");
}

}  // namespace
}  // namespace umbel::test
