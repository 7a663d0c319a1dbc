// SPDX-License-Identifier: MIT
#include "umbel/core/lane.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using testing::ManualPool;
using testing::ManualPort;

// Notes its name when it is executed; `home` when it is home.
class LaneJob : public Job {
public:
  LaneJob(std::vector<int>& notes, int name, JobClass job_class = JobClass::reserved) noexcept
      : Job(execute, finish), notes_(notes), name_(name) {
    set_class(job_class);
  }
  int home = 0;
  bool was_executed = false;

private:
  static void execute(Job& job) noexcept {
    auto& self = static_cast<LaneJob&>(job);
    self.notes_.push_back(self.name_);
  }
  static void finish(Job& job) noexcept {
    auto& self = static_cast<LaneJob&>(job);
    self.was_executed = self.executed();
    ++self.home;
  }
  std::vector<int>& notes_;
  const int name_;
};

// A Context with a pool of its own, whose jobs note their names.
struct Place {
  ManualPort port;
  std::vector<int> notes;
  std::deque<LaneJob> jobs;

  LaneJob& submit(Lane& lane, int name, JobClass job_class = JobClass::reserved) {
    LaneJob& job = jobs.emplace_back(notes, name, job_class);
    lane.submit(port.context(), job);
    return job;
  }
  // One job executed, and what follows of it.
  void run_one() {
    port.pool().run_one();
    port.run();
  }
  void run_all() {
    while (port.pool().waiting() > 0) run_one();
  }
};

TEST(Lane, HundredJobsInALaneOfFortyGoInThreeWaves) {
  Lane lane{{.limit = 40}};
  Place place;
  for (int i = 0; i < 100; ++i) place.submit(lane, i);

  std::vector<std::size_t> waves;
  while (place.port.pool().waiting() > 0) {
    waves.push_back(place.port.pool().run_all());
    place.port.run();
  }

  EXPECT_EQ(waves, (std::vector<std::size_t>{40, 40, 20}));
  EXPECT_EQ(place.notes.size(), 100u);
  for (const LaneJob& job : place.jobs) EXPECT_EQ(job.home, 1);
  EXPECT_EQ(lane.running(), 0u);
}

TEST(Lane, JobsGoInTheOrderInWhichTheyCame) {
  Lane lane{{.limit = 1}};
  Place place;
  for (int i = 0; i < 5; ++i) place.submit(lane, i);
  EXPECT_EQ(lane.running(), 1u);
  EXPECT_EQ(lane.waiting(), 4u);

  place.run_all();

  EXPECT_EQ(place.notes, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Lane, APlaceIsFreeWhenTheExecutionEndsNotWhenTheJobIsHome) {
  Lane lane{{.limit = 1}};
  Place one, two;
  const LaneJob& first = one.submit(lane, 1);
  two.submit(lane, 2);

  one.port.pool().run_one();
  two.port.run();

  EXPECT_EQ(first.home, 0);
  EXPECT_EQ(two.port.pool().waiting(), 1u);
  two.run_all();
  one.port.run();
  EXPECT_EQ(first.home, 1);
}

TEST(Lane, EachJobGoesToThePoolOfItsOwnContextInATurnOfThatContext) {
  Lane lane{{.limit = 1}};
  Place one, two;
  one.submit(lane, 1);
  const LaneJob& second = two.submit(lane, 2);

  one.port.pool().run_one_elsewhere();
  EXPECT_EQ(two.port.pool().waiting(), 0u) << "not from a thread that is not its own";
  one.port.run();
  EXPECT_EQ(two.port.pool().waiting(), 0u);
  two.port.run();
  EXPECT_EQ(two.port.pool().waiting(), 1u);
  EXPECT_EQ(one.port.pool().waiting(), 0u);

  two.run_all();
  EXPECT_EQ(second.home, 1);
  EXPECT_EQ(two.notes, (std::vector<int>{2}));
}

TEST(Lane, AJobThatWaitsIsAwayFromItsContextAndHoldsItsLoop) {
  Lane lane{{.limit = 1}};
  Place one, two;
  one.submit(lane, 1);
  EXPECT_EQ(one.port.holds(), 0u);
  two.submit(lane, 2);
  EXPECT_EQ(two.port.context().jobs_away(), 1u);
  EXPECT_EQ(two.port.holds(), 1u);

  one.run_all();
  two.port.run();
  EXPECT_EQ(two.port.context().jobs_away(), 1u);
  EXPECT_EQ(two.port.holds(), 0u) << "it is with the pool";
  two.run_all();

  EXPECT_EQ(two.port.context().jobs_away(), 0u);
}

TEST(Lane, ACleanupGoesBeforeAllThatWait) {
  Lane lane{{.limit = 1}};
  Place place;
  for (int i = 0; i < 3; ++i) place.submit(lane, i);
  for (int i = 10; i < 13; ++i) place.submit(lane, i, JobClass::cleanup);

  place.run_all();

  EXPECT_EQ(place.notes, (std::vector<int>{10, 11, 12, 0, 1, 2}));
}

TEST(Lane, AFullLaneHasOnePlaceMoreForCleanupsAndNoneForOthers) {
  Lane lane{{.limit = 2}};
  Place place;
  for (int i = 0; i < 4; ++i) place.submit(lane, i);
  EXPECT_EQ(place.port.pool().waiting(), 2u);

  for (int i = 10; i < 13; ++i) place.submit(lane, i, JobClass::cleanup);
  EXPECT_EQ(lane.running(), 3u);
  EXPECT_EQ(place.port.pool().waiting(), 3u);

  // The extra place frees: the next clean-up takes it. The others wait on, although one more job than before has ended.
  place.run_one();
  EXPECT_EQ(place.notes, (std::vector<int>{10}));
  EXPECT_EQ(lane.running(), 3u);
  place.run_all();
  EXPECT_EQ(place.notes, (std::vector<int>{10, 11, 12, 0, 1, 2, 3}));
}

TEST(Lane, ACleanupIsNeverRefusedAndNeedsNoPlace) {
  Lane lane{{.limit = 1, .queue_limit = 0}};
  Place place;
  ASSERT_TRUE(lane.reserve(1));
  place.submit(lane, 1);

  for (int i = 10; i < 20; ++i) place.submit(lane, i, JobClass::cleanup);
  place.run_all();

  EXPECT_EQ(place.notes.size(), 11u);
  lane.unreserve(1);
}

TEST(Lane, PromisesAsManyPlacesAsRunAndWait) {
  Lane lane{{.limit = 2, .queue_limit = 3}};

  EXPECT_TRUE(lane.reserve(2));
  EXPECT_FALSE(lane.reserve(4));
  EXPECT_TRUE(lane.reserve(3));
  EXPECT_FALSE(lane.reserve(1));
  lane.unreserve(2);

  EXPECT_TRUE(lane.reserve(2));
}

TEST(Lane, ItsJobsNeedNoPlaceInThePool) {
  Lane lane{{.limit = 2}};
  ManualPool pool{0};
  ManualPort port{pool};
  std::vector<int> notes;
  LaneJob job{notes, 1, JobClass::normal};

  lane.submit(port.context(), job);
  EXPECT_EQ(pool.run_all(), 1u);
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{1}));
}

