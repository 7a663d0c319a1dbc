// SPDX-License-Identifier: MIT
#pragma once
// Which thread something belongs to: so that a call on another one is an error in words and no race.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace umbel {

namespace detail {
/// The calling thread's; no two have the same. 0: it has entered nothing yet.
extern constinit thread_local std::uint64_t thread_number;
}  // namespace detail

/// The thread that something belongs to: the last one that entered, until it has ended or has left. Any thread.
class HomeThread {
public:
  HomeThread() noexcept = default;
  HomeThread(const HomeThread&) = delete;
  HomeThread& operator=(const HomeThread&) = delete;

  /// It belongs to the calling thread from now on. False if that took it from another, which still runs.
  bool enter() noexcept;
  /// It belongs to nobody.
  void leave() noexcept;
  /// On the thread that it belongs to; and on any, if it belongs to nobody.
  bool is_here() const noexcept { return is_ours() || is_nobodys(); }
  /// On the thread that it belongs to, and no other.
  bool is_ours() const noexcept { return number_.load(std::memory_order_relaxed) == detail::thread_number; }

private:
  bool is_nobodys() const noexcept;

  static constexpr std::uint64_t left = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> number_{left};  // Of the thread: no two have the same. Marked as `left`: nobody's.
  mutable std::mutex mutex_;                 // Of what follows.
  std::weak_ptr<const void> life_;           // Of the thread.
};

}  // namespace umbel
