// SPDX-License-Identifier: MIT
#pragma once
// What a resolver keeps when a request does not finish in one sweep, or not well.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "umbel/core/context.hpp"
#include "umbel/core/lane.hpp"
#include "umbel/core/outcome.hpp"
#include "umbel/core/semaphore.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

/// To a lane, or to the Context's pool.
inline void submit(Lane* lane, Context& context, Job& job) noexcept {
  if (lane) lane->submit(context, job);
  else context.submit(job);
}

/// A region on its way to a worker and back.
struct RegionRun {
  struct Trip : Job {
    using Job::Job;
    RegionRun* run = nullptr;
  };

  RegionRun(Resolver& r, const Region& g, Job::Function execute, Job::Function finished) noexcept
      : resolver(r), region(g), trip(execute, finished) {
    env.context = &r.context();
    trip.run = this;
    trip.set_class(JobClass::reserved);
  }

  Env env;  // First: a step's env offset leads here.
  Resolver& resolver;
  const Region& region;
  Trip trip;
  std::atomic<std::uint32_t> limit{~std::uint32_t{0}};  // Steps from here on are not wanted any more.
  std::uint32_t made = 0;                               // How many of the region's steps are done.
  ErrorBox error;
  // Observed: when each step began, when the last one ended, and last of all when the region was given to the pool.
  // Else null. finish_region frees it: nobody destroys a RegionRun.
  std::unique_ptr<Time[]> times;
  ErrorBox fault;  // Observed: what the observer gives in place of the step at `fault_at` of the region.
  std::uint32_t fault_at = 0;
};

/// The tear-down of a resource that cannot end at once.
struct Closing {
  struct Limit : Timer {
    using Timer::Timer;
    Closing* closing = nullptr;
  };
  struct Trip : Job {
    using Job::Job;
    Closing* closing = nullptr;
  };

  Closing(Resolver& r, const Step& s, Timer::Function lasts, Job::Function execute, Job::Function returned) noexcept
      : resolver(r), step(s), limit(lasts), trip(execute, returned) {
    limit.closing = this;
    trip.closing = this;
    trip.set_class(JobClass::cleanup);
  }

  Resolver& resolver;
  const Step& step;
  Limit limit;  // On the loop: how long it may take.
  Trip trip;    // Of a sync resource.
  const Outcome* outcome = nullptr;
  ErrorBox error;     // What the worker met.
  bool late = false;  // It was asked to stop.
};

/// How far a request has come.
enum class Phase : std::uint8_t {
  resolving,        // Nodes run.
  kept,             // They have, and the caller keeps what they made.
  closing_handler,  // What lives as long as the handler is torn down.
  mapping,          // An error is answered by what the App has for it.
  sending,          // The reply is on its way.
  tasks,            // Background tasks run.
  closing_request,  // The rest is torn down.
};

/// The account of a request that has something in flight. Masks and the order of making follow it in memory.
struct AsyncState {
  template <class Base>
  struct Part : Base {
    using Base::Base;
    Resolver* resolver = nullptr;
  };

  AsyncState(Resolver& r, std::size_t steps, std::uint32_t first_gate) noexcept
      : again(Resolver::resume),
        sent(Resolver::sent),
        stopped(Resolver::stopped),
        deadline(Resolver::too_late),
        permit(Resolver::permitted),
        words(static_cast<std::uint32_t>((steps + 63) / 64)),
        gate(first_gate) {
    again.resolver = sent.resolver = stopped.resolver = deadline.resolver = permit.resolver = &r;
    for (std::uint32_t i = 0; i < mask_count * words; ++i) masks()[i] = 0;
  }

  static constexpr std::uint32_t mask_count = 6;

  static std::size_t bytes(std::size_t steps) noexcept {
    return sizeof(AsyncState) + (steps + 63) / 64 * 8 * mask_count + steps * sizeof(std::uint16_t);
  }

