// SPDX-License-Identifier: MIT
#include "umbel/di/resource.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "../support/live.hpp"
#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/observer.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Resources : public ::testing::Test, public TestApp {
protected:
  Resources() { journal().take(); }

  template <auto& handler>
  std::string life(RouteOptions options = {}) {
    app.get("/", handler, options);
    last = ask("/");
    return journal().take();
  }
  std::unique_ptr<Peer> last;
};

using ResourceOrder = Resources;
using ResourceOutcome = Resources;
using ResourceFailure = Resources;
using ResourceCancel = Resources;
using ResourceLifetime = Resources;
using ResourceOnWorkers = Resources;

// --- order ----------------------------------------------------------------------------------------------------------

constexpr auto& r1 = resource<"r1">;
constexpr auto& r2 = resource<"r2", r1>;

TEST_F(ResourceOrder, IsSetUpHandlerTearDownInReverse) {  // Rule 17.
  EXPECT_EQ((life<handler<r2>>()), "r1+ r2+ h r2- r1-");
  EXPECT_EQ(last->status(), 200);
  EXPECT_EQ(last->replies(), 1u);
}

constexpr auto& slow_1 = slow_resource<"s1", 10>;
constexpr auto& slow_2 = slow_resource<"s2", 10, slow_1>;

TEST_F(ResourceOrder, IsTheSameWhenEverythingWaits) {  // Rule 17.
  app.get("/", handler<slow_2>);
  const auto peer = begin("/");

  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s1+");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s2+ h");
  EXPECT_EQ(peer->replies(), 0u);  // Rule 16: the reply waits for the tear-down.
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s2-");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s1-");
  EXPECT_EQ(peer->status(), 200);
}

TEST_F(ResourceOrder, OfTwoThatAreMadeAtOnceIsReversed) {  // Rule 17.
  static constexpr auto& quick = slow_resource<"q", 5>;
  app.get("/", handler<slow_1, quick>);
  const auto peer = begin("/");

  port.advance(10ms);
  port.advance(10ms);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "q+ s1+ h s1- q-");
}

Task<Speaks> uses_r1(Depends<r1>) { co_return Speaks{"value"}; }
Task<Speaks> uses_nothing() { co_return Speaks{"other"}; }

TEST_F(ResourceOrder, DestroysAValueBeforeTheResourceThatItMayReferTo) {
  EXPECT_EQ((life<handler<uses_nothing, uses_r1>>()), "r1+ h ~value r1- ~other");
}

/// Made at once; its end takes its time.
Resource<int> ends_slowly(Depends<r1>) {
  int value = 1;
  const Outcome& outcome = co_yield value;
  co_await sleep(10ms);
  journal().write(outcome.ok() ? "slow-" : "slow!");
}
Task<Speaks> uses_the_slow_end(Depends<ends_slowly>) { co_return Speaks{"value"}; }
constexpr auto& r3 = resource<"r3", ends_slowly>;

TEST_F(ResourceOrder, IsTheSameWhenOnlyOneTearDownWaits) {  // Rule 17.
  app.get("/", handler<r3, uses_the_slow_end>);
  const auto peer = begin("/");

  EXPECT_EQ(journal().take(), "r1+ r3+ h ~value r3-");
  EXPECT_EQ(peer->replies(), 0u);
  peer->leave();  // Too late: the handler is done.
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "slow- r1-");
  EXPECT_EQ(peer->replies(), 1u);
}

Resource<int> hands_out_what_it_has() {
  const Live live;
  int value = 41;
  co_yield value;
  ++value;
  journal().write(std::to_string(value));
}
Task<std::string> reads(Depends<hands_out_what_it_has> value) { co_return std::to_string(*value); }

TEST_F(ResourceOrder, GivesTheObjectThatLivesInTheCoroutine) {
  const LiveCheck check;
  EXPECT_EQ((life<reads>()), "42");
  EXPECT_EQ(last->body(), "41");
  EXPECT_TRUE(check.ok());
}

// --- the outcome ----------------------------------------------------------------------------------------------------

Task<Response> not_found(Depends<r2>) {
  journal().write("h");
  throw HttpError{404};
  co_return Response{};
}

TEST_F(ResourceOutcome, IsTheErrorOfTheHandler) {  // Rule 19; case "http error".
  EXPECT_EQ((life<not_found>()), "r1+ r2+ h r2!404 r2- r1!404 r1-");
  EXPECT_EQ(last->status(), 404);
}

Resource<int> swallows(Depends<r1>) {
  int value = 1;
  try {
    co_yield value;
  } catch (...) {
    journal().write("caught");
  }
}
Task<Response> fails_over(Depends<swallows>) {
  throw HttpError{409};
  co_return Response{};
}

