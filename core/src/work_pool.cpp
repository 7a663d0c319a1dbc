// SPDX-License-Identifier: MIT
#include "umbel/core/work_pool.hpp"

#include <algorithm>

namespace umbel {

bool JobQueue::push(Job& job) noexcept {
  const bool needs_place = job.class_ == JobClass::normal;
  if (needs_place && !places_.take(1)) return false;
  bool somebody_waits = false;
  {
    const std::lock_guard lock{mutex_};
    if (closed_) [[unlikely]] {
      if (needs_place) places_.give_back(1);
      return false;
    }
    (job.class_ == JobClass::cleanup ? cleanups_ : others_).push_back(job);
    size_.store(size() + 1, std::memory_order_relaxed);
    somebody_waits = waiting_ > 0;
  }
  if (somebody_waits) arrived_.notify_one();
  return true;
}

inline Job* JobQueue::take() noexcept {
  Job* job = cleanups_.pop_front();
  if (!job) job = others_.pop_front();
  if (job) size_.store(size() - 1, std::memory_order_relaxed);
  return job;
}

inline Job* JobQueue::give_out(Job* job) noexcept {
  if (job && job->class_ == JobClass::normal) places_.give_back(1);
  return job;
}

Job* JobQueue::pop() noexcept {
  if (size() == 0) return nullptr;  // A worker that has run all there was need not lock to learn it.
  std::unique_lock lock{mutex_};
  Job* const job = take();
  lock.unlock();
  return give_out(job);
}

Job* JobQueue::wait_and_pop() noexcept {
  std::unique_lock lock{mutex_};
  ++waiting_;
  arrived_.wait(lock, [this] { return size() > 0 || closed_; });
  --waiting_;
  Job* const job = take();
  lock.unlock();
  return give_out(job);
}

void JobQueue::close() noexcept {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  arrived_.notify_all();
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
