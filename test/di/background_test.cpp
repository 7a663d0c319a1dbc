// SPDX-License-Identifier: MIT
#include "umbel/di/background.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/route_options.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

// What is added: awaited, on a worker, on the loop; some wait, some fail.
Task<void> writes(std::string word) {
  journal().write(word);
  co_return;
}
void plain_writes(std::string word) { journal().write(word); }
Task<void> waits_and_writes(std::string word) {
  journal().write(word + "+");
  try {
    co_await sleep(10ms);
  } catch (const Cancelled&) {
    journal().write(word + "!");
    throw;
  }
  journal().write(word + "-");
}

class Hears : public Observer {
public:
  void late_error(const LateError& late) noexcept override {
    journal().write("late(" + std::string{late.node} + ": " + late.error.message() + ")");
  }
};

class Tasks : public ::testing::Test, public TestApp {
protected:
  Tasks() { journal().take(); }

  /// What is written from the request to its release, "reply" or "hold", "sent" and "release" among it.
  template <auto& handler>
  std::string life(RouteOptions options = {}) {
    app.get("/", handler, options);
    last = connect("/");
    last->write_to(journal());
    last->ask(app);
    run();
    return journal().take();
  }
  std::unique_ptr<Peer> last;
};

using BackgroundOrder = Tasks;
using BackgroundFailure = Tasks;
using BackgroundDropped = Tasks;
using BackgroundStop = Tasks;
using BackgroundTask = Tasks;
using BackgroundElsewhere = Tasks;

// --- order ----------------------------------------------------------------------------------------------------------

constexpr auto& g1 = resource<"g1">;
constexpr auto& s_g2 = sync_resource<"g2", g1>;
SyncResource<int> requests_g2(Depends<g1, Lifetime::request>) {
  journal().write("g2+");
  int value = 7;
  co_yield value;
  journal().write("g2-");
}
Task<Response> with_request(Background& background, Depends<requests_g2, Lifetime::request>) {
  background.add(writes, "BG");
  journal().write("h");
  co_return Response{200};
}
Task<Response> with_handler(Background& background, Depends<s_g2>) {
  background.add(writes, "BG");
  journal().write("h");
  co_return Response{200};
}

TEST_F(BackgroundOrder, IsAfterTheReplyBeforeWhatLivesAsLongAsTheRequest) {  // Rule 34; case "order".
  EXPECT_EQ(life<with_request>(), "g1+ g2+ h hold sent BG g2- g1- release");
}

TEST_F(BackgroundOrder, IsAfterWhatLivesAsLongAsTheHandler) {  // Case "order".
  EXPECT_EQ(life<with_handler>(), "g1+ g2+ h g2- g1- hold sent BG release");
}

TEST_F(BackgroundOrder, WaitsForTheLastByte) {
  app.get("/", with_handler);
  auto peer = connect("/");
  peer->hold_sent();
  peer->ask(app);
  run();
  EXPECT_EQ(journal().take(), "g1+ g2+ h g2- g1-");
  EXPECT_EQ(peer->status(), 200);

  peer->deliver_sent();
  run();
  EXPECT_EQ(journal().take(), "BG");
  EXPECT_FALSE(peer->is_held());
}

template <FixedString name, int milliseconds>
Task<int> adds(Background& background) {
  if (milliseconds > 0) co_await sleep(std::chrono::milliseconds{milliseconds});
  background.add(plain_writes, std::string{name.view()} + "1");
  background.add(waits_and_writes, std::string{name.view()} + "2");
  co_return 1;
}
template <FixedString name>
int plain_adds(Background& background) {
  background.add(writes, std::string{name.view()});
  return 1;
}
Task<Response> after_adds(Background& background, Depends<adds<"a", 10>>, Depends<adds<"b", 0>>,
                          Depends<plain_adds<"c">>, Depends<plain_adds<"d">>) {
  background.add(writes, "h");
  co_return Response{200};
}