TEST_F(ResourceOutcome, IsNoExceptionAndCannotBeSwallowed) {  // Rule 19.
  EXPECT_EQ((life<fails_over>()), "r1+ r1!409 r1-");
  EXPECT_EQ(last->status(), 409);
}

Resource<int> replaces(Depends<r1>) {
  int value = 1;
  co_yield value;
  journal().write("replaces");
  throw Replace{HttpError{409, "Somebody else was faster"}};
}
Task<Response> fails_below(Depends<replaces>) {
  throw HttpError{404};
  co_return Response{};
}
Task<Response> goes_well(Depends<replaces>) { co_return Response::text("fine"); }

TEST_F(ResourceOutcome, MayBeReplacedBeforeTheReply) {  // Rule 19.
  EXPECT_EQ((life<fails_below>()), "r1+ replaces r1!409 r1-");
  EXPECT_EQ(last->status(), 409);
  EXPECT_EQ(last->body(), R"({"detail":"Somebody else was faster"})");
}

TEST_F(ResourceOutcome, MayBecomeAnErrorThatWasNone) {  // Rule 19.
  EXPECT_EQ((life<goes_well>()), "r1+ replaces r1!409 r1-");
  EXPECT_EQ(last->status(), 409);
}

constexpr auto& after_503 = failing_after<"a", 503, r1>;

TEST_F(ResourceOutcome, IsTheFailureOfATearDownBeforeTheReply) {  // Rules 19 and 20.
  EXPECT_EQ((life<handler<after_503>>()), "r1+ a+ h a- r1!503 r1-");
  EXPECT_EQ(last->status(), 503);
}

// Remembers what it heard.
class Ears : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override {
    heard += std::string{failure.node} + (failure.suppressed ? "~" : "!") + failure.error.message() + "\n";
  }
  void late_error(const LateError& late) noexcept override {
    heard += std::string{late.node} + " late " + late.error.message() + "\n";
  }
  std::string take() { return unqualified(std::exchange(heard, {})); }
  std::string heard;
};

Task<Response> missing_over_failing(Depends<after_503>) {
  throw HttpError{404};
  co_return Response{};
}

TEST_F(ResourceOutcome, OfAFailedRequestIsNotMaskedByATearDown) {  // Rule 20; case "tear-down does not mask".
  Ears ears;
  app.observe(ears);

  EXPECT_EQ((life<missing_over_failing>()), "r1+ a+ a!404 a- r1!404 r1-");

  EXPECT_EQ(last->status(), 404);
  const std::string heard = ears.take();
  EXPECT_NE(heard.find("!Not Found"), heard.npos) << heard;
  EXPECT_NE(heard.find("~a\n"), heard.npos) << heard;  // Suppressed.
}

// --- when it fails --------------------------------------------------------------------------------------------------

constexpr auto& broken = failing_resource<"b", 403, r1>;
constexpr auto& never = resource<"n", broken>;

TEST_F(ResourceFailure, OfASetUpTearsDownWhatWasMadeBefore) {  // Rule 21; case "set-up fails".
  EXPECT_EQ((life<handler<never>>()), "r1+ b+ r1!403 r1-");
  EXPECT_EQ(last->status(), 403);
}

Resource<int> does_not_yield(Depends<r1>) {
  if (journal().take().empty()) {
    int value = 1;
    co_yield value;
  }
}
Resource<int> yields_twice(Depends<r1>) {
  const Live live;
  int value = 1;
  co_yield value;
  co_yield value;
  journal().write("never");
}

TEST_F(ResourceFailure, NotToYieldIsA500ThatNamesTheResource) {  // Rule 23.
  Ears ears;
  app.observe(ears);

  EXPECT_EQ((life<handler<does_not_yield>>()), "r1!500 r1-");

  EXPECT_EQ(last->status(), 500);
  EXPECT_EQ(ears.take(), "does_not_yield!umbel: the resource does_not_yield ended without a co_yield\n");
}

TEST_F(ResourceFailure, ToYieldTwiceIsA500ThatNamesTheResource) {  // Rule 23.
  const LiveCheck check;
  Ears ears;
  app.observe(ears);

  EXPECT_EQ((life<handler<yields_twice>>()), "r1+ h r1!500 r1-");

  EXPECT_EQ(last->status(), 500);
  EXPECT_TRUE(check.ok());
  EXPECT_EQ(ears.take(), "yields_twice!umbel: the resource yields_twice has a second co_yield\n");
}

