// SPDX-License-Identifier: MIT
#pragma once
// How a callback API becomes a coroutine.

#include <atomic>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/task.hpp"

namespace umbel {
namespace detail {

/// Shared by one Completion and its setters. Counted, since either side may go first.
template <class T>
class CompletionState : public Work {
public:
  CompletionState() noexcept : Work(deliver) {}

  void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  void drop() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    this->~CompletionState();
    BlockPool::give(this, sizeof(CompletionState));
  }
  void hold_setter() noexcept {
    setters_.fetch_add(1, std::memory_order_relaxed);
    hold();
  }
  void drop_setter() noexcept {
    // An exception is made only if it is needed: it costs an allocation.
    if (setters_.fetch_sub(1, std::memory_order_acq_rel) == 1 && !settled_.load(std::memory_order_relaxed))
      settle(Error{std::make_exception_ptr(std::runtime_error{"umbel: a Completion was given up: nobody set it"})});
    drop();
  }

  /// The first call wins. Any thread.
  bool settle(Result<T> result) noexcept {
    if (settled_.exchange(true, std::memory_order_acq_rel)) return false;
    result_.emplace(std::move(result));
    // Either we see that somebody waits, or whoever comes to wait sees the result.
    if (phase_.exchange(Phase::set, std::memory_order_acq_rel) == Phase::awaited) {
      hold();
      env_->context->post(static_cast<Work&>(*this));
    }
    return true;
  }

  bool is_set() const noexcept { return phase_.load(std::memory_order_acquire) == Phase::set; }

  /// False if the result is here already.
  bool wait(Env& env, std::coroutine_handle<> waiting) noexcept {
    env_ = &env;
    waiting_ = waiting;
    Phase expected = Phase::open;
    return phase_.compare_exchange_strong(expected, Phase::awaited, std::memory_order_acq_rel);
  }

  Result<T> take() { return std::move(*result_); }

private:
  enum class Phase { open, awaited, set };

  static void deliver(Work& work) noexcept {
    auto& state = static_cast<CompletionState&>(work);
    const std::coroutine_handle<> waiting = state.waiting_;
    Env& env = *state.env_;
    state.drop();
    resume(env, waiting);
  }

  std::atomic<int> holders_{1};
  std::atomic<int> setters_{0};
  std::atomic<bool> settled_{false};
  std::atomic<Phase> phase_{Phase::open};
  std::optional<Result<T>> result_;
  Env* env_ = nullptr;  // Written before the phase becomes `awaited`.
  std::coroutine_handle<> waiting_;
};

}  // namespace detail

/// A value that somebody else will set, on any thread, and a coroutine awaits on its Context.
///
///     Task<Price> ask(PriceClient& client, std::string_view symbol) {
///       Completion<Price> answer;
///       client.request(symbol, [set = answer.setter()](Price price) mutable { set.value(price); });
///       co_return co_await answer;
///     }
///
/// Awaited once. Being asked to stop resumes the waiting coroutine with Cancelled; a value that is set later is
/// dropped harmlessly. If all setters go without setting anything, the await throws std::runtime_error.
/// The Context must outlive whoever may still set.
template <class T = void>
class Completion {
public:
  /// Sets the value, once: the first of all setters wins. Copyable; any thread. Returns false if it came too late.
  class Setter {
  public:
    /// `Completion::setter` makes it.
    explicit Setter(detail::CompletionState<T>& state) noexcept : state_(&state) { state_->hold_setter(); }
    Setter(const Setter& other) noexcept : state_(other.state_) {
      if (state_) state_->hold_setter();
    }
    Setter(Setter&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    /// The place that this one held is given back.
    Setter& operator=(Setter other) noexcept {
      std::swap(state_, other.state_);
      return *this;
    }
    ~Setter() {
      if (state_) state_->drop_setter();
    }

    /// Sets the value. False if it came too late: then nothing happens.
    template <class U = T>
      requires(!std::is_void_v<T>)
    bool value(U&& value) {
      return state_->settle(Result<T>{T(std::forward<U>(value))});
    }
    /// The same where there is no value but the event itself.
    bool value()
      requires std::is_void_v<T>
    {
      return state_->settle(Result<void>{});
    }
    /// Sets the error in place of a value, in the same way.
    bool error(Error error) { return state_->settle(Result<T>{std::move(error)}); }

  private:
    detail::CompletionState<T>* state_;
  };

  Completion() : state_(*::new(detail::BlockPool::take(sizeof(State))) State) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() { state_.drop(); }

  /// For whoever settles it, on any thread. It may outlive the completion.
  Setter setter() noexcept { return Setter{state_}; }

  /// What `co_await` waits by.
  class Awaiter {
  public:
    /// `Completion` makes it.
    Awaiter(Env& env, detail::CompletionState<T>& state) noexcept : env_(env), state_(state) {}
    Awaiter(const Awaiter& other) noexcept : Awaiter(other.env_, other.state_) {}

    bool await_ready() const noexcept { return state_.is_set() || env_.stop.stop_requested(); }
    bool await_suspend(std::coroutine_handle<> waiting) noexcept {
      if (!state_.wait(env_, waiting)) return false;
      stopped_.self = this;
      stopped_.link(StopToken{env_.stop});
      return true;
    }
    T await_resume() {
      stopped_.unlink();
      if (!state_.is_set()) throw Cancelled{};
      Result<T> result = state_.take();
      if constexpr (std::is_void_v<T>) result.value();
      else return std::move(result).value();
    }

  private:
    struct Stopped : StopCallback {
      Stopped() noexcept : StopCallback(stop) {}
      Awaiter* self = nullptr;
    };
    // Being asked to stop is one more setter, and the first setter wins.
    static void stop(StopCallback& callback) noexcept {
      static_cast<Stopped&>(callback).self->state_.settle(Error{std::make_exception_ptr(Cancelled{})});
    }

    Env& env_;
    detail::CompletionState<T>& state_;
    Stopped stopped_;
  };

  void enter(Env& env) noexcept { env_ = &env; }
  Awaiter operator co_await() noexcept { return Awaiter{*env_, state_}; }

private:
  using State = detail::CompletionState<T>;
  State& state_;
  Env* env_ = nullptr;
};

}  // namespace umbel
