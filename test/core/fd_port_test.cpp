// SPDX-License-Identifier: MIT
#include "umbel/core/fd_port.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;

bool is_readable(const FdPort& port, int timeout_ms = 0) {
  pollfd descriptor{port.fd(), POLLIN, 0};
  return poll(&descriptor, 1, timeout_ms) > 0;
}

// A host's loop.
template <class Done>
void turn_until(FdPort& port, Done done) {
  while (!done()) {
    if (is_readable(port, 10'000)) port.on_readable();
  }
}

void turn_and_yield(FdPort& port) {
  port.on_readable();
  std::this_thread::yield();
}

TEST(FdPort, IsReadableExactlyWhileSomethingIsToBeDone) {
  testing::ManualPool pool;
  FdPort port{pool};
  bool ran = false;
  EXPECT_FALSE(is_readable(port));

  port.context().post([&]() noexcept { ran = true; });
  EXPECT_TRUE(is_readable(port));
  EXPECT_FALSE(ran);
  port.on_readable();

  EXPECT_TRUE(ran);
  EXPECT_FALSE(is_readable(port));
}

TEST(FdPort, OnReadableIsHarmlessIfNothingIsReady) {
  testing::ManualPool pool;
  FdPort port{pool};

  port.on_readable();
  port.on_readable();

  EXPECT_FALSE(is_readable(port));
}

Task<void> nap_on_fd(Duration duration) { co_await sleep(duration); }

TEST(FdPort, BecomesReadableWhenATimerIsDue) {
  testing::ManualPool pool;
  FdPort port{pool};
  bool done = false;
  const Time start = Clock::now();
  spawn(port.context(), nap_on_fd(3ms), [&](Result<void>) noexcept { done = true; });

  turn_until(port, [&] { return done; });

  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_FALSE(is_readable(port));
}

TEST(FdPort, TimersGoOffOneAfterTheOther) {
  testing::ManualPool pool;
  FdPort port{pool};
  int done = 0;
  for (int i = 5; i > 0; --i) spawn(port.context(), nap_on_fd(i * 1ms), [&](Result<void>) noexcept { ++done; });

  turn_until(port, [&] { return done == 5; });

  EXPECT_FALSE(is_readable(port, 2));
}

TEST(FdPort, ATimerGoesOffAtItsTimeWhereverItWasBefore) {
  testing::ManualPool pool;
  FdPort port{pool};
  struct Alarm : Timer {
    Alarm() noexcept : Timer([](Timer& timer) noexcept { static_cast<Alarm&>(timer).when = Clock::now(); }) {}
    Time when{};
  } later, nearer, cancelled;
  const Time start = Clock::now();
  cancelled.start(port.context(), start + 1ms);
  nearer.start(port.context(), start + 1h);
  later.start(port.context(), start + 2ms);
  later.start(port.context(), start + 6ms);
  nearer.start(port.context(), start + 3ms);
  cancelled.cancel();

  turn_until(port, [&] { return later.when != Time{}; });

  EXPECT_EQ(cancelled.when, Time{});
  EXPECT_GE(nearer.when, start + 3ms);
  EXPECT_GE(later.when, start + 6ms);
  EXPECT_LT(later.when, start + 1min);
}

TEST(FdPort, IsNotReadableForEverAfterATimerThatWasCancelled) {
  testing::ManualPool pool;
  FdPort port{pool};
  Timer timer{[](Timer&) noexcept { FAIL(); }};
  timer.start(port.context(), Clock::now() + 1ms);
  timer.cancel();

  while (is_readable(port, 20)) port.on_readable();  // Once, for nothing.

  EXPECT_FALSE(is_readable(port));
}

TEST(FdPort, WorkBeyondTheBudgetLeavesItReadable) {
  testing::ManualPool pool;
  FdPort port{pool};
  int ran = 0;
  for (int i = 0; i < 300; ++i) port.context().post([&]() noexcept { ++ran; });

  port.on_readable();
  EXPECT_EQ(ran, 256);
  EXPECT_TRUE(is_readable(port));
  port.on_readable();

  EXPECT_EQ(ran, 300);
  EXPECT_FALSE(is_readable(port));
}

TEST(FdPort, NoPostIsLost) {
  testing::ManualPool pool;
  FdPort port{pool};
  std::atomic<int> arrived{0};
  std::thread poster{[&] {
    // Each is posted only after the last one ran, so that each must make the descriptor readable by itself.
    for (int i = 0; i < 2000; ++i) {
      port.context().post([&]() noexcept {
        ++arrived;
        arrived.notify_one();
      });
      arrived.wait(i);
    }
  }};

  turn_until(port, [&] { return arrived == 2000; });

  poster.join();
}

// A waker that is between its flag and its write must not leave a byte that nobody reads.
TEST(FdPort, DoesNotStayReadableAfterWakesThatCrossedATurn) {
  testing::ManualPool pool;
  FdPort port{pool};
  for (int round = 0; round < 100; ++round) {
    int ran = 0;
    std::thread one{[&] { port.context().post([&]() noexcept { ++ran; }); }};
    std::thread two{[&] { port.context().post([&]() noexcept { ++ran; }); }};
    // Not waiting for the descriptor: so the turns meet the wakers anywhere.
    while (ran < 2) turn_and_yield(port);
    one.join();
    two.join();

    port.on_readable();
    ASSERT_FALSE(is_readable(port)) << "round " << round;
  }
}

TEST(FdPort, WaitsAtItsEndForAPostThatIsUnderWay) {
  testing::ManualPool pool;
  for (int round = 0; round < 100; ++round) {
    std::optional<FdPort> port{std::in_place, pool};
    bool ran = false;
    std::thread poster{[&context = port->context(), &ran] { context.post([&ran]() noexcept { ran = true; }); }};
    while (!ran) turn_and_yield(*port);
    port.reset();  // The poster may still be inside `post`, about to write to the descriptor.
    poster.join();
  }
}

class FdJob : public Job {
public:
  explicit FdJob(int& home) noexcept : Job([](Job&) noexcept {}, finish), home_(home) {}

private:
  static void finish(Job& job) noexcept { ++static_cast<FdJob&>(job).home_; }
  int& home_;
};

TEST(FdPort, JobsComeHomeAndItsEndWaitsForThem) {
  ThreadPool pool{{.threads = 2}};
  int home = 0;
  FdJob first{home}, second{home};
  {
    FdPort port{pool};
    port.context().submit(first);
    turn_until(port, [&] { return home == 1; });
    port.context().submit(second);
  }
  EXPECT_EQ(home, 2);
}

}  // namespace
}  // namespace umbel
