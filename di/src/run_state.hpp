// SPDX-License-Identifier: MIT
#pragma once
// What a resolver keeps when a request does not finish in one sweep.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "umbel/core/context.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

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
  }

  Env env;  // First: a step's env offset leads here.
  Resolver& resolver;
  const Region& region;
  Trip trip;
  std::atomic<std::uint32_t> limit{~std::uint32_t{0}};  // Steps from here on are not wanted any more.
  std::uint32_t made = 0;                               // How many of the region's steps are done.
  ErrorBox error;
};

/// The account of a request that has something in flight. Two masks and the order of making follow it in memory.
struct AsyncState {
  struct Again : Work {
    using Work::Work;
    Resolver* resolver = nullptr;
  };
  struct Disconnect : StopCallback {
    using StopCallback::StopCallback;
    Resolver* resolver = nullptr;
  };

  AsyncState(Resolver& resolver, std::size_t steps, Work::Function resume, StopCallback::Function cancel) noexcept
      : again(resume), disconnect(cancel), words(static_cast<std::uint32_t>((steps + 63) / 64)) {
    again.resolver = &resolver;
    disconnect.resolver = &resolver;
    for (std::uint32_t i = 0; i < 2 * words; ++i) masks()[i] = 0;
  }

  static std::size_t bytes(std::size_t steps) noexcept {
    return sizeof(AsyncState) + (steps + 63) / 64 * 16 + steps * sizeof(std::uint16_t);
  }

  std::uint64_t* masks() noexcept { return reinterpret_cast<std::uint64_t*>(this + 1); }
  std::uint64_t* done() noexcept { return masks(); }
  std::uint64_t* started() noexcept { return masks() + words; }
  std::uint16_t* order() noexcept { return reinterpret_cast<std::uint16_t*>(masks() + 2 * words); }

  static void set(std::uint64_t* mask, std::size_t bit) noexcept { mask[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  static bool test(const std::uint64_t* mask, std::size_t bit) noexcept { return (mask[bit / 64] >> (bit % 64)) & 1; }

  void make(std::size_t step) noexcept {
    set(done(), step);
    order()[made++] = static_cast<std::uint16_t>(step);
  }

  Again again;
  Disconnect disconnect;
  NodeRun::Late* arrived = nullptr;  // Coroutines that have ended, the latest first.
  std::uint32_t in_flight = 0;
  std::uint32_t made = 0;
  std::uint32_t words;
  bool queued = false;  // `again` is in the Context's queue.
  bool waits_for_body = false;
  bool cancelled = false;
};

}  // namespace umbel::detail
