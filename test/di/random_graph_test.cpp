// SPDX-License-Identifier: MIT
// Random graphs on random schedules: whatever happens in whatever order, the resolver keeps its promises.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../support/allocations.hpp"
#include "random_graph.hpp"
#include "umbel/core/block_pool.hpp"
#include "umbel/core/service.hpp"
#include "umbel/testing/simulation.hpp"

namespace umbel::test {
namespace {

/// Hears what is told of requests, and holds it against what may be told.
class Auditor : public Observer {
public:
  explicit Auditor(testing::Schedule& schedule) noexcept : schedule_(schedule) {}

  void request_started(const RequestEvent& event) noexcept override {
    ++started_;
    check(nodes_.emplace(event.id, Nodes{}).second, "a request started twice");
  }
  void node(const NodeEvent& event) noexcept override {
    const auto request = nodes_.find(event.id);
    if (request == nodes_.end()) return check(false, "the observer heard of a node of no request");
    NodeLife& life = request->second[event.number];
    switch (event.moment) {
      case Moment::requested:
        return check(!std::exchange(life.requested, true), "a node was requested twice");
      case Moment::started:
        check(life.requested, "a node started that was not requested");
        return check(!std::exchange(life.started, true), "a node started twice");
      case Moment::suspended:
        return check(life.started && !life.ended, "a node was suspended that did not run");
      case Moment::finished:
        check(life.started, "a node finished that had not started");
        life.finished = true;
        return check(!std::exchange(life.ended, true), "a node ended twice");
      case Moment::failed:
        if (life.finished) return void(++unanswered_);  // A handler whose value becomes no reply.
        [[fallthrough]];
      case Moment::cancelled:
        return check(!std::exchange(life.ended, true), "a node ended twice");
      case Moment::closing:
        check(life.finished, "the tear-down began of what was not made");
        return check(!std::exchange(life.closing, true), "a tear-down began twice");
      case Moment::closed:
        check(life.closing, "a tear-down ended that had not begun");
        return check(!std::exchange(life.closed, true), "a tear-down ended twice");
    }
  }
  void replied(const ReplyEvent&) noexcept override { ++replied_; }
  void request_ended(const void* id, Time) noexcept override {
    ++ended_;
    const auto request = nodes_.find(id);
    if (request == nodes_.end()) return check(false, "the observer heard the end of no request");
    for (const auto& [number, life] : request->second) {
      check(!life.started || life.ended, "the observer did not hear the end of a node");
      check(life.closing == life.closed, "the observer did not hear the end of a tear-down");
    }
    nodes_.erase(request);
  }
  void judge(std::size_t requests, std::size_t replies, bool replies_badly) {
    check(unanswered_ == 0 || replies_badly, "a node failed that had finished");
    check(started_ == requests, "the observer did not hear of each request");
    check(replied_ == replies, "the observer did not hear of each reply");
    check(ended_ == requests, "the observer did not hear of each end");
  }

private:
  struct NodeLife {
    bool requested = false;
    bool started = false;
    bool ended = false;
    bool finished = false;
    bool closing = false;
    bool closed = false;
  };
  using Nodes = std::map<std::size_t, NodeLife>;

  void check(bool holds, const char* mistake) noexcept { schedule_.check(holds, mistake); }

  testing::Schedule& schedule_;
  std::map<const void*, Nodes> nodes_;
  std::size_t started_ = 0;
  std::size_t replied_ = 0;
  std::size_t ended_ = 0;
  std::size_t unanswered_ = 0;
};

/// Has a plan run as Engine::call and things of long life do, and replies with what came of it.
class TestCaller final : public detail::Caller {
public:
  TestCaller(Exchange& exchange, testing::Simulation& sim, bool keeps) noexcept
      : exchange_(exchange), sim_(sim), keeps_(keeps) {}

  void take(void*) override {}
  bool keeps() const noexcept override { return keeps_; }
  void made(detail::Resolver& resolver) noexcept override {
    sim_.later([this, &resolver] { resolver.let_go(sim_.context()); });
  }
  void ended(detail::ErrorBox error, std::string_view) noexcept override {
    exchange_.reply(error ? to_response(*error) : Response{200});
  }

private:
  Exchange& exchange_;
  testing::Simulation& sim_;
  bool keeps_;
};

/// Serves a plan to whoever asks.
class GraphService : public Service {
public:
  enum class By : std::uint8_t { exchange, call, keeping_call };

  GraphService(const RandomGraph& graph, testing::Schedule& schedule, By by) noexcept
      : graph_(graph), schedule_(schedule), by_(by) {}
  void run_on(testing::Simulation& sim) noexcept { sim_ = &sim; }