TEST(Lane, AWithdrawnJobThatWaitsComesHomeSoonAndUnexecuted) {
  Lane lane{{.limit = 1}};
  Place place;
  place.submit(lane, 1);
  LaneJob& second = place.submit(lane, 2);
  place.submit(lane, 3);

  second.withdraw();
  EXPECT_EQ(second.home, 0) << "not inside withdraw";
  place.port.run();

  EXPECT_EQ(second.home, 1);
  EXPECT_FALSE(second.was_executed);
  EXPECT_EQ(place.port.holds(), 1u) << "of the third";
  EXPECT_EQ(lane.waiting(), 1u);
  place.run_all();
  EXPECT_EQ(place.notes, (std::vector<int>{1, 3}));
  EXPECT_EQ(second.home, 1);
  EXPECT_EQ(place.port.holds(), 0u);
}

TEST(Lane, AJobWithdrawnAsItIsLetThroughGivesItsPlaceToTheNext) {
  Lane lane{{.limit = 1}};
  Place one, two;
  one.submit(lane, 1);
  LaneJob& second = two.submit(lane, 2);
  const LaneJob& third = one.submit(lane, 3);
  one.run_all();

  second.withdraw();
  EXPECT_EQ(lane.running(), 1u);
  two.port.run();
  one.port.run();
  one.run_all();

  EXPECT_EQ(second.home, 1);
  EXPECT_FALSE(second.was_executed);
  EXPECT_TRUE(third.was_executed);
  EXPECT_EQ(lane.running(), 0u);
}

TEST(Lane, AJobWithdrawnInThePoolGivesItsPlaceBackWhenAWorkerComesToIt) {
  Lane lane{{.limit = 1}};
  Place place;
  LaneJob& first = place.submit(lane, 1);
  place.submit(lane, 2);

  first.withdraw();
  place.port.run();
  EXPECT_EQ(first.home, 0);
  place.run_all();

  EXPECT_FALSE(first.was_executed);
  EXPECT_EQ(place.notes, (std::vector<int>{2}));
}

class RefusingPool : public WorkPool {
public:
  bool submit(Job&) noexcept override { return false; }
};