Resource<Result<int>> maybe(Query<"ok", bool> ok, Depends<r1>) {
  const Live live;
  Result<int> value = HttpError{418};
  if (*ok) value = 3;
  co_yield value;
  journal().write("maybe-");
}
Task<std::string> takes_maybe(Depends<maybe> value) { co_return std::to_string(*value); }

TEST_F(ResourceFailure, MayBeAValue) {
  const LiveCheck check;
  app.get("/", takes_maybe);

  EXPECT_EQ(body("/?ok=1"), "3");
  EXPECT_EQ(journal().take(), "r1+ maybe- r1-");
  EXPECT_EQ(status("/?ok=0"), 418);
  EXPECT_EQ(journal().take(), "r1+ r1!418 r1-");
  EXPECT_TRUE(check.ok());
}

constexpr auto& fails_1 = failing_after<"f1", 502>;
constexpr auto& fails_2 = failing_after<"f2", 503, fails_1>;
constexpr auto& fails_3 = failing_after<"f3", 504, fails_2>;

TEST_F(ResourceFailure, OfATearDownDoesNotStopTheOthers) {  // Rule 17.
  EXPECT_EQ((life<handler<fails_3>>()), "f1+ f2+ f3+ h f3- f2!504 f2- f1!504 f1-");
  EXPECT_EQ(last->status(), 504);
}

// --- cancellation ---------------------------------------------------------------------------------------------------

constexpr auto& sleeper = slow<"w", 500, r1>;

TEST_F(ResourceCancel, TearsDownWhatWasMade) {  // Rule 25; case "leave before head".
  app.get("/", handler<sleeper>);
  const auto peer = begin("/");

  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "r1+ w+ w! r1!cancelled r1-");
  EXPECT_EQ(peer->replies(), 1u);
}

TEST_F(ResourceCancel, DoesNotReachTheTearDown) {  // Rule 18.
  static constexpr auto& waits = slow<"w", 500, slow_1>;
  app.get("/", handler<waits>);
  const auto peer = begin("/");
  port.advance(10ms);

  peer->leave();
  run();
  EXPECT_EQ(journal().take(), "s1+ w+ w!");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s1!cancelled s1-");
}

Resource<int> hangs_when_torn_down() {
  int value = 1;
  co_yield value;
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    journal().write("stopped");
    throw;
  }
}

TEST_F(ResourceCancel, OfATearDownComesWhenItsTimeIsUp) {  // Rule 18.
  Ears ears;
  app.observe(ears);
  app.get("/", handler<hangs_when_torn_down>);
  const auto peer = begin("/");

  port.advance(4999ms);
  EXPECT_EQ(journal().take(), "h");
  port.advance(1ms);

  EXPECT_EQ(journal().take(), "stopped");
  EXPECT_EQ(peer->status(), 500);
  EXPECT_EQ(ears.take(),
            "hangs_when_torn_down!umbel: the tear-down of hangs_when_torn_down took longer than its limit\n");
}

Peer* leaving = nullptr;
int plain_over_r1(Depends<r1> value) {
  journal().write("p+");
  leaving->leave();
  journal().write("p-");
  return *value;
}

TEST_F(ResourceCancel, WaitsForThePlainNodeThatUsesIt) {  // Rule 26; case "leave during a plain node".
  app.get("/", handler<plain_over_r1>);
  const auto peer = begin("/");
  leaving = peer.get();

  run();

  EXPECT_EQ(journal().take(), "r1+ p+ p- r1!cancelled r1-");
  EXPECT_EQ(peer->replies(), 1u);
}

TEST_F(ResourceCancel, WithdrawsAPlainNodeThatIsQueued) {  // Rule 26.
  app.get("/", handler<plain_over_r1>);
  const auto peer = begin("/");

  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "r1+ r1!cancelled r1-");
}

// --- lifetimes ------------------------------------------------------------------------------------------------------

Task<Response> with_request_lifetime(Depends<r1, Lifetime::request>, Depends<slow_1>) {
  journal().write("h");
  co_return Response::text("x");
}

TEST_F(ResourceLifetime, RequestIsUntilTheLastByteIsSent) {  // Rule 16.
  app.get("/", with_request_lifetime);
  const auto peer = std::make_unique<Peer>(port.context(), OwnedRequest{Method::get, "/"});
  peer->hold_sent();
  app.start(port.context());
  peer->ask(app);
  port.advance(10ms);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "r1+ s1+ h s1-");
  EXPECT_EQ(peer->status(), 200);
  peer->deliver_sent();
  run();

  EXPECT_EQ(journal().take(), "r1-");
}

constexpr auto& late_failure = failing_after<"l", 503>;
Task<Response> with_a_late_failure(Depends<late_failure, Lifetime::request>) { co_return Response::text("x"); }

