// SPDX-License-Identifier: MIT
#include "umbel/di/plan.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <set>
#include <string>
#include <thread>

#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// A ThreadPool that counts what it gets.
class CountingPool : public WorkPool {
public:
  bool submit(Job& job) noexcept override {
    ++jobs_;
    return pool_.submit(job);
  }
  std::size_t jobs() const noexcept { return jobs_; }

private:
  std::size_t jobs_ = 0;
  ThreadPool pool_{{.threads = 2}};
};

// The threads on which nodes ran.
class Threads {
public:
  void add() {
    const std::lock_guard lock{mutex_};
    ids_.insert(std::this_thread::get_id());
  }
  std::set<std::thread::id> take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(ids_, {});
  }

private:
  std::mutex mutex_;
  std::set<std::thread::id> ids_;
};
Threads& threads() {
  static Threads the_threads;
  return the_threads;
}

class PlanHops : public ::testing::Test, public TestApp {
protected:
  PlanHops() {
    journal().take();
    threads().take();
  }
  std::size_t hops() { return app.graph().routes.at(0).hops; }
  std::string jobs_at_the_pool() { return std::to_string(port.pool().waiting()); }

  /// The jobs that each round of the workers finds, until the reply is there.
  std::string rounds(std::string target = "/") {
    const auto peer = begin(std::move(target));
    std::string rounds;
    for (port.run(); port.pool().waiting() > 0; port.run()) {
      const std::size_t waiting = port.pool().waiting();
      rounds.append(rounds.empty() ? "" : " ").append(std::to_string(waiting));
      for (std::size_t i = 0; i < waiting; ++i) port.pool().run_one();
    }
    EXPECT_EQ(peer->status(), 200);
    return rounds;
  }

  /// The status on real threads, and how many jobs that took.
  int ask_threads(Engine& engine, BlockingPort& on) {
    auto ask = [](Engine& e) -> Task<int> {
      const OwnedRequest request{Method::get, "/"};
      const Response response = co_await e.handle(request.view());
      co_return response.status();
    };
    return on.run(ask(engine));
  }
};

template <int n>
struct Chain {
  static int link(Depends<Chain<n - 1>::link> before) {
    threads().add();
    return *before + 1;
  }
};
template <>
struct Chain<1> {
  static int link() {
    threads().add();
    return 1;
  }
};
std::string end_of_the_chain(Depends<Chain<7>::link> seven) {
  threads().add();
  return std::to_string(*seven + 1);
}

TEST_F(PlanHops, OfAChainOf8PlainNodesIsOne) {  // Rule 12.
  app.get("/", end_of_the_chain);

  EXPECT_EQ(hops(), 1u);
  EXPECT_EQ(rounds(), "1");
  EXPECT_EQ(body("/"), "8");
}

