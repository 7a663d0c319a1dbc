// SPDX-License-Identifier: MIT
#include "umbel/uv/loop.hpp"

#include <gtest/gtest.h>
#include <uv.h>

#include <atomic>
#include <deque>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "umbel/core/completion.hpp"
#include "umbel/core/lane.hpp"
#include "umbel/core/semaphore.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;

// A loop of the host's. Closing it must succeed after one more turn.
class HostLoop {
public:
  HostLoop() { uv_loop_init(&loop_); }
  HostLoop(const HostLoop&) = delete;
  HostLoop& operator=(const HostLoop&) = delete;
  ~HostLoop() {
    run();
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "something was left open";
  }

  uv_loop_t* get() noexcept { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

private:
  uv_loop_t loop_;
};

// A timer of the host's that goes off once.
template <class F>
class HostTimer {
public:
  HostTimer(HostLoop& loop, int ms, F f) : f_(std::move(f)) {
    uv_timer_init(loop.get(), &timer_);
    timer_.data = this;
    uv_timer_start(&timer_, fire, static_cast<std::uint64_t>(ms), 0);
  }
  HostTimer(const HostTimer&) = delete;
  HostTimer& operator=(const HostTimer&) = delete;

private:
  static void fire(uv_timer_t* timer) {
    static_cast<HostTimer*>(timer->data)->f_();
    uv_close(reinterpret_cast<uv_handle_t*>(timer), nullptr);
  }
  uv_timer_t timer_;
  F f_;
};

class LoopJob : public Job {
public:
  explicit LoopJob(int& home) noexcept : Job(execute, finish), home_(home) {}
  std::atomic<bool> executed_elsewhere{false};

private:
  static void execute(Job& job) noexcept {
    auto& self = static_cast<LoopJob&>(job);
    self.executed_elsewhere = std::this_thread::get_id() != self.maker_;
  }
  static void finish(Job& job) noexcept { ++static_cast<LoopJob&>(job).home_; }
  int& home_;
  std::thread::id maker_ = std::this_thread::get_id();
};

Task<int> nap_on_loop(Duration duration) {
  co_await sleep(duration);
  co_return 7;
}

TEST(Loop, RunsUntilItIsStopped) {
  Loop loop;
  int result = 0;
  spawn(loop.context(), nap_on_loop(1ms), [&](Result<int> made) noexcept {
    result = made.value();
    loop.stop();
  });

  loop.run();

  EXPECT_EQ(result, 7);
}

TEST(Loop, MayRunAgainAfterAStop) {
  Loop loop;
  for (int round = 0; round < 3; ++round) {
    bool ran = false;
    loop.context().post([&]() noexcept { ran = true; });
    loop.stop();

    loop.run();

    EXPECT_TRUE(ran) << "what was posted before the stop runs";
  }
}

TEST(Loop, IsStoppedFromAnyThread) {
  for (int round = 0; round < 50; ++round) {
    Loop loop;
    std::thread stopper{[&loop] { loop.stop(); }};

    loop.run();

    stopper.join();
  }
}

TEST(Loop, ManyStopsBeforeItRunsEndOneRun) {
  Loop loop;
  for (int i = 0; i < 5; ++i) loop.stop();

  loop.run();
}

TEST(Loop, SleepsNoShorterThanItWasTold) {
  Loop loop;
  std::vector<Duration> early;
  int left = 0;
  for (const Duration duration : {100us, 1000us, 1500us, 2000us, 3000us, 4999us}) {
    ++left;
    const Time start = Clock::now();
    spawn(loop.context(), nap_on_loop(duration), [&, start, duration](Result<int>) noexcept {
      if (Clock::now() - start < duration) early.push_back(duration);
      if (--left == 0) loop.stop();
    });
  }

  loop.run();

  EXPECT_TRUE(early.empty());
}

TEST(Loop, RunsPlainFunctionsOnLibuvsPool) {
  Loop loop{{.queue_limit = 100, .workers = 2}};
  int home = 0;
  std::deque<LoopJob> jobs;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(loop.context().submit(jobs.emplace_back(home)));

  while (home < 100) uv_run(loop.native(), UV_RUN_ONCE);

  for (const LoopJob& job : jobs) EXPECT_TRUE(job.executed_elsewhere);
}

TEST(Loop, BringsJobsHomeBeforeItEnds) {
  int home = 0;
  LoopJob first{home}, second{home};
  {
    Loop loop;
    loop.context().submit(first);
  }
  EXPECT_EQ(home, 1);

  HostLoop host;
  {
    Loop loop{host.get()};
    loop.context().submit(second);
  }
  EXPECT_EQ(home, 2);
}

TEST(Loop, EndsWithoutHavingRun) {
  const Loop own;
  HostLoop host;
  const Loop borrowed{host.get()};
}

TEST(Loop, NoPostIsLost) {
  Loop loop;
  std::atomic<int> arrived{0};
  std::thread poster{[&] {
    // Each is posted only after the last one ran, so that each must wake the sleeping loop by itself.
    for (int i = 0; i < 2000; ++i) {
      loop.context().post([&]() noexcept {
        ++arrived;
        arrived.notify_one();
      });
      arrived.wait(i);
    }
    loop.stop();
  }};

  loop.run();

  poster.join();
  EXPECT_EQ(arrived, 2000);
}

TEST(Loop, WaitsAtItsEndForAPostThatIsUnderWay) {
  for (int round = 0; round < 50; ++round) {
    std::optional<Loop> loop{std::in_place};
    std::atomic<bool> ran{false};
    std::thread poster{[&context = loop->context(), &ran] { context.post([&ran]() noexcept { ran = true; }); }};
    for (; !ran; std::this_thread::yield()) uv_run(loop->native(), UV_RUN_NOWAIT);
    loop.reset();  // The poster may still be inside `post`.
    poster.join();
  }
}

TEST(Loop, WorkBeyondTheBudgetLetsTheLoopTurn) {
  Loop loop;
  int ran = 0;
  for (int i = 0; i < 1000; ++i) loop.context().post([&]() noexcept { ++ran; });

  uv_run(loop.native(), UV_RUN_NOWAIT);
  EXPECT_GT(ran, 0);
  EXPECT_LT(ran, 1000);
  while (ran < 1000) uv_run(loop.native(), UV_RUN_NOWAIT);
}

// --- on the host's loop

TEST(BorrowedLoop, EndsWhenNothingCanGoOn) {
  HostLoop host;
  const Loop loop{host.get()};

  host.run();
}

TEST(BorrowedLoop, GoesOnWhileATimerRuns) {
  HostLoop host;
  Loop loop{host.get()};
  int result = 0;
  spawn(loop.context(), nap_on_loop(2ms), [&](Result<int> made) noexcept { result = made.value(); });

  host.run();

  EXPECT_EQ(result, 7);
}

TEST(BorrowedLoop, EndsWhenItsLastTimerIsCancelled) {
  HostLoop host;
  Loop loop{host.get()};
  Timer timer{[](Timer&) noexcept { FAIL() << "cancelled"; }};
  timer.start(loop.context(), Clock::now() + 1h);
  HostTimer cancels{host, 1, [&] { timer.cancel(); }};

  host.run();
}

TEST(BorrowedLoop, GoesOnWhileAJobIsAway) {
  HostLoop host;
  Loop loop{host.get()};
  int home = 0;
  LoopJob job{home};
  loop.context().submit(job);

  host.run();

  EXPECT_EQ(home, 1);
}

TEST(BorrowedLoop, GoesOnWhileAJobIsAwayInAnyPool) {
  HostLoop host;
  ThreadPool pool{{.threads = 1}};
  Loop loop{host.get(), pool};
  int home = 0;
  LoopJob first{home}, second{home};
  loop.context().submit(first);
  host.run();
  EXPECT_EQ(home, 1);

  loop.context().submit(second);
  host.run();

  EXPECT_EQ(home, 2);
}

// `body(host)` on two threads. libuv closes descriptors behind ThreadSanitizer's back, which takes one that is used
// again by another thread for a race: so both loops are made and closed here.
template <class Body>
void on_two_threads(Body body) {
  HostLoop hosts[2];
  std::thread one{[&] { body(hosts[0]); }}, two{[&] { body(hosts[1]); }};
  one.join();
  two.join();
}

TEST(BorrowedLoop, GoesOnWhileAJobWaitsInALaneThatAnotherLoopsJobsFill) {
  Lane lane{{.limit = 1}};
  std::atomic<int> all_home{0};
  on_two_threads([&](HostLoop& host) {
    Loop loop{host.get()};
    host.run();  // What follows is submitted from outside of any turn.
    int home = 0;
    std::deque<LoopJob> jobs;
    for (int i = 0; i < 200; ++i) lane.submit(loop.context(), jobs.emplace_back(home));

    host.run();

    all_home += home;
    for (const LoopJob& job : jobs) EXPECT_TRUE(job.executed_elsewhere);
  });

  EXPECT_EQ(all_home, 400);
}

TEST(Loop, WaitsAtItsEndForJobsInALane) {
  Lane lane{{.limit = 1}};
  int home = 0;
  std::deque<LoopJob> jobs;
  {
    Loop loop;
    for (int i = 0; i < 100; ++i) lane.submit(loop.context(), jobs.emplace_back(home));
  }

  EXPECT_EQ(home, 100);
}

class LoopWaiter : public Semaphore::Waiter {
public:
  LoopWaiter(Semaphore& semaphore, int& granted) noexcept : Waiter(arrive), semaphore_(semaphore), granted_(granted) {}

private:
  static void arrive(Waiter& waiter) noexcept {
    auto& self = static_cast<LoopWaiter&>(waiter);
    ++self.granted_;
    self.semaphore_.release();
  }
  Semaphore& semaphore_;
  int& granted_;
};

TEST(BorrowedLoop, GoesOnWhileSomebodyWaitsForASemaphore) {
  Semaphore semaphore{0};
  std::atomic<int> all_granted{0};
  std::latch both_wait{2};
  std::atomic<bool> released{false};
  on_two_threads([&](HostLoop& host) {
    Loop loop{host.get()};
    host.run();
    int granted = 0;
    std::deque<LoopWaiter> waiters;
    for (int i = 0; i < 100; ++i) semaphore.acquire(loop.context(), waiters.emplace_back(semaphore, granted));
    both_wait.arrive_and_wait();
    if (!released.exchange(true)) semaphore.release();

    host.run();

    all_granted += granted;
  });

  EXPECT_EQ(all_granted, 200);
  EXPECT_EQ(semaphore.available(), 1u);
}

TEST(Loop, PromisesThePlacesOfItsPool) {
  Loop loop{Loop::Options{.queue_limit = 3}};
  WorkPool& pool = loop.context().pool();

  EXPECT_TRUE(pool.reserve(3));
  EXPECT_FALSE(pool.reserve(1));
  pool.unreserve(3);
  EXPECT_TRUE(pool.reserve(1));
}

class CountedWork : public Work {
public:
  explicit CountedWork(int& count) noexcept : Work(run), count_(count) {}

private:
  static void run(Work& work) noexcept { ++static_cast<CountedWork&>(work).count_; }
  int& count_;
};

TEST(BorrowedLoop, GoesOnWhileWorkIsEnqueued) {
  HostLoop host;
  Loop loop{host.get()};
  int ran = 0;
  CountedWork work{ran};

  loop.context().enqueue(work);
  host.run();
  EXPECT_EQ(ran, 1);
  loop.context().enqueue(work);
  host.run();

  EXPECT_EQ(ran, 2);
}

Task<int> wait_for_host(std::optional<Completion<int>::Setter>& setter) {
  Completion<int> completion;
  setter = completion.setter();
  const int value = co_await completion;
  co_return value;
}

TEST(BorrowedLoop, ACompletionThatAHostCallbackSetsResumesEvenIfTheLoopHasNothingElse) {
  HostLoop host;
  Loop loop{host.get()};
  for (int round = 1; round < 4; ++round) {
    std::optional<Completion<int>::Setter> setter;
    int result = 0;
    spawn(loop.context(), wait_for_host(setter), [&](Result<int> made) noexcept { result = made.value(); });
    HostTimer sets{host, round - 1, [&] { setter->value(round); }};

    host.run();

    EXPECT_EQ(result, round);
  }
}

TEST(BorrowedLoop, GoesOnForAnotherThreadWhileItIsHeld) {
  HostLoop host;
  Loop loop{host.get()};
  std::optional<Completion<int>::Setter> setter;
  int result = 0;
  spawn(loop.context(), wait_for_host(setter), [&](Result<int> made) noexcept {
    result = made.value();
    loop.release();
  });
  host.run();
  EXPECT_EQ(result, 0);

  loop.hold();
  std::thread other{[&setter] { setter->value(5); }};
  host.run();

  other.join();
  EXPECT_EQ(result, 5);
}

TEST(BorrowedLoop, IsNotTurnedByADestructorWithoutJobs) {
  HostLoop host;
  bool fired = false;
  HostTimer timer{host, 0, [&] { fired = true; }};

  {
    const Loop loop{host.get()};
  }

  EXPECT_FALSE(fired);
  host.run();
  EXPECT_TRUE(fired);
}

TEST(BorrowedLoop, SeveralMayShareOne) {
  HostLoop host;
  Loop one{host.get()}, two{host.get()};
  int results = 0;
  spawn(one.context(), nap_on_loop(1ms), [&](Result<int> made) noexcept { results += made.value(); });
  spawn(two.context(), nap_on_loop(2ms), [&](Result<int> made) noexcept { results += made.value(); });

  host.run();

  EXPECT_EQ(results, 14);
}

TEST(BorrowedLoop, TakesAnyPool) {
  HostLoop host;
  testing::ManualPool pool;
  Loop loop{host.get(), pool};
  int home = 0;
  LoopJob job{home};

  loop.context().submit(job);
  EXPECT_EQ(pool.waiting(), 1u);
  pool.run_one();
  host.run();

  EXPECT_EQ(home, 1);
}

// --- several threads

Task<int> do_a_bit_of_everything(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; ++i) {
    auto [one, two] = co_await when_all(nap_on_loop(100us), nap_on_loop(0us));
    sum += one + two;
  }
  co_return sum;
}

TEST(Loop, AsManyAsThereAreThreadsRunWithoutKnowingOfEachOther) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&right] {
      Loop loop;
      int home = 0;
      std::deque<LoopJob> jobs;
      for (int n = 0; n < 50; ++n) loop.context().submit(jobs.emplace_back(home));
      spawn(loop.context(), do_a_bit_of_everything(20), [&](Result<int> made) noexcept {
        if (made.value() == 20 * 14) ++right;
        loop.stop();
      });
      loop.run();
      while (home < 50) uv_run(loop.native(), UV_RUN_ONCE);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(right, 4);
}

TEST(Loop, MayBeMadeAndFedOnTheThreadThatStartsItsOwn) {
  Loop loop;
  int result = 0;
  int left = 2;
  const auto ended = [&] {
    if (--left == 0) loop.stop();
  };
  spawn(loop.context(), nap_on_loop(1ms), [&](Result<int> made) noexcept {
    result = made.value();
    ended();
  });

  std::thread runner{[&loop] { loop.run(); }};
  loop.context().post([&]() noexcept { ended(); });
  runner.join();

  EXPECT_EQ(result, 7);
}

}  // namespace
}  // namespace umbel