  void serve(Exchange& exchange) noexcept override {
    accounts_.push_back(std::make_unique<Account>(graph_, exchange, schedule_,
                                                  [this](std::function<void()> f) { sim_->later(std::move(f)); }));
    if (by_ == By::exchange) return detail::Resolver::serve(graph_.plan(), exchange, nullptr, detail::Escapes::none);
    callers_.push_back(std::make_unique<TestCaller>(exchange, *sim_, by_ == By::keeping_call));
    detail::Resolver::call(graph_.plan(), sim_->context(), exchange.request(), exchange.stop_token(), *callers_.back());
  }

private:
  const RandomGraph& graph_;
  testing::Schedule& schedule_;
  By by_;
  testing::Simulation* sim_ = nullptr;
  std::vector<std::unique_ptr<Account>> accounts_;
  std::vector<std::unique_ptr<TestCaller>> callers_;
};

// The graph of the run before: a failing one is shown.
std::string& last_graph() {
  static std::string text;
  return text;
}

/// One run: `drawn` decides what the graph and its requests are, `schedule` what happens to them when.
void play(testing::Schedule& drawn, testing::Schedule& schedule, const GraphShape& shape) {
  Dice dice{drawn};
  Auditor auditor{schedule};
  const bool is_observed = dice.percent(20);
  const RandomGraph graph{dice, shape, is_observed ? &auditor : nullptr};
  struct Show {
    const RandomGraph& graph;
    const testing::Schedule& schedule;
    ~Show() {
      if (!schedule.mistake().empty()) last_graph() = graph.describe();
    }
  } const show{graph, schedule};
  const auto by = static_cast<GraphService::By>(dice.percent(80) ? 0 : 1 + dice.below(2));
  const bool is_called = by != GraphService::By::exchange;
  GraphService service{graph, schedule, by};
  testing::Simulation sim{service, schedule};
  service.run_on(sim);
  sim.turn_limit(20'000);
  bool is_exact = !graph.has_deadline() && !graph.has_failing_ends() && !graph.may_refuse();
  if (dice.percent(10)) {
    sim.pace(testing::Pace::any);
    is_exact = false;
  }
  if (dice.percent(5)) {
    sim.worker_limit(dice.below(3));
    is_exact = false;
  }
  const int body_status = dice.percent(20) ? 413 : 0;
  const std::size_t count = 1 + dice.below(dice.percent(30) ? 5 : 2);
  for (std::size_t i = 0; i < count; ++i) {
    auto& request = sim.request("/");
    if (body_status) request.body_fails(body_status);
    if (dice.percent(30)) request.may_leave();
    if (dice.percent(5)) sim.later([&request] { request.cancel(CancelReason::shutdown); });
    if (dice.percent(5)) {
      request.deadline(sim.now() + std::chrono::milliseconds{1 + dice.below(4)});
      is_exact = false;
    }
  }
  sim.run();
  if (!schedule.mistake().empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    testing::SimulatedRequest& request = *sim.requests()[i];
    const bool obeys = is_called || graph.cancels_on_disconnect() || request.stop_reason() == CancelReason::shutdown;
    const bool was_cancelled = request.has_left() && obeys;
    Account::of(request.request())
        .judge(request.status(), is_exact && !was_cancelled, is_called ? std::nullopt : std::optional{body_status});
  }
  if (is_observed) auditor.judge(count, is_called ? 0 : count, graph.replies_badly());
}

// A sanitizer takes ten times as long.
constexpr std::uint64_t schedules = allocations_are_counted ? 200'000 : 20'000;

// UMBEL_SEED=n plays that one alone, UMBEL_SCHEDULES=n so many.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(RandomGraph, KeepsEveryPromiseOnEverySchedule) {
  const std::uint64_t only = number_from("UMBEL_SEED", 0);
  testing::SeedOptions options{only ? only : 20'261'122, only ? 1 : number_from("UMBEL_SCHEDULES", schedules)};

  const testing::Exploration runs =
      testing::for_each_seed([](testing::Schedule& schedule) { play(schedule, schedule, GraphShape{}); }, options);

  EXPECT_EQ(runs.mistake, "") << "UMBEL_SEED=" << options.first + runs.schedules - 1 << "\n" << last_graph();
}

// Small ones, in every order or the first few hundred.
TEST(RandomGraph, KeepsEveryPromiseInEveryOrder) {
  for (std::uint64_t seed = 1; seed <= schedules / 500; ++seed) {
    const testing::Exploration runs = testing::explore(
        [seed](testing::Schedule& schedule) {
          testing::Schedule drawn{seed};
          play(drawn, schedule, GraphShape{.largest = 4});
        },
        {.max_schedules = 200});

    ASSERT_EQ(runs.mistake, "") << "seed " << seed << "\n" << last_graph();
  }
}

}  // namespace
}  // namespace umbel::test
