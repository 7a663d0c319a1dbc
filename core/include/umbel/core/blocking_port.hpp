// SPDX-License-Identifier: MIT
#pragma once
// umbel on a thread that waits: one Context per thread of a thread-per-connection server, a command line, a test.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

/// A port whose thread sleeps until something can go on. Its branches still overlap, through the pool and timers.
///
///     ThreadPool pool;
///     BlockingPort port{pool};
///     const int answer = port.run(compute());
///
/// One thread at a time: debug builds of the library end with a sentence if a second one calls `run` or `run_until`
/// meanwhile; in others it waits until the first is done. Either called from the Context's own work, which it would
/// wait for, is a std::logic_error, and an assertion in debug builds.
class BlockingPort : private Port {
public:
  /// The pool is not owned, and outlives the port.
  explicit BlockingPort(WorkPool& pool) noexcept : context_(*this, pool) {}
  /// Waits for the jobs that are with the pool.
  ~BlockingPort() override;

  Context& context() noexcept { return context_; }

  /// Runs `task` to its end, on this thread, and gives its value or throws its error.
  template <class T>
  T run(Task<T> task);
  /// The same for whatever else a task can await: `port.run(when_all(load(1), load(2)))`.
  template <class Awaitable>
  auto run(Awaitable awaitable) {
    return run(await_it(std::move(awaitable)));
  }

  /// Runs the Context until `done()` is true. `done` is asked after each round.
  template <class Done>
  void run_until(Done done) {
    const Use use{*this};
    while (!done()) {
      if (context_.run_ready() == 0 && !done()) wait();
    }
  }

private:
  /// One thread has the port.
  class Use {
  public:
    explicit Use(BlockingPort& port);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

  private:
    void give_back() noexcept;

    BlockingPort& port_;
    bool is_outermost_;
  };

  template <class Awaitable>
  static auto await_it(Awaitable awaitable) -> Task<decltype(awaitable.await_resume())> {
    co_return co_await std::move(awaitable);
  }

  void wake() noexcept override;
  void arm(Time when) noexcept override { alarm_ = when; }
  void wait();

  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;
  Time alarm_ = Time::max();
  std::atomic<std::thread::id> user_{};
  Context context_;
};

template <class T>
T BlockingPort::run(Task<T> task) {
  const Use use{*this};
  std::optional<Result<T>> result;
  spawn(context_, std::move(task), [&result](Result<T> made) noexcept { result.emplace(std::move(made)); });
  run_until([&result] { return result.has_value(); });
  if constexpr (std::is_void_v<T>) result->value();
  else return std::move(*result).value();
}

}  // namespace umbel
