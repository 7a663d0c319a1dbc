// SPDX-License-Identifier: MIT
#include "umbel/core/context.hpp"

#include <cassert>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <thread>

#include "umbel/core/lane.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

void detail::resume_watched(Env& env, std::coroutine_handle<> coroutine) noexcept {
  Watch& watch = *env.watch;
  const Time began = env.context->now();
  coroutine.resume();
  watch.function(watch, began);
}

void detail::check_spawn(const Context& context) {
  if (context.is_here()) [[likely]]
    return;
  assert(!"umbel: a task is spawned on another thread than its Context's: post a function there that spawns it");
  throw std::logic_error{"umbel: a task is spawned on another thread than its Context's"};
}

Context::~Context() {
  assert(jobs_away_ == 0 && "a Context was destroyed while a work pool or a lane still held jobs of it");
  while (jobs_away_ > 0) {
    run_ready();
    std::this_thread::yield();
  }
  while (posters_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  // What was posted and never ran is dropped: its owner is gone or will find its own end.
}

bool Context::is_used_here() const noexcept {
  if (is_here()) [[likely]]
    return true;
  assert(!"umbel: a Context is used on another thread than its own, where `post` is the way to it");
  return false;
}

void Context::expect_outside(const char* what) const noexcept {
  if (!is_running_here()) return;
  std::fprintf(stderr, "%s by the Context's own work, which it waits for\n", what);
  assert(!"umbel: a wait without end");
}

template <class F>
void Context::run_there(F f) noexcept {
  std::promise<void> done;
  const std::future<void> is_done = done.get_future();
  post([&f, done = std::move(done)]() mutable noexcept {
    f();
    done.set_value();
  });
  is_done.wait();
}

void Context::enqueue(Work& work) noexcept {
  if (!is_used_here()) [[unlikely]]
    return post(work);
  work.next_ = nullptr;
  (last_ ? last_->next_ : first_) = &work;
  last_ = &work;
  if (is_running() || in_turn_ || wake_sent_) return;
  wake_sent_ = true;
  port_.wake();
}

void Context::post(Work& work) noexcept {
  posters_.fetch_add(1, std::memory_order_relaxed);
  Work* newest = posted_.load(std::memory_order_relaxed);
  do {
    work.next_ = newest;
  } while (!posted_.compare_exchange_weak(newest, &work, std::memory_order_release, std::memory_order_relaxed));
  if (!newest) port_.wake();  // Whoever pushed onto something knows that a wake is on its way.
  posters_.fetch_sub(1, std::memory_order_release);
}

bool Context::withdraw(Work& work) noexcept {
  if (!is_used_here()) [[unlikely]] {
    bool found = false;
    run_there([&] { found = withdraw(work); });
    return found;
  }
  take_posted();
  Work* before = nullptr;
  for (Work* found = first_; found; before = found, found = found->next_) {
    if (found != &work) continue;
    (before ? before->next_ : first_) = work.next_;
    if (last_ == &work) last_ = before;
    return true;
  }
  return false;
}

bool Context::submit(Job& job) noexcept {
  if (!is_used_here()) [[unlikely]] {
    if (job.job_class() == JobClass::normal) return false;
    run_there([&] { submit(job); });  // It has a place.
    return true;
  }
  job.home_ = this;
  job.state_.store(Job::State::queued, std::memory_order_relaxed);
  if (!pool_.submit(job)) return false;
  ++jobs_away_;
  return true;
}

void Job::run_and_return() noexcept {
  State expected = State::queued;
  if (state_.compare_exchange_strong(expected, State::begun, std::memory_order_relaxed)) execute_(*this);
  if (lane_) [[unlikely]]
    lane_->ended();
  home_->post(static_cast<Work&>(*this));
}

void Job::come_home(Work& work) noexcept {
  Job& job = static_cast<Job&>(work);
  --job.home_->jobs_away_;
  job.lane_ = nullptr;
  job.finished_(job);
}

Work* Context::take_next() noexcept {
  Work* const work = first_;
  if (!work) return nullptr;
  first_ = work->next_;
  if (!first_) last_ = nullptr;
  return work;
}

void Context::take_posted() noexcept {
  if (!posted_.load(std::memory_order_relaxed)) return;
  Work* work = posted_.exchange(nullptr, std::memory_order_acquire);
  Work* oldest = nullptr;
  Work* const newest = work;
  while (work) {
    Work* const next = work->next_;
    work->next_ = oldest;
    oldest = work;
    work = next;
  }
  (last_ ? last_->next_ : first_) = oldest;
  last_ = newest;
}

std::size_t Context::run_ready(std::size_t budget) noexcept {
  if (running_.exchange(true, std::memory_order_acquire)) {
    assert(is_here() && "umbel: a Context is run by two threads at once");
    if (!thread_.is_ours()) port_.wake();  // Whoever runs it may have looked for posts already.
    return 0;
  }
  [[maybe_unused]] const bool is_ours = thread_.enter();
  assert(is_ours && "umbel: a Context goes to another thread, and the first has not said `thread().leave()`");
  wake_sent_ = false;
  take_posted();
  std::size_t ran = timers_.empty() ? 0 : fire_timers(budget);
  while (ran < budget) {
    Work* work = take_next();
    if (!work) {
      take_posted();
      work = take_next();
      if (!work) break;
    }
    work->function_(*work);
    ++ran;
  }
  if (first_ || posted_.load(std::memory_order_relaxed)) {
    wake_sent_ = true;
    port_.wake();
  }
  rearm();
  running_.store(false, std::memory_order_release);
  return ran;
}

std::size_t Context::fire_timers(std::size_t budget) noexcept {
  std::size_t fired = 0;
  const Time now = port_.now();
  while (fired < budget && !timers_.empty() && timers_.front()->when_ <= now) {
    Timer& timer = *timers_.front();
    remove_timer(timer);
    timer.function_(timer);
    ++fired;
  }
  // A port's timer may have gone off, perhaps early: so the port is told again, whether the time has changed or not.
  armed_ = Time::min();
  return fired;
}

void Context::rearm() noexcept {
  const Time next = timers_.empty() ? Time::max() : timers_.front()->when_;
  if (next == armed_) return;
  armed_ = next;
  port_.arm(next);
}

void Context::place(Timer* timer, std::size_t index) noexcept {
  timers_[index] = timer;
  timer->index_ = index;
}

void Context::timer_up(std::size_t index) noexcept {
  Timer* const timer = timers_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (timers_[parent]->when_ <= timer->when_) break;
    place(timers_[parent], index);
    index = parent;
  }
  place(timer, index);
}

