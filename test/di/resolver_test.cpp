// SPDX-License-Identifier: MIT
#include "umbel/di/resolver.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/completion.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Resolving : public ::testing::Test, public TestApp {
protected:
  Resolving() { journal().take(); }

  template <auto& handler>
  std::string order(RouteOptions options = {}) {
    app.get("/", handler, options);
    ask("/");
    return journal().take();
  }
};

using ResolverOrder = Resolving;
using ResolverFailure = Resolving;
using ResolverCancel = Resolving;
using ResolverBody = Resolving;
using ResolverLife = Resolving;

// --- each node once -------------------------------------------------------------------------------------------------

constexpr auto& base = ready<"base">;
constexpr auto& mid = ready<"mid", base>;

TEST_F(ResolverOrder, RunsANodeOnceHoweverOftenItIsNamed) {  // Rule 1.
  EXPECT_EQ((order<handler<base, base, mid>>()), "base mid h");
}

template <int n>
struct Ladder {
  static Task<int> level(Depends<Ladder<n - 1>::level> a, Depends<Ladder<n - 1>::level> b) {
    journal().write("x");
    co_return *a + *b;
  }
};
template <>
struct Ladder<0> {
  static Task<int> level() {
    journal().write("x");
    co_return 1;
  }
};
// AddressSanitizer keeps every global's name demangled, which doubles its length with each level.
constexpr int height = UMBEL_PLAIN_BLOCKS ? 6 : 20;
Task<std::string> top_of_the_ladder(Depends<Ladder<height>::level> top) { co_return std::to_string(*top); }

TEST_F(ResolverOrder, RunsEachLevelOfALadderOnce) {  // Rule 3.
  app.get("/", top_of_the_ladder);

  EXPECT_EQ(body("/"), std::to_string(1 << height));

  EXPECT_EQ(journal().take().size(), 2u * (height + 1) - 1);
  EXPECT_EQ(app.graph().routes[0].nodes.size(), height + 2u);
}

// --- order ----------------------------------------------------------------------------------------------------------

constexpr auto& d = ready<"d">;
constexpr auto& b = ready<"b", d>;
constexpr auto& c = ready<"c", d>;
constexpr auto& a = ready<"a", c, b>;

TEST_F(ResolverOrder, IsDepthFirstWithDependenciesBeforeDependents) {  // Rule 8.
  EXPECT_EQ((order<handler<b, a>>()), "d b c a h");
}

TEST_F(ResolverOrder, IsTheSameWhenSequential) {
  EXPECT_EQ((order<handler<b, a>>({.policy = Policy::sequential})), "d b c a h");
}

constexpr auto& slow_1 = slow<"s1", 10>;
constexpr auto& slow_2 = slow<"s2", 10>;
constexpr auto& plain_1 = plain<"p1">;

TEST_F(ResolverOrder, StartsIndependentNodesAtTheSameTime) {
  app.get("/", handler<slow_1, slow_2, plain_1>);

  const auto peer = begin("/");

  EXPECT_EQ(journal().take(), "s1+ s2+");
  EXPECT_EQ(port.pool().waiting(), 1u);
  run();
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "p1 s1- s2- h");
  EXPECT_EQ(peer->status(), 200);
}

TEST_F(ResolverOrder, OfASequentialRouteIsOneAfterTheOther) {  // Rule 9.
  app.get("/", handler<slow_1, plain_1, slow_2>, {.policy = Policy::sequential});

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s1+ s1-");
  EXPECT_EQ(port.pool().waiting(), 1u);
  run();
  EXPECT_EQ(journal().take(), "p1 s2+");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s2- h");
  EXPECT_EQ(peer->status(), 200);
}

TEST_F(ResolverOrder, OfASequentialAppIsOneAfterTheOther) {  // Rule 9.
  app.policy(Policy::sequential);
  app.get("/", handler<slow_1, slow_2>);

  const auto peer = begin("/");
  port.advance(20ms);

  EXPECT_EQ(journal().take(), "s1+ s1- s2+ s2- h");
}

TEST_F(ResolverOrder, OfARouteMayBeConcurrentInASequentialApp) {
  app.policy(Policy::sequential);
  app.get("/", handler<slow_1, slow_2>, {.policy = Policy::concurrent});

  const auto peer = begin("/");

  EXPECT_EQ(journal().take(), "s1+ s2+");
  port.advance(10ms);
}

