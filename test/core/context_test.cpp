// SPDX-License-Identifier: MIT
#include "umbel/core/context.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using testing::ManualPort;

// Work that calls a lambda each time it runs.
template <class F>
class Calls : public Work {
public:
  explicit Calls(F f) : Work(run), f_(std::move(f)) {}

private:
  static void run(Work& work) noexcept { static_cast<Calls&>(work).f_(); }
  F f_;
};

template <class F>
class CallingTimer : public Timer {
public:
  explicit CallingTimer(F f) : Timer(run), f_(std::move(f)) {}

private:
  static void run(Timer& timer) noexcept { static_cast<CallingTimer&>(timer).f_(); }
  F f_;
};

class CountedJob : public Job {
public:
  CountedJob() noexcept : Job(execute, finish) {}
  int executions = 0;
  int finishes = 0;

private:
  static void execute(Job& job) noexcept { ++static_cast<CountedJob&>(job).executions; }
  static void finish(Job& job) noexcept { ++static_cast<CountedJob&>(job).finishes; }
};

// Remembers what it was told.
class RecordingPort : public Port {
public:
  void wake() noexcept override { ++wakes; }
  void arm(Time when) noexcept override { armed.push_back(when); }
  Time now() noexcept override { return time; }

  int wakes = 0;
  std::vector<Time> armed;
  Time time{1h};
};

