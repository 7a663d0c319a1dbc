// SPDX-License-Identifier: MIT
#include "umbel/uv/work_queue.hpp"

#include <gtest/gtest.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using testing::ManualPort;

int libuv_threads() {
  const char* const size = std::getenv("UV_THREADPOOL_SIZE");
  return size ? std::atoi(size) : 4;
}

// A bare loop of libuv.
class BareLoop {
public:
  BareLoop() { uv_loop_init(&loop_); }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;
  ~BareLoop() { EXPECT_EQ(uv_loop_close(&loop_), 0) << "something was left open"; }

  uv_loop_t* get() noexcept { return &loop_; }
  /// Until nothing is left that it waits for.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

private:
  uv_loop_t loop_;
};

template <class F>
class UvJob : public Job {
public:
  UvJob(F f, int& home) : Job(execute, finish), f_(std::move(f)), home_(home) {}

private:
  static void execute(Job& job) noexcept { static_cast<UvJob&>(job).f_(); }
  static void finish(Job& job) noexcept { ++static_cast<UvJob&>(job).home_; }
  F f_;
  int& home_;
};

// Many jobs that do the same.
template <class F>
class SameJobs {
public:
  explicit SameJobs(F f) : f_(std::move(f)) {}
  std::size_t submit(Context& context, int count) {
    std::size_t taken = 0;
    for (int i = 0; i < count; ++i) {
      jobs_.emplace_back(f_, home_);
      if (context.submit(jobs_.back())) ++taken;
    }
    return taken;
  }
  void withdraw_all() {
    for (auto& job : jobs_) job.withdraw();
  }
  int home() const noexcept { return home_; }

private:
  F f_;
  std::deque<UvJob<F>> jobs_;
  int home_ = 0;
};

TEST(WorkQueue, ExecutesEveryJobOnceAndSendsItHome) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 1000};
  ManualPort port{queue};
  std::atomic<int> executed{0};
  SameJobs jobs{[&] { ++executed; }};

  EXPECT_EQ(jobs.submit(port.context(), 1000), 1000u);
  loop.run();
  port.run();

  EXPECT_EQ(executed, 1000);
  EXPECT_EQ(jobs.home(), 1000);
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(WorkQueue, LeavesOneOfLibuvsThreadsToTheHost) {
  BareLoop loop;
  const WorkQueue by_default{loop.get(), 1};
  const WorkQueue chosen{loop.get(), 1, 2};

  EXPECT_EQ(by_default.workers(), static_cast<std::size_t>(std::max(2, libuv_threads()) - 1));
  EXPECT_EQ(chosen.workers(), 2u);
}

TEST(WorkQueue, RefusesMoreThanItsLimit) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 10, 1};
  ManualPort port{queue};
  std::latch begun{1}, go{1};
  int home = 0;
  UvJob blocking{[&] {
                   begun.count_down();
                   go.wait();
                 },
                 home};
  SameJobs jobs{[] {}};

  ASSERT_TRUE(port.context().submit(blocking));
  begun.wait();
  EXPECT_EQ(jobs.submit(port.context(), 15), 10u);
  EXPECT_EQ(queue.waiting(), 10u);
  go.count_down();
  loop.run();
  port.run();

  EXPECT_EQ(jobs.home(), 10);
  EXPECT_EQ(jobs.submit(port.context(), 1), 1u) << "there is room again";
  loop.run();
  port.run();
}

TEST(WorkQueue, PromisesWhatItHoldsAndRefusesNoJobThatHasAPromise) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 2, 1};
  ManualPort port{queue};
  int home = 0;
  UvJob reserved{[] {}, home};
  UvJob normal{[] {}, home};
  reserved.set_class(JobClass::reserved);

  EXPECT_FALSE(queue.reserve(3));
  EXPECT_TRUE(queue.reserve(2));
  EXPECT_FALSE(port.context().submit(normal));
  EXPECT_TRUE(port.context().submit(reserved));
  queue.unreserve(2);
  EXPECT_TRUE(port.context().submit(normal));
  loop.run();
  port.run();

  EXPECT_EQ(home, 2);
}

TEST(WorkQueue, ExecutesCleanupsBeforeWhatIsQueued) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 10, 1};
  ManualPort port{queue};
  std::latch begun{1}, go{1};
  int home = 0;
  UvJob blocking{[&] {
                   begun.count_down();
                   go.wait();
                 },
                 home};
  std::vector<int> order;  // Of the one worker.
  UvJob set_up{[&] { order.push_back(1); }, home};
  UvJob tear_down{[&] { order.push_back(2); }, home};
  tear_down.set_class(JobClass::cleanup);
  port.context().submit(blocking);
  begun.wait();

  port.context().submit(set_up);
  port.context().submit(tear_down);
  go.count_down();
  loop.run();
  port.run();

  EXPECT_EQ(order, (std::vector<int>{2, 1}));
  EXPECT_EQ(home, 3);
}