TEST_F(ResolverOrder, LetsFourNodesOf150MillisecondsTake150Milliseconds) {  // Rule 8.
  app.get("/", handler<slow<"a", 150>, slow<"b", 150>, slow<"c", 150>, slow<"d", 150>>);

  const auto peer = begin("/");
  port.advance(149ms);
  EXPECT_EQ(peer->status(), 0);
  port.advance(1ms);

  EXPECT_EQ(peer->status(), 200);
}

// Level by level, `late` would wait for `long_one`, which stands on the level of `short_one`.
constexpr auto& short_one = slow<"short", 10>;
constexpr auto& long_one = slow<"long", 100>;
constexpr auto& late = ready<"late", short_one>;
constexpr auto& late_plain = plain<"late_plain", short_one>;

TEST_F(ResolverOrder, IsByDataFlowAndNotLevelByLevel) {  // Rule 8.
  app.get("/", handler<long_one, late, late_plain>);

  const auto peer = begin("/");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "long+ short+ short- late");
  EXPECT_EQ(port.pool().waiting(), 1u);
  run();
  EXPECT_EQ(journal().take(), "late_plain");
  port.advance(90ms);

  EXPECT_EQ(journal().take(), "long- h");
}

TEST_F(ResolverOrder, OfNodesThatBecomeReadyTogetherIsThatOfDeclaration) {  // Rule 8.
  app.get("/", handler<ready<"x", slow_1>, ready<"y", slow_1>, ready<"z", slow_1>>);

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s1+ s1- x y z h");
}

// --- failures -------------------------------------------------------------------------------------------------------

TEST_F(ResolverFailure, OfTheFirstDeclaredWinsAlthoughItComesLater) {  // Rule 10.
  app.get("/", handler<failing<"late", 401, 50>, failing<"early", 403, 10>>);

  const auto peer = begin("/");
  port.advance(49ms);
  EXPECT_EQ(peer->status(), 0) << "the first declared still runs";
  port.advance(1ms);

  EXPECT_EQ(peer->status(), 401);
  EXPECT_EQ(peer->body(), R"({"detail":"late"})");
  EXPECT_EQ(journal().take(), "early late");
}

TEST_F(ResolverFailure, LetsWhatIsDeclaredBeforeRunOn) {
  app.get("/", handler<slow<"s", 50>, failing<"f", 403, 10>>);

  const auto peer = begin("/");
  port.advance(50ms);

  EXPECT_EQ(peer->status(), 403);
  EXPECT_EQ(journal().take(), "s+ f s-");
}

TEST_F(ResolverFailure, LetsWhatIsDeclaredBeforeStartNodesAndWin) {  // Rule 10.
  app.get("/", handler<failing<"late", 401, 20, slow<"s", 20>>, failing<"early", 403, 10>>);

  const auto peer = begin("/");
  port.advance(40ms);

  EXPECT_EQ(peer->status(), 401);
  EXPECT_EQ(journal().take(), "s+ early s- late");
}

TEST_F(ResolverFailure, AsksWhatIsDeclaredAfterToStopAndJoinsIt) {  // Rule 10.
  app.get("/", handler<failing<"f", 403, 10>, slow<"s", 5000>>);

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(peer->status(), 403);
  EXPECT_EQ(journal().take(), "s+ f s!");
  EXPECT_TRUE(port.context().is_idle());
}

TEST_F(ResolverFailure, WithdrawsAQueuedPlainNodeThatIsDeclaredAfter) {
  app.get("/", handler<failing<"f", 403, 10>, plain<"p">>);

  const auto peer = begin("/");
  EXPECT_EQ(port.pool().waiting(), 1u);
  port.advance(10ms);
  EXPECT_EQ(peer->status(), 0) << "the job is not home";
  run();

  EXPECT_EQ(peer->status(), 403);
  EXPECT_EQ(journal().take(), "f");
}

TEST_F(ResolverFailure, RunsAQueuedPlainNodeThatIsDeclaredBefore) {
  app.get("/", handler<failing_plain<"p", 401>, failing<"f", 403, 10>>);

  const auto peer = begin("/");
  port.advance(10ms);
  run();

  EXPECT_EQ(peer->status(), 401);
  EXPECT_EQ(journal().take(), "f p");
}

