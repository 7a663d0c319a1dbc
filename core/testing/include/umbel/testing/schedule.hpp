// SPDX-License-Identifier: MIT
#pragma once
// Where a simulation's decisions come from: a seed, or a list; and what runs a scenario on many of them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace umbel::testing {

/// The decisions of one run, each a number below a limit: what comes next, whether a fake fails. The same schedule
/// makes the same run again. Also what is to go wrong in it, and the first thing that did.
///
///     Schedule schedule{17};                                  // decisions by chance
///     Schedule again = Schedule::replay("choices 0 2 1 leave 0 at 4");  // what a failing run has printed
class Schedule {
public:
  /// By chance, from `seed`.
  explicit Schedule(std::uint64_t seed) noexcept : random_(seed), seed_(seed) {}
  /// These, and 0 from then on.
  explicit Schedule(std::vector<std::uint32_t> choices) noexcept : given_(std::move(choices)) {}
  /// The schedule whose `text()` it is. Throws std::invalid_argument if it is none.
  static Schedule replay(std::string_view text);

  /// A number below `limit`, which is at least 1.
  std::size_t choose(std::size_t limit);
  /// True once in `times`, by chance; of a list, one more decision.
  bool once_in(std::size_t times);
  /// It decides by chance, on a seed; otherwise by a list.
  bool is_random() const noexcept { return seed_.has_value(); }

  /// Decisions that were made, where there was something to decide.
  struct Choice {
    /// What was decided.
    std::uint32_t chosen;
    /// What it was below.
    std::uint32_t limit;
  };
  /// All of them, in their order.
  const std::vector<Choice>& choices() const noexcept { return choices_; }

  /// The n-th node that is about to run fails in its place: see Faults. The first is 1; 0: none.
  Schedule& fail_at(std::size_t n) noexcept { return fail_at_ = n, *this; }
  /// The peer of a request leaves at the n-th turn. Requests and turns count from 0.
  Schedule& leave_at(std::size_t turn, std::size_t request = 0) noexcept {
    leaving_ = Leaving{turn, request};
    return *this;
  }
  /// For whoever can make a node fail, once for each: whether this one does.
  bool node_fails() noexcept { return ++nodes_ == fail_at_; }
  /// How many nodes were about to run.
  std::size_t nodes() const noexcept { return nodes_; }

  /// Notes a mistake, if `holds` is false. The first one counts.
  void check(bool holds, std::string_view mistake) {
    if (!holds && mistake_.empty()) mistake_ = mistake;
  }
  /// Empty: all is well so far.
  const std::string& mistake() const noexcept { return mistake_; }

  /// How to run it again: "seed 17", "choices 0 2 1", then " fail 3" or " leave 0 at 5".
  std::string text() const;

private:
  friend class Simulation;
  friend struct Scenarios;

  struct Leaving {
    std::size_t turn;
    std::size_t request;
  };
  std::uint64_t next_random() noexcept;
  bool leaves_now(std::size_t turn, std::size_t request) const noexcept {
    return leaving_ && leaving_->turn == turn && leaving_->request == request;
  }

  std::uint64_t random_ = 0;
  std::optional<std::uint64_t> seed_;  // None: `given_` decides.
  std::vector<std::uint32_t> given_;
  std::vector<Choice> choices_;  // Of a list only: those of a seed are too many.
  std::size_t decided_ = 0;
  std::optional<Leaving> leaving_;
  std::size_t fail_at_ = 0;
  std::size_t nodes_ = 0;
  std::size_t turns_ = 0;     // The most that a simulation took.
  std::size_t requests_ = 0;  // The most that a simulation had.
  std::string mistake_;
};

/// One run from nothing to nothing, on the schedule's decisions: builds what it needs, simulates, checks.
using Scenario = std::function<void(Schedule&)>;

/// What became of many runs.
struct Exploration {
  std::size_t schedules = 0;  // That were run.
  bool is_complete = false;   // There are no others.
  std::string mistake;        // The first, and the schedule that shows it; empty if there is none.
};

/// How long `explore` goes on, and what else it holds for a mistake.
struct ExploreOptions {
  /// It ends after so many, complete or not.
  std::size_t max_schedules = 10'000;
  /// Says that something is wrong, beside `Schedule::check`: a lambda that asks GoogleTest's `HasFailure`
  bool (*has_failed)() = nullptr;
};

/// Runs the scenario on every list of decisions that it can meet, the depth first. For scenarios of few steps.
///
///     const Exploration all = testing::explore([](Schedule& schedule) {
///       App app;
///       app.get("/", handler);
///       Simulation sim{app, schedule};
///       auto& first = sim.request("/");
///       auto& second = sim.request("/");
///       sim.run();
///       schedule.check(first.status() == 200 && second.status() == 200, "one of them was refused");
///     });
///     EXPECT_EQ(all.mistake, "");
///
/// A mistake ends it: one that a check noted, an exception, has_failed(), or memory of the library's pools that is not
/// given back when the scenario ends.
Exploration explore(const Scenario& scenario, ExploreOptions options = {});

/// Which seeds `for_each_seed` takes, and what else it holds for a mistake.
struct SeedOptions {
  /// The first seed; the others follow it.
  std::uint64_t first = 1;
  /// How many seeds.
  std::size_t count = 1'000;
  /// As in ExploreOptions.
  bool (*has_failed)() = nullptr;
};

/// The same for `count` seeds from `first` on. Never complete.
Exploration for_each_seed(const Scenario& scenario, SeedOptions options = {});

/// On which seed `for_each_step` runs, and what else it holds for a mistake.
struct StepOptions {
  /// Of all its runs.
  std::uint64_t seed = 1;
  /// As in ExploreOptions.
  bool (*has_failed)() = nullptr;
};

/// The same, on one seed, for everything that can go wrong in it, one at a time: first nothing, then each node fails
/// (see Faults), then each peer leaves at each turn.
Exploration for_each_step(const Scenario& scenario, StepOptions options = {});

}  // namespace umbel::testing
