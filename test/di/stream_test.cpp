// SPDX-License-Identifier: MIT
// Handlers that make their reply while it is sent.
#include "umbel/core/stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "../support/live.hpp"
#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/event_stream.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/background.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/response_head.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Streams : public ::testing::Test, public TestApp {
protected:
  Streams() { journal().take(); }
};
using StreamHead = Streams;
using StreamLife = Streams;
using StreamEnd = Streams;
using EventStreams = Streams;

// --- the head -------------------------------------------------------------------------------------------------------

Stream letters() {
  co_yield "a";
  co_yield std::string(3, 'b');
  Buffer last{"c"};
  co_yield last;
}

TEST_F(StreamHead, IsSentWithTheFirstChunkAndTheRestIsPulled) {
  app.get("/", letters);
  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(peer->header("content-type"), "application/octet-stream");
  EXPECT_EQ(peer->pull(), "a");
  EXPECT_EQ(peer->pull(), "bbb");
  EXPECT_EQ(peer->pull(), "c");
  EXPECT_TRUE(peer->is_held());
  EXPECT_EQ(peer->pull(), "[end]");
  port.run();
  EXPECT_FALSE(peer->is_held());
}

Stream nothing() { co_return; }

TEST_F(StreamHead, MayHaveNoBodyBehindIt) {
  app.get("/", nothing);
  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(peer->pull(), "[end]");
  run();
}

Stream with_a_head(ResponseHead& head) {
  head.status(202);
  head.set("content-type", "text/csv");
  head.set("x-rows", "1");
  co_yield "a,b\n";
}

TEST_F(StreamHead, IsShapedBeforeTheFirstChunk) {
  app.get("/", with_a_head);
  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 202);
  EXPECT_EQ(peer->header("content-type"), "text/csv");
  EXPECT_EQ(peer->header("x-rows"), "1");
  peer->drop_source();
  run();
}

Stream refuses(Query<"wait", bool, false> wait) {
  if (*wait) co_await sleep(10ms);
  throw HttpError{409, "Not now"};
  co_yield "never";
}

TEST_F(StreamHead, IsAnErrorsIfItComesBeforeTheFirstChunk) {  // Rule 22.
  app.get("/", refuses);

  EXPECT_EQ(status("/"), 409);
  const auto late = begin("/?wait=true");
  EXPECT_EQ(late->replies(), 0u);
  port.advance(10ms);
  EXPECT_EQ(late->status(), 409);
}

Stream slow_start() {
  co_await sleep(10ms);
  co_yield "first";
}

TEST_F(StreamHead, IsHeldUntilTheFirstChunk) {  // Rule 22.
  app.get("/", slow_start);
  const auto peer = begin("/");

  EXPECT_EQ(peer->replies(), 0u);
  port.advance(10ms);
  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(peer->pull(), "first");
  peer->drop_source();
  run();
}

Stream early_head() {
  co_yield "";
  co_await sleep(10ms);
  co_yield "late";
}

TEST_F(StreamHead, IsLetGoByAnEmptyChunk) {
  app.get("/", early_head);
  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(peer->pull(), "[pending]");
  port.advance(10ms);
  EXPECT_TRUE(peer->is_ready());
  EXPECT_EQ(peer->pull(), "late");
  peer->drop_source();
  run();
}

Resource<int> fails_to_end() {
  int value = 1;
  co_yield value;
  throw HttpError{507};
}
Stream over_a_failing_end(Depends<fails_to_end, Lifetime::handler>) { co_yield "body"; }

TEST_F(StreamHead, IsAnErrorsIfATearDownBeforeItFails) {  // Rule 20.
  app.get("/", over_a_failing_end);
  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 507);
  EXPECT_EQ(peer->response().source(), nullptr);
}

// --- what it takes --------------------------------------------------------------------------------------------------

constexpr auto& r1 = resource<"r1">;
constexpr auto& f1 = resource<"f1">;
constexpr auto& r2 = resource<"r2">;
constexpr auto& f2 = resource<"f2">;

Stream mixed(Depends<r1, Lifetime::request>, Depends<f1, Lifetime::handler>, Depends<r2, Lifetime::request>,
             Depends<f2, Lifetime::handler>, Background& background) {
  journal().write("h");
  background.add([] { journal().write("BG"); });
  co_yield "one";
  co_yield "two";
}

