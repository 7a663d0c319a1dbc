// SPDX-License-Identifier: MIT
#pragma once
// What wraps every answer: Service in, Service out.

#include <type_traits>
#include <utility>

#include "umbel/core/service_call.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/validation.hpp"

namespace umbel {

namespace detail {

/// One exchange on its way through an `around` function. In recycled memory; ends itself when the function's reply is
/// made, or, if an inner service holds its own, when that is released.
class Passage final : Work, Call::Sender {
public:
  static Passage& make(Exchange& outer);

  /// What of `request` is not the outer exchange's is copied.
  ServiceCall call(Service& inner, const Request& request);
  ServiceCall call(Service& inner, OwnedRequest&& request);
  /// The function has ended.
  void answer(Result<Response> result) noexcept;

private:
  explicit Passage(Exchange& outer) noexcept : Work(sent), outer_(outer) {}
  ~Passage() = default;
  static void sent(Work& work) noexcept;
  void on_held(Call& call) noexcept override;
  void on_released(Call& call) noexcept override;
  void end() noexcept;

  Exchange& outer_;
  Call* held_ = nullptr;  // The first of those that wait for our reply to be sent.
  int unreleased_ = 0;
};

}  // namespace detail

/// What an `around` function calls to let the request go on.
class Next {
public:
  /// The App makes it.
  Next(Service& inner, detail::Passage& passage) noexcept : inner_(&inner), passage_(&passage) {}

  /// `co_await next(request)` gives the Response; it never throws. Its body may be still to come: the Response carries
  /// the source, which the transport pulls when the function has returned it. What the inner service keeps until its
  /// reply was sent, background tasks and resources of request lifetime, ends when the function's reply was sent.
  ///
  /// `request` may be another than the one that came: then it is copied. If it has no body (or has not been asked for
  /// it), the one that comes is its. Once.
  ServiceCall operator()(const Request& request) const { return passage_->call(*inner_, request); }
  /// The same, taken over. A body that is empty is none.
  ServiceCall operator()(OwnedRequest request) const { return passage_->call(*inner_, std::move(request)); }

private:
  Service* inner_;
  detail::Passage* passage_;
};

namespace detail {

/// A service around another one.
class Around : public Service {
public:
  void set_inner(Service& inner) noexcept { inner_ = &inner; }

protected:
  Service* inner_ = nullptr;
};

template <class F>
inline constexpr bool can_go_around = std::is_invocable_r_v<Task<Response>, const F&, const Request&, Next>;

template <class F>
class AroundService : public Around {
public:
  explicit AroundService(F&& f) : f_(std::move(f)) {}

  void serve(Exchange& exchange) noexcept override {
    Passage& passage = Passage::make(exchange);
    try {
      spawn(exchange.context(), f_(exchange.request(), Next{*inner_, passage}),
            [&passage](Result<Response> result) noexcept { passage.answer(std::move(result)); });
    } catch (...) {
      passage.answer(Error::current());
    }
  }

private:
  const F f_;
};

}  // namespace detail
}  // namespace umbel
