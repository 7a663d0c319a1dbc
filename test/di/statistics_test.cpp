// SPDX-License-Identifier: MIT
#include "umbel/di/statistics.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/resource.hpp"

namespace umbel::test {

// Not of this file alone, so that they have names.
int quick();
int quick() { return 1; }
Response answer(Depends<quick>);
Response answer(Depends<quick>) { return Response{200}; }

namespace {

using namespace std::chrono_literals;

Task<int> takes_its_time(Query<"ms", int> ms) {
  co_await sleep(std::chrono::milliseconds{*ms});
  co_return 1;
}
Task<int> needs_50_ms() {
  co_await sleep(50ms);
  co_return 1;
}
Task<int> needs_20_ms() {
  co_await sleep(20ms);
  co_return 1;
}
Task<int> needs_10_ms_more(Depends<needs_20_ms>) {
  co_await sleep(10ms);
  co_return 1;
}
Task<Response> waits(Depends<takes_its_time>) { co_return Response{200}; }
Task<Response> forks(Depends<needs_50_ms>, Depends<needs_10_ms_more>) { co_return Response{200}; }
int fails() { throw std::runtime_error{"no"}; }
Task<Response> depends_on_what_fails(Depends<fails>) { co_return Response{200}; }
Resource<int> open_session() {
  int session = 1;
  co_yield session;
}
Resource<int> cannot_close() {
  int session = 1;
  co_yield session;
  throw std::runtime_error{"no"};
}
inline constexpr auto session = provider<open_session>.lifetime(Lifetime::request);
inline constexpr auto bad_session = provider<cannot_close>.lifetime(Lifetime::request);
inline constexpr auto pool = provider<open_session>.lifetime(Lifetime::app);
Task<Response> uses_session(Depends<session>) { co_return Response{200}; }
Task<Response> uses_bad_session(Depends<bad_session>) { co_return Response{200}; }
Task<Response> uses_pool(Depends<pool>) { co_return Response{200}; }

class Counting : public ::testing::Test, public TestApp {
protected:
  Counting() { app.observe(statistics); }
  RouteStatistics route(std::size_t number = 0) const { return statistics.routes().at(number); }
  NodeStatistics node(std::string_view name) const {
    for (const NodeStatistics& one : route().nodes) {
      if (unqualified(one.name) == name) return one;
    }
    return {};
  }
  /// Asks and lets pass what it needs.
  void ask_for(std::string target) {
    const auto peer = ask(std::move(target));
    for (int i = 0; i < 100 && peer->status() == 0; ++i) {
      port.advance(10ms);
      run();
    }
    EXPECT_EQ(peer->status(), 200);
  }