TEST_F(ResolverFailure, KeepsWhatWasNotStartedFromStarting) {  // Rule 10.
  app.get("/", handler<failing<"f", 403, 10>, slow<"s", 20>, ready<"never", slow<"s", 20>>, plain<"p", slow<"s", 20>>>);

  const auto peer = begin("/");
  port.advance(1s);

  EXPECT_EQ(peer->status(), 403);
  EXPECT_EQ(journal().take(), "s+ f s!");
}

TEST_F(ResolverFailure, OfAReadyNodeStopsTheSweepAtOnce) {
  app.get("/", handler<ready<"a">, failing<"f", 409, 0>, ready<"b">, plain<"p">>);

  const auto peer = begin("/");

  EXPECT_EQ(peer->status(), 409);
  EXPECT_EQ(journal().take(), "a f");
}

// An answer in spite of being asked to stop.
Task<int> stubborn() {
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    journal().write("asked");
  }
  co_await yield_once();
  journal().write("ended");
  co_return 1;
}

TEST_F(ResolverFailure, JoinsANodeThatDoesNotStopWhenAsked) {
  app.get("/", handler<failing<"f", 403, 10>, stubborn>);

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "f asked ended");
  EXPECT_EQ(peer->status(), 403);
}

Task<int> looks_at_its_token(StopToken stop) {
  journal().write(stop.stop_requested() ? "stopped" : "going");
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    journal().write(stop.stop_requested() ? "stopped" : "going");
  }
  co_return 1;
}

TEST_F(ResolverFailure, IsSeenInTheStopTokenOfWhatIsDeclaredAfter) {
  app.get("/", handler<failing<"f", 403, 10>, looks_at_its_token>);

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "going f stopped");
}

TEST_F(ResolverFailure, OfTwoPlainNodesIsTheFirstDeclaredAlthoughItEndsLast) {
  app.get("/", handler<failing_plain<"one", 401>, failing_plain<"two", 403>>);

  const auto peer = begin("/");
  port.pool().run_one(1);
  port.pool().run_one(0);
  port.run();

  EXPECT_EQ(peer->status(), 401);
}

int throws_something() { throw std::runtime_error{"secret"}; }
Task<int> throws_before_suspending() {
  throw std::runtime_error{"secret"};
  co_return 1;
}
Task<int> throws_after_suspending() {
  co_await sleep(1ms);
  throw std::runtime_error{"secret"};
  co_return 1;
}
Task<int> throws_an_int() {
  co_await sleep(1ms);
  throw 42;
  co_return 1;
}
struct Explosive {
  Explosive() { throw std::runtime_error{"secret"}; }
};
Explosive plain_explosive() { return Explosive{}; }
struct ExplosiveCopy {
  ExplosiveCopy() = default;
  ExplosiveCopy(const ExplosiveCopy&) { throw std::runtime_error{"secret"}; }
};
Task<ExplosiveCopy> ready_explosive() {
  const ExplosiveCopy made;
  co_return made;
}
Task<ExplosiveCopy> late_explosive() {
  const ExplosiveCopy made;
  co_await sleep(1ms);
  co_return made;
}
Result<int> error_as_value() { return Error{std::make_exception_ptr(std::runtime_error{"secret"})}; }
Task<Result<int>> late_error_as_value() {
  co_await sleep(1ms);
  co_return Error{std::make_exception_ptr(std::runtime_error{"secret"})};
}

TEST_F(ResolverFailure, OfAnyKindIsA500ThatLeaksNothing) {
  app.get("/1", handler<throws_something>);
  app.get("/2", handler<on_loop<throws_something>>);
  app.get("/3", handler<throws_before_suspending>);
  app.get("/4", handler<throws_after_suspending>);
  app.get("/5", handler<throws_an_int>);
  app.get("/6", handler<plain_explosive>);
  app.get("/7", handler<ready_explosive>);
  app.get("/8", handler<late_explosive>);
  app.get("/9", handler<error_as_value>);
  app.get("/a", handler<late_error_as_value>);

  for (const char which : std::string{"123456789a"}) {
    const auto peer = ask(std::string{"/"} + which);
    port.advance(1ms);
    EXPECT_EQ(peer->status(), 500) << which;
    EXPECT_EQ(peer->body(), R"({"detail":"Internal Server Error"})") << which;
  }
  EXPECT_EQ(journal().take(), "");
}

