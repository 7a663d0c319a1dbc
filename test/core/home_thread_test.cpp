// SPDX-License-Identifier: MIT
#include "umbel/core/home_thread.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace umbel {
namespace {

/// What `f` gives on another thread, which then ends.
template <class F>
bool elsewhere(F f) {
  bool result = false;
  std::thread{[&] { result = f(); }}.join();
  return result;
}

TEST(HomeThread, IsEverywhereAndNobodysAtFirst) {
  HomeThread home;

  EXPECT_TRUE(home.is_here());
  EXPECT_FALSE(home.is_ours());
  EXPECT_TRUE(elsewhere([&] { return home.is_here(); }));
}

TEST(HomeThread, IsTheOneThatEntered) {
  HomeThread home;

  EXPECT_TRUE(home.enter());
  EXPECT_TRUE(home.enter());

  EXPECT_TRUE(home.is_here());
  EXPECT_TRUE(home.is_ours());
  EXPECT_FALSE(elsewhere([&] { return home.is_here() || home.is_ours(); }));
}

TEST(HomeThread, IsTakenFromAThreadThatStillRuns) {
  HomeThread home;
  EXPECT_TRUE(home.enter());
  std::promise<void> seen;
  std::promise<bool> entered;
  std::thread other{[&] {
    entered.set_value(home.enter());
    seen.get_future().wait();
  }};

  EXPECT_FALSE(entered.get_future().get());
  EXPECT_FALSE(home.is_here());
  seen.set_value();
  other.join();

  EXPECT_TRUE(home.is_here());
}

TEST(HomeThread, IsNobodysWhenItsThreadHasLeft) {
  HomeThread home;
  home.enter();

  home.leave();

  EXPECT_TRUE(home.is_here());
  EXPECT_FALSE(home.is_ours());
  EXPECT_TRUE(elsewhere([&] { return home.enter() && home.is_ours(); }));
}

TEST(HomeThread, IsNobodysWhenItsThreadHasEnded) {
  HomeThread home;
  EXPECT_TRUE(elsewhere([&] { return home.enter(); }));

  EXPECT_TRUE(home.is_here());
  EXPECT_TRUE(home.enter());
}

TEST(HomeThread, MayBeEnteredAgainByWhoHasLeft) {
  HomeThread home;
  home.enter();
  home.leave();

  EXPECT_TRUE(home.enter());
  EXPECT_TRUE(home.is_ours());
}

}  // namespace
}  // namespace umbel