TEST(Context, RunsEnqueuedWorkInOrderAndNotInsideEnqueue) {
  ManualPort port;
  std::vector<int> ran;
  Calls one{[&] { ran.push_back(1); }};
  Calls two{[&] { ran.push_back(2); }};

  port.context().enqueue(one);
  port.context().enqueue(two);
  EXPECT_TRUE(ran.empty());

  EXPECT_EQ(port.step(), 2u);
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(Context, GivesBackWorkThatHasNotRun) {
  ManualPort port;
  std::vector<int> ran;
  Calls first{[&] { ran.push_back(1); }};
  Calls second{[&] { ran.push_back(2); }};
  Calls third{[&] { ran.push_back(3); }};
  port.context().enqueue(first);
  port.context().enqueue(second);
  port.context().post(static_cast<Work&>(third));

  EXPECT_TRUE(port.context().withdraw(second));
  EXPECT_TRUE(port.context().withdraw(third));
  EXPECT_FALSE(port.context().withdraw(third));
  port.context().enqueue(second);
  port.run();

  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(Context, WorkMayBeEnqueuedAgainWhenItRuns) {
  ManualPort port;
  int left = 5;
  std::optional<Calls<std::function<void()>>> work;
  work.emplace([&] {
    if (--left > 0) port.context().enqueue(*work);
  });

  port.context().enqueue(*work);

  EXPECT_EQ(port.run(), 5u);
}

class DeletesItself : public Work {
public:
  explicit DeletesItself(bool& deleted) noexcept : Work(run), deleted_(deleted) {}
  ~DeletesItself() { deleted_ = true; }

private:
  static void run(Work& work) noexcept { delete static_cast<DeletesItself*>(&work); }
  bool& deleted_;
};

TEST(Context, WorkMayDeleteItselfWhenItRuns) {
  ManualPort port;
  bool deleted = false;

  port.context().enqueue(*new DeletesItself{deleted});
  port.run();

  EXPECT_TRUE(deleted);
}

TEST(Context, WakesThePortOnceForManyEnqueues) {
  ManualPort port;
  std::deque<Calls<void (*)()>> many;
  for (int i = 0; i < 100; ++i) port.context().enqueue(many.emplace_back([] {}));

  EXPECT_EQ(port.wakes(), 1u);
  port.run();
  Calls again{[] {}};
  port.context().enqueue(again);

  EXPECT_EQ(port.wakes(), 2u);
  port.run();
}

TEST(Context, DoesNotWakeThePortForWorkThatIsEnqueuedWhileItRuns) {
  ManualPort port;
  bool ran = false;
  Calls second{[&] { ran = true; }};
  Calls first{[&] { port.context().enqueue(second); }};
  port.context().enqueue(first);

  EXPECT_EQ(port.step(), 2u);

  EXPECT_TRUE(ran);
  EXPECT_EQ(port.wakes(), 1u);
}

TEST(Context, RunReadyStopsAtItsBudgetAndAsksForAnotherTurn) {
  ManualPort port;
  int ran = 0;
  std::deque<Calls<std::function<void()>>> many;
  for (int i = 0; i < 25; ++i) port.context().enqueue(many.emplace_back([&] { ++ran; }));
  const std::size_t wakes = port.wakes();

  EXPECT_EQ(port.step(10), 10u);
  EXPECT_EQ(ran, 10);
  EXPECT_EQ(port.wakes(), wakes + 1);
  EXPECT_EQ(port.step(10), 10u);
  EXPECT_EQ(port.step(10), 5u);

  EXPECT_EQ(ran, 25);
  EXPECT_EQ(port.wakes(), wakes + 2) << "nothing was left after the third turn";
}

TEST(Context, WorkThatNeverEndsLeavesTheTurnAfterTheBudget) {
  ManualPort port;
  bool go_on = true;
  std::optional<Calls<std::function<void()>>> work;
  work.emplace([&] {
    if (go_on) port.context().enqueue(*work);
  });
  port.context().enqueue(*work);

  EXPECT_EQ(port.step(), 256u);

  go_on = false;
  port.run();
}

TEST(Context, RunReadyDoesNothingInsideItself) {
  ManualPort port;
  bool second_ran = false;
  bool ran_inside = true;
  std::size_t inner = 99;
  Calls second{[&] { second_ran = true; }};
  Calls first{[&] {
    port.context().enqueue(second);
    inner = port.context().run_ready();
    ran_inside = second_ran;
  }};
  port.context().enqueue(first);

  port.step();

  EXPECT_EQ(inner, 0u);
  EXPECT_FALSE(ran_inside);
  EXPECT_TRUE(second_ran);
}

TEST(Context, ATurnRunsWhatItMadeReadyAtItsEndWithoutAWake) {
  ManualPort port;
  bool ran = false;
  Calls work{[&] { ran = true; }};
  {
    const Context::Turn outer{port.context()};
    {
      const Context::Turn inner{port.context()};
      port.context().enqueue(work);
    }
    EXPECT_FALSE(ran);
  }

  EXPECT_TRUE(ran);
  EXPECT_EQ(port.wakes(), 0u);
}

TEST(Context, IsIdleTellsWhetherSomethingIsQueuedOrTimed) {
  ManualPort port;
  Context& context = port.context();
  EXPECT_TRUE(context.is_idle());

  Calls work{[] {}};
  context.enqueue(work);
  EXPECT_FALSE(context.is_idle());
  port.run();
  EXPECT_TRUE(context.is_idle());

  CallingTimer timer{[] {}};
  timer.start(context, context.now() + 1s);
  EXPECT_FALSE(context.is_idle());
  timer.cancel();
  EXPECT_TRUE(context.is_idle());

  context.post([]() noexcept {});
  EXPECT_FALSE(context.is_idle());
  port.run();
  EXPECT_TRUE(context.is_idle());
}

// --- posts

TEST(Context, RunsAPostedFunctionThatOwnsThings) {
  ManualPort port;
  int sum = 0;

  port.context().post([&sum, owned = std::make_unique<int>(7)]() noexcept { sum += *owned; });
  EXPECT_EQ(sum, 0);
  port.run();

  EXPECT_EQ(sum, 7);
}

TEST(Context, WakesThePortOnceForPostsOntoAQueueThatNobodyHasReadYet) {
  ManualPort port;
  for (int i = 0; i < 50; ++i) port.context().post([]() noexcept {});
  EXPECT_EQ(port.wakes(), 1u);

  EXPECT_EQ(port.run(), 50u);
  port.context().post([]() noexcept {});

  EXPECT_EQ(port.wakes(), 2u);
  port.run();
}

TEST(Context, PostsOfEachThreadKeepTheirOrder) {
  constexpr int posts = 5000;
  ManualPort port;
  std::array<std::vector<int>, 4> arrived;
  std::vector<std::thread> posters;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    posters.emplace_back([&, thread] {
      for (int i = 0; i < posts; ++i)
        port.context().post([&arrived, thread, i]() noexcept { arrived[thread].push_back(i); });
    });
  }

  std::size_t ran = 0;
  while (ran < 4 * posts) {
    const std::size_t more = port.step();
    if (more == 0) std::this_thread::yield();
    ran += more;
  }
  for (std::thread& poster : posters) poster.join();

  for (const std::vector<int>& numbers : arrived) {
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(posts));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST(Context, NoPostIsLostBetweenTwoTurns) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  int arrived = 0;
  std::thread poster{[&] {
    // Each is posted only after the last one ran, so that each must wake the sleeping Context by itself.
    for (int i = 0; i < 2000; ++i) {
      std::atomic<bool> ran{false};
      port.context().post([&]() noexcept {
        ++arrived;
        ran.store(true);
        ran.notify_one();
      });
      ran.wait(false);
    }
  }};

  port.run_until([&] { return arrived == 2000; });

  poster.join();
}

TEST(Context, WaitsAtItsEndForAPostThatIsUnderWay) {
  ThreadPool pool{{.threads = 1}};
  for (int i = 0; i < 500; ++i) {
    std::optional<BlockingPort> port{std::in_place, pool};
    bool ran = false;
    std::thread poster{[&context = port->context(), &ran] { context.post([&ran]() noexcept { ran = true; }); }};
    port->run_until([&] { return ran; });
    port.reset();  // The poster may still be inside `post`.
    poster.join();
  }
}

// --- timers

TEST(Timer, FiresAtItsTimeAndOnce) {
  ManualPort port;
  std::vector<Time> fired;
  CallingTimer timer{[&] { fired.push_back(port.now()); }};
  const Time start = port.now();
  timer.start(port.context(), start + 10ms);

  port.advance(9ms);
  EXPECT_TRUE(fired.empty());
  EXPECT_TRUE(timer.is_running());
  port.advance(100ms);

  EXPECT_EQ(fired, (std::vector<Time>{start + 10ms}));
  EXPECT_FALSE(timer.is_running());
}

TEST(Timer, ATimeThatIsPastFiresInTheNextTurn) {
  ManualPort port;
  bool fired = false;
  CallingTimer timer{[&] { fired = true; }};

  timer.start(port.context(), port.now() - 1s);
  EXPECT_FALSE(fired);
  port.run();

  EXPECT_TRUE(fired);
}

TEST(Timer, DoesNotFireAfterItWasCancelledOrDestroyed) {
  ManualPort port;
  int fired = 0;
  CallingTimer cancelled{[&] { ++fired; }};
  cancelled.start(port.context(), port.now() + 1ms);
  {
    CallingTimer destroyed{[&] { ++fired; }};
    destroyed.start(port.context(), port.now() + 1ms);
  }
  cancelled.cancel();
  cancelled.cancel();

  port.advance(1s);

  EXPECT_EQ(fired, 0);
}

TEST(Timer, StartMovesATimerThatRuns) {
  ManualPort port;
  std::vector<Time> fired;
  CallingTimer timer{[&] { fired.push_back(port.now()); }};
  const Time start = port.now();
  timer.start(port.context(), start + 50ms);
  timer.start(port.context(), start + 20ms);
  timer.start(port.context(), start + 70ms);

  port.advance(1s);

  EXPECT_EQ(fired, (std::vector<Time>{start + 70ms}));
}

TEST(Timer, MayStartItselfAgainAndCancelOthersWhenItFires) {
  ManualPort port;
  int ticks = 0;
  bool victim_fired = false;
  CallingTimer victim{[&] { victim_fired = true; }};
  std::optional<CallingTimer<std::function<void()>>> ticking;
  ticking.emplace([&] {
    victim.cancel();
    if (++ticks < 5) ticking->start(port.context(), port.now() + 10ms);
  });
  ticking->start(port.context(), port.now() + 10ms);
  victim.start(port.context(), port.now() + 10ms);
  // Equal times have no order; so move the victim behind.
  victim.start(port.context(), port.now() + 11ms);

  port.advance(1s);

  EXPECT_EQ(ticks, 5);
  EXPECT_FALSE(victim_fired);
}

TEST(Timer, WhatATimerMakesReadyRunsInTheSameTurn) {
  ManualPort port;
  bool ran = false;
  Calls work{[&] { ran = true; }};
  CallingTimer timer{[&] { port.context().enqueue(work); }};
  timer.start(port.context(), port.now());

  EXPECT_EQ(port.step(), 2u);

  EXPECT_TRUE(ran);
}

TEST(Timer, DueTimersCountAgainstTheBudget) {
  ManualPort port;
  int fired = 0;
  std::deque<CallingTimer<std::function<void()>>> timers;
  for (int i = 0; i < 25; ++i) timers.emplace_back([&] { ++fired; }).start(port.context(), port.now());

  EXPECT_EQ(port.step(10), 10u);
  EXPECT_EQ(port.alarm(), port.now()) << "the port must call again at once";
  port.run();

  EXPECT_EQ(fired, 25);
}

TEST(Timer, TellsThePortTheEarliestTimeOnly) {
  RecordingPort port;
  testing::ManualPool pool;
  Context context{port, pool};
  CallingTimer<void (*)()> late{[] {}}, early{[] {}}, later{[] {}};

  late.start(context, port.time + 20ms);
  early.start(context, port.time + 10ms);
  later.start(context, port.time + 30ms);

  EXPECT_EQ(port.armed, (std::vector<Time>{port.time + 20ms, port.time + 10ms}));
}

TEST(Timer, APortThatCallsTooEarlyIsToldTheTimeAgain) {
  RecordingPort port;
  testing::ManualPool pool;
  Context context{port, pool};
  bool fired = false;
  CallingTimer timer{[&] { fired = true; }};
  const Time when = port.time + 10ms;
  timer.start(context, when);

  port.time += 9ms;
  context.run_ready();
  EXPECT_FALSE(fired);
  EXPECT_EQ(port.armed, (std::vector<Time>{when, when}));
  port.time += 1ms;
  context.run_ready();

  EXPECT_TRUE(fired);
  EXPECT_EQ(port.armed.back(), Time::max());
}

TEST(Timer, ThePortIsDisarmedWhenTheLastTimerHasFired) {
  ManualPort port;
  CallingTimer timer{[] {}};
  timer.start(port.context(), port.now() + 1ms);

  port.advance(1ms);

  EXPECT_EQ(port.alarm(), Time::max());
}

TEST(Timer, ThePortIsDisarmedWhenTheLastTimerIsCancelled) {
  RecordingPort port;
  testing::ManualPool pool;
  Context context{port, pool};
  CallingTimer timer{[] {}};

  timer.start(context, port.time + 10ms);
  timer.cancel();
  EXPECT_EQ(port.armed.back(), Time::max());
  timer.start(context, port.time + 10ms);
  EXPECT_EQ(port.armed.back(), port.time + 10ms);
  timer.cancel();
}

// Against a sorted list: random starts, moves and cancels, before and while time passes.
class RandomTimers {
public:
  explicit RandomTimers(unsigned seed) : random_(seed), expected_(200, std::nullopt) {
    for (std::size_t i = 0; i < expected_.size(); ++i) timers_.emplace_back([this, i] { fire(i); });
  }

  void change_some(int changes) {
    for (int i = 0; i < changes; ++i) {
      const std::size_t which = random_() % expected_.size();
      if (random_() % 3 == 0) {
        timers_[which].cancel();
        expected_[which].reset();
      } else {
        const Time when = port_.now() + std::chrono::milliseconds{random_() % 1000};
        timers_[which].start(port_.context(), when);
        expected_[which] = when;
      }
    }
  }

  void let_pass(Duration duration) { port_.advance(duration); }

  bool all_fired_in_time() const {
    return wrong_ == 0 && std::is_sorted(fired_.begin(), fired_.end()) &&
           std::none_of(expected_.begin(), expected_.end(),
                        [this](const auto& when) { return when && *when <= now(); });
  }
  std::size_t fired() const { return fired_.size(); }

private:
  Time now() const { return const_cast<ManualPort&>(port_).now(); }

  void fire(std::size_t which) {
    if (expected_[which] != port_.now()) ++wrong_;
    expected_[which].reset();
    fired_.push_back(port_.now());
    if (random_() % 8 == 0) change_some(1);
  }

  ManualPort port_;
  std::mt19937 random_;
  std::vector<std::optional<Time>> expected_;
  std::deque<CallingTimer<std::function<void()>>> timers_;
  std::vector<Time> fired_;
  int wrong_ = 0;
};

TEST(Timer, TimersFireInOrderOfTheirTimeWhateverTheOrderOfStartsMovesAndCancels) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    RandomTimers timers{seed};
    for (int round = 0; round < 30; ++round) {
      timers.change_some(100);
      timers.let_pass(50ms);
      ASSERT_TRUE(timers.all_fired_in_time()) << "seed " << seed << " round " << round;
    }
    timers.let_pass(100s);
    ASSERT_TRUE(timers.all_fired_in_time()) << "seed " << seed;
    ASSERT_GT(timers.fired(), 200u);
  }
}