TEST_F(BackgroundOrder, IsThatOfDeclarationOneAfterTheOther) {  // Rule 34.
  app.get("/", after_adds);
  const auto peer = begin("/");
  ASSERT_EQ(port.pool().waiting(), 2u);
  port.pool().run_one_elsewhere(1);
  for (int i = 0; i < 3; ++i) {
    run();
    port.advance(10ms);
  }
  run();

  EXPECT_EQ(journal().take(), "a1 a2+ a2- b1 b2+ b2- c d h");
  EXPECT_FALSE(peer->is_held());
}

Task<Response> adds_nothing(Background&) { co_return Response{200}; }

TEST_F(BackgroundOrder, IsAnOrdinaryReplyIfNothingWasAdded) { EXPECT_EQ(life<adds_nothing>(), "reply"); }

void adds_on_loop(Background& background) { background.add(writes, "BG"); }
constexpr auto& added_on_loop = on_loop<adds_on_loop>;

TEST_F(BackgroundOrder, IsTheSameWhenNothingWaits) { EXPECT_EQ(life<added_on_loop>(), "hold sent BG release"); }

Task<void> adds_another(Background& background) {
  journal().write("one");
  background.add(writes, "another");
  co_return;
}
Task<Response> adds_one_that_adds(Background& background) {
  background.add(adds_another, std::ref(background));
  co_return Response{200};
}

TEST_F(BackgroundOrder, EndsWithWhatATaskAdds) {
  EXPECT_EQ(life<adds_one_that_adds>(), "hold sent one another release");
}

Task<void> uses(const int* value) {
  journal().write(std::to_string(*value));
  co_return;
}
Task<Response> lends(Background& background, Depends<g1, Lifetime::request> g, Query<"q"> q) {
  background.add(uses, &*g);
  background.add([](std::string_view text) { journal().write(text); }, *q);
  co_return Response{200};
}

TEST_F(BackgroundOrder, LeavesTheRequestAndItsResourcesInPlace) {
  app.get("/", lends);

  const auto peer = ask("/?q=a%20b");

  EXPECT_EQ(journal().take(), "g1+ 7 a b g1-");
}

// --- what can be added ----------------------------------------------------------------------------------------------

Task<Response> adds_on_workers(Background& background) {
  background.add(plain_writes, "w");
  co_return Response{200};
}

TEST_F(BackgroundTask, RunsOnAWorkerIfItIsPlain) {
  app.get("/", adds_on_workers);
  const auto peer = begin("/");
  port.run();
  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(journal().take(), "");

  EXPECT_EQ(port.pool().run_all(), 1u);
  EXPECT_EQ(journal().take(), "w");
  EXPECT_TRUE(peer->is_held());
  port.run();
  EXPECT_FALSE(peer->is_held());
}

TEST_F(BackgroundTask, IsRefusedByNoFullQueue) {
  app.get("/", adds_on_workers);
  port.pool().set_limit(0);

  const auto peer = ask("/");

  EXPECT_EQ(journal().take(), "w");
  EXPECT_FALSE(peer->is_held());
}

Task<Response> adds_all_kinds(Background& background) {
  auto owned = std::make_unique<int>(3);
  background.add(
      [owned = std::move(owned)](int factor) -> Task<void> {
        co_await yield_once();
        journal().write(std::to_string(*owned * factor));
      },
      2);
  background.add([] { journal().write("lambda"); });
  background.add([](std::unique_ptr<int> moved) { journal().write(std::to_string(*moved)); }, std::make_unique<int>(4));
  background.add([]() -> Task<int> { co_return 1; });
  background.add([] { return std::string{"dropped"}; });
  co_return Response{200};
}

TEST_F(BackgroundTask, IsAnyFunctionWithCopiesOfItsArguments) {
  EXPECT_EQ(life<adds_all_kinds>(), "hold sent 6 lambda 4 release");
}

struct Throws {
  Throws() = default;
  Throws(const Throws&) { throw std::runtime_error{"no copy"}; }
};
Task<Response> adds_what_throws(Background& background) {
  const Throws throws;
  background.add([](const Throws&) {}, throws);
  co_return Response{200};
}

TEST_F(BackgroundTask, ThatCannotBeMadeFailsItsNode) {
  EXPECT_EQ(life<adds_what_throws>(), "reply");
  EXPECT_EQ(last->status(), 500);
}

