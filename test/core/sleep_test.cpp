// SPDX-License-Identifier: MIT
#include "umbel/core/sleep.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "../support/drive.hpp"
#include "umbel/core/when_all.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using test::CurrentEnv;
using test::Started;
using testing::ManualPort;

Task<int> nap(Duration duration) {
  co_await sleep(duration);
  co_return 1;
}

TEST(Sleep, EndsWhenItsTimeHasPassedAndNotBefore) {
  ManualPort port;
  const Started<int> started{port, nap(50ms)};

  port.advance(50ms - 1ns);
  EXPECT_FALSE(started.is_done());
  port.advance(1ns);

  EXPECT_TRUE(started.is_done());
}

TEST(Sleep, OfNoTimeDoesNotSuspend) {
  ManualPort port;

  const Started<int> zero{port, nap(0ms)};
  const Started<int> negative{port, nap(-1h)};

  EXPECT_TRUE(zero.is_done());
  EXPECT_TRUE(negative.is_done());
}

Task<void> nap_for_ever(Env*& env) {
  env = &co_await CurrentEnv{};
  co_await sleep(Duration::max());
}

TEST(Sleep, OfTheLongestTimeEndsOnlyByAStop) {
  ManualPort port;
  Env* env = nullptr;
  Started<void> started{port, nap_for_ever(env)};

  port.advance(std::chrono::hours{100'000});
  EXPECT_FALSE(started.is_done());
  env->stop.request_stop();
  port.run();

  EXPECT_THROW(started.result().value(), Cancelled);
}

Task<void> nap_and_note(Env*& env, Duration duration, std::vector<int>& notes) {
  env = &co_await CurrentEnv{};
  try {
    co_await sleep(duration);
    notes.push_back(1);
  } catch (const Cancelled&) {
    notes.push_back(-1);
  }
}

TEST(Sleep, IsCancelledByItsEnvsStop) {
  ManualPort port;
  Env* env = nullptr;
  std::vector<int> notes;
  const Started<void> started{port, nap_and_note(env, 1h, notes)};
  port.advance(10ms);

  env->stop.request_stop();
  EXPECT_TRUE(notes.empty()) << "nothing runs inside request_stop";
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{-1}));
  EXPECT_TRUE(started.is_done());
  EXPECT_TRUE(port.context().is_idle()) << "its timer must be gone";
}

Task<void> nap_after_the_stop(std::vector<int>& notes) {
  Env& env = co_await CurrentEnv{};
  env.stop.request_stop();
  try {
    co_await sleep(1h);
  } catch (const Cancelled&) {
    notes.push_back(-1);
  }
}

TEST(Sleep, ThrowsAtOnceIfTheStopCameBefore) {
  ManualPort port;
  std::vector<int> notes;

  const Started<void> started{port, nap_after_the_stop(notes)};

  EXPECT_EQ(notes, (std::vector<int>{-1}));
}

Task<void> nap_in_two_branches(Env*& env, std::vector<int>& notes) {
  co_await when_all(nap_and_note(env, 1h, notes), nap_and_note(env, 2h, notes), nap_and_note(env, 1ms, notes));
}

TEST(Sleep, AStopCancelsEveryBranchThatStillSleeps) {
  ManualPort port;
  Env* env = nullptr;
  std::vector<int> notes;
  const Started<void> started{port, nap_in_two_branches(env, notes)};

  port.advance(1ms);
  env->stop.request_stop();
  port.run();

  EXPECT_EQ(notes, (std::vector<int>{1, -1, -1}));
  EXPECT_TRUE(started.is_done());
}

Task<void> nap_and_count(Duration duration, std::vector<Duration>& order) {
  co_await sleep(duration);
  order.push_back(duration);
}

TEST(Sleep, ManySleepersWakeInOrderOfTheirTime) {
  ManualPort port;
  std::vector<Duration> order;
  for (int i = 0; i < 1000; ++i)
    spawn(port.context(), nap_and_count(((i * 7919) % 1000 + 1) * 1ms, order), [](Result<void>) noexcept {});

  port.advance(1s);

  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace umbel
