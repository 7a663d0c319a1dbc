// SPDX-License-Identifier: MIT
#include "umbel/testing/manual_port.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"

namespace umbel::testing {
namespace {

using namespace std::chrono_literals;

class NotedJob : public Job {
public:
  NotedJob(std::vector<int>& notes, int name) noexcept : Job(execute, finish), notes_(notes), name_(name) {}
  std::thread::id thread;

private:
  static void execute(Job& job) noexcept {
    auto& self = static_cast<NotedJob&>(job);
    self.notes_.push_back(self.name_);
    self.thread = std::this_thread::get_id();
  }
  static void finish(Job& job) noexcept {
    auto& self = static_cast<NotedJob&>(job);
    self.notes_.push_back(-self.name_);
  }
  std::vector<int>& notes_;
  int name_;
};

Task<void> tick(ManualPort& port, std::vector<Duration>& ticks, Time start, int times, Duration period) {
  for (int i = 0; i < times; ++i) {
    co_await sleep(period);
    ticks.push_back(port.now() - start);
  }
}

TEST(ManualPort, TimePassesOnlyWhenItIsAdvanced) {
  ManualPort port;
  const Time start = port.now();

  port.run();
  EXPECT_EQ(port.now(), start);
  port.advance(3h);

  EXPECT_EQ(port.now(), start + 3h);
  EXPECT_EQ(port.context().now(), start + 3h);
}

TEST(ManualPort, AdvancingRunsEachTimerAtItsTimeAndWhatItStarts) {
  ManualPort port;
  std::vector<Duration> ticks;
  spawn(port.context(), tick(port, ticks, port.now(), 3, 10ms), [](Result<void>) noexcept {});
  spawn(port.context(), tick(port, ticks, port.now(), 2, 15ms), [](Result<void>) noexcept {});

  port.advance(1s);

  // Two are due at 30 ms.
  EXPECT_EQ(ticks, (std::vector<Duration>{10ms, 15ms, 20ms, 30ms, 30ms}));
  EXPECT_EQ(port.alarm(), Time::max());
}

TEST(ManualPort, StepTellsHowManyPiecesRan) {
  ManualPort port;
  for (int i = 0; i < 5; ++i) port.context().post([]() noexcept {});

  EXPECT_EQ(port.step(2), 2u);
  EXPECT_EQ(port.run(), 3u);
  EXPECT_EQ(port.step(), 0u);
}

TEST(ManualPort, CountsWakes) {
  ManualPort port;

  port.context().post([]() noexcept {});
  port.run();
  port.context().post([]() noexcept {});
  port.run();

  EXPECT_EQ(port.wakes(), 2u);
}

TEST(ManualPool, RunsJobsInTheOrderThatTheTestWants) {
  ManualPort port;
  std::vector<int> notes;
  NotedJob one{notes, 1}, two{notes, 2}, three{notes, 3};
  for (NotedJob* const job : {&one, &two, &three}) port.context().submit(*job);
  EXPECT_EQ(port.pool().waiting(), 3u);

  port.pool().run_one(1);
  port.run();
  port.pool().run_one();
  port.pool().run_one();
  EXPECT_THROW(port.pool().run_one(), std::out_of_range);
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{2, -2, 1, 3, -1, -3}));
}

TEST(ManualPool, RunsAJobOnASecondThread) {
  ManualPort port;
  std::vector<int> notes;
  NotedJob job{notes, 1};
  port.context().submit(job);

  port.pool().run_one_elsewhere();
  EXPECT_EQ(notes, (std::vector<int>{1}));
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{1, -1}));
  EXPECT_NE(job.thread, std::this_thread::get_id());
}

TEST(ManualPool, RefusesMoreThanItsLimit) {
  ManualPool pool{1};
  ManualPort port{pool};
  std::vector<int> notes;
  NotedJob one{notes, 1}, two{notes, 2};

  EXPECT_TRUE(port.context().submit(one));
  EXPECT_FALSE(port.context().submit(two));
  pool.set_limit(2);
  EXPECT_TRUE(port.context().submit(two));

  EXPECT_EQ(pool.run_all(), 2u);
  port.run();
  EXPECT_EQ(notes, (std::vector<int>{1, 2, -1, -2}));
}

TEST(ManualPool, GivesCleanupsFirst) {
  ManualPort port;
  std::vector<int> notes;
  NotedJob one{notes, 1}, two{notes, 2}, three{notes, 3}, four{notes, 4};
  three.set_class(JobClass::cleanup);
  four.set_class(JobClass::cleanup);
  for (NotedJob* const job : {&one, &two, &three, &four}) port.context().submit(*job);

  port.pool().run_all();
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{3, 4, 1, 2, -3, -4, -1, -2}));
}

TEST(ManualPool, PromisesPlacesUpToItsLimitAndRefusesNoJobThatHasOne) {
  ManualPool pool{2};
  ManualPort port{pool};
  std::vector<int> notes;
  NotedJob normal{notes, 1}, reserved{notes, 2}, cleanup{notes, 3};
  reserved.set_class(JobClass::reserved);
  cleanup.set_class(JobClass::cleanup);

  EXPECT_FALSE(pool.reserve(3));
  EXPECT_TRUE(pool.reserve(2));
  EXPECT_EQ(pool.reserved(), 2u);
  EXPECT_FALSE(port.context().submit(normal));
  EXPECT_TRUE(port.context().submit(reserved));
  EXPECT_TRUE(port.context().submit(cleanup));
  pool.unreserve(1);
  EXPECT_TRUE(port.context().submit(normal));
  EXPECT_FALSE(pool.reserve(1));

  EXPECT_EQ(pool.run_all(), 3u);
  port.run();
  EXPECT_TRUE(pool.reserve(1));
}

}  // namespace
}  // namespace umbel::testing
