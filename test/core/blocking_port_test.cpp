// SPDX-License-Identifier: MIT
#include "umbel/core/blocking_port.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/core/work_pool.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;

Task<int> answer_at_once() { co_return 42; }
Task<std::unique_ptr<int>> answer_after(Duration duration) {
  co_await sleep(duration);
  co_return std::make_unique<int>(43);
}
Task<void> fail_after_a_while() {
  co_await sleep(1ms);
  throw std::runtime_error{"broken"};
}

TEST(BlockingPort, RunsATaskToItsEndAndGivesItsValue) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};

  EXPECT_EQ(port.run(answer_at_once()), 42);
  EXPECT_EQ(*port.run(answer_after(1ms)), 43);
}

TEST(BlockingPort, ThrowsWhatTheTaskThrew) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};

  EXPECT_THROW(port.run(fail_after_a_while()), std::runtime_error);
}

TEST(BlockingPort, SleepsNoShorterThanItWasTold) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  const Time start = Clock::now();

  port.run(answer_after(5ms));

  EXPECT_GE(Clock::now() - start, 5ms);
}

Task<int> two_naps() {
  auto [one, two] = co_await when_all(answer_after(10ms), answer_after(10ms));
  co_return *one + *two;
}

TEST(BlockingPort, BranchesOverlap) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};

  EXPECT_EQ(port.run(two_naps()), 86);
}

TEST(BlockingPort, RunsWhatATaskCanAwait) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};

  const auto [one, two] = port.run(when_all(answer_after(1ms), answer_after(1ms)));

  EXPECT_EQ(*one + *two, 86);
}

Task<int> ask(std::optional<Completion<int>::Setter>& setter) {
  Completion<int> completion;
  setter = completion.setter();
  const int value = co_await completion;
  co_return value;
}

TEST(BlockingPort, WakesUpForAPost) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  for (int i = 0; i < 300; ++i) {
    std::optional<Completion<int>::Setter> setter;
    std::optional<int> value;
    spawn(port.context(), ask(setter), [&](Result<int> made) noexcept { value = made.value(); });
    std::thread other{[&setter, i] { setter->value(i); }};

    port.run_until([&] { return value.has_value(); });

    other.join();
    EXPECT_EQ(value, i);
  }
}

class HomeJob : public Job {
public:
  explicit HomeJob(bool& home) noexcept : Job([](Job&) noexcept {}, finish), home_(home) {}

private:
  static void finish(Job& job) noexcept { static_cast<HomeJob&>(job).home_ = true; }
  bool& home_;
};

TEST(BlockingPort, WaitsAtItsEndForJobsThatAreAway) {
  ThreadPool pool{{.threads = 1}};
  bool home = false;
  HomeJob job{home};
  {
    BlockingPort port{pool};
    port.context().submit(job);
  }
  EXPECT_TRUE(home);
}

}  // namespace
}  // namespace umbel
