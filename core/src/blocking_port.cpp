// SPDX-License-Identifier: MIT
#include "umbel/core/blocking_port.hpp"

namespace umbel {

BlockingPort::~BlockingPort() {
  run_until([this] { return context_.jobs_away() == 0; });
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
