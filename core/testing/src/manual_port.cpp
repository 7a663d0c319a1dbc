// SPDX-License-Identifier: MIT
#include "umbel/testing/manual_port.hpp"

#include <algorithm>
#include <thread>

namespace umbel::testing {

bool ManualPool::submit(Job& job) noexcept {
  if (jobs_.size() >= limit_) return false;
  jobs_.push_back(&job);
  return true;
}

Job& ManualPool::take(std::size_t index) {
  Job& job = *jobs_.at(index);
  jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(index));
  return job;
}

void ManualPool::run_one(std::size_t index) { take(index).run_and_return(); }

void ManualPool::run_one_elsewhere(std::size_t index) {
  std::thread{[&job = take(index)] { job.run_and_return(); }}.join();
}

std::size_t ManualPool::run_all() {
  std::size_t ran = 0;
  for (; waiting() > 0; ++ran) run_one();
  return ran;
}

std::size_t ManualPort::run() noexcept {
  std::size_t total = 0;
  while (const std::size_t ran = step()) total += ran;
  return total;
}

void ManualPort::advance(Duration duration) noexcept {
  const Time end = now_ + duration;
  run();
  while (alarm_ <= end) {
    now_ = std::max(now_, alarm_);
    run();
  }
  now_ = end;
}

}  // namespace umbel::testing
