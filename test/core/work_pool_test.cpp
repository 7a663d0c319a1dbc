// SPDX-License-Identifier: MIT
#include "umbel/core/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "umbel/core/blocking_port.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using testing::ManualPort;

template <class F>
class PoolJob : public Job {
public:
  PoolJob(F f, int& home) : Job(execute, finish), f_(std::move(f)), home_(home) {}

private:
  static void execute(Job& job) noexcept { static_cast<PoolJob&>(job).f_(); }
  static void finish(Job& job) noexcept { ++static_cast<PoolJob&>(job).home_; }
  F f_;
  int& home_;
};

TEST(JobQueue, GivesJobsInOrderAndNullWhenItIsEmpty) {
  int home = 0;
  JobQueue queue{10};
  PoolJob one{[] {}, home};
  PoolJob two{[] {}, home};

  EXPECT_EQ(queue.pop(), nullptr);
  EXPECT_TRUE(queue.push(one));
  EXPECT_TRUE(queue.push(two));
  EXPECT_EQ(queue.size(), 2u);

  EXPECT_EQ(queue.pop(), &one);
  EXPECT_EQ(queue.pop(), &two);
  EXPECT_EQ(queue.pop(), nullptr);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(JobQueue, RefusesMoreThanItsLimit) {
  int home = 0;
  JobQueue queue{1};
  PoolJob one{[] {}, home};
  PoolJob two{[] {}, home};

  EXPECT_TRUE(queue.push(one));
  EXPECT_FALSE(queue.push(two));
  queue.pop();

  EXPECT_TRUE(queue.push(two));
}

TEST(JobQueue, ClosedItGivesWhatItHasAndThenNull) {
  int home = 0;
  JobQueue queue{10};
  PoolJob one{[] {}, home};
  PoolJob two{[] {}, home};
  queue.push(one);

  queue.close();

  EXPECT_FALSE(queue.push(two));
  EXPECT_EQ(queue.wait_and_pop(), &one);
  EXPECT_EQ(queue.wait_and_pop(), nullptr);
}

TEST(JobQueue, ClosingEndsEveryWait) {
  JobQueue queue{10};
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) waiting.emplace_back([&] { EXPECT_EQ(queue.wait_and_pop(), nullptr); });

  queue.close();

  for (std::thread& thread : waiting) thread.join();
}

TEST(ThreadPool, ExecutesEachJobOnceOnAThreadOfItsOwn) {
  ThreadPool pool{{.threads = 2}};
  BlockingPort port{pool};
  int home = 0;
  std::atomic<int> executed{0}, here{0};
  const auto work = [&, caller = std::this_thread::get_id()] {
    ++executed;
    if (std::this_thread::get_id() == caller) ++here;
  };
  std::deque<PoolJob<decltype(work)>> jobs;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(port.context().submit(jobs.emplace_back(work, home)));

  port.run_until([&] { return home == 1000; });

  EXPECT_EQ(executed, 1000);
  EXPECT_EQ(here, 0);
}

TEST(ThreadPool, ItsThreadsWorkAtTheSameTime) {
  ThreadPool pool{{.threads = 3}};
  BlockingPort port{pool};
  int home = 0;
  std::latch all_there{3};
  const auto meet = [&] { all_there.arrive_and_wait(); };
  std::deque<PoolJob<decltype(meet)>> jobs;
  for (int i = 0; i < 3; ++i) port.context().submit(jobs.emplace_back(meet, home));

  port.run_until([&] { return home == 3; });
}

TEST(ThreadPool, RefusesWhatItsQueueDoesNotHold) {
  ThreadPool pool{{.threads = 1, .queue_limit = 2}};
  BlockingPort port{pool};
  int home = 0;
  std::latch begun{1}, go{1};
  PoolJob blocking{[&] {
                     begun.count_down();
                     go.wait();
                   },
                   home};
  const auto nothing = [] {};
  std::deque<PoolJob<decltype(nothing)>> jobs;
  for (int i = 0; i < 3; ++i) jobs.emplace_back(nothing, home);

  ASSERT_TRUE(port.context().submit(blocking));
  begun.wait();
  EXPECT_TRUE(port.context().submit(jobs[0]));
  EXPECT_TRUE(port.context().submit(jobs[1]));
  EXPECT_FALSE(port.context().submit(jobs[2]));
  go.count_down();
  port.run_until([&] { return home == 3; });
}

TEST(ThreadPool, HasAtLeastOneThread) {
  ThreadPool pool{{.threads = 0}};
  BlockingPort port{pool};
  int home = 0;
  PoolJob job{[] {}, home};

  port.context().submit(job);
  port.run_until([&] { return home == 1; });
}

TEST(ThreadPool, ExecutesWhatIsQueuedBeforeItEnds) {
  auto pool = std::make_unique<ThreadPool>(ThreadPool::Options{.threads = 1});
  ManualPort port{*pool};
  int home = 0;
  std::atomic<int> executed{0};
  const auto count = [&] { ++executed; };
  std::deque<PoolJob<decltype(count)>> jobs;
  for (int i = 0; i < 100; ++i) port.context().submit(jobs.emplace_back(count, home));

  pool.reset();
  port.run();

  EXPECT_EQ(executed, 100);
  EXPECT_EQ(home, 100);
}

TEST(ThreadPool, ServesSeveralContextsAndSendsEachJobHome) {
  ThreadPool pool{{.threads = 2}};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&pool] {
      BlockingPort port{pool};
      int home = 0;
      const auto nothing = [] {};
      std::deque<PoolJob<decltype(nothing)>> jobs;
      for (int n = 0; n < 200; ++n) port.context().submit(jobs.emplace_back(nothing, home));
      port.run_until([&] { return home == 200; });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace umbel
