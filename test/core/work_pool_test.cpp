// SPDX-License-Identifier: MIT
#include "umbel/core/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <initializer_list>
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
  PoolJob(F f, int& home, JobClass job_class = JobClass::normal) : Job(execute, finish), f_(std::move(f)), home_(home) {
    set_class(job_class);
  }

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

TEST(JobQueue, PromisedPlacesAndNormalJobsThatWaitAreNeverMoreThanTheLimit) {
  int home = 0;
  JobQueue queue{3};
  PoolJob one{[] {}, home};
  PoolJob two{[] {}, home};

  EXPECT_TRUE(queue.reserve(2));
  EXPECT_FALSE(queue.reserve(2));
  EXPECT_TRUE(queue.push(one));
  EXPECT_FALSE(queue.push(two));
  EXPECT_FALSE(queue.reserve(1));
  queue.pop();
  EXPECT_TRUE(queue.reserve(1)) << "a job that is taken leaves its place";
  EXPECT_FALSE(queue.push(two));
  queue.unreserve(3);

  EXPECT_TRUE(queue.push(two));
}

TEST(JobQueue, AReservedJobIsNotCountedAgain) {
  int home = 0;
  JobQueue queue{2};
  PoolJob reserved{[] {}, home, JobClass::reserved};
  PoolJob normal{[] {}, home};
  PoolJob refused{[] {}, home};
  ASSERT_TRUE(queue.reserve(1));

  EXPECT_TRUE(queue.push(reserved));
  EXPECT_TRUE(queue.push(normal));
  EXPECT_FALSE(queue.push(refused));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.pop(), &reserved);
  EXPECT_FALSE(queue.reserve(1)) << "its place is promised until it is given back";
  queue.unreserve(1);

  EXPECT_TRUE(queue.reserve(1));
}

TEST(JobQueue, NeverRefusesReservedAndCleanupJobs) {
  int home = 0;
  JobQueue queue{0};
  PoolJob reserved{[] {}, home, JobClass::reserved};
  PoolJob cleanup{[] {}, home, JobClass::cleanup};

  EXPECT_TRUE(queue.push(reserved));
  EXPECT_TRUE(queue.push(cleanup));
  EXPECT_EQ(queue.size(), 2u);
}

TEST(JobQueue, GivesCleanupsBeforeAllOthersAndEachKindInOrder) {
  int home = 0;
  JobQueue queue{10};
  PoolJob normal{[] {}, home};
  PoolJob reserved{[] {}, home, JobClass::reserved};
  PoolJob cleanup{[] {}, home, JobClass::cleanup};
  PoolJob late{[] {}, home, JobClass::cleanup};

  for (Job* const job : std::initializer_list<Job*>{&normal, &reserved, &cleanup, &late}) queue.push(*job);

  EXPECT_EQ(queue.pop(), &cleanup);
  EXPECT_EQ(queue.wait_and_pop(), &late);
  EXPECT_EQ(queue.wait_and_pop(), &normal);
  EXPECT_EQ(queue.pop(), &reserved);
}

TEST(JobQueue, ClosedItGivesWhatItHasAndThenNull) {
  int home = 0;
  JobQueue queue{10};
  PoolJob one{[] {}, home};
  PoolJob two{[] {}, home};
  queue.push(one);

  queue.close();

  EXPECT_FALSE(queue.push(two));
  EXPECT_TRUE(queue.reserve(9)) << "the job that was refused left no trace";
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

TEST(ThreadPool, PromisesWhatItsQueueHoldsAndRefusesNoJobThatHasAPromise) {
  ThreadPool pool{{.threads = 1, .queue_limit = 2}};
  BlockingPort port{pool};
  int home = 0;
  std::latch begun{1}, go{1};
  PoolJob blocking{[&] {
                     begun.count_down();
                     go.wait();
                   },
                   home};
  PoolJob reserved{[] {}, home, JobClass::reserved};
  PoolJob normal{[] {}, home};
  ASSERT_TRUE(port.context().submit(blocking));
  begun.wait();

  EXPECT_FALSE(port.context().pool().reserve(3));
  EXPECT_TRUE(port.context().pool().reserve(2));
  EXPECT_FALSE(port.context().submit(normal));
  EXPECT_TRUE(port.context().submit(reserved));
  go.count_down();
  port.run_until([&] { return home == 2; });
  port.context().pool().unreserve(2);

  EXPECT_TRUE(port.context().submit(normal));
  port.run_until([&] { return home == 3; });
}

TEST(ThreadPool, ExecutesCleanupsBeforeWhatIsQueuedAndNoMoreAtOnceThanItHasThreads) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  int home = 0;
  std::latch begun{1}, go{1};
  PoolJob blocking{[&] {
                     begun.count_down();
                     go.wait();
                   },
                   home};
  std::vector<int> order;  // Of the one worker.
  PoolJob set_up{[&] { order.push_back(1); }, home, JobClass::reserved};
  PoolJob tear_down{[&] { order.push_back(2); }, home, JobClass::cleanup};

  port.context().submit(blocking);
  begun.wait();
  port.context().submit(set_up);
  port.context().submit(tear_down);
  go.count_down();
  port.run_until([&] { return home == 3; });

  EXPECT_EQ(order, (std::vector<int>{2, 1}));
}

TEST(WorkPool, PromisesEverythingUnlessItKnowsBetter) {
  class Anything : public WorkPool {
    bool submit(Job&) noexcept override { return true; }
  };
  Anything pool;

  EXPECT_TRUE(pool.reserve(1'000'000));
  pool.unreserve(1'000'000);
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
