// SPDX-License-Identifier: MIT
#pragma once
// Plain functions on libuv's thread pool, without one uv_queue_work each.

#include <cstddef>

#include "umbel/core/context.hpp"

typedef struct uv_loop_s uv_loop_t;

namespace umbel {

/// A bounded queue of jobs, drained by at most `workers` items of libuv's pool. An item runs up to 64 jobs and then
/// queues itself again, so that the host's DNS and files are not starved; what is done goes home in batches with one
/// wake of the loop.
///
/// Belongs to the loop's thread, but for promises of places and what says so. Closed by destroying it once no job is
/// away; the loop outlives it and turns once more after it if an item has still to report its end.
class WorkQueue : public WorkPool {
public:
  /// `workers` 0: all of libuv's pool (UV_THREADPOOL_SIZE) but one, at least one.
  WorkQueue(uv_loop_t* loop, std::size_t queue_limit, std::size_t workers = 0);
  ~WorkQueue() override;
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// On the loop's thread.
  bool submit(Job& job) noexcept override;
  /// Any thread.
  bool reserve(std::size_t jobs) noexcept override;
  void unreserve(std::size_t jobs) noexcept override;

  /// Jobs that wait for a worker. Any thread.
  std::size_t waiting() const noexcept;
  /// How many jobs may run at the same time.
  std::size_t workers() const noexcept;

private:
  class Impl;
  Impl* impl_;  // Lives until the last item has reported its end.
};

}  // namespace umbel