TEST_F(StreamLife, OfWhatItTakesIsAsLongAsItIsSaid) {  // Rules 16, 17 and 34; case "mixed".
  app.get("/", mixed);
  const auto peer = connect("/");
  peer->write_to(journal());
  peer->ask(app);
  peer->pull();
  peer->pull();
  peer->pull();
  run();

  EXPECT_EQ(journal().take(), "r1+ f1+ r2+ f2+ h f2- f1- hold chunk chunk END sent BG r2- r1- release");
}

Task<Speaks> uses_r1(Depends<r1>) { co_return Speaks{"repository"}; }
Stream takes_through_a_node(Depends<uses_r1>) {
  co_yield "one";
  co_yield "two";
}

TEST_F(StreamLife, OfWhatItTakesIsThatOfTheRequest) {  // Rule 16.
  app.get("/", takes_through_a_node);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();
  EXPECT_EQ(journal().take(), "r1+");

  peer->pull();
  run();
  EXPECT_EQ(journal().take(), "~repository r1-");
}

Resource<int> over_r2(Depends<r2, Lifetime::last_use>) {
  journal().write("o+");
  int value = 1;
  co_yield value;
  journal().write("o-");
}
Task<int> only_asks(Depends<r1, Lifetime::last_use>) { co_return 1; }
Stream takes_to_the_last_use(Depends<only_asks>, Depends<over_r2, Lifetime::last_use>) {
  co_yield "one";
  journal().write("use");
  co_yield "two";
}

TEST_F(StreamLife, OfWhatEndsWithItsLastUseIsAsLongAsTheStream) {  // Rule 16.
  app.get("/", takes_to_the_last_use);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();
  peer->pull();

  run();
  EXPECT_EQ(journal().take(), "r1+ r1- r2+ o+ use o- r2-");
}

Task<int> five() { co_return 5; }
Stream asks_early(Lazy<five> number) {
  const int first = co_await number;
  co_yield std::to_string(first);
  const int again = co_await number;
  co_yield std::to_string(again + 1);
}
Stream asks_late(Lazy<five> number) {
  co_yield "one";
  const int late = co_await number;
  co_yield std::to_string(late);
}

TEST_F(StreamLife, HasALazyNodeRunBeforeTheFirstChunkOnly) {  // Rule 11.
  app.get("/early", asks_early);
  app.get("/late", asks_late);
  const auto early = begin("/early");
  run();
  const auto late = begin("/late");

  EXPECT_EQ(early->pull(), "5");
  EXPECT_EQ(early->pull(), "6");
  EXPECT_EQ(late->pull(), "one");
  EXPECT_EQ(late->pull(), "[failed]");
  EXPECT_EQ(early->pull(), "[end]");
  run();
}

// --- how it ends ----------------------------------------------------------------------------------------------------

struct Late : Observer {
  void late_error(const LateError& error) noexcept override {
    text = std::string{error.node} + ": " + error.error.message();
  }
  std::string text;
};

Stream breaks(Depends<r1>) {
  co_yield "one";
  throw HttpError{500, "Out of paper"};
}

TEST_F(StreamEnd, IsToldLateIfItFails) {  // Rules 20 and 22.
  Late late;
  app.observe(late);
  app.get("/", breaks);
  const auto peer = begin("/");

  EXPECT_EQ(peer->pull(), "one");
  EXPECT_EQ(peer->pull(), "[failed]");
  run();
  EXPECT_EQ(journal().take(), "r1+ r1!500 r1-");
  EXPECT_NE(late.text.find("Out of paper"), std::string::npos) << late.text;
  EXPECT_EQ(peer->status(), 200);
}

Stream breaks_with_tasks(Background& background) {
  background.add([] { journal().write("task"); });
  background.add_always([] { journal().write("always"); });
  co_yield "one";
  throw HttpError{500};
}

TEST_F(StreamEnd, DropsTasksIfItFails) {  // Rule 34.
  app.get("/", breaks_with_tasks);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();

  run();
  EXPECT_EQ(journal().take(), "always");
}

