// SPDX-License-Identifier: MIT
#pragma once
// Plain functions on libuv's thread pool, without one uv_queue_work each.

#include <cstddef>
#include <memory>

#include "umbel/core/context.hpp"

typedef struct uv_loop_s uv_loop_t;

namespace umbel {

/// A bounded queue of jobs, drained by at most `workers` items of libuv's pool. An item runs up to 64 jobs and then
/// queues itself again, so that the host's DNS and files are not starved; what is done goes home in batches with one
/// wake of the loop.
///
/// Belongs to the loop's thread. Closed by destroying it once no job is away.
class WorkQueue : public WorkPool {
public:
  /// `workers` 0: all of libuv's pool (UV_THREADPOOL_SIZE) but one, at least one.
  WorkQueue(uv_loop_t* loop, std::size_t queue_limit, std::size_t workers = 0);
  ~WorkQueue() override;

  bool submit(Job& job) noexcept override;

  /// Jobs that wait for a worker. Any thread.
  std::size_t waiting() const noexcept;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel
