// SPDX-License-Identifier: MIT
#pragma once
// A coroutine that makes one value. docs/compilers.md tells what to avoid inside one on g++ 12.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "umbel/core/block_pool.hpp"
#include "umbel/core/stop.hpp"

namespace umbel {

class Context;

namespace detail {
struct Watch;
}

/// What a tree of tasks lives in: passed from each task to those that it awaits, never through a global.
struct Env {
  Context* context = nullptr;  // Where everything of the tree runs. Never null once a task started.
  StopSource stop;             // Asks the tree to stop.
  /// Hears how long the tree keeps the loop when it was resumed. Not owned; null: nobody.
  detail::Watch* watch = nullptr;
};

template <class T>
class Task;

namespace detail {

/// With an `env` that has a watch; both live until this returns.
void resume_watched(Env& env, std::coroutine_handle<> coroutine) noexcept;

/// What an awaitable of ours does when it has what was awaited.
inline void resume(Env& env, std::coroutine_handle<> coroutine) noexcept {
  if (!env.watch) [[likely]]
    return coroutine.resume();
  resume_watched(env, coroutine);
}

/// Called when a task that no coroutine awaits has ended. Returns what to resume next.
struct Ending {
  using Function = std::coroutine_handle<> (*)(Ending&) noexcept;
  Function function;
};

/// Who goes on when a task ends: nobody (it is being started right now), a coroutine, or an Ending.
class Continuation {
public:
  void set(std::coroutine_handle<> coroutine) noexcept {
    bits_ = reinterpret_cast<std::uintptr_t>(coroutine.address());
  }
  void set(Ending& ending) noexcept { bits_ = reinterpret_cast<std::uintptr_t>(&ending) | 1; }

  std::coroutine_handle<> next() const noexcept {
    if (bits_ == 0) return std::noop_coroutine();
    if (bits_ & 1) {
      auto& ending = *reinterpret_cast<Ending*>(bits_ & ~std::uintptr_t{1});
      return ending.function(ending);
    }
    return std::coroutine_handle<>::from_address(reinterpret_cast<void*>(bits_));
  }

private:
  std::uintptr_t bits_ = 0;
};

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    return ended.promise().continuation.next();
  }
  void await_resume() const noexcept {}
};

/// Awaitables that need the environment have `void enter(Env&)`; it is called before await_ready.
template <class A>
concept EntersEnv = requires(A& awaitable, Env& env) { awaitable.enter(env); };

template <class A>
concept HasMemberCoAwait = requires(A&& awaitable) { static_cast<A&&>(awaitable).operator co_await(); };
template <class A>
concept HasFreeCoAwait = requires(A&& awaitable) { operator co_await(static_cast<A&&>(awaitable)); };

/// Stands in for an awaiter that lives in the awaiting expression. (await_transform must not return a reference: g++ 12
/// would copy the awaiter.)
template <class Awaiter>
class AwaiterRef {
public:
  explicit AwaiterRef(Awaiter& awaiter) noexcept : awaiter_(awaiter) {}
  bool await_ready() { return awaiter_.await_ready(); }
  template <class Promise>
  decltype(auto) await_suspend(std::coroutine_handle<Promise> waiting) {
    return awaiter_.await_suspend(waiting);
  }
  decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
  Awaiter& awaiter_;
};

/// Frames come from the block pool: 64-byte aligned, recycled per thread.
struct PooledFrame {
  static void* operator new(std::size_t bytes) { return BlockPool::take(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { BlockPool::give(frame, bytes); }
};

/// A coroutine that is not started, owned by one holder.
template <class Promise>
class CoroutineHolder {
public:
  using promise_type = Promise;
  using Handle = std::coroutine_handle<Promise>;

  explicit CoroutineHolder(Handle handle) noexcept : handle_(handle) {}
  CoroutineHolder(CoroutineHolder&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CoroutineHolder& operator=(CoroutineHolder&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~CoroutineHolder() {
    if (handle_) handle_.destroy();
  }

  /// For those who drive it; they destroy it.
  Handle release() noexcept { return std::exchange(handle_, nullptr); }
  Handle handle() const noexcept { return handle_; }

private:
  Handle handle_;
};

/// Words of the compiler's message.
struct write_co_return_in_place_of_return {};

template <class T>
class TaskAwaiter;

/// What every coroutine of ours can await: tasks (which inherit the environment), awaitables that want it, and
/// anybody's awaitables.
struct Awaits {
  Env* env;  // Set before the coroutine runs.

  template <class U>
  TaskAwaiter<U> await_transform(Task<U>&& task) noexcept;
  template <class U>
  TaskAwaiter<U> await_transform(Task<U>& task) noexcept {
    static_assert(!sizeof(U*), "umbel: a Task is awaited once, and given away for it: co_await std::move(task)");
    return TaskAwaiter<U>{task.handle()};
  }

  template <class A>
  auto await_transform(A&& awaitable) {
    if constexpr (EntersEnv<A>) awaitable.enter(*env);
    if constexpr (HasMemberCoAwait<A>) return static_cast<A&&>(awaitable).operator co_await();
    else if constexpr (HasFreeCoAwait<A>) return operator co_await(static_cast<A&&>(awaitable));
    else return AwaiterRef<std::remove_reference_t<A>>{awaitable};
  }
};

struct TaskPromiseBase : PooledFrame, Awaits {
  void* out;  // Where the result is constructed; set before the coroutine runs.
  Continuation continuation;
  std::exception_ptr thrown;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  Task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U&&>) {
    ::new (out) T(std::forward<U>(value));
  }
  template <class U>
    requires(!std::is_constructible_v<T, U &&>)
  void return_value(U&&) {
    static_assert(std::is_constructible_v<T, U&&>,
                  "umbel: this coroutine returns something that does not become the T of its Task<T>; of a JsonWriter "
                  "make a reply: co_return Response::json(std::move(writer))");
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
};

}  // namespace detail

/// A lazy coroutine that makes a T, or throws. Nothing runs before it is awaited; then it runs at once, on the awaiting
/// thread, and the awaiting coroutine is suspended only if the task really has to wait.
///
///     Task<Order> load(OrderId id) {
///       Row row = co_await query(id);      // may suspend
///       co_return Order{row};
///     }
///
/// Owned by one holder, awaited once (`co_await std::move(task)` if it has a name). A task that is dropped without
/// being awaited never runs. Awaiting a million ready tasks in a loop takes no stack. Frames are recycled.
/// Lambdas with captures must outlive the task that they return; parameters are safe.
template <class T = void>
class [[nodiscard]] Task : public detail::CoroutineHolder<detail::TaskPromise<T>> {
public:
  static_assert(!std::is_reference_v<T>,
                "umbel: a Task returns a value, not a reference: return a pointer, or T by value");
  using Value = T;
  using detail::CoroutineHolder<detail::TaskPromise<T>>::CoroutineHolder;
  /// `return` where a coroutine says `co_return`.
  template <class U, class Remedy = detail::write_co_return_in_place_of_return>
    requires(!std::is_same_v<std::remove_cvref_t<U>, Task> && std::is_constructible_v<T, U &&>)
  Task(U&&) = delete;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>{std::coroutine_handle<TaskPromise>::from_promise(*this)};
}

/// Memory for a T whose life somebody else ends.
template <class T>
union Storage {
  Storage() noexcept {}
  ~Storage() {}
  T value;
};
template <>
union Storage<void> {};

/// Starts the child in await_ready: symmetric transfer is no tail call at -O0 and under sanitizers on g++, so a loop
/// over ready children would grow the stack.
template <class T>
class TaskAwaiter {
public:
  explicit TaskAwaiter(typename Task<T>::Handle child) noexcept : child_(child) {}

  bool await_ready() {
    child_.promise().out = &storage_;
    child_.resume();
    return child_.done();
  }
  void await_suspend(std::coroutine_handle<> parent) noexcept { child_.promise().continuation.set(parent); }
  T await_resume() {
    if (child_.promise().thrown) std::rethrow_exception(std::move(child_.promise().thrown));
    if constexpr (!std::is_void_v<T>) {
      struct End {
        T& value;
        ~End() { value.~T(); }
      } const end{storage_.value};
      return std::move(storage_.value);
    }
  }

private:
  typename Task<T>::Handle child_;
  Storage<T> storage_;
};

template <class U>
TaskAwaiter<U> Awaits::await_transform(Task<U>&& task) noexcept {
  task.handle().promise().env = env;
  return TaskAwaiter<U>{task.handle()};
}

}  // namespace detail
}  // namespace umbel
