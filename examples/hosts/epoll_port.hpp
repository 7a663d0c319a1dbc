// SPDX-License-Identifier: MIT
#pragma once
// A Port of the program's own: umbel's Context on its epoll loop, with the loop's own means.

#include <sys/eventfd.h>

#include <umbel/core/context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "epoll_loop.hpp"

namespace hosts {

// [port]
/// Costs a system call only when another thread wakes a loop that may sleep. umbel's FdPort does the same for a loop
/// that cannot be changed.
class EpollPort : private umbel::Port, private Watched {
public:
  /// Both outlive it. Made on the loop's thread.
  EpollPort(EpollLoop& loop, umbel::WorkPool& pool) : loop_(loop), context_(*this, pool) {
    loop.watch(event_.get(), EPOLLIN, *this);
  }
  ~EpollPort() override {
    while (context_.jobs_away() > 0) turn();
    loop_.forget(event_.get(), *this);
  }

  umbel::Context& context() noexcept { return context_; }

  /// A turn of the program's loop, and then one of umbel's.
  void turn() noexcept {
    loop_.turn(milliseconds_to_wait());
    has_work_ = false;
    context_.run_ready();
  }

private:
  void wake() noexcept override {
    if (std::this_thread::get_id() == thread_) has_work_ = true;
    else if (!is_signalled_.exchange(true, std::memory_order_acq_rel)) eventfd_write(event_.get(), 1);
  }
  void arm(umbel::Time when) noexcept override { alarm_ = when; }

  // The flag falls before the work is taken: whoever finds it up afterwards has posted what we then take.
  void on_events(std::uint32_t) noexcept override {
    eventfd_t read_and_dropped;
    eventfd_read(event_.get(), &read_and_dropped);
    is_signalled_.exchange(false, std::memory_order_acq_rel);
  }

  int milliseconds_to_wait() noexcept {
    using std::chrono::milliseconds;
    if (has_work_) return 0;
    if (alarm_ == umbel::Time::max()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(alarm_ - now());
    return static_cast<int>(std::clamp(left, milliseconds{0}, milliseconds{60'000}).count());
  }

  EpollLoop& loop_;
  Descriptor event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"};
  const std::thread::id thread_ = std::this_thread::get_id();
  bool has_work_ = false;
  umbel::Time alarm_ = umbel::Time::max();
  std::atomic<bool> is_signalled_{false};  // The eventfd is readable, or about to be.
  umbel::Context context_;                 // The last: it waits for wakes under way.
};
// [port]

}  // namespace hosts