void Context::timer_down(std::size_t index) noexcept {
  Timer* const timer = timers_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1]->when_ < timers_[child]->when_) ++child;
    if (timer->when_ <= timers_[child]->when_) break;
    place(timers_[child], index);
    index = child;
  }
  place(timer, index);
}

void Context::remove_timer(Timer& timer) noexcept {
  const std::size_t index = timer.index_;
  timer.index_ = Timer::idle;
  Timer* const moved = timers_.back();
  timers_.pop_back();
  if (moved == &timer) return;
  place(moved, index);
  timer_up(index);
  timer_down(moved->index_);
}

void Timer::start(Context& context, Time when) {
  if (!context.is_used_here()) [[unlikely]]
    return context.run_there([&] { start(context, when); });
  if (is_running()) context_->remove_timer(*this);
  context_ = &context;
  when_ = when;
  context.timers_.push_back(this);
  context.timer_up(context.timers_.size() - 1);
  if (!context.is_running()) context.rearm();
}

void Timer::cancel() noexcept {
  if (!is_running()) return;
  if (!context_->is_used_here()) [[unlikely]]
    return context_->run_there([this] { cancel(); });
  context_->remove_timer(*this);
  // Without a timer left a port may have nothing to stay awake for: tell it now. Else its call comes for nothing, once.
  if (context_->timers_.empty() && !context_->is_running()) context_->rearm();
}

}  // namespace umbel
