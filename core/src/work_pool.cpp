// SPDX-License-Identifier: MIT
#include "umbel/core/work_pool.hpp"

#include <algorithm>

namespace umbel {

bool JobQueue::push(Job& job) noexcept {
  bool somebody_waits = false;
  {
    const std::lock_guard lock{mutex_};
    if (size_ >= limit_ || closed_) return false;
    job.next_job_ = nullptr;
    (last_ ? last_->next_job_ : first_) = &job;
    last_ = &job;
    ++size_;
    somebody_waits = waiting_ > 0;
  }
  if (somebody_waits) arrived_.notify_one();
  return true;
}

Job* JobQueue::take() noexcept {
  Job* const job = first_;
  if (!job) return nullptr;
  first_ = job->next_job_;
  if (!first_) last_ = nullptr;
  --size_;
  return job;
}

Job* JobQueue::pop() noexcept {
  const std::lock_guard lock{mutex_};
  return take();
}

Job* JobQueue::wait_and_pop() noexcept {
  std::unique_lock lock{mutex_};
  ++waiting_;
  arrived_.wait(lock, [this] { return first_ || closed_; });
  --waiting_;
  return take();
}

void JobQueue::close() noexcept {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  arrived_.notify_all();
}

std::size_t JobQueue::size() const noexcept {
  const std::lock_guard lock{mutex_};
  return size_;
}

ThreadPool::ThreadPool(Options options) : queue_(options.queue_limit) {
  const auto work = [this] {
    while (Job* const job = queue_.wait_and_pop()) job->run_and_return();
  };
  try {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, options.threads); ++i) threads_.emplace_back(work);
  } catch (...) {
    join();
    throw;
  }
}

ThreadPool::~ThreadPool() { join(); }

void ThreadPool::join() noexcept {
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace umbel
