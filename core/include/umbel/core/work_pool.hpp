// SPDX-License-Identifier: MIT
#pragma once
// Where plain functions run: the bounded queue that every pool drains, and the pool of every port but libuv's.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "umbel/core/context.hpp"
#include "umbel/core/intrusive_list.hpp"
#include "umbel/core/places.hpp"

namespace umbel {

/// A bounded queue of jobs: clean-up jobs first, then the others, each first in, first out. The limit counts the normal
/// jobs that wait and the places that are promised; reserved and clean-up jobs always find room. Any thread.
class JobQueue {
public:
  /// So many normal jobs may wait.
  explicit JobQueue(std::size_t limit) noexcept : places_(limit) {}

  /// False if the job is a normal one and the queue is full; or if the queue is closed.
  bool push(Job& job) noexcept;
  /// Null if the queue is empty.
  Job* pop() noexcept;
  /// Waits for a job; null once `close` was called and the queue is empty.
  Job* wait_and_pop() noexcept;
  /// Nothing is taken any more; what waits is still given out.
  void close() noexcept;
  /// Jobs that wait, of every class. Whoever pushed a job reads 0 only if that job was taken.
  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  /// As WorkPool has it.
  bool reserve(std::size_t jobs) noexcept { return places_.take(jobs); }
  /// Takes back what `reserve` promised.
  void unreserve(std::size_t jobs) noexcept { places_.give_back(jobs); }

private:
  using List = detail::IntrusiveList<Job, &Job::link_>;

  Job* take() noexcept;
  Job* give_out(Job* job) noexcept;

  std::mutex mutex_;
  std::condition_variable arrived_;
  List cleanups_;
  List others_;
  std::atomic<std::size_t> size_{0};  // Written under the mutex.
  std::size_t waiting_ = 0;           // Threads in wait_and_pop.
  bool closed_ = false;
  detail::Places places_;  // Taken by promises, and by normal jobs as long as they wait.
};

/// Threads of our own. The pool of FdPort and BlockingPort, and any host's that wants workers apart from libuv's.
class ThreadPool : public WorkPool {
public:
  /// How many threads it has, and how many jobs may wait.
  struct Options {
    std::size_t threads = 4;           // At least one.
    std::size_t queue_limit = 16'384;  // Jobs that wait, and places promised. One more is refused.
  };

  ThreadPool() : ThreadPool(Options{}) {}
  /// Throws std::system_error if the system has no threads left.
  explicit ThreadPool(Options options);
  /// Executes what is queued, then joins. The Contexts that jobs belong to must still exist.
  ~ThreadPool() override;

  bool submit(Job& job) noexcept override { return queue_.push(job); }
  bool reserve(std::size_t jobs) noexcept override { return queue_.reserve(jobs); }
  void unreserve(std::size_t jobs) noexcept override { queue_.unreserve(jobs); }

private:
  void join() noexcept;

  JobQueue queue_;
  std::vector<std::thread> threads_;
};

}  // namespace umbel
