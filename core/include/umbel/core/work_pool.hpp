// SPDX-License-Identifier: MIT
#pragma once
// Where plain functions run: the bounded queue that every pool drains, and the pool of every port but libuv's.

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "umbel/core/context.hpp"

namespace umbel {

/// A bounded first-in first-out queue of jobs. Any thread.
class JobQueue {
public:
  explicit JobQueue(std::size_t limit) noexcept : limit_(limit) {}

  /// False if the queue is full.
  bool push(Job& job) noexcept;
  /// Null if the queue is empty.
  Job* pop() noexcept;
  /// Waits for a job; null once `close` was called and the queue is empty.
  Job* wait_and_pop() noexcept;
  void close() noexcept;
  std::size_t size() const noexcept;

private:
  Job* take() noexcept;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::size_t size_ = 0;
  const std::size_t limit_;
  std::size_t waiting_ = 0;  // Threads in wait_and_pop.
  bool closed_ = false;
};

/// Threads of our own. The pool of FdPort and BlockingPort, and any host's that wants workers apart from libuv's.
class ThreadPool : public WorkPool {
public:
  struct Options {
    std::size_t threads = 4;         // At least one.
    std::size_t queue_limit = 1024;  // Jobs that wait. One more is refused.
  };

  ThreadPool() : ThreadPool(Options{}) {}
  /// Throws std::system_error if the system has no threads left.
  explicit ThreadPool(Options options);
  /// Executes what is queued, then joins. The Contexts that jobs belong to must still exist.
  ~ThreadPool() override;

  bool submit(Job& job) noexcept override { return queue_.push(job); }

private:
  void join() noexcept;

  JobQueue queue_;
  std::vector<std::thread> threads_;
};

}  // namespace umbel