TEST(Background, TellsATestWhetherANodeAdded) {
  Background background;
  EXPECT_TRUE(background.empty());

  adds_on_loop(background);

  EXPECT_FALSE(background.empty());
}

// --- failures -------------------------------------------------------------------------------------------------------

Task<void> fails_awaited() {
  co_await yield_once();
  throw std::runtime_error{"awaited"};
}
Task<void> fails_at_once() {
  throw HttpError{418, "at once"};
  co_return;
}
Task<Result<int>> fails_by_value() { co_return HttpError{500, "by value"}; }
Result<void> fails_plain_by_value() { return HttpError{500, "plain by value"}; }
void fails_plain() { throw std::runtime_error{"plain"}; }
Task<Result<std::string>> succeeds_by_value() { co_return std::string{"all is well, at some length"}; }
Task<Response> adds_failing(Background& background, Depends<g1, Lifetime::request>) {
  background.add(fails_awaited);
  background.add(fails_at_once);
  background.add(fails_by_value);
  background.add(fails_plain_by_value);
  background.add(fails_plain);
  background.add(succeeds_by_value);
  background.add(writes, "BG");
  co_return Response{200};
}

TEST_F(BackgroundFailure, StopsNoOtherAndIsSeenByNoResource) {  // Rule 34.
  Hears hears;
  app.observe(hears);

  EXPECT_EQ(life<adds_failing>(),
            "g1+ hold sent late(background: awaited) late(background: at once) late(background: by value) "
            "late(background: plain by value) late(background: plain) BG g1- release");
  EXPECT_EQ(last->status(), 200);
}

// --- requests that fail ---------------------------------------------------------------------------------------------

template <int status>
Task<Response> adds_and_fails(Background& background, Depends<g1, Lifetime::request>) {
  background.add(writes, "ordinary");
  background.add_always(writes, "always");
  background.add(plain_writes, "ordinary");
  if (status != 0) throw HttpError{status};
  co_return Response{200};
}
Task<Response> only_ordinary(Background& background) {
  background.add(writes, "ordinary");
  throw HttpError{404};
  co_return Response{};
}

TEST_F(BackgroundDropped, IsWhatAFailedRequestAddedUnlessAlways) {  // Rule 34.
  EXPECT_EQ(life<adds_and_fails<404>>(), "g1+ hold sent always g1!404 g1- release");
  EXPECT_EQ(last->status(), 404);
}

TEST_F(BackgroundDropped, IsNotHeldFor) { EXPECT_EQ(life<only_ordinary>(), "reply"); }

TEST_F(BackgroundDropped, IsNothingIfAllIsWell) {
  EXPECT_EQ(life<adds_and_fails<0>>(), "g1+ hold sent ordinary always ordinary g1- release");
}

constexpr auto& ends_badly = failing_after<"x", 507>;
Task<Response> over_ends_badly(Background& background, Depends<ends_badly>) {
  background.add(writes, "ordinary");
  background.add_always(writes, "always");
  co_return Response{200};
}

TEST_F(BackgroundDropped, IsWhatATearDownThatFailedTookWithIt) {
  EXPECT_EQ(life<over_ends_badly>(), "x+ x- hold sent always release");
  EXPECT_EQ(last->status(), 507);
}

int adds_and_fails_as_a_value(Background& background) {
  background.add(writes, "ordinary");
  background.add_always(writes, "always");
  throw HttpError{400};
}
Task<Response> tries(Background& background, Try<adds_and_fails_as_a_value>) {
  background.add(writes, "h");
  co_return Response{200};
}

TEST_F(BackgroundDropped, IsWhatANodeAddedWhoseFailureIsAValue) {
  EXPECT_EQ(life<tries>(), "hold sent always h release");
}

Task<Response> wants_a_number(Query<"n", int>) { co_return Response{}; }
int guard_adds(Background& background) {
  background.add(writes, "ordinary");
  background.add_always(writes, "always");
  return 1;
}

TEST_F(BackgroundDropped, IsNotWhatAGuardOfAnInvalidRequestAlwaysWants) {
  EXPECT_EQ((life<wants_a_number>({.guards = guards<guard_adds>})), "hold sent always release");
  EXPECT_EQ(last->status(), 422);
}