Stream endless(Depends<r1>) {
  const Live live;
  for (;;) {
    co_yield "tick";
    co_await sleep(10ms);
  }
}

TEST_F(StreamEnd, ComesWhenThePeerLeavesItInAnAwait) {  // Rule 25.
  const LiveCheck check;
  app.get("/", endless);
  const auto peer = begin("/");
  peer->pull();
  EXPECT_EQ(peer->pull(), "[pending]");

  peer->leave();
  peer->drop_source();
  run();

  EXPECT_EQ(journal().take(), "r1+ r1!cancelled r1-");
  EXPECT_FALSE(peer->is_held());
  EXPECT_TRUE(check.ok());
}

TEST_F(StreamEnd, ComesWhenThePeerLeavesItAtAYield) {  // Rule 25.
  const LiveCheck check;
  app.get("/", endless);
  const auto peer = begin("/");
  peer->pull();

  peer->leave();
  peer->drop_source();
  run();

  EXPECT_EQ(journal().take(), "r1+ r1!cancelled r1-");
  EXPECT_FALSE(peer->is_held());
  EXPECT_TRUE(check.ok());
}

TEST_F(StreamEnd, IsNoFailureWhenNobodyWantsTheBody) {
  app.get("/", endless);
  const auto peer = begin(OwnedRequest{Method::head, "/"});

  peer->drop_source();
  run();
  EXPECT_EQ(journal().take(), "r1+ r1-");
}

Stream slow_to_stop(Depends<r1>) {
  co_yield "one";
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
  }
  journal().write("cleans");
  co_yield "too late";
  journal().write("never");
}

TEST_F(StreamEnd, IsWaitedForByTheTearDownOfWhatItUses) {  // Rule 17.
  app.get("/", slow_to_stop);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();

  peer->leave();
  peer->drop_source();
  run();
  EXPECT_EQ(journal().take(), "r1+ cleans r1!cancelled r1-");
}

TEST_F(StreamEnd, IsNoFailureOfAnAwaitThatNobodyWants) {
  Late late;
  app.observe(late);
  app.get("/", endless);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();

  peer->drop_source();
  run();
  EXPECT_EQ(journal().take(), "r1+ r1-");
  EXPECT_EQ(late.text, "");
}

Stream fails_to_stop(Depends<r1>) {
  co_yield "one";
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
  }
  throw HttpError{500, "Out of ink"};
}

TEST_F(StreamEnd, IsToldLateIfItFailsWhenThePeerHasLeft) {  // Rule 22.
  Late late;
  app.observe(late);
  app.get("/", fails_to_stop);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();

  peer->leave();
  peer->drop_source();
  run();
  EXPECT_EQ(journal().take(), "r1+ r1!cancelled r1-");
  EXPECT_NE(late.text.find("Out of ink"), std::string::npos) << late.text;
}

TEST_F(StreamEnd, BeforeTheHeadIsThatOfAnyCoroutine) {  // Rule 25.
  const LiveCheck check;
  app.get("/", slow_start);
  const auto peer = begin("/");

  peer->leave();
  run();
  EXPECT_EQ(peer->status(), 503);
  EXPECT_TRUE(check.ok());
}

struct Leaving : Timer {
  explicit Leaving(Peer& p) noexcept
      : Timer([](Timer& t) noexcept { static_cast<Leaving&>(t).peer.leave(); }), peer(p) {}
  Peer& peer;
};

Stream slow_over_r1(Depends<r1>) {
  const Live live;
  co_await sleep(10ms);
  co_yield "first";
}

TEST_F(StreamEnd, ComesWhenThePeerLeavesJustAfterTheFirstChunk) {  // Rule 25.
  const LiveCheck check;
  app.get("/", slow_over_r1);
  const auto peer = begin("/");
  Leaving leaving{*peer};
  leaving.start(port.context(), port.context().now() + 10ms);

  port.advance(10ms);
  run();
  EXPECT_EQ(peer->status(), 503);
  EXPECT_FALSE(peer->is_held());
  EXPECT_EQ(journal().take(), "r1+ r1!cancelled r1-");
  EXPECT_TRUE(check.ok());
}

