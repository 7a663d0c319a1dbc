// SPDX-License-Identifier: MIT
#include "umbel/asio/asio_port.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "umbel/core/semaphore.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using boost::asio::io_context;

struct Doubling : Job {
  explicit Doubling(int number) noexcept : Job(work, come_home), value(number) {}
  static void work(Job& job) noexcept { static_cast<Doubling&>(job).value *= 2; }
  static void come_home(Job& job) noexcept { static_cast<Doubling&>(job).is_home = true; }
  int value;
  bool is_home = false;
};

TEST(AsioPort, RunsWhatWasPostedInATurnOfItsContext) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  bool ran = false;

  port.context().post([&]() noexcept { ran = true; });
  EXPECT_FALSE(ran);
  io.run();

  EXPECT_TRUE(ran);
}

Task<void> nap(Duration duration) { co_await sleep(duration); }

TEST(AsioPort, RunReturnsWhenTheLastTimerHasGoneOff) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  int done = 0;
  const Time start = Clock::now();
  for (int i = 5; i > 0; --i) spawn(port.context(), nap(i * 1ms), [&](Result<void>) noexcept { ++done; });

  io.run();

  EXPECT_EQ(done, 5);
  EXPECT_GE(Clock::now() - start, 5ms);
}

TEST(AsioPort, ATimerGoesOffAtItsTimeWhereverItWasBefore) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  struct Alarm : Timer {
    Alarm() noexcept : Timer([](Timer& timer) noexcept { static_cast<Alarm&>(timer).when = Clock::now(); }) {}
    Time when{};
  } later, nearer;
  const Time start = Clock::now();
  nearer.start(port.context(), start + 1h);
  later.start(port.context(), start + 1ms);
  later.start(port.context(), start + 6ms);
  nearer.start(port.context(), start + 3ms);

  io.run();

  EXPECT_GE(nearer.when, start + 3ms);
  EXPECT_GE(later.when, start + 6ms);
  EXPECT_LT(later.when, start + 1min);
}

TEST(AsioPort, RunReturnsAtOnceWhenItsOnlyTimerIsCancelled) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  Timer timer{[](Timer&) noexcept { FAIL(); }};
  timer.start(port.context(), Clock::now() + 1h);
  boost::asio::post(io, [&] { timer.cancel(); });

  io.run();

  EXPECT_FALSE(timer.is_running());
}

TEST(AsioPort, WorkBeyondTheBudgetComesInAnotherTurn) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  int ran = 0;
  int at_our_turn = 0;
  for (int i = 0; i < 300; ++i) port.context().post([&]() noexcept { ++ran; });
  boost::asio::post(io, [&] { at_our_turn = ran; });

  io.run();

  EXPECT_EQ(ran, 300);
  EXPECT_EQ(at_our_turn, 256);
}

TEST(AsioPort, NoPostIsLost) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  auto guard = std::optional{boost::asio::make_work_guard(io)};
  std::atomic<int> arrived{0};
  std::thread poster{[&] {
    // Each is posted only after the last one ran, so that each must wake the io_context by itself.
    for (int i = 0; i < 2000; ++i) {
      port.context().post([&]() noexcept {
        ++arrived;
        arrived.notify_one();
      });
      arrived.wait(i);
    }
    boost::asio::post(io, [&] { guard.reset(); });
  }};

  io.run();
  poster.join();

  EXPECT_EQ(arrived, 2000);
}

TEST(AsioPort, PostsOfManyThreadsAllArrive) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  auto guard = std::optional{boost::asio::make_work_guard(io)};
  int arrived = 0;
  const auto post_many = [&] {
    for (int i = 0; i < 5000; ++i) {
      port.context().post([&]() noexcept {
        if (++arrived == 15'000) guard.reset();
      });
    }
  };
  std::thread a{post_many}, b{post_many}, c{post_many};

  io.run();
  a.join(), b.join(), c.join();

  EXPECT_EQ(arrived, 15'000);
}

TEST(AsioPort, RunWaitsForJobsThatAreAway) {
  io_context io;
  ThreadPool pool;
  AsioPort port{io, pool};
  Doubling job{21};
  ASSERT_TRUE(port.context().submit(job));

  io.run();

  EXPECT_TRUE(job.is_home);
  EXPECT_EQ(job.value, 42);
}

TEST(AsioPort, RunWaitsForWhoWaitsForASemaphore) {
  io_context io;
  testing::ManualPool pool;
  AsioPort port{io, pool};
  Semaphore semaphore{1};
  Semaphore::Waiter first{[](Semaphore::Waiter&) noexcept {}};
  struct Second : Semaphore::Waiter {
    Second() noexcept : Waiter([](Waiter& waiter) noexcept { static_cast<Second&>(waiter).is_granted = true; }) {}
    bool is_granted = false;
  } second;
  ASSERT_TRUE(semaphore.acquire(port.context(), first));
  ASSERT_FALSE(semaphore.acquire(port.context(), second));
  std::thread other{[&] { semaphore.release(); }};

  io.run();
  other.join();

  EXPECT_TRUE(second.is_granted);
  semaphore.release();
}

TEST(AsioPort, WaitsForItsJobsWhenItGoes) {
  io_context io;
  ThreadPool pool;
  std::optional<AsioPort> port{std::in_place, io, pool};
  Doubling job{21};
  ASSERT_TRUE(port->context().submit(job));

  port.reset();

  EXPECT_TRUE(job.is_home);
  EXPECT_EQ(job.value, 42);
}

TEST(AsioPort, LeavesNothingThatDoesHarmInTheQueue) {
  io_context io;
  testing::ManualPool pool;
  Work work{[](Work&) noexcept { FAIL(); }};
  {
    AsioPort port{io, pool};
    port.context().post(work);
    Timer timer{[](Timer&) noexcept { FAIL(); }};
    timer.start(port.context(), Clock::now());
  }

  EXPECT_NO_THROW(io.run());
}

TEST(AsioPort, MayGoWhileItsIoContextStillHasAWakeThatIsNeverRun) {
  testing::ManualPool pool;
  auto io = std::make_unique<io_context>();
  Work work{[](Work&) noexcept { FAIL(); }};
  {
    AsioPort port{*io, pool};
    port.context().post(work);
  }

  EXPECT_NO_THROW(io.reset());
}

TEST(AsioPort, SeveralShareAnIoContext) {
  io_context io;
  testing::ManualPool pool;
  AsioPort first{io, pool};
  AsioPort second{io, pool};
  int done = 0;
  spawn(first.context(), nap(1ms), [&](Result<void>) noexcept { ++done; });
  spawn(second.context(), nap(2ms), [&](Result<void>) noexcept { ++done; });

  io.run();

  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace umbel
