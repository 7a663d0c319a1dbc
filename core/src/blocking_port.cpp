// SPDX-License-Identifier: MIT
#include "umbel/core/blocking_port.hpp"

#include <cassert>
#include <stdexcept>

namespace umbel {

BlockingPort::~BlockingPort() {
  if (context_.jobs_away() > 0) run_until([this] { return context_.jobs_away() == 0; });
}

BlockingPort::Use::Use(BlockingPort& port) : port_(port) {
  const std::thread::id us = std::this_thread::get_id();
  std::thread::id user{};
  while (!port_.user_.compare_exchange_strong(user, us, std::memory_order_acquire) && user != us) {
    assert(!"umbel: a BlockingPort, or a loopback::Client, is used by two threads at the same time");
    port_.user_.wait(user);
    user = {};
  }
  is_outermost_ = user != us;
  if (port_.context_.is_running()) [[unlikely]] {
    assert(!"umbel: a BlockingPort is told to wait from within the work that it would wait for: co_await instead");
    if (is_outermost_) give_back();
    throw std::logic_error{"umbel: a BlockingPort cannot wait from within its own work"};
  }
  if (is_outermost_) port_.context_.thread().enter();
}

BlockingPort::Use::~Use() {
  if (!is_outermost_) return;
  port_.context_.thread().leave();
  give_back();
}

void BlockingPort::Use::give_back() noexcept {
  port_.user_.store({}, std::memory_order_release);
  port_.user_.notify_one();
}

void BlockingPort::wake() noexcept {
  // Notified under the lock: the port may be gone as soon as the waiting thread sees the flag.
  const std::lock_guard lock{mutex_};
  wake_ = true;
  woken_.notify_one();
}

void BlockingPort::wait() {
  std::unique_lock lock{mutex_};
  const auto is_woken = [this] { return wake_; };
  if (alarm_ == Time::max()) woken_.wait(lock, is_woken);
  else woken_.wait_until(lock, alarm_, is_woken);
  wake_ = false;
}

}  // namespace umbel