TEST_F(StreamEnd, ComesWhenThePeerHadLeftBefore) {
  const LiveCheck check;
  app.get("/", endless);
  const auto peer = connect("/");
  peer->leave();

  peer->ask(app);
  run();
  EXPECT_FALSE(peer->is_held());
  EXPECT_TRUE(check.ok());
}

// --- a stream as a Response's body ----------------------------------------------------------------------------------

Stream numbers(int count) {
  const Live live;
  for (int i = 0; i < count; ++i) {
    co_await sleep(1ms);
    const std::string text = std::to_string(i);
    co_yield text;
  }
}
Task<Response> answers_with_numbers(Query<"count", int> count) {
  co_return Response::stream("text/plain", numbers(*count), 206).header("x-count", "some");
}

TEST_F(Streams, AreBodiesOfResponses) {
  const LiveCheck check;
  app.get("/", answers_with_numbers);
  const auto peer = begin("/?count=2");

  EXPECT_EQ(peer->status(), 206);
  EXPECT_EQ(peer->header("content-type"), "text/plain");
  EXPECT_EQ(peer->header("x-count"), "some");
  EXPECT_EQ(peer->pull(), "[pending]");
  port.advance(1ms);
  EXPECT_EQ(peer->pull(), "0");
  EXPECT_EQ(peer->pull(), "[pending]");
  peer->leave();
  peer->drop_source();
  run();
  EXPECT_TRUE(check.ok());
}

TEST_F(Streams, ThatNobodySendsAreFreed) {
  const LiveCheck check;
  {
    const Response dropped = Response::stream("text/plain", numbers(3));
  }
  EXPECT_TRUE(check.ok());
}

// --- server-sent events ---------------------------------------------------------------------------------------------

EventStream events() {
  co_yield Event{.data = "two\nlines", .event = "greeting", .id = "7", .retry = 1500ms};
  co_yield "plain";
  co_await sleep(40s);
  co_yield Event{};
}

TEST_F(EventStreams, AreWrittenAsBrowsersReadThem) {
  app.get("/", events);
  const auto peer = begin("/");

  EXPECT_EQ(peer->header("content-type"), "text/event-stream");
  EXPECT_EQ(peer->header("cache-control"), "no-cache");
  EXPECT_EQ(peer->pull(), "event: greeting\nid: 7\nretry: 1500\ndata: two\ndata: lines\n\n");
  EXPECT_EQ(peer->pull(), "data: plain\n\n");
  peer->drop_source();
  run();
}

TEST_F(EventStreams, BeatWhileNothingHappens) {
  app.get("/", events);
  const auto peer = begin("/");
  peer->pull();
  peer->pull();

  for (int beats = 0; beats < 2; ++beats) {
    EXPECT_EQ(peer->pull(), "[pending]");
    port.advance(15s);
    EXPECT_TRUE(peer->is_ready());
    EXPECT_EQ(peer->pull(), ":\n\n");
  }
  EXPECT_EQ(peer->pull(), "[pending]");
  port.advance(10s);
  EXPECT_EQ(peer->pull(), "data: \n\n");
  EXPECT_EQ(peer->pull(), "[end]");
  run();
}

EventStream forged() { co_yield Event{.data = "x", .event = "a\ndata: forged"}; }

TEST_F(EventStreams, TakeNoNameOfSeveralLines) {
  app.get("/", forged);
  EXPECT_EQ(status("/"), 500);
}

Response with_numbers(ResponseHead& head) {
  head.set("x-count", "1");
  return Response::stream("text/plain", numbers(1));
}

TEST_F(Streams, OutliveARequestThatNeverSuspended) {
  const LiveCheck check;
  app.get("/", on_loop<with_numbers>);
  for (const auto deadline : {Time::max(), port.context().now() + 1h}) {
    const auto peer = connect("/");
    peer->set_deadline(deadline);
    peer->ask(app);

    EXPECT_EQ(peer->header("x-count"), "1");
    EXPECT_EQ(peer->pull(), "[pending]");
    port.advance(1ms);
    EXPECT_EQ(peer->pull(), "0");
    EXPECT_EQ(peer->pull(), "[end]");
    run();
  }
  EXPECT_TRUE(check.ok());
}

}  // namespace
}  // namespace umbel::test