TEST(Lane, AJobThatAPoolRefusesComesHomeUnexecutedAndTheNextHasItsTurn) {
  Lane lane{{.limit = 1}};
  RefusingPool pool;
  ManualPort port{pool};
  Place place;
  std::vector<int> notes;
  LaneJob at_once{notes, 1}, later{notes, 2};
  lane.submit(port.context(), at_once);
  place.submit(lane, 3);
  lane.submit(port.context(), later);
  const LaneJob& last = place.submit(lane, 4);
  EXPECT_EQ(at_once.home, 0) << "not inside submit";

  place.run_all();
  port.run();
  place.port.run();
  place.run_all();

  for (const LaneJob* const job : {&at_once, &later}) {
    EXPECT_EQ(job->home, 1);
    EXPECT_FALSE(job->was_executed);
  }
  EXPECT_TRUE(last.was_executed);
  EXPECT_EQ(port.context().jobs_away(), 0u);
}

TEST(Lane, AJobMayGoThroughItAgainAndPastItWhenItIsHome) {
  Lane lane{{.limit = 1}};
  Place place;
  place.submit(lane, 1);
  LaneJob& job = place.submit(lane, 2);
  place.run_all();

  lane.submit(place.port.context(), job);
  place.run_all();
  place.submit(lane, 3);
  ASSERT_TRUE(place.port.context().submit(job));
  EXPECT_EQ(place.port.pool().waiting(), 2u) << "the lane does not know of it";
  place.run_all();

  EXPECT_EQ(job.home, 3);
  EXPECT_EQ(place.notes, (std::vector<int>{1, 2, 2, 3, 2}));
  EXPECT_EQ(lane.running(), 0u);
}

TEST(Lane, HasAtLeastOnePlace) {
  Lane lane{{.limit = 0}};
  Place place;
  place.submit(lane, 1);

  place.run_all();

  EXPECT_EQ(place.notes, (std::vector<int>{1}));
}

// --- several Contexts, on threads -----------------------------------------------------------------------------------

// How many are inside at the same time.
class Gauge {
public:
  void enter() noexcept {
    const int now = ++inside_;
    int before = most_.load();
    while (before < now && !most_.compare_exchange_weak(before, now)) {
    }
  }
  void leave() noexcept { --inside_; }
  int most() const noexcept { return most_; }

private:
  std::atomic<int> inside_{0}, most_{0};
};

class GaugedJob : public Job {
public:
  GaugedJob() noexcept : Job(execute, finish) {}
  Gauge* gauge = nullptr;
  std::atomic<int> executions{0};
  int home = 0;
  int mistakes = 0;

private:
  static void execute(Job& job) noexcept {
    auto& self = static_cast<GaugedJob&>(job);
    self.gauge->enter();
    ++self.executions;
    std::this_thread::yield();
    self.gauge->leave();
  }
  static void finish(Job& job) noexcept {
    auto& self = static_cast<GaugedJob&>(job);
    ++self.home;
    if (self.executions != (self.executed() ? 1 : 0)) ++self.mistakes;
  }
};

struct LaneTraffic {
  Lane lane{{.limit = 2}};
  Gauge gauge;
  std::atomic<int> home{0}, mistakes{0};

  // One thread's: all its jobs at once, some of them withdrawn meanwhile.
  void run(unsigned seed, WorkPool& pool) {
    constexpr int count = 60, rounds = 10;
    BlockingPort port{pool};
    std::mt19937 random{seed};
    for (int round = 0; round < rounds; ++round) {
      std::array<GaugedJob, count> jobs;
      for (GaugedJob& job : jobs) {
        job.gauge = &gauge;
        job.set_class(random() % 4 == 0 ? JobClass::cleanup : JobClass::reserved);
        lane.submit(port.context(), job);
        if (random() % 4 == 0) port.context().run_ready();
        if (random() % 4 == 0) jobs[random() % count].withdraw();
      }
      port.run_until([&] { return port.context().jobs_away() == 0; });
      for (const GaugedJob& job : jobs) {
        home += job.home;
        mistakes += job.mistakes;
      }
    }
  }
};

TEST(Lane, NeverLetsMoreRunAtOnceWhateverTheContextsDo) {
  constexpr int contexts = 4;
  LaneTraffic traffic;
  ThreadPool shared{{.threads = 4}};
  ThreadPool other{{.threads = 3}};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < contexts; ++i)
    threads.emplace_back([&, i] { traffic.run(i, i % 2 ? static_cast<WorkPool&>(shared) : other); });
  for (std::thread& thread : threads) thread.join();

  EXPECT_LE(traffic.gauge.most(), 3) << "two, and one clean-up";
  EXPECT_EQ(traffic.home, contexts * 60 * 10);
  EXPECT_EQ(traffic.mistakes, 0);
  EXPECT_EQ(traffic.lane.running(), 0u);
  EXPECT_EQ(traffic.lane.waiting(), 0u);
}

}  // namespace
}  // namespace umbel