TEST(WorkQueue, RunsAsManyJobsAtOnceAsItHasWorkersAndNeverMore) {
  for (const int workers : {1, 2, 3}) {
    BareLoop loop;
    WorkQueue queue{loop.get(), 1000, static_cast<std::size_t>(workers)};
    ManualPort port{queue};
    std::latch all_there{workers};
    std::atomic<int> running{0}, most{0};
    SameJobs meeting{[&] { all_there.arrive_and_wait(); }};
    SameJobs counting{[&] {
      const int now = ++running;
      int before = most.load();
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      --running;
    }};

    meeting.submit(port.context(), workers);
    loop.run();
    for (int round = 0; round < 20; ++round) {
      counting.submit(port.context(), 50);
      uv_run(loop.get(), UV_RUN_NOWAIT);
    }
    loop.run();
    port.run();

    EXPECT_EQ(meeting.home(), workers);
    EXPECT_EQ(counting.home(), 1000);
    EXPECT_LE(most, workers);
  }
}

TEST(WorkQueue, WhatIsDoneGoesHomeWithOneWake) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 1000, 2};
  ManualPort port{queue};
  SameJobs jobs{[] {}};
  jobs.submit(port.context(), 500);

  loop.run();
  EXPECT_EQ(port.wakes(), 1u);
  port.run();

  EXPECT_EQ(jobs.home(), 500);
}

TEST(WorkQueue, WithdrawnJobsComeHomeWithoutBeingExecuted) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 1000, 1};
  ManualPort port{queue};
  std::latch begun{1}, go{1};
  int home = 0;
  UvJob blocking{[&] {
                   begun.count_down();
                   go.wait();
                 },
                 home};
  std::atomic<int> executed{0};
  SameJobs jobs{[&] { ++executed; }};
  port.context().submit(blocking);
  begun.wait();
  jobs.submit(port.context(), 200);

  jobs.withdraw_all();
  go.count_down();
  loop.run();
  port.run();

  EXPECT_EQ(executed, 0);
  EXPECT_EQ(jobs.home(), 200);
  EXPECT_EQ(home, 1);
}

// Work of the host's own, for the same pool.
struct HostWork {
  uv_work_t request;
  std::atomic<int>* executed;
  int executed_before = -1;
};

TEST(WorkQueue, GivesTheHostsWorkATurn) {
  constexpr int total = 20'000;
  BareLoop loop;
  // As many workers as the pool has threads: nothing of the host's runs unless one of ours yields.
  const int threads = libuv_threads();
  WorkQueue queue{loop.get(), total, static_cast<std::size_t>(threads)};
  ManualPort port{queue};
  std::latch begun{threads}, go{1};
  std::atomic<int> executed{0};
  SameJobs blocking{[&] {
    begun.count_down();
    go.wait();
  }};
  SameJobs jobs{[&] { ++executed; }};
  blocking.submit(port.context(), threads);
  jobs.submit(port.context(), total - threads);
  begun.wait();

  HostWork host{{}, &executed};
  host.request.data = &host;
  uv_queue_work(
      loop.get(), &host.request,
      [](uv_work_t* request) {
        auto& work = *static_cast<HostWork*>(request->data);
        work.executed_before = work.executed->load();
      },
      nullptr);
  go.count_down();
  loop.run();
  port.run();

  EXPECT_GE(host.executed_before, 0);
  EXPECT_LT(host.executed_before, total - threads) << "it had to wait for all of our jobs";
  EXPECT_EQ(jobs.home(), total - threads);
}

// Ends its queue as soon as it is home, while libuv's item may still be at work.
class EndsItsQueue : public Job {
public:
  explicit EndsItsQueue(std::optional<WorkQueue>& queue) noexcept : Job([](Job&) noexcept {}, finish), queue_(queue) {}

private:
  static void finish(Job& job) noexcept { static_cast<EndsItsQueue&>(job).queue_.reset(); }
  std::optional<WorkQueue>& queue_;
};

TEST(WorkQueue, MayBeDestroyedAsSoonAsItsLastJobIsHome) {
  for (int round = 0; round < 100; ++round) {
    BareLoop loop;
    std::optional<WorkQueue> queue{std::in_place, loop.get(), 10u};
    ManualPort port{*queue};
    auto job = std::make_unique<EndsItsQueue>(queue);
    port.context().submit(*job);

    // Not turning the loop: libuv has not told us the item's end.
    for (; queue; std::this_thread::yield()) port.run();
    job.reset();

    loop.run();
  }
}

TEST(WorkQueue, AnEmptyOneLeavesNothingOnItsLoop) {
  BareLoop loop;
  const WorkQueue queue{loop.get(), 10};
}

class SubmitsAgain : public Job {
public:
  SubmitsAgain(Context& context, int times) noexcept : Job(execute, finish), context_(context), left_(times) {}
  int executed = 0;

private:
  static void execute(Job& job) noexcept { ++static_cast<SubmitsAgain&>(job).executed; }
  static void finish(Job& job) noexcept {
    auto& self = static_cast<SubmitsAgain&>(job);
    if (--self.left_ > 0) self.context_.submit(self);
  }
  Context& context_;
  int left_;
};

TEST(WorkQueue, AJobMayBeSubmittedAgainWhenItIsHome) {
  BareLoop loop;
  WorkQueue queue{loop.get(), 10};
  ManualPort port{queue};
  SubmitsAgain job{port.context(), 500};

  port.context().submit(job);
  while (port.context().jobs_away() > 0) {
    uv_run(loop.get(), UV_RUN_NOWAIT);
    port.run();
    std::this_thread::yield();
  }
  loop.run();

  EXPECT_EQ(job.executed, 500);
}

}  // namespace
}  // namespace umbel
