// SPDX-License-Identifier: MIT
#pragma once
// A provider that is called again and again.

#include <optional>
#include <utility>

#include "umbel/core/error.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/di/engine.hpp"

namespace umbel {

namespace detail {

struct IgnoreError {
  void operator()(const Error&) const noexcept {}
};

/// Perhaps never.
inline Time later(Time time, Duration by) noexcept { return by < Time::max() - time ? time + by : Time::max(); }

template <auto& provider, class OnError>
Task<void> call_every(Engine& engine, Duration period, OnError on_error) {
  Context& context = engine.context();
  Time next = later(context.now(), period);
  for (;;) {
    co_await sleep(next - context.now());
    std::optional<Error> failure;
    try {
      static_cast<void>(co_await engine.call<provider>());
    } catch (...) {
      failure = Error::current();
    }
    if (failure && !failure->is_cancelled()) on_error(*failure);
    next = later(next, period);
    const Time now = context.now();
    if (next <= now) next += (now - next) / period * period + period;
  }
}

}  // namespace detail

/// Calls a provider every so often, each time with all that it depends on in a scope of its own, for as long as it
/// lives itself:
///
///     Task<void> refresh(Depends<open_session> session, State<Prices> prices);
///     Every<refresh> refreshing{engine, 1min, [](const Error& error) { log(error.message()); }};
///
/// The first call comes when one period is over. A call that takes longer than a period delays the next one: what was
/// missed in between is skipped, and never do two run at once. A failure ends nothing; the function that was given
/// hears of it (and so does the App's observer, as of any failure). Made and destroyed on the Context's thread.
template <auto& provider>
class Every {
public:
  /// `period` is greater than zero. `on_error(const Error&)` must not throw. The engine outlives this, and a call that
  /// is under way then. Throws StartError if the graph cannot be run without a request.
  template <class OnError = detail::IgnoreError>
  Every(Engine& engine, Duration period, OnError on_error = {}) {
    engine.prepare<provider>();
    spawn(
        engine.context(), detail::call_every<provider>(engine, period, std::move(on_error)),
        [](const Result<void>&) noexcept {}, StopToken{stop_});
  }
  Every(const Every&) = delete;
  Every& operator=(const Every&) = delete;
  /// A call that is under way is asked to stop, and ends by itself.
  ~Every() { stop_.request_stop(); }

private:
  StopSource stop_;
};

}  // namespace umbel