Task<Response> adds_and_waits(Background& background) {
  background.add(writes, "ordinary");
  background.add_always(writes, "always");
  co_await sleep(1s);
  co_return Response{200};
}

TEST_F(BackgroundDropped, IsWhatARequestAddedWhosePeerLeaves) {
  app.get("/", adds_and_waits);
  const auto peer = begin("/");
  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "always");
  EXPECT_FALSE(peer->is_held());
}

Task<Response> adds_counted(Background& background) {
  const Live live;
  background.add([](const Live&) {}, live);
  background.add([](Live) -> Task<void> { co_return; }, live);
  throw HttpError{404};
  co_return Response{};
}

TEST_F(BackgroundDropped, IsDestroyed) {
  const LiveCheck check;

  EXPECT_EQ(life<adds_counted>(), "reply");

  EXPECT_TRUE(check.ok());
}

// --- who waits no longer --------------------------------------------------------------------------------------------

Task<Response> adds_slow(Background& background, Depends<g1, Lifetime::request>) {
  background.add(waits_and_writes, "t");
  background.add(plain_writes, "p");
  background.add_always(writes, "u");
  co_return Response{200};
}

TEST_F(BackgroundStop, IsNotAskedByAPeerThatLeaves) {
  app.get("/", adds_slow);
  const auto peer = begin("/");
  port.run();
  EXPECT_EQ(journal().take(), "g1+ t+");

  peer->leave();
  port.advance(10ms);
  run();

  EXPECT_EQ(journal().take(), "t- p u g1-");
}

TEST_F(BackgroundStop, IsNotAskedByAPeerThatLeftBefore) {
  app.get("/", adds_slow);
  auto peer = connect("/");
  peer->hold_sent();
  peer->ask(app);
  peer->leave();
  peer->deliver_sent();
  run();
  port.advance(10ms);
  run();

  EXPECT_EQ(journal().take(), "g1+ t+ t- p u g1-");
}

TEST_F(BackgroundStop, IsAskedWhenTheServerWaitsNoLonger) {
  Hears hears;
  app.observe(hears);
  app.get("/", adds_slow);
  const auto peer = begin("/");
  port.run();
  EXPECT_EQ(journal().take(), "g1+ t+");

  peer->cancel(CancelReason::shutdown);
  run();

  EXPECT_EQ(journal().take(),
            "t! late(background: cancelled) late(background: cancelled) late(background: cancelled) g1-");
  EXPECT_FALSE(peer->is_held());
}

TEST_F(BackgroundStop, WithdrawsWhatNoWorkerHasBegun) {
  Hears hears;
  app.observe(hears);
  app.get("/", adds_on_workers);
  const auto peer = begin("/");
  port.run();
  ASSERT_EQ(port.pool().waiting(), 1u);

  peer->cancel(CancelReason::shutdown);
  run();

  EXPECT_EQ(journal().take(), "late(background: cancelled)");
  EXPECT_FALSE(peer->is_held());
}

// --- elsewhere ------------------------------------------------------------------------------------------------------

Task<int> price(Background& background, Depends<g1, Lifetime::request>, Query<"bad", bool, false> bad) {
  background.add(waits_and_writes, "t");
  background.add_always(writes, "u");
  if (*bad) throw HttpError{404};
  co_return 7;
}
template <auto& provider>
Task<int> call(Engine& engine, OwnedRequest request) {
  const int value = co_await engine.call<provider>(request.view());
  journal().write("called");
  co_return value;
}

TEST_F(BackgroundElsewhere, ACallWaitsForThem) {
  Engine engine{app, port.context()};
  Started<int> started{port, call<price>(engine, OwnedRequest{Method::get, "/"})};
  run();
  EXPECT_FALSE(started.is_done());
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "g1+ t+ t- u g1- called");
  EXPECT_EQ(started.result().value(), 7);
}

TEST_F(BackgroundElsewhere, ACallThatFailsDropsThem) {
  Engine engine{app, port.context()};
  Started<int> started{port, call<price>(engine, OwnedRequest{Method::get, "/?bad=true"})};
  run();

  EXPECT_EQ(journal().take(), "g1+ u g1!404 g1-");
  ASSERT_TRUE(started.is_done());
  EXPECT_FALSE(started.result().ok());
}

