// SPDX-License-Identifier: MIT
#pragma once
// When an answer is of no use any more.

#include "umbel/core/context.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// The request's deadline: the route's, or the transport's if that is earlier. For those who pass it on, to a database
/// or to another service; the request itself is cancelled when it has passed, and answered with 504.
class Deadline {
public:
  constexpr Deadline() noexcept = default;
  /// The resolver calls this; a unit test may.
  explicit constexpr Deadline(Time time) noexcept : time_(time) {}

  /// The request has one.
  constexpr bool is_set() const noexcept { return time_ != Time::max(); }
  /// Of the Context's clock. Time::max() if there is none.
  constexpr Time time() const noexcept { return time_; }
  /// What is left at `now`; Duration::max() if there is none, never negative.
  constexpr Duration left(Time now = Clock::now()) const noexcept {
    if (!is_set()) return Duration::max();
    return time_ > now ? time_ - now : Duration::zero();
  }

private:
  Time time_ = Time::max();
};

template <>
struct ParameterTraits<Deadline> {
  static constexpr detail::Source source = detail::Source::deadline;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static Deadline get(detail::Resolver& resolver, const detail::Step&, detail::Input) noexcept {
    return Deadline{resolver.deadline()};
  }
};

}  // namespace umbel
