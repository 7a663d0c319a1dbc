// SPDX-License-Identifier: MIT
#pragma once
// What wraps every answer: Service in, Service out.

#include <coroutine>
#include <optional>
#include <utility>

#include "umbel/core/service.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/validation.hpp"

namespace umbel {

namespace detail {

/// Awaits a service's reply to a request, as a transport of its own would. Lives in the awaiting expression.
class ServiceCall : public Exchange {
public:
  /// `outer` is whose body is collected when the service asks; null if the request has it already.
  ServiceCall(Service& service, const Request& request, Exchange* outer) noexcept : service_(service), outer_(outer) {
    request_ = request;
    if (!outer) return;
    deadline_ = outer->deadline();
    variant_ = outer->variant();
    peer_ = outer->peer();
  }

  void enter(Env& env) noexcept {
    env_ = &env;
    context_ = env.context;
  }
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  Response await_resume() noexcept { return std::move(*response_); }

  bool collect_body(Work& ready) noexcept override;
  void reply(Response&& response) noexcept override;
  /// To the inner service the reply is sent when the outer one has it. The await ends with the release: what the inner
  /// service keeps for so long may refer to a request that dies with the await.
  void reply_and_hold(Response&& response, Work& sent) noexcept override;
  void release() noexcept override;

private:
  template <class Base>
  struct Part : Base {
    using Base::Base;
    ServiceCall* call = nullptr;
  };

  static void stop(StopCallback& callback) noexcept;
  static void body_came(Work& work) noexcept;
  static void resume(Work& work) noexcept;

  Service& service_;
  Exchange* outer_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
  std::optional<Response> response_;
  bool is_over_ = false;
  Work* body_ready_ = nullptr;
  Part<StopCallback> stopped_{stop};
  Part<Work> body_came_{body_came};
  Part<Work> resume_{resume};
};

}  // namespace detail

/// What an `around` function calls to let the request go on.
class Next {
public:
  Next(Service& inner, Exchange& outer) noexcept : inner_(&inner), outer_(&outer) {}

  /// `co_await next(request)` gives the Response; it never throws. `request` may be another than the one that came,
  /// with a body of its own, and outlives the await. Once.
  detail::ServiceCall operator()(const Request& request) const noexcept {
    return detail::ServiceCall{*inner_, request, outer_};
  }

private:
  Service* inner_;
  Exchange* outer_;
};

namespace detail {

/// A service around another one.
class Around : public Service {
public:
  void set_inner(Service& inner) noexcept { inner_ = &inner; }

protected:
  static void answer(Exchange& exchange, Result<Response> result) noexcept;
  Service* inner_ = nullptr;
};

template <class F>
inline constexpr bool can_go_around = std::is_invocable_r_v<Task<Response>, const F&, const Request&, Next>;

template <class F>
class AroundService : public Around {
public:
  explicit AroundService(F&& f) : f_(std::move(f)) {}

  void serve(Exchange& exchange) noexcept override {
    try {
      spawn(exchange.context(), f_(exchange.request(), Next{*inner_, exchange}),
            [&exchange](Result<Response> result) noexcept { answer(exchange, std::move(result)); });
    } catch (...) {
      answer(exchange, Error::current());
    }
  }

private:
  const F f_;
};

}  // namespace detail
}  // namespace umbel
