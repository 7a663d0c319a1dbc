// SPDX-License-Identifier: MIT
#pragma once
// Waiting for time to pass, in a coroutine.

#include <coroutine>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

/// What `sleep` returns: to be awaited at once.
class [[nodiscard]] Sleep {
public:
  /// How long; nothing and less is no waiting.
  explicit Sleep(Duration duration) noexcept : duration_(duration) {}

  /// What `co_await` waits by.
  class Awaiter {
  public:
    /// `Sleep` makes it.
    Awaiter(Env& env, Duration duration) noexcept : env_(env), duration_(duration) {}
    Awaiter(const Awaiter& other) noexcept : Awaiter(other.env_, other.duration_) {}

    bool await_ready() const noexcept { return env_.stop.stop_requested() || duration_ <= Duration::zero(); }
    void await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      wake_.sleeping = this;
      timer_.sleeping = this;
      stopped_.sleeping = this;
      timer_.start(*env_.context, end());
      stopped_.link(StopToken{env_.stop});
    }
    void await_resume() const {
      if (env_.stop.stop_requested()) throw Cancelled{};
    }

  private:
    Time end() const noexcept {
      const Time now = env_.context->now();
      return duration_ < Time::max() - now ? now + duration_ : Time::max();
    }

    template <class Base>
    struct Part : Base {
      using Base::Base;
      Awaiter* sleeping = nullptr;
    };

    static void due(Timer& timer) noexcept {
      Awaiter& self = *static_cast<Part<Timer>&>(timer).sleeping;
      self.stopped_.unlink();
      detail::resume(self.env_, self.waiting_);
    }
    static void stop(StopCallback& callback) noexcept {
      Awaiter& self = *static_cast<Part<StopCallback>&>(callback).sleeping;
      self.timer_.cancel();
      self.env_.context->enqueue(self.wake_);
    }
    static void wake(Work& work) noexcept {
      Awaiter& self = *static_cast<Part<Work>&>(work).sleeping;
      detail::resume(self.env_, self.waiting_);
    }

    Env& env_;
    Duration duration_;
    std::coroutine_handle<> waiting_;
    Part<Work> wake_{wake};
    Part<Timer> timer_{due};
    Part<StopCallback> stopped_{stop};
  };

  void enter(Env& env) noexcept { env_ = &env; }
  Awaiter operator co_await() const noexcept { return Awaiter{*env_, duration_}; }

private:
  Duration duration_;
  Env* env_ = nullptr;
};

/// Suspends for `duration`, or until the task is asked to stop: then it throws Cancelled. Takes no thread.
/// `Duration::max()` is for ever.
///
///     co_await sleep(50ms);
inline Sleep sleep(Duration duration) noexcept { return Sleep{duration}; }

}  // namespace umbel
