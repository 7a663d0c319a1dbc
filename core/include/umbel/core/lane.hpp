// SPDX-License-Identifier: MIT
#pragma once
// A limit on how many jobs of one kind are with the pools at once: of those that use one database, one device.

#include <algorithm>
#include <cstddef>
#include <mutex>

#include "umbel/core/context.hpp"
#include "umbel/core/intrusive_list.hpp"
#include "umbel/core/places.hpp"

namespace umbel {

/// How wide a Lane is, and how long its queue.
struct LaneOptions {
  std::size_t limit = 40;          // Jobs that are with pools at the same time. At least one.
  std::size_t queue_limit = 1024;  // Places that can be promised beyond that.
};

/// Lets at most `limit` of its jobs go to their pools at the same time; the others wait here, clean-up jobs first, each
/// kind first in, first out. When the execution of one has ended, the next goes to the pool of its own Context, on the
/// thread of its own Context. One lane serves all Contexts of a process.
///
///     if (!lane.reserve(2)) return busy();   // Before the request starts: nothing of it is refused later.
///     lane.submit(context, job);
///     ...
///     lane.unreserve(2);
///
/// A clean-up job that finds the lane full has one place more, so that tear-down always goes on: `limit` + 1 at once,
/// and never more. So a lane of one is no lock.
///
/// A job counts until it was executed, or found withdrawn; while a Context's thread is busy, jobs that have been let
/// through but not yet fetched by it count, too. The lane outlives its jobs: until they are home.
class Lane {
public:
  Lane() noexcept : Lane(LaneOptions{}) {}
  /// A limit of 0 is taken as 1.
  explicit Lane(LaneOptions options) noexcept
      : limit_(std::max<std::size_t>(1, options.limit)), places_(limit_ + options.queue_limit) {}
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Promises places to jobs that are yet to be submitted; false, and none, if `limit` + `queue_limit` would be
  /// exceeded. A promise holds until it is given back; whoever made it sees to it that no more of its jobs are away at
  /// the same time. A clean-up job needs no place; and none of the lane's jobs needs one of the pool's. Any thread.
  bool reserve(std::size_t jobs) noexcept { return places_.take(jobs); }
  /// Gives places back, once none of the jobs that they were promised to is away. Any thread.
  void unreserve(std::size_t jobs) noexcept { places_.give_back(jobs); }

  /// Like Context::submit, but never refused: the job has a promised place, or is a clean-up job. A normal job becomes
  /// a reserved one. On the Context's thread.
  ///
  /// Job::withdraw brings a job that waits here home in one of the next turns, unexecuted; likewise a job that a pool
  /// refuses although it must not.
  void submit(Context& context, Job& job) noexcept;

  /// Jobs that were let through and have not ended. Any thread.
  std::size_t running() const noexcept;
  /// Jobs that wait here. Any thread.
  std::size_t waiting() const noexcept;

private:
  friend class Job;
  using List = detail::IntrusiveList<Job, &Job::link_>;

  bool start_or_keep(Job& job) noexcept;
  bool remove(Job& job) noexcept;
  void ended() noexcept;
  Job* start_next() noexcept;
  List& list_of(const Job& job) noexcept { return job.class_ == JobClass::cleanup ? cleanups_ : others_; }
  // Beyond the places of all there is one for clean-up jobs.
  bool has_room_for_cleanup() const noexcept { return running_ <= limit_; }
  bool has_room() const noexcept { return running_ < limit_; }

  const std::size_t limit_;
  detail::Places places_;
  mutable std::mutex mutex_;
  // What waits has no room: so one may start, at most, when one ends.
  List cleanups_;
  List others_;
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace umbel
