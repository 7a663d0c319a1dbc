// SPDX-License-Identifier: MIT
#pragma once
// Whether an App wants requests.

#include <atomic>
#include <cstdint>

#include "umbel/core/transport.hpp"

namespace umbel {

/// How far the transports of an App are, together. Every App has one, so that `State<Readiness>` is always there:
///
///     Response ready(State<Readiness> readiness) { return Response{readiness->is_ready() ? 200 : 503}; }
///
/// health.hpp has handlers made of it. Any thread.
class [[gnu::visibility("default")]] Readiness {
public:
  Readiness() noexcept = default;
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// `draining` as soon as one transport is: the program ends, or a part of it does, and whoever asks cannot know
  /// which. Else `starting` while one starts; `ready` when all have opened; `stopped` when there is none.
  TransportState state() const noexcept {
    const std::uint64_t now = counts_.load(std::memory_order_acquire);
    if (now & draining_mask) return TransportState::draining;
    if (now & opening_mask) return TransportState::starting;
    return now ? TransportState::ready : TransportState::stopped;
  }
  /// The state is `ready`: requests are welcome.
  bool is_ready() const noexcept { return state() == TransportState::ready; }

private:
  friend class App;
  // How many transports are opening, open, draining: 20 bits each. One that drains is counted as open, too.
  static constexpr std::uint64_t one_opening = 1;
  static constexpr std::uint64_t one_open = std::uint64_t{1} << 20;
  static constexpr std::uint64_t one_draining = std::uint64_t{1} << 40;
  static constexpr std::uint64_t opening_mask = one_open - 1;
  static constexpr std::uint64_t open_mask = (one_open - 1) << 20;
  static constexpr std::uint64_t draining_mask = (one_open - 1) << 40;

  void begin_opening() noexcept { counts_.fetch_add(one_opening, std::memory_order_acq_rel); }
  void opened() noexcept { counts_.fetch_add(one_open - one_opening, std::memory_order_acq_rel); }
  void failed() noexcept { counts_.fetch_sub(one_opening, std::memory_order_acq_rel); }
  void drains() noexcept { counts_.fetch_add(one_draining, std::memory_order_acq_rel); }
  // A transport may stop without a word before, or was never opened.
  void closed() noexcept {
    std::uint64_t now = counts_.load(std::memory_order_relaxed);
    while ((now & open_mask) &&
           !counts_.compare_exchange_weak(now, now - one_open - (now & draining_mask ? one_draining : 0),
                                          std::memory_order_acq_rel)) {
    }
  }

  std::atomic<std::uint64_t> counts_{0};
};

}  // namespace umbel