  std::uint64_t* masks() noexcept { return reinterpret_cast<std::uint64_t*>(this + 1); }
  std::uint64_t* done() noexcept { return masks(); }                 // Made, or failed as somebody's value.
  std::uint64_t* started() noexcept { return masks() + words; }      // Or done.
  std::uint64_t* held() noexcept { return masks() + 2 * words; }     // Not to be started, for now.
  std::uint64_t* soft() noexcept { return masks() + 3 * words; }     // Failed as somebody's value.
  std::uint64_t* closing() noexcept { return masks() + 4 * words; }  // Tear-down has begun, or is over.
  std::uint64_t* closed() noexcept { return masks() + 5 * words; }   // Tear-down is over.
  std::uint16_t* order() noexcept { return reinterpret_cast<std::uint16_t*>(masks() + mask_count * words); }

  static void set(std::uint64_t* mask, std::size_t bit) noexcept { mask[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  static void clear(std::uint64_t* mask, std::size_t bit) noexcept {
    mask[bit / 64] &= ~(std::uint64_t{1} << (bit % 64));
  }
  static bool test(const std::uint64_t* mask, std::size_t bit) noexcept { return (mask[bit / 64] >> (bit % 64)) & 1; }

  /// Whether every bit of `mask` is done.
  bool are_done(const std::uint64_t* mask) noexcept {
    for (std::uint32_t word = 0; word < words; ++word) {
      if (mask[word] & ~done()[word]) return false;
    }
    return true;
  }

  void make(std::size_t step) noexcept {
    set(done(), step);
    order()[made++] = static_cast<std::uint16_t>(step);
  }

  Part<Work> again;
  Part<Work> sent;
  Part<StopCallback> stopped;
  Part<Timer> deadline;
  Part<Semaphore::Waiter> permit;
  std::size_t permits_taken = 0;     // In the plan's order.
  std::uint64_t permits_held = 0;    // Of them, those that have not been given back.
  NodeRun::Late* arrived = nullptr;  // Coroutines that have ended, the latest first.
  LazyWaiter* lazy = nullptr;        // Who waits for a node that was asked for.
  std::uint32_t in_flight = 0;       // Nodes.
  std::uint32_t tearing_down = 0;    // Resources.
  std::uint32_t made = 0;
  std::uint32_t words;
  std::uint32_t gate;        // Steps from here on belong to a later stage.
  std::uint32_t cursor = 0;  // What is made from here on is closed.
  Time due = Time::max();    // When an answer is of no use any more.
  Time::rep began;           // Observed: when the request did, by the Context's clock. Else left unset.
  Phase phase = Phase::resolving;
  CancelReason reason = CancelReason::disconnected;
  bool queued = false;  // `again` is in the Context's queue.
  bool waits_for_body = false;
  bool waits_for_permit = false;
  bool has_body = false;  // Or needs none.
  bool is_admitted = false;
  bool cancelled = false;
  bool has_reply = false;   // Made, not yet sent.
  bool is_replied = false;  // Sent: what fails now comes too late.
};

/// The background tasks of a request, one after the other.
struct TaskRun {
  explicit TaskRun(Resolver& r) noexcept : over(Resolver::task_over), stopped(Resolver::tasks_stopped) {
    over.resolver = stopped.resolver = &r;
  }

  AsyncState::Part<Work> over;
  AsyncState::Part<StopCallback> stopped;
  BackgroundTask* current = nullptr;  // That was started.
  bool is_stopped = false;            // The server waits no longer.
};

/// A node that failed. The first in declaration order wins.
struct Failed {
  static constexpr std::size_t no_step = ~std::size_t{0};  // In place of an index: the request itself.

  std::size_t index;
  ErrorBox error;
  bool is_suppressed = false;  // Never wins.
  bool is_told = false;        // The observer has heard of it.
};

/// What goes wrong with a request.
struct Trouble {
  std::vector<Failed> failed;     // Fails the request, or is suppressed.
  std::vector<Failed> replacing;  // By tear-downs: the last one counts.
  std::vector<Failed> soft;       // A value for those who try.
  std::unique_ptr<ValidationError> invalid;
  ErrorBox refusal;                       // `invalid` as an Error, when somebody has asked for it.
  std::vector<std::uint16_t> bad_values;  // Not made, although later ones are.
  Outcome outcome;                        // What resources are shown.

  const Failed* soft_failure(std::size_t index) const noexcept {
    for (const Failed& f : soft) {
      if (f.index == index) return &f;
    }
    return nullptr;
  }
};

}  // namespace umbel::detail
