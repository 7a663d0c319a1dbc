// SPDX-License-Identifier: MIT
#pragma once
// The root of a tree of tasks: how code that is no coroutine starts one.

#include <coroutine>
#include <exception>
#include <new>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/task.hpp"

namespace umbel {
namespace detail {

void check_spawn(const Context& context);

/// Owns a task from its start to its end, then itself.
template <class T, class Done>
class Root : Ending, Work {
public:
  static void start(Context& context, Task<T> task, Done done, StopToken stop) {
    auto* const root = ::new (BlockPool::take(sizeof(Root))) Root{context, std::move(task), std::move(done)};
    root->stopped_.link(stop);
    auto& promise = root->task_.handle().promise();
    promise.env = &root->env_;
    promise.out = &root->storage_;
    root->task_.handle().resume();
    if (root->task_.handle().done()) root->end();
    else promise.continuation.set(static_cast<Ending&>(*root));
  }

private:
  Root(Context& context, Task<T>&& task, Done&& done)
      : Ending{ended}, Work(run), task_(std::move(task)), done_(std::move(done)), stopped_(env_) {
    env_.context = &context;
  }

  static std::coroutine_handle<> ended(Ending& ending) noexcept {
    auto& root = static_cast<Root&>(ending);
    root.env_.context->enqueue(root);
    return std::noop_coroutine();
  }
  static void run(Work& work) noexcept { static_cast<Root&>(work).end(); }

  Result<T> take_result() {
    if (auto& thrown = task_.handle().promise().thrown) return Error{std::move(thrown)};
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      Result<T> result{std::move(storage_.value)};
      storage_.value.~T();
      return result;
    }
  }

  void end() noexcept {
    Result<T> result = take_result();
    Done done = std::move(done_);
    this->~Root();
    BlockPool::give(this, sizeof(Root));
    done(std::move(result));
  }

  struct Stopped : StopCallback {
    explicit Stopped(Env& e) noexcept : StopCallback(run), env(e) {}
    static void run(StopCallback& callback) noexcept { static_cast<Stopped&>(callback).env.stop.request_stop(); }
    Env& env;
  };

  Env env_;
  Task<T> task_;
  Done done_;
  Stopped stopped_;
  Storage<T> storage_;
};

}  // namespace detail

/// Starts `task` on `context` now, on the Context's thread, and calls `done(Result<T>)` there when it has ended
/// (perhaps before `spawn` returns). `done` must not throw. The Context must outlive the task. The task is asked to
/// stop when `stop` is; the token's source lives until then, or until the task has ended.
///
/// On another thread than the Context's: std::logic_error, and an assertion in debug builds of the library.
template <class T, class Done>
void spawn(Context& context, Task<T> task, Done done, StopToken stop = {}) {
  detail::check_spawn(context);
  detail::Root<T, Done>::start(context, std::move(task), std::move(done), stop);
}

}  // namespace umbel