std::string adds_quietly(Background& background) {
  background.add([](int) -> Task<void> { co_await yield_once(); }, 1);
  background.add([](int) {}, 1);
  return "done";
}
Task<int> ask_often(Engine& engine, Request request, int times) {
  int good = 0;
  for (int i = 0; i < times; ++i) {
    const Response response = co_await engine.handle(request);
    good += response.body() == "done";
  }
  co_return good;
}

TEST_F(BackgroundElsewhere, TakesNothingFromTheHeapInTheSteadyState) {
  if (!allocations_are_counted) GTEST_SKIP() << "the sanitizers' heap is not counted";
  App other;
  other.get("/", adds_quietly);
  ThreadPool pool{{.threads = 1}};
  BlockingPort blocking{pool};
  Engine engine{other, blocking.context()};
  const OwnedRequest request{Method::get, "/"};
  EXPECT_EQ(blocking.run(ask_often(engine, request.view(), 200)), 200);

  const std::size_t before = allocations();
  const int good = blocking.run(ask_often(engine, request.view(), 500));
  const std::size_t after = allocations();

  EXPECT_EQ(good, 500);
  EXPECT_EQ(after - before, 0u);
}

// --- a provider with its graph --------------------------------------------------------------------------------------

using BackgroundCall = Tasks;

constexpr auto& r_db = resource<"db">;
Task<void> confirms(Depends<r_db>, Query<"to"> to) {
  journal().write("confirms");
  journal().write(*to);
  co_return;
}
Task<Response> asks_for_a_confirmation(Background& background, Depends<r_db, Lifetime::request>) {
  background.call<confirms>();
  background.add(writes, "next");
  journal().write("h");
  co_return Response{200};
}

TEST_F(BackgroundCall, RunsAGraphInAScopeOfItsOwn) {  // Rule 37.
  app.get("/", asks_for_a_confirmation);
  last = connect("/?to=ann");
  last->write_to(journal());
  last->ask(app);
  run();
  EXPECT_EQ(journal().take(), "db+ h hold sent db+ confirms ann db- next db- release");
}

TEST_F(BackgroundCall, ThatIsInvalidIsToldLate) {
  Hears hears;
  app.observe(hears);
  app.get("/", asks_for_a_confirmation);
  ask("/");
  EXPECT_EQ(journal().take().substr(0, 20), "db+ h late(backgroun");
}

Task<void> waits_in_a_graph(Depends<r_db>) {
  co_await sleep(10ms);
  journal().write("late");
}
Task<Response> calls_what_waits(Background& background) {
  background.call_always<waits_in_a_graph>();
  throw HttpError{409};
  co_return Response{};
}

TEST_F(BackgroundCall, IsWaitedForAndMayBeWantedAlways) {
  app.get("/", calls_what_waits);
  const auto peer = begin("/");
  EXPECT_EQ(peer->status(), 409);
  EXPECT_TRUE(peer->is_held());
  port.advance(10ms);
  EXPECT_FALSE(peer->is_held());
  EXPECT_EQ(journal().take(), "db+ late db-");
}

TEST_F(BackgroundCall, StopsWhenTheServerWaitsNoLonger) {
  app.get("/", calls_what_waits);
  const auto peer = begin("/");
  port.run();
  peer->cancel(CancelReason::shutdown);
  run();
  EXPECT_EQ(journal().take(), "db+ db!cancelled db-");
  EXPECT_FALSE(peer->is_held());
}

Task<void> needs_a_state(State<std::vector<int>>) { co_return; }

TEST_F(BackgroundCall, ThatCannotBeMadeIsToldLate) {
  Hears hears;
  app.observe(hears);
  app.get("/", [](Background& background) -> Task<Response> {
    background.call<needs_a_state>();
    co_return Response{204};
  });
  EXPECT_EQ(status("/"), 204);
  EXPECT_NE(journal().take().find("late(background: umbel: "), std::string::npos);
}

}  // namespace
}  // namespace umbel::test