// --- jobs

TEST(Job, IsExecutedByThePoolAndFinishedByTheContext) {
  ManualPort port;
  CountedJob job;

  ASSERT_TRUE(port.context().submit(job));
  EXPECT_EQ(port.context().jobs_away(), 1u);
  port.pool().run_one();
  EXPECT_EQ(job.executions, 1);
  EXPECT_EQ(job.finishes, 0);
  port.run();

  EXPECT_EQ(job.finishes, 1);
  EXPECT_TRUE(job.executed());
  EXPECT_EQ(port.context().jobs_away(), 0u);
}

TEST(Job, AFullPoolRefusesItAndNothingHappened) {
  ManualPort port;
  port.pool().set_limit(1);
  CountedJob first, second;

  EXPECT_TRUE(port.context().submit(first));
  EXPECT_FALSE(port.context().submit(second));

  EXPECT_EQ(port.context().jobs_away(), 1u);
  port.pool().run_one();
  port.run();
  EXPECT_EQ(second.executions + second.finishes, 0);
}

TEST(Job, WithdrawnInTimeIsNotExecutedButComesHome) {
  ManualPort port;
  CountedJob job;
  port.context().submit(job);

  job.withdraw();
  port.pool().run_one();
  port.run();

  EXPECT_EQ(job.executions, 0);
  EXPECT_EQ(job.finishes, 1);
  EXPECT_FALSE(job.executed());
}

TEST(Job, WithdrawnTooLateWasExecuted) {
  ManualPort port;
  CountedJob job;
  port.context().submit(job);

  port.pool().run_one_elsewhere();
  job.withdraw();
  port.run();

  EXPECT_TRUE(job.executed());
  EXPECT_EQ(job.finishes, 1);
}

TEST(Job, MayBeSubmittedAgainOnceItIsHome) {
  ManualPort port;
  CountedJob job;
  port.context().submit(job);
  job.withdraw();
  port.pool().run_one();
  port.run();

  port.context().submit(job);
  port.pool().run_one();
  port.run();

  EXPECT_EQ(job.executions, 1);
  EXPECT_EQ(job.finishes, 2);
  EXPECT_TRUE(job.executed());
}

}  // namespace
}  // namespace umbel