Result<int> http_error_as_value() { return HttpError{402, "pay"}; }
Task<Result<int>> late_http_error_as_value() {
  co_await sleep(1ms);
  co_return HttpError{402, "pay"};
}
Result<void> http_error_in_a_check() { return HttpError{402, "pay"}.header("x-price", "7"); }
Result<int> http_error_in_a_box() { return Error{std::make_exception_ptr(HttpError{402, "pay"})}; }

TEST_F(ResolverFailure, AsAValueIsTheSameAsThrown) {
  app.get("/1", handler<http_error_as_value>);
  app.get("/2", handler<on_loop<http_error_as_value>>);
  app.get("/3", handler<late_http_error_as_value>);
  app.get("/4", handler<http_error_in_a_check>);
  app.get("/5", handler<http_error_in_a_box>);

  for (const char which : std::string{"12345"}) {
    const auto peer = ask(std::string{"/"} + which);
    port.advance(1ms);
    EXPECT_EQ(peer->status(), 402) << which;
    EXPECT_EQ(peer->body(), R"({"detail":"pay"})") << which;
  }
  EXPECT_EQ(ask("/4")->header("x-price"), "7");
}

struct ThrowsAsText {
  operator std::string_view() const { throw HttpError{418, "in conversion"}; }
};
ThrowsAsText cannot_be_text() { return {}; }
Task<ThrowsAsText> cannot_be_text_later() {
  co_await sleep(1ms);
  co_return ThrowsAsText{};
}

TEST_F(ResolverFailure, InTheConversionOfAHandlersResultIsItsReply) {  // Rule 22.
  app.get("/plain", cannot_be_text);
  app.get("/coroutine", cannot_be_text_later);

  EXPECT_EQ(status("/plain"), 418);
  const auto peer = begin("/coroutine");
  port.advance(1ms);
  EXPECT_EQ(peer->status(), 418);
}

// --- the peer leaves ------------------------------------------------------------------------------------------------

TEST_F(ResolverCancel, StopsWhatRunsAndKeepsTheRestFromStarting) {  // Rule 25.
  app.get("/", handler<slow<"s", 500>, ready<"never", slow<"s", 500>>, plain<"p">>);

  const auto peer = begin("/");
  port.advance(150ms);
  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "s+ s!");
  EXPECT_EQ(peer->replies(), 1u);
  EXPECT_TRUE(port.context().is_idle());
}

TEST_F(ResolverCancel, LetsARunningPlainNodeEndAndDropsItsResult) {  // Rule 26.
  app.get("/", handler<plain<"p">, ready<"never", plain<"p">>>);

  const auto peer = begin("/");
  port.pool().run_one();
  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "p");
  EXPECT_EQ(peer->replies(), 1u);
}

TEST_F(ResolverCancel, LeavesARequestThatChangesSomethingAlone) {
  app.post("/", handler<slow<"s", 500>, plain<"p">>);

  const auto peer = begin(OwnedRequest{Method::post, "/"});
  peer->leave();
  run();
  port.advance(500ms);

  EXPECT_EQ(journal().take(), "s+ p s- h");
  EXPECT_EQ(peer->status(), 200);
}

TEST_F(ResolverCancel, OfAPeerThatLeftBeforeItsRequestWasServedStopsTheFirstWait) {
  app.get("/", handler<ready<"r">, slow<"s", 500>>);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};

  peer.leave();
  peer.ask(app);
  port.run();

  EXPECT_EQ(journal().take(), "r s+ s!");
  EXPECT_EQ(peer.replies(), 1u);
}

// Makes its own peer leave, as a write that fails does.
Task<int> drops_its_peer(State<Peer*> peer) {
  journal().write("drop");
  (*peer)->leave();
  co_await sleep(1s);
  co_return 1;
}

