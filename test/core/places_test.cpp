// SPDX-License-Identifier: MIT
#include "umbel/core/places.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

namespace umbel::detail {
namespace {

TEST(Places, AreTakenUpToTheLimitAllOrNone) {
  Places places{5};

  EXPECT_TRUE(places.take(3));
  EXPECT_FALSE(places.take(3));
  EXPECT_TRUE(places.take(2));
  EXPECT_FALSE(places.take(1));
  EXPECT_TRUE(places.take(0));
  EXPECT_EQ(places.taken(), 5u);

  places.give_back(1);
  EXPECT_TRUE(places.take(1));
}

TEST(Places, MoreThanThereCanBeIsRefused) {
  Places places{5};
  ASSERT_TRUE(places.take(1));

  EXPECT_FALSE(places.take(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(places.taken(), 1u);
}

TEST(Places, NeverMoreThanTheLimitAreTakenWhoeverTakesThem) {
  constexpr std::size_t limit = 10;
  Places places{limit};
  std::atomic<std::size_t> held{0};
  std::atomic<bool> exceeded{false};
  std::vector<std::thread> threads;
  for (std::size_t count = 1; count <= 4; ++count) {
    threads.emplace_back([&, count] {
      for (int round = 0; round < 5000; ++round) {
        if (!places.take(count)) continue;
        if (held.fetch_add(count) + count > limit) exceeded = true;
        held -= count;
        places.give_back(count);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_FALSE(exceeded);
  EXPECT_EQ(places.taken(), 0u);
}

}  // namespace
}  // namespace umbel::detail
