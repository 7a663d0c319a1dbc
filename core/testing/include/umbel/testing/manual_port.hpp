// SPDX-License-Identifier: MIT
#pragma once
// Contexts and pools that a test steps by hand: no threads, no real time.

#include <atomic>
#include <cstddef>
#include <vector>

#include "umbel/core/context.hpp"

namespace umbel::testing {

/// A pool whose jobs wait until the test runs them. One thread.
class ManualPool : public WorkPool {
public:
  /// So many jobs may wait, and places be promised.
  explicit ManualPool(std::size_t limit = 16'384) noexcept : limit_(limit) {}

  bool submit(Job& job) noexcept override;
  bool reserve(std::size_t jobs) noexcept override;
  void unreserve(std::size_t jobs) noexcept override { reserved_ -= jobs; }

  /// Jobs that nobody has run yet.
  std::size_t waiting() const noexcept { return jobs_.size(); }
  /// Places that are promised.
  std::size_t reserved() const noexcept { return reserved_; }
  /// Normal jobs that wait and places that are promised are not more than this: one more is refused.
  std::size_t limit() const noexcept { return limit_; }
  /// How many jobs may wait from now on.
  void set_limit(std::size_t limit) noexcept { limit_ = limit; }

  /// Executes a waiting job, unless it was withdrawn, on the calling thread. Like a worker it only posts the job home:
  /// a step of the Context's port delivers it. Throws std::out_of_range if there is no such job. Job 0 is the one that
  /// a worker would take: clean-up jobs come before the others, each kind in the order in which it came.
  void run_one(std::size_t index = 0);
  /// The same on a second thread, which has ended when this returns.
  void run_one_elsewhere(std::size_t index = 0);
  /// Executes what waits, and what comes to wait meanwhile. Returns how many jobs it were.
  std::size_t run_all();

private:
  bool has_room_for(std::size_t jobs) const noexcept;
  Job& take(std::size_t index);

  std::vector<Job*> jobs_;  // In the order of the queue.
  std::size_t reserved_ = 0;
  std::size_t limit_;
};

/// A Context on a port that does nothing by itself: the test turns it, and moves its clock.
///
///     ManualPort port;
///     spawn(port.context(), greet_after(1s), [&](Result<int>) noexcept { greeted = true; });
///     port.advance(1s);
///     EXPECT_TRUE(greeted);
///
/// One thread, except that others may post.
class ManualPort : private Port {
public:
  /// With a ManualPool of its own, or with any pool, which outlives it.
  ManualPort() : context_(*this, own_pool_) {}
  /// The pool is not owned, and outlives the port.
  explicit ManualPort(WorkPool& pool) : context_(*this, pool) {}
  ManualPort(const ManualPort&) = delete;
  ManualPort& operator=(const ManualPort&) = delete;

  Context& context() noexcept { return context_; }
  /// The pool of its own.
  ManualPool& pool() noexcept { return own_pool_; }

  /// One `Context::run_ready`. Returns how many pieces of work ran.
  std::size_t step(std::size_t budget = 256) noexcept { return context_.run_ready(budget); }
  /// Steps until nothing is left to do without time passing. Returns how many pieces of work ran.
  std::size_t run() noexcept;

  /// Lets time pass. Timers fire in order of their time, each at its time, and what they make ready runs before the
  /// next. Jobs do not run: see `pool`.
  void advance(Duration duration) noexcept;
  /// The virtual clock, which only `advance` moves.
  Time now() noexcept override { return now_; }
  /// When the Context wants to be called; Time::max() if no timer runs.
  Time alarm() const noexcept { return alarm_; }

  /// How many waits for another thread would keep a loop alive that ends when it has nothing to do.
  std::size_t holds() const noexcept { return holds_; }
  /// How often the Context asked for a turn. Any thread.
  std::size_t wakes() const noexcept { return wakes_.load(std::memory_order_relaxed); }

private:
  void wake() noexcept override { wakes_.fetch_add(1, std::memory_order_relaxed); }
  void arm(Time when) noexcept override { alarm_ = when; }
  void hold() noexcept override { ++holds_; }
  void release() noexcept override { --holds_; }

  ManualPool own_pool_;
  Time now_{std::chrono::hours{1}};  // Not zero, so that a test can name times before it.
  Time alarm_ = Time::max();
  std::size_t holds_ = 0;
  std::atomic<std::size_t> wakes_{0};
  Context context_;
};

}  // namespace umbel::testing
