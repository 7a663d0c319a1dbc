// SPDX-License-Identifier: MIT
#include "umbel/core/when_all.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "umbel/core/sleep.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using test::finish;
using test::Live;
using test::LiveCheck;
using test::Started;
using test::yield_once;

Task<int> number_after(int value, int turns) {
  for (int i = 0; i < turns; ++i) co_await yield_once();
  co_return value;
}
Task<std::unique_ptr<std::string>> word_after(std::string word, Duration duration) {
  co_await sleep(duration);
  co_return std::make_unique<std::string>(word);
}
Task<void> note_after(std::vector<std::string>& notes, std::string note, Duration duration) {
  co_await sleep(duration);
  notes.push_back(note);
}
Task<Live> fail_at(std::vector<std::string>& notes, std::string words, Duration duration) {
  const Live local{"local"};
  co_await sleep(duration);
  notes.push_back(words);
  throw std::runtime_error{words};
}
Task<Live> live_at(std::vector<std::string>& notes, Duration duration) {
  co_await sleep(duration);
  notes.push_back("live");
  co_return Live{"value"};
}

Task<std::string> gather_two() {
  auto [number, word] = co_await when_all(number_after(42, 0), word_after("answer", 0ms));
  co_return *word + std::to_string(number);
}
TEST(WhenAll, GivesTheValuesInTheOrderOfTheTasks) { EXPECT_EQ(finish(gather_two()), "answer42"); }

Task<int> sum_mixed(int a, int b, int c) {
  auto [first, second, third] = co_await when_all(number_after(1, a), number_after(20, b), number_after(300, c));
  co_return first + second + third;
}
TEST(WhenAll, JoinsReadyAndSuspendingTasksWhateverEndsFirst) {
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 3; ++c) EXPECT_EQ(finish(sum_mixed(a, b, c)), 321) << a << b << c;
    }
  }
}

Task<void> both_notes(std::vector<std::string>& notes) {
  co_await when_all(note_after(notes, "slow", 20ms), note_after(notes, "fast", 10ms));
  notes.push_back("joined");
}
TEST(WhenAll, ItsTasksOverlap) {
  testing::ManualPort port;
  std::vector<std::string> notes;
  Started<void> started{port, both_notes(notes)};

  port.advance(19ms);
  EXPECT_EQ(notes, (std::vector<std::string>{"fast"}));
  port.advance(1ms);

  EXPECT_EQ(notes, (std::vector<std::string>{"fast", "slow", "joined"}));
  EXPECT_TRUE(started.is_done());
}

Task<void> three_of_which_two_fail(std::vector<std::string>& notes) {
  auto values = co_await when_all(fail_at(notes, "first", 30ms), fail_at(notes, "second", 10ms), live_at(notes, 40ms));
  static_cast<void>(values);
}
TEST(WhenAll, JoinsAllBeforeItThrowsAndTheFirstErrorInOrderWins) {
  const LiveCheck check;
  testing::ManualPort port;
  std::vector<std::string> notes;
  {
    Started<void> started{port, three_of_which_two_fail(notes)};

    port.advance(39ms);
    EXPECT_FALSE(started.is_done());
    port.advance(1ms);

    EXPECT_EQ(notes, (std::vector<std::string>{"second", "first", "live"}));
    ASSERT_TRUE(started.is_done());
    EXPECT_EQ(started.result().error().message(), "first");
  }
  EXPECT_TRUE(check.ok());
}

Task<std::size_t> live_ones(std::vector<std::string>& notes) {
  auto [one, two] = co_await when_all(live_at(notes, 0ms), live_at(notes, 1ms));
  co_return one.text().size() + two.text().size();
}
TEST(WhenAll, DestroysEachValueOnce) {
  const LiveCheck check;
  testing::ManualPort port;
  std::vector<std::string> notes;
  Started<std::size_t> started{port, live_ones(notes)};

  port.advance(1ms);

  EXPECT_EQ(started.result().value(), 10u);
  EXPECT_TRUE(check.ok());
}

TEST(WhenAll, OneThatIsDroppedRunsNothing) {
  const LiveCheck check;
  std::vector<std::string> notes;

  {
    const auto dropped = when_all(live_at(notes, 0ms), fail_at(notes, "x", 0ms));
  }

  EXPECT_TRUE(notes.empty());
  EXPECT_TRUE(check.ok());
}

Task<int> sum_of_many(int count) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < count; ++i) tasks.push_back(number_after(i, i % 3));
  const std::vector<int> values = co_await when_all(std::move(tasks));
  int sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] == static_cast<int>(i) ? values[i] : 1'000'000;
  co_return sum;
}
TEST(WhenAll, OfAVectorGivesTheValuesInOrder) {
  EXPECT_EQ(finish(sum_of_many(0)), 0);
  EXPECT_EQ(finish(sum_of_many(100)), 99 * 100 / 2);
}

Task<void> many_notes(std::vector<std::string>& notes) {
  std::vector<Task<void>> tasks;
  for (int i = 3; i > 0; --i) tasks.push_back(note_after(notes, std::to_string(i), i * 10ms));
  co_await when_all(std::move(tasks));
  notes.push_back("joined");
}
TEST(WhenAll, OfAVectorOfVoidTasksJoinsThemAll) {
  testing::ManualPort port;
  std::vector<std::string> notes;
  Started<void> started{port, many_notes(notes)};

  port.advance(30ms);

  EXPECT_EQ(notes, (std::vector<std::string>{"1", "2", "3", "joined"}));
}

Task<void> many_of_which_some_fail(std::vector<std::string>& notes) {
  std::vector<Task<Live>> tasks;
  tasks.push_back(live_at(notes, 3ms));
  tasks.push_back(fail_at(notes, "one", 2ms));
  tasks.push_back(fail_at(notes, "two", 1ms));
  auto values = co_await when_all(std::move(tasks));
  static_cast<void>(values);
}
TEST(WhenAll, OfAVectorThrowsTheFirstErrorInOrder) {
  const LiveCheck check;
  testing::ManualPort port;
  std::vector<std::string> notes;
  {
    Started<void> started{port, many_of_which_some_fail(notes)};

    port.advance(3ms);

    EXPECT_EQ(notes.size(), 3u);
    EXPECT_EQ(started.result().error().message(), "one");
  }
  EXPECT_TRUE(check.ok());
}

Task<int> tree(int depth) {
  if (depth == 0) {
    const int leaf = co_await number_after(1, 1);
    co_return leaf;
  }
  auto [left, right] = co_await when_all(tree(depth - 1), tree(depth - 1));
  co_return left + right;
}
TEST(WhenAll, MayBeNested) { EXPECT_EQ(finish(tree(8)), 256); }

}  // namespace
}  // namespace umbel
