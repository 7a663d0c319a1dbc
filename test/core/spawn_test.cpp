// SPDX-License-Identifier: MIT
#include "umbel/core/spawn.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "../support/live.hpp"

namespace umbel {
namespace {

using test::Live;
using test::LiveCheck;
using test::yield_once;
using testing::ManualPort;

Task<std::unique_ptr<Live>> owned_after(int turns) {
  const Live local{"local"};
  for (int i = 0; i < turns; ++i) co_await yield_once();
  co_return std::make_unique<Live>("result");
}
Task<Live> failing_after(int turns) {
  const Live local{"local"};
  for (int i = 0; i < turns; ++i) co_await yield_once();
  throw HttpError{418, "teapot"};
}
Task<void> nothing_after(int turns) {
  for (int i = 0; i < turns; ++i) co_await yield_once();
}

TEST(Spawn, StartsAtOnceAndMayBeDoneWhenItReturns) {
  ManualPort port;
  bool done = false;

  spawn(port.context(), nothing_after(0), [&](Result<void> result) noexcept { done = result.ok(); });

  EXPECT_TRUE(done);
  EXPECT_EQ(port.wakes(), 0u);
}

TEST(Spawn, GivesTheResultWhenTheTaskHasEnded) {
  for (const int turns : {0, 1, 3}) {
    const LiveCheck check;
    ManualPort port;
    std::unique_ptr<Live> made;

    spawn(port.context(), owned_after(turns),
          [&](Result<std::unique_ptr<Live>> result) noexcept { made = std::move(result).value(); });
    EXPECT_EQ(made != nullptr, turns == 0);
    port.run();

    ASSERT_NE(made, nullptr);
    EXPECT_EQ(made->text(), "result");
    made.reset();
    EXPECT_TRUE(check.ok());
  }
}

TEST(Spawn, GivesTheErrorThatTheTaskThrew) {
  for (const int turns : {0, 2}) {
    const LiveCheck check;
    ManualPort port;
    std::string message;

    spawn(port.context(), failing_after(turns),
          [&](Result<Live> result) noexcept { message = result.error().message(); });
    port.run();

    EXPECT_FALSE(message.empty());
    EXPECT_TRUE(check.ok());
  }
}

TEST(Spawn, AnHttpErrorThatWasThrownKeepsItsStatus) {
  ManualPort port;
  int status = 0;

  spawn(port.context(), failing_after(1), [&](Result<Live> result) noexcept {
    try {
      static_cast<void>(result.value());
    } catch (const HttpError& error) {
      status = error.status();
    }
  });
  port.run();

  EXPECT_EQ(status, 418);
}

TEST(Spawn, TheTaskIsGoneBeforeDoneIsCalled) {
  ManualPort port;
  const std::size_t living = Live::living().size();
  std::size_t left = 99;

  spawn(port.context(), owned_after(1), [&](Result<std::unique_ptr<Live>> result) noexcept {
    std::move(result).value().reset();
    left = Live::living().size();
  });
  port.run();

  EXPECT_EQ(left, living);
}

void spawn_chain(ManualPort& port, int left, int& ran) {
  spawn(port.context(), nothing_after(1), [&port, left, &ran](Result<void>) noexcept {
    ++ran;
    if (left > 1) spawn_chain(port, left - 1, ran);
  });
}

TEST(Spawn, DoneMaySpawnAgain) {
  ManualPort port;
  int ran = 0;

  spawn_chain(port, 1000, ran);
  port.run();

  EXPECT_EQ(ran, 1000);
}

TEST(Spawn, DoneMayOwnThings) {
  const LiveCheck check;
  ManualPort port;

  spawn(port.context(), nothing_after(1), [owned = std::make_unique<Live>()](Result<void>) noexcept {});
  port.run();

  EXPECT_TRUE(check.ok());
}

TEST(Spawn, AllocatesNothingInTheSteadyState) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  ManualPort port;
  int ran = 0;
  const auto run = [&] {
    spawn(port.context(), nothing_after(2), [&](Result<void>) noexcept { ++ran; });
    port.run();
  };
  run();

  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) run();

  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(ran, 101);
}

}  // namespace
}  // namespace umbel