TEST_F(ResourceLifetime, RequestFailsTooLateForTheClient) {  // Rule 20.
  Ears ears;
  app.observe(ears);

  EXPECT_EQ((life<with_a_late_failure>()), "l+ l-");

  EXPECT_EQ(last->status(), 200);
  EXPECT_EQ(last->replies(), 1u);
  EXPECT_NE(ears.take().find("late l"), std::string::npos);
}

Task<Response> both_lifetimes(Depends<r1, Lifetime::request>, Depends<r1, Lifetime::handler>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(ResourceLifetime, SplitsAResourceThatIsWantedForTwo) {  // Rule 1.
  EXPECT_EQ((life<both_lifetimes>()), "r1+ r1+ h r1- r1-");
}

Task<int> once_below_two(Depends<r1>) {
  journal().write("once");
  co_return 1;
}
Task<Response> without_tear_down(Depends<once_below_two, Lifetime::request>, Depends<once_below_two>) {
  co_return Response{204};
}

TEST_F(ResourceLifetime, DoesNotSplitWhatHasNoTearDown) {  // Rule 1.
  EXPECT_EQ((life<without_tear_down>()), "r1+ once r1-");
}

Task<int> auth(Depends<r1, Lifetime::last_use>) {
  journal().write("auth");
  co_return 1;
}

TEST_F(ResourceLifetime, LastUseIsUntilTheLastUserIsDone) {  // Rule 16; case "last_use".
  EXPECT_EQ((life<handler<auth>>()), "r1+ auth r1- h");
}

Resource<int> over_r1(Depends<r1, Lifetime::last_use>) {
  journal().write("o+");
  int value = 1;
  co_yield value;
  journal().write("o-");
}
Task<int> uses_over(Depends<over_r1, Lifetime::last_use>) {
  journal().write("use");
  co_return 1;
}

TEST_F(ResourceLifetime, LastUseClosesDependentsFirst) {  // Rule 17.
  EXPECT_EQ((life<handler<uses_over>>()), "r1+ o+ use o- r1- h");
}

constexpr auto& slow_auth_db = slow_resource<"db", 10>;
Task<int> slow_auth(Depends<slow_auth_db, Lifetime::last_use>) {
  journal().write("auth");
  co_return 1;
}
constexpr auto& long_work = slow<"w", 30, slow_auth>;

TEST_F(ResourceLifetime, LastUseIsTornDownWhileOthersRun) {
  app.get("/", handler<long_work>);
  const auto peer = begin("/");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "db+ auth w+");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "db-");
  port.advance(20ms);

  EXPECT_EQ(journal().take(), "w- h");
  EXPECT_EQ(peer->status(), 200);
}

constexpr auto& bad_end = failing_after<"x", 507>;
Task<int> uses_bad_end(Depends<bad_end, Lifetime::last_use>) { co_return 1; }

TEST_F(ResourceLifetime, LastUseThatFailsToEndFailsTheRequest) {
  EXPECT_EQ((life<handler<uses_bad_end>>()), "x+ x-");
  EXPECT_EQ(last->status(), 507);
}

// --- on the work queue ----------------------------------------------------------------------------------------------

constexpr auto& sync_1 = sync_resource<"s1">;
constexpr auto& sync_2 = sync_resource<"s2", sync_1>;
constexpr auto& plain_2 = plain<"p", sync_2>;

TEST_F(ResourceOnWorkers, RunsBothHalvesThere) {  // Rule 12.
  app.get("/", plain_handler<plain_2>);
  const auto peer = begin("/");

  EXPECT_EQ(port.pool().waiting(), 1u);
  EXPECT_EQ(port.pool().run_all(), 1u);  // One hop for the whole chain.
  EXPECT_EQ(journal().take(), "s1+ s2+ p h");
  port.run();
  EXPECT_EQ(port.pool().run_all(), 1u);
  EXPECT_EQ(journal().take(), "s2-");
  run();

  EXPECT_EQ(journal().take(), "s1-");
  EXPECT_EQ(peer->status(), 200);
}

Response sync_not_found(Depends<sync_2>) { throw HttpError{404}; }

TEST_F(ResourceOnWorkers, ShowsTheOutcome) {
  EXPECT_EQ((life<sync_not_found>()), "s1+ s2+ s2!404 s2- s1!404 s1-");
  EXPECT_EQ(last->status(), 404);
}

TEST_F(ResourceOnWorkers, MixesWithTheLoop) {  // Case "order".
  static constexpr auto& g2 = sync_resource<"g2", r1>;
  EXPECT_EQ((life<handler<g2>>()), "r1+ g2+ h g2- r1-");
}

}  // namespace
}  // namespace umbel::test
