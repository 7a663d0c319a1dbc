// SPDX-License-Identifier: MIT
#include "umbel/testing/schedule.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "umbel/core/block_pool.hpp"

namespace umbel::testing {
namespace {

std::vector<std::size_t> draw(Schedule schedule, std::size_t count) {
  std::vector<std::size_t> drawn;
  for (std::size_t i = 0; i < count; ++i) drawn.push_back(schedule.choose(10));
  return drawn;
}

TEST(Schedule, DecidesTheSameOnTheSameSeed) {
  EXPECT_EQ(draw(Schedule{17}, 20), draw(Schedule{17}, 20));
  EXPECT_NE(draw(Schedule{17}, 20), draw(Schedule{18}, 20));
}

TEST(Schedule, DecidesAsAListSaysAndThenTheFirst) {
  EXPECT_EQ(draw(Schedule{std::vector<std::uint32_t>{3, 12}}, 4), (std::vector<std::size_t>{3, 9, 0, 0}));
}

TEST(Schedule, SaysHowToRunItAgain) {
  Schedule seeded{17};
  seeded.fail_at(3);
  Schedule listed{std::vector<std::uint32_t>{1, 0, 2}};
  for (int i = 0; i < 4; ++i) listed.choose(3);
  listed.leave_at(5, 1);

  EXPECT_EQ(seeded.text(), "seed 17 fail 3");
  EXPECT_EQ(listed.text(), "choices 1 0 2 0 leave 1 at 5");
  EXPECT_EQ(Schedule::replay(seeded.text()).text(), seeded.text());
  EXPECT_EQ(draw(Schedule::replay("choices 1 0 2"), 3), (std::vector<std::size_t>{1, 0, 2}));
}

TEST(Schedule, RefusesWhatIsNoText) {
  for (const char* text : {"", "17", "seed", "seed x", "seed 1 leave 2", "choices 1 then"})
    EXPECT_THROW(Schedule::replay(text), std::invalid_argument) << text;
}

TEST(Explore, RunsEveryListOnce) {
  std::multiset<std::string> seen;

  const Exploration all = explore([&](Schedule& schedule) {
    const std::size_t first = schedule.choose(3);
    std::string run = std::to_string(first);
    if (first == 1) run += std::to_string(schedule.choose(2));
    seen.insert(run);
  });

  EXPECT_EQ(seen, (std::multiset<std::string>{"0", "10", "11", "2"}));
  EXPECT_EQ(all.schedules, 4u);
  EXPECT_TRUE(all.is_complete);
  EXPECT_EQ(all.mistake, "");
}

TEST(Explore, StopsAtItsLimit) {
  const Exploration some = explore([](Schedule& schedule) { schedule.choose(100); }, {.max_schedules = 10});

  EXPECT_EQ(some.schedules, 10u);
  EXPECT_FALSE(some.is_complete);
}

TEST(Explore, EndsWithTheFirstMistakeAndHowToSeeItAgain) {
  const Scenario scenario = [](Schedule& schedule) {
    const bool one = schedule.choose(2) == 1;
    const bool two = schedule.choose(3) == 2;
    schedule.check(!one || !two, "both");
  };

  const Exploration found = explore(scenario);
  Schedule again = Schedule::replay("choices 1 2");
  scenario(again);

  EXPECT_EQ(found.mistake, "both; to see it again: Schedule::replay(\"choices 1 2\")");
  EXPECT_EQ(again.mistake(), "both");
}

TEST(ForEachSeed, TakesAnExceptionForAMistake) {
  const Exploration found = for_each_seed(
      [](Schedule& schedule) {
        if (schedule.text() == "seed 7") throw std::runtime_error{"seven"};
      },
      {.first = 5, .count = 10});

  EXPECT_EQ(found.mistake, "it threw: seven; to see it again: Schedule::replay(\"seed 7\")");
  EXPECT_EQ(found.schedules, 3u);
}

TEST(ForEachSeed, NoticesMemoryThatIsNotGivenBack) {
  void* kept = nullptr;

  const Exploration found = for_each_seed([&](Schedule& schedule) {
    if (schedule.text() == "seed 3") kept = detail::BlockPool::take(100);
  });
  detail::BlockPool::give(kept, 100);

  EXPECT_EQ(found.mistake, "memory of the pools was not given back; to see it again: Schedule::replay(\"seed 3\")");
}

TEST(ForEachSeed, AsksWhetherTheFrameworkHasSeenAMistake) {
  const Exploration found = for_each_seed([](Schedule&) {}, {.has_failed = [] { return true; }});

  EXPECT_EQ(found.schedules, 1u);
  EXPECT_NE(found.mistake, "");
}

TEST(ForEachStep, LetsEachNodeFailOnce) {
  std::string runs;

  const Exploration all = for_each_step([&](Schedule& schedule) {
    for (int node = 0; node < 3; ++node) runs += schedule.node_fails() ? "!" : ".";
    runs += " ";
  });

  EXPECT_EQ(runs, "... !.. .!. ..! ");
  EXPECT_TRUE(all.is_complete);
}

}  // namespace
}  // namespace umbel::testing
