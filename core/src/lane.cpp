// SPDX-License-Identifier: MIT
#include "umbel/core/lane.hpp"

#include <cassert>

namespace umbel {

Lane::~Lane() { assert(running_ == 0 && waiting_ == 0 && "a Lane was destroyed before its jobs were home"); }

void Lane::submit(Context& context, Job& job) noexcept {
  if (!context.is_here()) [[unlikely]] {
    assert(!"umbel: a job is given to a lane on another thread than its Context's");
    return context.post([this, &context, &job]() noexcept { submit(context, job); });
  }
  ++context.jobs_away_;
  job.home_ = &context;
  job.lane_ = this;
  job.state_.store(Job::State::queued, std::memory_order_relaxed);
  if (job.class_ == JobClass::normal) job.class_ = JobClass::reserved;
  if (start_or_keep(job)) job.go_to_pool();
  else job.wait_in_lane();
}

bool Lane::start_or_keep(Job& job) noexcept {
  const std::lock_guard lock{mutex_};
  if (job.class_ == JobClass::cleanup ? has_room_for_cleanup() : has_room()) {
    ++running_;
    return true;
  }
  list_of(job).push_back(job);
  job.waits_in_lane_ = true;
  ++waiting_;
  return false;
}

// On any thread; of a worker, as a rule. The next one is alive and its Context, too: it has not come home.
void Lane::ended() noexcept {
  Job* next = nullptr;
  {
    const std::lock_guard lock{mutex_};
    --running_;
    next = start_next();
  }
  if (next) next->home_->post(static_cast<Work&>(*next));
}

Job* Lane::start_next() noexcept {
  Job* next = nullptr;
  if (has_room_for_cleanup()) next = cleanups_.pop_front();
  if (!next && has_room()) next = others_.pop_front();
  if (!next) return nullptr;
  next->waits_in_lane_ = false;
  --waiting_;
  ++running_;
  return next;
}

// False if the job does not wait any more.
bool Lane::remove(Job& job) noexcept {
  const std::lock_guard lock{mutex_};
  if (!job.waits_in_lane_) return false;
  list_of(job).remove(job);
  job.waits_in_lane_ = false;
  --waiting_;
  return true;
}

std::size_t Lane::running() const noexcept {
  const std::lock_guard lock{mutex_};
  return running_;
}

std::size_t Lane::waiting() const noexcept {
  const std::lock_guard lock{mutex_};
  return waiting_;
}

// --- a Job's way through a lane, on its Context's thread ------------------------------------------------------------

// Another thread may have let it through by now, but it passes in a later turn of this one.
void Job::wait_in_lane() noexcept {
  function_ = pass_lane;
  home_->port().hold();
}

void Job::pass_lane(Work& work) noexcept {
  Job& job = static_cast<Job&>(work);
  job.wait_no_more();
  job.go_to_pool();
}

void Job::wait_no_more() noexcept {
  function_ = come_home;
  home_->port().release();
}

void Job::go_to_pool() noexcept {
  if (state_.load(std::memory_order_relaxed) == State::queued && home_->pool().submit(*this)) return;
  state_.store(State::withdrawn, std::memory_order_relaxed);
  lane_->ended();
  home_->enqueue(static_cast<Work&>(*this));
}

void Job::leave_lane() noexcept {
  if (!lane_->remove(*this)) return;  // It is on its way to the pool, or there.
  wait_no_more();
  home_->enqueue(static_cast<Work&>(*this));
}

}  // namespace umbel
