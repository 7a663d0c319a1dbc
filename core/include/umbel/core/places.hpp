// SPDX-License-Identifier: MIT
#pragma once
// How much of something limited is taken.

#include <atomic>
#include <cstddef>

namespace umbel::detail {

/// Places of which never more than the limit are taken. One atomic operation each, no locks, nobody waits. Any thread;
/// orders nothing but itself.
class Places {
public:
  explicit Places(std::size_t limit) noexcept : limit_(limit) {}

  /// All of them, or none and false. Is not refused because of somebody else who is refused.
  bool take(std::size_t count) noexcept {
    std::size_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (count > limit_ - taken) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + count, std::memory_order_relaxed));
    return true;
  }

  /// Only what was taken.
  void give_back(std::size_t count) noexcept { taken_.fetch_sub(count, std::memory_order_relaxed); }

  std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

private:
  const std::size_t limit_;
  std::atomic<std::size_t> taken_{0};  // At most limit_.
};

}  // namespace umbel::detail