TEST_F(ResolverCancel, FromInsideANodeStopsThatNodeToo) {
  Peer* slot = nullptr;
  app.borrow(slot);
  app.get("/first", handler<drops_its_peer, ready<"never">>);
  app.get("/later", handler<slow<"s", 10>, drops_its_peer, ready<"never">>);
  app.start(port.context());

  for (const char* target : {"/first", "/later"}) {
    Peer peer{port.context(), OwnedRequest{Method::get, target}};
    slot = &peer;
    peer.ask(app);
    port.run();
    EXPECT_EQ(peer.replies(), 1u) << target;
  }
  EXPECT_EQ(journal().take(), "drop s+ drop s!");
}

TEST_F(ResolverCancel, WinsOverAFailureThatCameBefore) {
  app.get("/", handler<stubborn, failing<"f", 403, 10>>);

  const auto peer = begin("/");
  port.advance(10ms);
  peer->leave();
  port.run();

  EXPECT_EQ(journal().take(), "f asked ended");
  EXPECT_EQ(peer->status(), 503);
}

Task<int> gives_up_by_itself() {
  throw Cancelled{};
  co_return 1;
}

TEST_F(ResolverCancel, ThrownByANodeThatNobodyStoppedIsAFailure) {
  app.get("/", handler<gives_up_by_itself>);

  EXPECT_EQ(status("/"), 503);
}

// --- the body -------------------------------------------------------------------------------------------------------

std::string echo(Body<> body) { return std::string{*body}; }
Task<std::string> echo_later(Body<> body, Depends<slow<"s", 10>>) { co_return std::string{*body}; }

TEST_F(ResolverBody, IsWaitedForBeforeAnyNodeRuns) {  // Rule 31.
  app.post("/", echo_later);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/"}};
  peer.hold_body();

  peer.ask(app);
  port.run();
  EXPECT_EQ(journal().take(), "");
  peer.deliver_body("hello");
  port.run();
  EXPECT_EQ(journal().take(), "s+");
  port.advance(10ms);

  EXPECT_EQ(peer.body(), "hello");
}

TEST_F(ResolverBody, ThatIsThereAlreadyIsTaken) {
  app.post("/", on_loop<echo>);
  OwnedRequest request{Method::post, "/"};
  request.body("at once");

  EXPECT_EQ(ask(std::move(request))->body(), "at once");
}

TEST_F(ResolverBody, ThatFailsIsItsStatusAndNoNodeRuns) {
  app.post("/", echo_later);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/"}};
  peer.hold_body();

  peer.ask(app);
  peer.fail_body(413);
  port.run();

  EXPECT_EQ(peer.status(), 413);
  EXPECT_EQ(journal().take(), "");
}

TEST_F(ResolverBody, OfAnInvalidRequestIsNotAskedFor) {  // Rule 31.
  app.post("/", [](Body<>, Query<"n", int>) {});
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/?n=x"}};
  peer.hold_body();

  peer.ask(app);

  EXPECT_EQ(peer.status(), 422);
  EXPECT_FALSE(peer.body_was_asked_for());
}

TEST_F(ResolverBody, ThatNobodyTakesIsNotAskedFor) {
  app.post("/", handler<>);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/"}};
  peer.hold_body();

  peer.ask(app);

  EXPECT_EQ(peer.status(), 200);
  EXPECT_FALSE(peer.body_was_asked_for());
}

TEST_F(ResolverBody, OfAGetWhosePeerLeavesMeanwhileEndsTheRequest) {
  app.get("/", echo_later);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.hold_body();

  peer.ask(app);
  peer.leave();
  peer.fail_body(499);
  port.run();

  EXPECT_EQ(peer.replies(), 1u);
  EXPECT_EQ(journal().take(), "");
}

// --- life and death -------------------------------------------------------------------------------------------------

/// Tells when it dies.
class Mortal {
public:
  explicit Mortal(std::string_view name) : live_(name) {}
  Mortal(Mortal&&) = default;
  ~Mortal() {
    if (!live_.text().empty()) journal().write("~" + live_.text());
  }

private:
  Live live_;
};

template <FixedString name, auto&... needs>
Task<Mortal> mortal(Depends<needs>...) {
  co_return Mortal{name.view()};
}
template <FixedString name, int milliseconds, auto&... needs>
Task<Mortal> slow_mortal(Depends<needs>...) {
  co_await sleep(std::chrono::milliseconds{milliseconds});
  co_return Mortal{name.view()};
}
template <FixedString name, auto&... needs>
Mortal plain_mortal(Depends<needs>...) {
  return Mortal{name.view()};
}