  Statistics statistics;
};

bool is_near(Duration found, Duration wanted) { return found > wanted * 93 / 100 && found < wanted * 107 / 100; }

TEST_F(Counting, CountsRequestsAndNodes) {
  app.get("/", answer);

  for (int i = 0; i < 3; ++i) ask("/");

  EXPECT_EQ(route().title, "GET /");
  EXPECT_EQ(route().total, 3u);
  EXPECT_EQ(route().live, 0u);
  EXPECT_EQ(node("quick").total, 3u);
  EXPECT_EQ(node("quick").live, 0u);
  EXPECT_EQ(node("answer").total, 3u);
}

TEST_F(Counting, CountsFailures) {
  app.get("/", depends_on_what_fails);

  EXPECT_EQ(status("/"), 500);

  EXPECT_EQ(route().failed, 1u);
  EXPECT_EQ(node("fails").failed, 1u);
  EXPECT_EQ(node("fails").live, 0u);
}

TEST_F(Counting, CountsTearDownsThatFail) {
  app.get("/", uses_bad_session);

  EXPECT_EQ(status("/"), 200);

  EXPECT_EQ(node("bad_session").failed, 1u);
  EXPECT_EQ(route().failed, 0u);
}

TEST_F(Counting, CallsAResourceLiveUntilItIsTornDown) {
  app.get("/", uses_session);
  auto peer = connect("/");
  peer->hold_sent();

  peer->ask(app);
  run();
  const std::uint64_t before = node("session").live;
  peer->deliver_sent();
  run();

  EXPECT_EQ(before, 1u);
  EXPECT_EQ(node("session").live, 0u);
  EXPECT_EQ(route().live, 0u);
}

TEST_F(Counting, CallsANodeLiveWhileItWaits) {
  app.get("/", waits);

  const auto peer = ask("/?ms=10");
  const std::uint64_t before = node("takes_its_time").live;
  port.advance(10ms);
  run();

  EXPECT_EQ(before, 1u);
  EXPECT_EQ(node("takes_its_time").live, 0u);
}

TEST_F(Counting, CountsWhatIsCancelled) {
  app.get("/", waits);

  const auto peer = ask("/?ms=10");
  peer->leave();
  run();

  EXPECT_EQ(node("takes_its_time").cancelled, 1u);
  EXPECT_EQ(node("takes_its_time").live, 0u);
}

TEST_F(Counting, TellsPercentilesOfNodesAndRoutes) {
  app.get("/", waits);

  for (int i = 0; i < 97; ++i) ask_for("/?ms=10");
  for (int i = 0; i < 3; ++i) ask_for("/?ms=300");

  EXPECT_TRUE(is_near(node("takes_its_time").p50, 10ms)) << node("takes_its_time").p50.count();
  EXPECT_TRUE(is_near(node("takes_its_time").p99, 300ms)) << node("takes_its_time").p99.count();
  EXPECT_TRUE(is_near(route().p50, 10ms)) << route().p50.count();
  EXPECT_TRUE(is_near(route().p99, 300ms)) << route().p99.count();
}

std::vector<std::string> path_of(const RouteStatistics& route) {
  std::vector<std::string> names;
  for (const std::size_t place : route.critical_path) names.push_back(unqualified(route.nodes[place].name));
  return names;
}

TEST_F(Counting, FindsTheChainThatTookTheTime) {
  app.get("/", forks);

  for (int i = 0; i < 3; ++i) ask_for("/");

  EXPECT_EQ(path_of(route()), (std::vector<std::string>{"needs_50_ms", "handler"}));
  EXPECT_EQ(route().critical_count, 3u);
  EXPECT_EQ(node("needs_50_ms").critical, 3u);
  EXPECT_EQ(node("needs_50_ms").critical_time, 150ms);
  EXPECT_EQ(node("needs_20_ms").critical, 0u);
}

TEST_F(Counting, FindsGuardsOnTheChain) {
  app.get("/", forks, {.guards = guards<needs_10_ms_more>});

  ask_for("/");

  EXPECT_EQ(path_of(route()), (std::vector<std::string>{"needs_20_ms", "needs_10_ms_more", "needs_50_ms", "handler"}));
  EXPECT_EQ(node("needs_10_ms_more").critical_time, 10ms);
}

TEST_F(Counting, KeepsWhatStandsInApart) {
  app.get("/", answer);

  ask("/");
  {
    const Override in_place = app.override<quick>([] { return 2; });
    ask("/");
  }

  EXPECT_EQ(node("quick").total, 1u);
  EXPECT_EQ(node("an override of quick").total, 1u);
  EXPECT_EQ(node("answer").total, 2u);
}

TEST_F(Counting, CountsWhatRequestsShareUnderItsLifetime) {
  app.get("/", uses_pool);
  app.start(port.context());

  Notice told{[](Notice&, const Error*) noexcept {}};
  app.open(port.context(), told);
  run();
  const RouteStatistics while_open = route(0);
  app.close(port.context(), told);
  run();

  EXPECT_EQ(while_open.title, "app");
  ASSERT_EQ(while_open.nodes.size(), 2u);
  EXPECT_EQ(unqualified(while_open.nodes[0].name), "pool");
  EXPECT_EQ(while_open.nodes[0].live, 1u);
  EXPECT_EQ(route(0).nodes[0].live, 0u);
}

TEST_F(Counting, SaysNothingOfRequestsWithoutARoute) {
  app.get("/", answer);

  EXPECT_EQ(status("/nothing"), 404);

  EXPECT_TRUE(statistics.routes().empty());
}

TEST_F(Counting, TakesNoMemoryOnceItKnowsARoute) {
  if (!allocations_are_counted) GTEST_SKIP() << "allocations are not counted here";
  app.get("/", answer);
  ask("/");
  const Request request;
  const auto tell = [&] {
    int id = 0;
    statistics.request_started({&id, "GET /", request, Time{}});
    for (std::size_t number = 0; number < 2; ++number) {
      for (const Moment moment : {Moment::requested, Moment::started, Moment::finished})
        statistics.node({&id, "GET /", "quick", number, moment, false, Time{}, nullptr, false, {}});
    }
    statistics.replied({&id, "GET /", request, Time{}, 1ms, 200, 0});
    statistics.request_ended(&id, Time{});
  };
  tell();

  const std::size_t before = allocations();
  for (int i = 0; i < 100; ++i) tell();

  EXPECT_EQ(allocations(), before);
}

TEST(Statistics, AddsUpWhatThreadsCount) {
  Statistics statistics;
  const Request request;
  const auto count = [&] {
    for (int i = 0; i < 1000; ++i) {
      int id = 0;
      statistics.request_started({&id, "GET /", request, Time{}});
      for (const Moment moment : {Moment::requested, Moment::started, Moment::finished})
        statistics.node({&id, "GET /", "h", 0, moment, false, Time{} + 5ms, nullptr, false, {}});
      statistics.replied({&id, "GET /", request, Time{}, 5ms, 200, 0});
      statistics.request_ended(&id, Time{});
    }
  };

  std::thread one{count}, two{count};
  const std::vector<RouteStatistics> meanwhile = statistics.routes();
  one.join();
  two.join();

  EXPECT_LE(meanwhile.size(), 1u);
  const RouteStatistics route = statistics.routes().at(0);
  EXPECT_EQ(route.total, 2000u);
  EXPECT_EQ(route.live, 0u);
  EXPECT_EQ(route.nodes.at(0).total, 2000u);
  EXPECT_EQ(route.critical_count, 2000u);
}

TEST(Statistics, TracksABoundedNumberOfRequests) {
  Statistics statistics;
  const Request request;
  const std::vector<char> ids(20000);

  for (const char& id : ids) statistics.request_started({&id, "GET /", request, Time{}});
  for (const char& id : ids) statistics.request_ended(&id, Time{});

  EXPECT_EQ(statistics.routes().at(0).total, 20000u);
  EXPECT_EQ(statistics.routes().at(0).live, 0u);
}

TEST(Statistics, AreJson) {
  Statistics statistics;
  const Request request;
  int id = 0;
  statistics.request_started({&id, "GET /", request, Time{}});
  statistics.node({&id, "GET /", "h", 0, Moment::requested, false, Time{}, nullptr, false, {}});
  statistics.node({&id, "GET /", "h", 0, Moment::started, false, Time{}, nullptr, false, {}});
  statistics.node({&id, "GET /", "h", 0, Moment::finished, false, Time{} + 6ns, nullptr, false, {}});
  statistics.replied({&id, "GET /", request, Time{}, 7ns, 200, 0});

  EXPECT_EQ(statistics.json(),
            R"({"routes":[{"title":"GET /","live":1,"total":1,"failed":0,"p50_ns":7,"p99_ns":7,"critical_count":1,)"
            R"("critical_path":[0],"nodes":[{"number":0,"name":"h","live":0,"total":1,"failed":0,"cancelled":0,)"
            R"("p50_ns":6,"p99_ns":6,"critical":1,"critical_ns":6}]}]})");
}

TEST(Statistics, OfNothingAreEmpty) { EXPECT_EQ(Statistics{}.json(), R"({"routes":[]})"); }

}  // namespace
}  // namespace umbel::test
