// SPDX-License-Identifier: MIT
#pragma once
// A dependency that runs only if it is wanted.

#include <coroutine>

#include "umbel/core/error.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/di/depends.hpp"

namespace umbel {

/// A parameter whose provider runs when it is awaited for the first time, with what it needs and nobody else has run;
/// once per request, however many await it. For coroutines.
///
///     Task<Response> show(Query<"full", bool, false> full, Lazy<load_history> history) {
///       if (!*full) co_return Response::text("short");
///       const History& all = co_await history;
///
/// `co_await` gives `const T&`, or throws what the provider failed with, which fails the request only if nobody catches
/// it. If the request is over before, it throws Cancelled: a tear-down gets only what is there, and so does a Stream
/// after its first `co_yield`. A resource that is awaited lives as any other does.
template <auto& provider>
class Lazy {
public:
  using Value = Made<provider>;
  static_assert(!detail::node_of<provider>->is_shared(),
                "umbel: what lives as long as the App or its Context is there already: write Depends<f>");
  static_assert(detail::node_of<provider>->options.capacity == 0,
                "umbel: this provider has a capacity, and its places are given out before the request runs, so that no "
                "two requests wait for one another: write Depends<f>");

  /// The resolver calls this.
  Lazy(detail::Resolver& resolver, const detail::Step& taker, detail::Input input) noexcept
      : resolver_(&resolver), taker_(&taker), input_(input) {}

  /// What `co_await` waits by.
  class Awaiter {
  public:
    /// Lazy makes it.
    Awaiter(Env& env, detail::Resolver& resolver, const detail::Step& taker, detail::Input input) noexcept
        : env_(env), resolver_(resolver), taker_(taker), input_(input), waiter_(resume, input.at.step) {}
    Awaiter(const Awaiter& other) noexcept : Awaiter(other.env_, other.resolver_, other.taker_, other.input_) {}

    bool await_ready() noexcept {
      return env_.stop.stop_requested() || resolver_.is_closing(taker_.index) || resolver_.demand(input_.at.step) ||
             resolver_.is_ending();
    }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      waiting_ = waiting;
      waiter_.self = this;
      stopped_.self = this;
      stopped_.link(StopToken{env_.stop});
      resolver_.await(waiter_);
    }
    decltype(auto) await_resume() {
      stopped_.unlink();
      if (const Error* const error = resolver_.failure(input_)) error->rethrow();
      if (!resolver_.is_made(input_.at.step) || resolver_.is_closing(input_.at.step)) throw Cancelled{};
      if constexpr (!std::is_void_v<Value>) return resolver_.value<const Value>(input_);
    }

  private:
    template <class Base>
    struct Part : Base {
      using Base::Base;
      Awaiter* self = nullptr;
    };
    static void resume(Work& work) noexcept {
      Awaiter& self = *static_cast<Part<detail::LazyWaiter>&>(work).self;
      detail::resume(self.env_, self.waiting_);
    }
    static void stop(StopCallback& callback) noexcept {
      Awaiter& self = *static_cast<Part<StopCallback>&>(callback).self;
      self.waiter_.is_stopped = true;
      self.resolver_.wake_lazy();
    }

    Env& env_;
    detail::Resolver& resolver_;
    const detail::Step& taker_;
    detail::Input input_;
    std::coroutine_handle<> waiting_;
    Part<detail::LazyWaiter> waiter_;
    Part<StopCallback> stopped_{stop};
  };

  void enter(Env& env) noexcept { env_ = &env; }
  Awaiter operator co_await() const noexcept { return Awaiter{*env_, *resolver_, *taker_, input_}; }

private:
  detail::Resolver* resolver_;
  const detail::Step* taker_;
  detail::Input input_;
  Env* env_ = nullptr;
};

template <auto& provider>
struct ParameterTraits<Lazy<provider>> : detail::EdgeTraits<Lazy<provider>, provider, detail::Take::lazy> {
  static Lazy<provider> get(detail::Resolver& resolver, const detail::Step& step, detail::Input input) noexcept {
    return {resolver, step, input};
  }
};

}  // namespace umbel