TEST_F(PlanHops, OfAChainStayOnOneWorker) {
  app.get("/", end_of_the_chain);
  CountingPool pool;
  BlockingPort real{pool};
  Engine engine{app, real.context()};

  EXPECT_EQ(ask_threads(engine, real), 200);

  EXPECT_EQ(pool.jobs(), 1u);
  const auto ids = threads().take();
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

std::barrier<>& meeting() {
  static std::barrier two{2};
  return two;
}
int meets_the_other() {
  meeting().arrive_and_wait();
  return 1;
}
int meets_the_one() {
  meeting().arrive_and_wait();
  return 2;
}

TEST_F(PlanHops, OfIndependentPlainNodesTakeTwoWorkersAtTheSameTime) {  // Rule 12.
  app.get("/", handler<meets_the_one, meets_the_other>);
  CountingPool pool;
  BlockingPort real{pool};
  Engine engine{app, real.context()};

  EXPECT_EQ(ask_threads(engine, real), 200);  // Each waits for the other.
  EXPECT_EQ(pool.jobs(), 2u);
}

constexpr auto& d = plain<"d">;
constexpr auto& b = plain<"b", d>;
constexpr auto& c = plain<"c", d>;

TEST_F(PlanHops, OfADiamondOfPlainNodesAreFour) {
  app.get("/", plain_handler<b, c>);

  EXPECT_EQ(rounds(), "1 2 1");
  EXPECT_EQ(hops(), 4u);
  EXPECT_EQ(journal().take(), "d b c h");
}

TEST_F(PlanHops, OfAChainWithACoroutineInTheMiddleAreTwo) {
  app.get("/", plain_handler<plain<"late", ready<"coroutine", plain<"early">>>>);

  EXPECT_EQ(rounds(), "1 1");
  EXPECT_EQ(hops(), 2u);
  EXPECT_EQ(journal().take(), "early coroutine late h");
}

TEST_F(PlanHops, DoNotDelayAResultThatSomebodyElseWaitsFor) {
  constexpr auto& first = plain<"first">;
  app.get("/", handler<plain<"second", first>, ready<"waiting", first>>);

  const auto peer = begin("/");
  port.pool().run_one();
  port.run();

  EXPECT_EQ(journal().take(), "first waiting");
  EXPECT_EQ(port.pool().waiting(), 1u);
  run();
}

TEST_F(PlanHops, AreSharedWithWhatWasDoneBeforeTheChain) {
  constexpr auto& input = ready<"input">;
  app.get("/", plain_handler<plain<"second", plain<"first", input>, input>, input>);

  EXPECT_EQ(rounds(), "1");
  EXPECT_EQ(journal().take(), "input first second h");
}

TEST_F(PlanHops, AreNotSharedWithWhatTheChainWouldHaveToWaitFor) {
  app.get("/", plain_handler<plain<"second", plain<"first">, slow<"slow", 10>>>);

  const auto peer = begin("/");
  run();
  EXPECT_EQ(journal().take(), "slow+ first") << "the first does not wait for what only the second needs";
  port.advance(10ms);
  run();

  EXPECT_EQ(journal().take(), "slow- second h");
}

TEST_F(PlanHops, OfASequentialRouteKeepItsOrder) {
  app.get("/", plain_handler<plain<"second", plain<"first">>, ready<"third">, plain<"fourth">>,
          {.policy = Policy::sequential});

  EXPECT_EQ(rounds(), "1 1 1");
  EXPECT_EQ(journal().take(), "first second third fourth h");
}

int thread_on_the_loop(Depends<Chain<1>::link>) {
  threads().take();
  threads().add();
  return 1;
}
Response answers_on_the_loop(Depends<on_loop<thread_on_the_loop>>) {
  threads().add();
  return Response::text("done");
}

TEST_F(PlanHops, AreNoneForNodesOnTheLoop) {  // Rule 12.
  app.get("/", on_loop<answers_on_the_loop>);
  CountingPool pool;
  BlockingPort real{pool};
  Engine engine{app, real.context()};

  EXPECT_EQ(ask_threads(engine, real), 200);

  EXPECT_EQ(pool.jobs(), 1u);
  EXPECT_EQ(threads().take(), std::set{std::this_thread::get_id()});
}

TEST_F(PlanHops, ThatThePoolRefusesAre503WithRetryAfterAndOthersAreServed) {  // Rule 13.
  app.get("/plain", plain_handler<>);
  app.get("/loop", handler<>);
  port.pool().set_limit(1);

  const auto first = begin("/plain");
  const auto refused = ask("/plain");
  EXPECT_EQ(status("/loop"), 200);

  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(refused->header("retry-after"), "1");
  EXPECT_EQ(first->status(), 200);
}

TEST_F(PlanHops, ForWhichThereIsNoPlaceRunNothing) {  // Rule 13.
  app.get("/", handler<slow<"s", 500>, plain<"p">, plain<"q">>);
  port.pool().set_limit(1);

  EXPECT_EQ(status("/"), 503);
  EXPECT_EQ(journal().take(), "");
}

TEST_F(PlanHops, StopBetweenTwoNodesOfAChainWhenAnEarlierOneFailed) {
  app.get("/", handler<failing<"f", 400, 10, slow<"s", 10>>, plain<"two", plain<"one">>>);
  const auto peer = begin("/");
  port.advance(20ms);
  run();

  EXPECT_EQ(peer->status(), 400);
  EXPECT_EQ(journal().take(), "s+ s- f");
}

TEST(Plan, RefusesAProviderThatIsNamedWithAndWithoutItsWrapper) {  // Rule 5.
  App app;
  testing::ManualPort port;
  app.get("/", handler<plain<"p">, on_loop<plain<"p">>>);

  try {
    app.start(port.context());
    FAIL() << "started";
  } catch (const StartError& error) {
    EXPECT_NE(std::string_view{error.what()}.find("names both"), std::string_view::npos) << error.what();
  }
}

int counter_value = 0;
Task<int> counter() { co_return ++counter_value; }
Task<std::string> counts(Depends<counter> one, Depends<counter, uncached> two, Depends<counter> three,
                         Depends<counter, uncached> four) {
  co_return std::to_string(*one) + std::to_string(*two) + std::to_string(*three) + std::to_string(*four);
}
Task<std::string> counts_uncached_first(Depends<counter, uncached> one, Depends<counter> two) {
  co_return std::to_string(*one) + std::to_string(*two);
}

TEST(Plan, RunsAnUncachedEdgeForItselfAndNeverFillsTheSharedSlot) {  // Rule 2.
  TestApp test;
  test.app.get("/1", counts);
  test.app.get("/2", counts_uncached_first);

  counter_value = 0;
  EXPECT_EQ(test.body("/1"), "1213");
  counter_value = 0;
  EXPECT_EQ(test.body("/2"), "12");
}

// Objects, since the names of functions hold the names of all that they depend on, each time.
template <int n>
struct Doubling;
template <int n>
inline constexpr Doubling<n> doubling{};
template <int n>
struct Doubling {
  int operator()(Depends<doubling<n - 1>, uncached> one, Depends<doubling<n - 1>, uncached> two) const {
    return *one + *two;
  }
};
template <>
struct Doubling<0> {
  int operator()() const { return 1; }
};

TEST(Plan, RefusesAGraphThatUncachedEdgesBlowUpWithoutWalkingAllOfIt) {  // Rule 3.
  App app;
  testing::ManualPort port;
  app.get("/", [](Depends<doubling<40>>) {});

  try {
    app.start(port.context());
    FAIL() << "started";
  } catch (const StartError& error) {
    EXPECT_NE(std::string_view{error.what()}.find("more than 4095 nodes"), std::string_view::npos) << error.what();
  }
}

TEST(Plan, RunsWhatAnUncachedNodeNeedsOnce) {  // Rule 2.
  journal().take();
  TestApp test;
  constexpr auto& node = ready<"node", ready<"need">>;
  test.app.get("/", [](Depends<node, uncached>, Depends<node, uncached>, Depends<node>) { return "done"; });

  test.ask("/");

  EXPECT_EQ(journal().take(), "need node node node");
}

}  // namespace
}  // namespace umbel::test
