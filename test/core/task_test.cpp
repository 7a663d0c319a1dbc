// SPDX-License-Identifier: MIT
#include "umbel/core/task.hpp"

#include <gtest/gtest.h>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "../support/live.hpp"

namespace umbel {
namespace {

using test::finish;
using test::Live;
using test::LiveCheck;
using test::yield_once;

// Where the stack stood at the first and the last of many calls.
class StackMarks {
public:
  void mark() noexcept {
    // Not the address of a local: AddressSanitizer puts those on the heap.
    last_ = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    if (!first_) first_ = last_;
  }
  std::uintptr_t growth() const noexcept { return first_ > last_ ? first_ - last_ : last_ - first_; }

private:
  std::uintptr_t first_ = 0;
  std::uintptr_t last_ = 0;
};

Task<int> ready_child(int value, StackMarks& marks) {
  marks.mark();
  co_return value;
}
Task<long> sum_of_ready_children(int count, StackMarks& marks) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await ready_child(i, marks);
  co_return sum;
}

TEST(Task, AwaitsAMillionReadyTasksWithoutGrowingTheStack) {
  StackMarks marks;

  EXPECT_EQ(finish(sum_of_ready_children(1'000'000, marks)), 999'999L * 1'000'000 / 2);

  EXPECT_EQ(marks.growth(), 0u);
}

Task<void> throwing_child(StackMarks& marks) {
  marks.mark();
  throw 1;
  co_return;
}
Task<int> count_throwing_children(int count, StackMarks& marks) {
  int caught = 0;
  for (int i = 0; i < count; ++i) {
    try {
      co_await throwing_child(marks);
    } catch (int one) {
      caught += one;
    }
  }
  co_return caught;
}

TEST(Task, AwaitsManyThrowingTasksWithoutGrowingTheStack) {
  StackMarks marks;

  EXPECT_EQ(finish(count_throwing_children(10'000, marks)), 10'000);

  EXPECT_EQ(marks.growth(), 0u);
}

Task<int> waiting_child(int value, StackMarks& marks) {
  co_await yield_once();
  marks.mark();
  co_return value;
}
Task<long> sum_of_waiting_children(int count, StackMarks& marks) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await waiting_child(i, marks);
  co_return sum;
}

TEST(Task, AwaitsManyTasksThatSuspendWithoutGrowingTheStack) {
  StackMarks marks;

  EXPECT_EQ(finish(sum_of_waiting_children(100'000, marks)), 99'999L * 100'000 / 2);

  EXPECT_EQ(marks.growth(), 0u);
}

Task<int> half_waiting_child(int value) {
  if (value % 2) co_await yield_once();
  co_return value;
}
Task<long> sum_of_half_waiting_children(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await half_waiting_child(i);
  co_return sum;
}

TEST(Task, ReadyAndSuspendingTasksMayAlternate) {
  EXPECT_EQ(finish(sum_of_half_waiting_children(10'000)), 9'999L * 10'000 / 2);
}

TEST(Task, FramesAreRecycled) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  testing::ManualPort port;
  const auto run = [&port] {
    long sum = 0;
    spawn(port.context(), sum_of_half_waiting_children(1000), [&](Result<long> made) noexcept { sum = made.value(); });
    port.run();
    return sum;
  };
  run();

  const std::size_t before = test::allocations();
  for (int i = 0; i < 10; ++i) run();

  EXPECT_EQ(test::allocations(), before);
}

Task<void> set_true(bool& ran) {
  ran = true;
  co_return;
}

TEST(Task, DoesNotRunBeforeItIsAwaited) {
  bool ran = false;
  Task<void> task = set_true(ran);
  EXPECT_FALSE(ran);

  finish(std::move(task));

  EXPECT_TRUE(ran);
}

Task<void> take_live(Live, bool& ran) {
  ran = true;
  co_return;
}

TEST(Task, OneThatIsDroppedNeverRunsAndItsArgumentsAreDestroyedOnce) {
  const LiveCheck check;
  bool ran = false;

  {
    const Task<void> dropped = take_live(Live{"argument"}, ran);
  }

  EXPECT_FALSE(ran);
  EXPECT_TRUE(check.ok());
}

Task<int> drop_one_child(bool& ran) {
  auto dropped = take_live(Live{}, ran);
  co_await yield_once();
  co_return 1;
}

TEST(Task, AChildThatIsDroppedInsideATaskNeverRuns) {
  const LiveCheck check;
  bool ran = false;

  EXPECT_EQ(finish(drop_one_child(ran)), 1);

  EXPECT_FALSE(ran);
  EXPECT_TRUE(check.ok());
}

TEST(Task, MayBeMovedBeforeItRuns) {
  bool ran = false, other_ran = false;
  Task<void> first = set_true(ran);
  Task<void> second = set_true(other_ran);

  second = std::move(first);
  finish(std::move(second));

  EXPECT_TRUE(ran);
  EXPECT_FALSE(other_ran);
}

Task<std::unique_ptr<Live>> make_unique_live() { co_return std::make_unique<Live>("unique"); }
Task<Live> make_live() { co_return Live{"made"}; }
Task<Live> make_live_later() {
  Live live{"later"};
  co_await yield_once();
  co_return live;
}
Task<std::string> gather() {
  const std::unique_ptr<Live> one = co_await make_unique_live();
  const Live two = co_await make_live();
  const Live three = co_await make_live_later();
  co_return one->text() + "," + two.text() + "," + three.text();
}

TEST(Task, GivesItsValueAwayAndDestroysWhatItMovedFrom) {
  const LiveCheck check;

  EXPECT_EQ(finish(gather()), "unique,made,later");

  EXPECT_TRUE(check.ok());
}

Task<int> drop_the_value() {
  co_await make_live();
  co_await make_live_later();
  co_return 2;
}

TEST(Task, AValueThatNobodyTakesIsDestroyedOnce) {
  const LiveCheck check;

  EXPECT_EQ(finish(drop_the_value()), 2);

  EXPECT_TRUE(check.ok());
}

class ThrowsWhenMoved {
public:
  ThrowsWhenMoved() = default;
  ThrowsWhenMoved(ThrowsWhenMoved&& other) : live_(std::move(other.live_)) {
    if (armed) throw std::runtime_error{"moved"};
  }
  static inline bool armed = false;

private:
  Live live_;
};
Task<ThrowsWhenMoved> make_throwing() { co_return ThrowsWhenMoved{}; }
Task<int> take_throwing() {
  ThrowsWhenMoved::armed = true;
  [[maybe_unused]] const ThrowsWhenMoved made = co_await make_throwing();
  co_return 1;
}

TEST(Task, AValueWhoseMoveThrowsIsAnErrorOfTheTask) {
  const LiveCheck check;

  EXPECT_THROW(finish(take_throwing()), std::runtime_error);

  ThrowsWhenMoved::armed = false;
  EXPECT_TRUE(check.ok());
}

Task<int> fail_after(int turns, std::string words) {
  const Live local{"local"};
  for (int i = 0; i < turns; ++i) co_await yield_once();
  throw std::runtime_error{words};
}
Task<int> pass_on(int turns, std::string words) {
  const Live local{"outer"};
  const int value = co_await fail_after(turns, words);
  co_return value;
}

TEST(Task, ThrowsWhatItsBodyThrewThroughEveryLevel) {
  for (const int turns : {0, 3}) {
    const LiveCheck check;
    try {
      finish(pass_on(turns, "broken"));
      FAIL() << "should have thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "broken");
    }
    EXPECT_TRUE(check.ok());
  }
}

Task<int> wrap_failure(int turns) {
  try {
    const int value = co_await fail_after(turns, "inner");
    co_return value;
  } catch (...) {
    std::throw_with_nested(std::logic_error{"outer"});
  }
}

TEST(Task, NestedExceptionsKeepWhatTheyNest) {
  for (const int turns : {0, 1}) {
    try {
      finish(wrap_failure(turns));
      FAIL() << "should have thrown";
    } catch (const std::logic_error& outer) {
      EXPECT_STREQ(outer.what(), "outer");
      try {
        std::rethrow_if_nested(outer);
        FAIL() << "should have been nested";
      } catch (const std::runtime_error& inner) {
        EXPECT_STREQ(inner.what(), "inner");
      }
    }
  }
}

Task<int> recover(int turns) {
  int caught = 0;
  for (int i = 0; i < 3; ++i) {
    try {
      caught += co_await fail_after(turns, "again");
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
  co_return caught;
}

TEST(Task, MayGoOnAfterAChildThrew) {
  EXPECT_EQ(finish(recover(0)), 3);
  EXPECT_EQ(finish(recover(2)), 3);
}

Task<Env*> env_of_child() {
  Env& env = co_await test::CurrentEnv{};
  co_return &env;
}
Task<bool> has_env_of_parent() {
  Env& env = co_await test::CurrentEnv{};
  Env* const childs = co_await env_of_child();
  co_await yield_once();
  Env* const later = co_await env_of_child();
  co_return childs == &env&& later == &env;
}

TEST(Task, InheritsItsParentsEnvironment) { EXPECT_TRUE(finish(has_env_of_parent())); }

// --- anybody's awaitables

class NoCopyAwaiter {
public:
  explicit NoCopyAwaiter(int value) : value_(value), self_(this) {}
  NoCopyAwaiter(const NoCopyAwaiter&) = delete;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
  int await_resume() const noexcept { return self_ == this ? value_ : -1; }

private:
  int value_;
  NoCopyAwaiter* self_;
};
struct MemberAwaitable {
  NoCopyAwaiter operator co_await() const { return NoCopyAwaiter{20}; }
};
struct FreeAwaitable {};
NoCopyAwaiter operator co_await(FreeAwaitable) { return NoCopyAwaiter{300}; }

Task<int> await_all_kinds() {
  NoCopyAwaiter named{1};
  const int one = co_await named;
  const int two = co_await NoCopyAwaiter{4000};
  const int three = co_await MemberAwaitable{};
  const int four = co_await FreeAwaitable{};
  co_return one + two + three + four;
}

TEST(Task, AwaitsAnybodysAwaitablesWhereTheyAre) { EXPECT_EQ(finish(await_all_kinds()), 4321); }

Task<int> add(Task<int> a, Task<int> b) {
  const int first = co_await std::move(a);
  const int second = co_await std::move(b);
  co_return first + second;
}
Task<int> nest() {
  const int sum = co_await add(half_waiting_child(co_await half_waiting_child(3)),
                               add(half_waiting_child(4), half_waiting_child(5)));
  co_return sum;
}

TEST(Task, TasksMayBeArgumentsAndAwaitsMayNest) { EXPECT_EQ(finish(nest()), 12); }

TEST(Task, FramesAreAlignedTo64) {
  // In a vector, so that clang cannot put the frames into this function's own, where it aligns them as they need.
  std::vector<Task<int>> tasks;
  tasks.push_back(half_waiting_child(1));
  tasks.push_back(nest());
  tasks.push_back(await_all_kinds());

  for (const Task<int>& task : tasks) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(task.handle().address()) % 64, 0u);
}

}  // namespace
}  // namespace umbel