TEST_F(ResolverLife, EndsInReverseOrderOfMaking) {
  const LiveCheck live;
  app.get("/", handler<mortal<"c", mortal<"a">, mortal<"b">>>);

  EXPECT_EQ(status("/"), 200);

  EXPECT_EQ(journal().take(), "h ~c ~b ~a");
  EXPECT_TRUE(live.ok());
}

TEST_F(ResolverLife, EndsInReverseOrderOfMakingAndNotOfDeclaration) {
  const LiveCheck live;
  app.get("/", handler<slow_mortal<"late", 20>, slow_mortal<"early", 10>, plain_mortal<"plain">>);

  const auto peer = ask("/");
  port.advance(20ms);

  EXPECT_EQ(journal().take(), "h ~late ~early ~plain");
  EXPECT_TRUE(live.ok());
}

TEST_F(ResolverLife, OfWhatWasMadeBeforeAFailureEnds) {
  const LiveCheck live;
  app.get("/ready", handler<mortal<"a">, mortal<"b">, failing<"f", 400, 0>, mortal<"never">>);
  app.get("/late", handler<mortal<"a">, slow_mortal<"s", 5>, plain_mortal<"p">, failing<"f", 400, 10>>);

  EXPECT_EQ(status("/ready"), 400);
  EXPECT_EQ(journal().take(), "f ~b ~a");
  const auto peer = ask("/late");
  port.advance(10ms);

  EXPECT_EQ(peer->status(), 400);
  EXPECT_EQ(journal().take(), "f ~s ~p ~a");
  EXPECT_TRUE(live.ok());
}

TEST_F(ResolverLife, OfWhatOthersUseLastsUntilAllAreJoined) {
  const LiveCheck live;
  constexpr auto& used = mortal<"used">;
  app.get("/", handler<failing<"f", 400, 10>, plain_mortal<"p", used>, slow<"s", 500, used>>);

  const auto peer = begin("/");
  port.pool().run_one();  // Executed, not home yet.
  port.run();
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s+ f s! ~p ~used");
  EXPECT_TRUE(live.ok());
}

TEST_F(ResolverLife, OfWhatACancelledRequestMadeEndsWhenItsWorkIsHome) {
  const LiveCheck live;
  app.get("/", handler<mortal<"m">, plain_mortal<"p", mortal<"m">>>);

  const auto peer = begin("/");
  port.pool().run_one();
  peer->leave();
  EXPECT_EQ(journal().take(), "");
  port.run();

  EXPECT_EQ(journal().take(), "~p ~m");
  EXPECT_TRUE(live.ok());
}

Task<Result<Mortal>> failed_result(Depends<mortal<"m">>) { co_return HttpError{400}; }

TEST_F(ResolverLife, OfAFailedResultLeavesNothing) {
  const LiveCheck live;
  app.get("/", handler<failed_result>);

  EXPECT_EQ(status("/"), 400);

  EXPECT_EQ(journal().take(), "~m");
  EXPECT_TRUE(live.ok());
}

std::string long_text(Query<"text", std::string> text, Header<"x-text", std::string> header) { return *text + *header; }
constexpr const char* long_word = "a-text-that-is-too-long-to-lie-inside-a-string";

TEST_F(ResolverLife, OfParametersThatAreObjectsEndsOnEveryWay) {  // Leaks are found by AddressSanitizer.
  app.get("/ok", handler<long_text>);
  app.get("/failed", handler<long_text, failing<"f", 400, 1>>);
  app.get("/invalid", [](Query<"a", std::string>, Query<"n", int>, Query<"b", std::string>) {});
  const std::string text = std::string{"?text="} + long_word + "&a=" + long_word + "&b=" + long_word + "&n=x";

  for (const std::string path : {"/ok", "/failed", "/invalid"}) {
    OwnedRequest request{Method::get, path + text};
    request.header("x-text", long_word);
    const auto peer = ask(std::move(request));
    port.advance(1ms);
    EXPECT_EQ(peer->replies(), 1u);
  }
}

}  // namespace
}  // namespace umbel::test
