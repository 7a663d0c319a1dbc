// SPDX-License-Identifier: MIT
#pragma once
// Several tasks at the same time.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "umbel/core/task.hpp"

namespace umbel {
namespace detail {

/// Counts tasks down and resumes whoever awaits them all.
struct Join : Ending {
  Join() noexcept : Ending{ended} {}

  /// True if the task has ended already.
  template <class T>
  bool start(Task<T>& task, Env& env, void* out) {
    auto& promise = task.handle().promise();
    promise.env = &env;
    promise.out = out;
    ++running;
    task.handle().resume();
    if (!task.handle().done()) {
      promise.continuation.set(static_cast<Ending&>(*this));
      return false;
    }
    --running;
    return true;
  }

  static std::coroutine_handle<> ended(Ending& ending) noexcept {
    auto& join = static_cast<Join&>(ending);
    return --join.running == 0 ? join.waiting : std::noop_coroutine();
  }

  std::size_t running = 0;
  std::coroutine_handle<> waiting;
};

template <class T>
using Unvoided = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// A task's result until it is taken; rethrows what the task threw.
template <class T>
struct Pending {
  explicit Pending(Task<T>&& t) noexcept : task(std::move(t)) {}
  Pending(Pending&& other) noexcept : task(std::move(other.task)) {}  // Only before the start.
  ~Pending() {
    if constexpr (!std::is_void_v<T>) {
      if (holds) storage.value.~T();
    }
  }

  void settle() noexcept { holds = !task.handle().promise().thrown; }
  void check() const {
    if (!holds) std::rethrow_exception(task.handle().promise().thrown);
  }
  Unvoided<T> take() {
    if constexpr (std::is_void_v<T>) return {};
    else return std::move(storage.value);
  }

  Task<T> task;
  Storage<T> storage;
  bool holds = false;
};

}  // namespace detail

/// What `when_all` returns: to be awaited at once.
template <class... T>
class [[nodiscard]] WhenAll {
public:
  /// Takes the tasks over; none of them runs yet.
  explicit WhenAll(Task<T>&&... tasks) : parts_(detail::Pending<T>{std::move(tasks)}...) {}

  void enter(Env& env) noexcept { env_ = &env; }

  bool await_ready() {
    std::apply([this](auto&... part) { (join_.start(part.task, *env_, &part.storage), ...); }, parts_);
    return join_.running == 0;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { join_.waiting = waiting; }
  std::tuple<detail::Unvoided<T>...> await_resume() {
    return std::apply(
        [](auto&... part) {
          (part.settle(), ...);
          (part.check(), ...);
          return std::tuple<detail::Unvoided<T>...>{part.take()...};
        },
        parts_);
  }

private:
  std::tuple<detail::Pending<T>...> parts_;
  detail::Join join_;
  Env* env_ = nullptr;
};

/// The same for a number of tasks that is known at run time.
template <class T>
class [[nodiscard]] WhenAllOf {
public:
  /// Takes the tasks over; none of them runs yet.
  explicit WhenAllOf(std::vector<Task<T>>&& tasks) {
    parts_.reserve(tasks.size());
    for (Task<T>& task : tasks) parts_.emplace_back(std::move(task));
  }

  void enter(Env& env) noexcept { env_ = &env; }

  bool await_ready() {
    for (auto& part : parts_) join_.start(part.task, *env_, &part.storage);
    return join_.running == 0;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { join_.waiting = waiting; }
  auto await_resume() {
    for (auto& part : parts_) part.settle();
    for (auto& part : parts_) part.check();
    if constexpr (!std::is_void_v<T>) {
      std::vector<T> values;
      values.reserve(parts_.size());
      for (auto& part : parts_) values.push_back(part.take());
      return values;
    }
  }

private:
  std::vector<detail::Pending<T>> parts_;
  detail::Join join_;
  Env* env_ = nullptr;
};

/// Starts all tasks, in order, and suspends until all have ended. Gives their values as a tuple (`std::monostate` for
/// void). If several throw, the first in order wins, after all are joined; nothing is cancelled.
///
///     auto [user, cart] = co_await when_all(load_user(id), load_cart(id));
template <class... T>
WhenAll<T...> when_all(Task<T>... tasks) {
  return WhenAll<T...>{std::move(tasks)...};
}

/// Gives a vector; nothing for void tasks.
template <class T>
WhenAllOf<T> when_all(std::vector<Task<T>> tasks) {
  return WhenAllOf<T>{std::move(tasks)};
}

}  // namespace umbel
