// SPDX-License-Identifier: MIT
#include "umbel/core/completion.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"

namespace umbel {
namespace {

using test::CurrentEnv;
using test::finish;
using test::Live;
using test::LiveCheck;
using test::Started;
using testing::ManualPort;

template <class T>
using SetterOf = typename Completion<T>::Setter;

// Hands its setter out, then waits.
template <class T>
Task<T> wait_for(std::optional<SetterOf<T>>& setter, Env** env = nullptr) {
  if (env) *env = &co_await CurrentEnv{};
  Completion<T> completion;
  setter = completion.setter();
  co_return co_await completion;
}

Task<std::string> set_before_the_await() {
  Completion<std::string> completion;
  auto setter = completion.setter();
  const bool taken = setter.value("early");
  std::string value = co_await completion;
  co_return value + (taken ? "!" : "?");
}
TEST(Completion, SetBeforeTheAwaitDoesNotSuspend) {
  ManualPort port;

  Started<std::string> started{port, set_before_the_await()};

  ASSERT_TRUE(started.is_done());
  EXPECT_EQ(started.result().value(), "early!");
}

TEST(Completion, SetLaterResumesByWayOfTheContext) {
  ManualPort port;
  std::optional<SetterOf<int>> setter;
  Started<int> started{port, wait_for<int>(setter)};

  EXPECT_TRUE(setter->value(42));
  EXPECT_FALSE(started.is_done()) << "nothing runs inside the setter";
  port.run();

  EXPECT_EQ(started.result().value(), 42);
}

Task<void> wait_for_nothing(std::optional<SetterOf<void>>& setter) {
  Completion<> completion;
  setter = completion.setter();
  co_await completion;
}
TEST(Completion, MayCarryNothingButTheFact) {
  ManualPort port;
  std::optional<SetterOf<void>> setter;
  Started<void> started{port, wait_for_nothing(setter)};

  setter->value();
  port.run();

  EXPECT_TRUE(started.result().ok());
}

TEST(Completion, CarriesAnError) {
  ManualPort port;
  std::optional<SetterOf<int>> setter;
  Started<int> started{port, wait_for<int>(setter)};

  setter->error(HttpError{503, "busy"});
  port.run();

  EXPECT_THROW(static_cast<void>(started.result().value()), HttpError);
}

TEST(Completion, TheFirstSetterWins) {
  ManualPort port;
  std::optional<SetterOf<int>> setter;
  Started<int> started{port, wait_for<int>(setter)};
  SetterOf<int> other = *setter;

  EXPECT_TRUE(other.value(1));
  EXPECT_FALSE(setter->value(2));
  EXPECT_FALSE(setter->error(HttpError{500}));
  port.run();

  EXPECT_EQ(started.result().value(), 1);
}

TEST(Completion, ThrowsWhenItIsGivenUp) {
  ManualPort port;
  std::optional<SetterOf<int>> setter;
  Started<int> started{port, wait_for<int>(setter)};
  std::optional<SetterOf<int>> copy{*setter};
  SetterOf<int> moved{std::move(*setter)};

  setter.reset();
  copy.reset();
  port.run();
  EXPECT_FALSE(started.is_done()) << "one setter is left";
  {
    const SetterOf<int> last{std::move(moved)};
  }
  port.run();

  EXPECT_THROW(static_cast<void>(started.result().value()), std::runtime_error);
}

Task<int> given_up_before_the_await() {
  Completion<int> completion;
  {
    auto setter = completion.setter();
  }
  const int value = co_await completion;
  co_return value;
}
TEST(Completion, ThrowsAtOnceIfItWasGivenUpBefore) {
  EXPECT_THROW(finish(given_up_before_the_await()), std::runtime_error);
}

TEST(Completion, AStopResumesItWithCancelledAndALateValueIsDropped) {
  const LiveCheck check;
  {
    ManualPort port;
    Env* env = nullptr;
    std::optional<SetterOf<Live>> setter;
    Started<Live> started{port, wait_for<Live>(setter, &env)};

    env->stop.request_stop();
    EXPECT_FALSE(started.is_done());
    port.run();

    ASSERT_TRUE(started.is_done());
    EXPECT_THROW(static_cast<void>(started.result().value()), Cancelled);
    EXPECT_FALSE(setter->value(Live{"late"}));
  }
  EXPECT_TRUE(check.ok());
}

TEST(Completion, AValueThatCameBeforeTheStopWins) {
  ManualPort port;
  Env* env = nullptr;
  std::optional<SetterOf<int>> setter;
  Started<int> started{port, wait_for<int>(setter, &env)};

  setter->value(7);
  env->stop.request_stop();
  port.run();

  EXPECT_EQ(started.result().value(), 7);
}

Task<int> wait_after_the_stop() {
  Env& env = co_await CurrentEnv{};
  env.stop.request_stop();
  Completion<int> completion;
  auto setter = completion.setter();
  const int value = co_await completion;
  co_return value;
}
TEST(Completion, ThrowsCancelledAtOnceIfTheStopCameBefore) { EXPECT_THROW(finish(wait_after_the_stop()), Cancelled); }

Task<int> drop_a_completion(std::optional<SetterOf<int>>& setter) {
  Completion<int> completion;
  setter = completion.setter();
  co_return 1;
}
TEST(Completion, MayBeDroppedWithoutAnAwaitAndSetAfterwards) {
  std::optional<SetterOf<int>> setter;

  EXPECT_EQ(finish(drop_a_completion(setter)), 1);

  EXPECT_TRUE(setter->value(3));
}

TEST(Completion, TakesAMoveOnlyValueAndDestroysItOnce) {
  const LiveCheck check;
  {
    ManualPort port;
    std::optional<SetterOf<std::unique_ptr<Live>>> setter;
    Started<std::unique_ptr<Live>> started{port, wait_for<std::unique_ptr<Live>>(setter)};

    setter->value(std::make_unique<Live>("moved"));
    port.run();

    EXPECT_EQ(started.result().value()->text(), "moved");
  }
  EXPECT_TRUE(check.ok());
}

TEST(Completion, AllocatesNothingInTheSteadyState) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  ManualPort port;
  int sum = 0;
  const auto run = [&] {
    std::optional<SetterOf<int>> setter;
    spawn(port.context(), wait_for<int>(setter), [&](Result<int> result) noexcept { sum += result.value(); });
    setter->value(1);
    port.run();
  };
  run();

  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) run();

  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(sum, 101);
}

