// SPDX-License-Identifier: MIT
// Random graphs on random schedules: whatever happens in whatever order, the resolver keeps its promises.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

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

  void request_started(const RequestEvent&) noexcept override { ++started_; }
  void replied(const ReplyEvent&) noexcept override { ++replied_; }
  void request_ended(const void*, Time) noexcept override { ++ended_; }
  void judge(std::size_t requests) {
    schedule_.check(started_ == requests, "the observer did not hear of each request");
    schedule_.check(replied_ == requests, "the observer did not hear of each reply");
    schedule_.check(ended_ == requests, "the observer did not hear of each end");
  }

private:
  testing::Schedule& schedule_;
  std::size_t started_ = 0;
  std::size_t replied_ = 0;
  std::size_t ended_ = 0;
};

/// Serves a plan to whoever asks.
class GraphService : public Service {
public:
  GraphService(const RandomGraph& graph, testing::Schedule& schedule) noexcept : graph_(graph), schedule_(schedule) {}
  void run_on(testing::Simulation& sim) noexcept { sim_ = &sim; }

  void serve(Exchange& exchange) noexcept override {
    accounts_.push_back(std::make_unique<Account>(graph_, exchange, schedule_,
                                                  [this](std::function<void()> f) { sim_->later(std::move(f)); }));
    detail::Resolver::serve(graph_.plan(), exchange, nullptr, detail::Escapes::none);
  }
  std::vector<std::unique_ptr<Account>>& accounts() noexcept { return accounts_; }

private:
  const RandomGraph& graph_;
  testing::Schedule& schedule_;
  testing::Simulation* sim_ = nullptr;
  std::vector<std::unique_ptr<Account>> accounts_;
};

// The graph of the run before: a failing one is shown.
std::string& last_graph() {
  static std::string text;
  return text;
}

void play(testing::Schedule& schedule, const GraphShape& shape) {
  Dice dice{schedule};
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
  GraphService service{graph, schedule};
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
    if (dice.percent(5)) {
      request.deadline(sim.now() + std::chrono::milliseconds{1 + dice.below(4)});
      is_exact = false;
    }
  }
  sim.run();
  if (!schedule.mistake().empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    testing::SimulatedRequest& request = *sim.requests()[i];
    const bool was_cancelled = request.has_left() && graph.cancels_on_disconnect();
    Account::of(request.request()).judge(request.status(), is_exact && !was_cancelled, body_status);
  }
  if (is_observed) auditor.judge(count);
}

// UMBEL_SEED=n plays that one alone, UMBEL_SCHEDULES=n so many.
std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST(RandomGraph, KeepsEveryPromiseOnEverySchedule) {
  const std::uint64_t only = number_from("UMBEL_SEED", 0);
  testing::SeedOptions options{only ? only : 20'261'122, only ? 1 : number_from("UMBEL_SCHEDULES", 100'000)};

  const testing::Exploration runs =
      testing::for_each_seed([](testing::Schedule& schedule) { play(schedule, GraphShape{}); }, options);

  EXPECT_EQ(runs.mistake, "") << "UMBEL_SEED=" << options.first + runs.schedules - 1 << "\n" << last_graph();
}

}  // namespace
}  // namespace umbel::test
