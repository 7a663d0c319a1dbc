// SPDX-License-Identifier: MIT
#include "umbel/testing/manual_port.hpp"

#include <algorithm>
#include <thread>

namespace umbel::testing {

bool ManualPool::submit(Job& job) noexcept {
  if (job.job_class() == JobClass::normal && !has_room_for(1)) return false;
  const auto is_no_cleanup = [](const Job* waiting) { return waiting->job_class() != JobClass::cleanup; };
  const bool goes_first = job.job_class() == JobClass::cleanup;
  jobs_.insert(goes_first ? std::find_if(jobs_.begin(), jobs_.end(), is_no_cleanup) : jobs_.end(), &job);
  return true;
}

bool ManualPool::reserve(std::size_t jobs) noexcept {
  if (!has_room_for(jobs)) return false;
  reserved_ += jobs;
  return true;
}

bool ManualPool::has_room_for(std::size_t jobs) const noexcept {
  const auto is_normal = [](const Job* waiting) { return waiting->job_class() == JobClass::normal; };
  const auto normal = std::count_if(jobs_.begin(), jobs_.end(), is_normal);
  const std::size_t taken = static_cast<std::size_t>(normal) + reserved_;
  return taken <= limit_ && jobs <= limit_ - taken;
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