// --- from other threads

class SetsOnWorker : public Job {
public:
  SetsOnWorker(SetterOf<int> setter, int value) noexcept
      : Job(execute, finish), setter_(std::move(setter)), value_(value) {}

private:
  static void execute(Job& job) noexcept {
    auto& self = static_cast<SetsOnWorker&>(job);
    SetterOf<int> setter = std::move(self.setter_);
    setter.value(self.value_);
  }
  static void finish(Job& job) noexcept { delete static_cast<SetsOnWorker*>(&job); }

  SetterOf<int> setter_;
  int value_;
};

Task<long> ask_workers(int times) {
  Env& env = co_await CurrentEnv{};
  long sum = 0;
  for (int i = 0; i < times; ++i) {
    Completion<int> completion;
    env.context->submit(*new SetsOnWorker{completion.setter(), i});
    sum += co_await completion;
  }
  co_return sum;
}
TEST(Completion, MayBeSetByAnotherThreadAtAnyMoment) {
  ThreadPool pool{{.threads = 2}};
  BlockingPort port{pool};

  EXPECT_EQ(port.run(ask_workers(3000)), 2999L * 3000 / 2);
}

Task<int> race_with_a_stop(std::optional<SetterOf<int>>& setter, Env*& env) {
  env = &co_await CurrentEnv{};
  Completion<int> completion;
  setter = completion.setter();
  try {
    const int value = co_await completion;
    co_return value;
  } catch (const Cancelled&) {
  }
  co_return -1;
}
TEST(Completion, AStopAndAValueMayRace) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  for (int i = 0; i < 300; ++i) {
    std::optional<SetterOf<int>> setter;
    Env* env = nullptr;
    int result = 0;
    spawn(port.context(), race_with_a_stop(setter, env), [&](Result<int> made) noexcept { result = made.value(); });

    bool won = false;
    std::thread other{[&won, set = std::move(*setter)]() mutable { won = set.value(1); }};
    env->stop.request_stop();
    port.run_until([&] { return result != 0; });
    other.join();

    EXPECT_EQ(result, won ? 1 : -1);
  }
}

TEST(Completion, TheLastSettersMayGiveUpOnSeveralThreads) {
  ThreadPool pool{{.threads = 1}};
  BlockingPort port{pool};
  for (int i = 0; i < 200; ++i) {
    std::optional<SetterOf<int>> setter;
    std::optional<Result<int>> result;
    spawn(port.context(), wait_for<int>(setter), [&](Result<int> made) noexcept { result.emplace(std::move(made)); });

    std::thread one{[dropped = *setter] {}};
    std::thread two{[dropped = *setter] {}};
    setter.reset();
    port.run_until([&] { return result.has_value(); });
    one.join();
    two.join();

    EXPECT_FALSE(result->ok());
  }
}

}  // namespace
}  // namespace umbel
