// SPDX-License-Identifier: MIT
#pragma once
// Starts tasks on a ManualPort and looks into them.

#include <coroutine>
#include <optional>
#include <utility>

#include "umbel/core/error.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/task.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::test {

/// A task that was started, and its result once there is one. Stays where it is.
template <class T>
class Started {
public:
  Started(testing::ManualPort& port, Task<T> task) {
    spawn(port.context(), std::move(task), [this](Result<T> result) noexcept { result_.emplace(std::move(result)); });
  }
  Started(const Started&) = delete;
  Started& operator=(const Started&) = delete;

  bool is_done() const noexcept { return result_.has_value(); }
  Result<T>& result() { return result_.value(); }

private:
  std::optional<Result<T>> result_;
};

/// Runs a task to its end, as far as that needs no time, and gives its value or throws its error.
template <class T>
T finish(Task<T> task) {
  testing::ManualPort port;
  Started<T> started{port, std::move(task)};
  port.run();
  if constexpr (std::is_void_v<T>) started.result().value();
  else return std::move(started.result()).value();
}

/// `Env& env = co_await CurrentEnv{};`
class CurrentEnv {
public:
  CurrentEnv() noexcept {}
  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  Env& await_resume() const noexcept { return *env_; }

private:
  Env* env_ = nullptr;
};

/// `co_await yield_once()`: suspends, and goes on by way of the Context's queue.
class YieldOnce : Work {
public:
  YieldOnce() noexcept : Work(go_on) {}
  YieldOnce(const YieldOnce&) noexcept : YieldOnce() {}
  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    env_->context->enqueue(*this);
  }
  void await_resume() const noexcept {}

private:
  static void go_on(Work& work) noexcept { static_cast<YieldOnce&>(work).waiting_.resume(); }

  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
};
inline YieldOnce yield_once() noexcept { return YieldOnce{}; }

}  // namespace umbel::test
