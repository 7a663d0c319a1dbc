// SPDX-License-Identifier: MIT
#include "umbel/core/home_thread.hpp"

namespace umbel {

constinit thread_local std::uint64_t detail::thread_number = 0;

namespace {

std::uint64_t this_thread() noexcept {
  static std::atomic<std::uint64_t> last{0};
  if (detail::thread_number == 0) detail::thread_number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return detail::thread_number;
}

// Gone with the thread.
std::shared_ptr<const void> life_of_this_thread() {
  thread_local const std::shared_ptr<const char> life = std::make_shared<const char>();
  return life;
}

}  // namespace

bool HomeThread::enter() noexcept {
  const std::uint64_t number = number_.load(std::memory_order_relaxed);
  if ((number & ~left) == this_thread()) {
    if (number & left) number_.store(this_thread(), std::memory_order_relaxed);
    return true;
  }
  const std::lock_guard lock{mutex_};
  const bool was_free = (number & left) || life_.expired();
  life_ = life_of_this_thread();
  number_.store(this_thread(), std::memory_order_relaxed);
  return was_free;
}

void HomeThread::leave() noexcept { number_.fetch_or(left, std::memory_order_relaxed); }

bool HomeThread::is_nobodys() const noexcept {
  if (number_.load(std::memory_order_relaxed) & left) return true;
  const std::lock_guard lock{mutex_};
  return life_.expired();
}

}  // namespace umbel
