// SPDX-License-Identifier: MIT
#include "umbel/di/background.hpp"

#include <new>
#include <utility>

#include "run_state.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel {

Background::~Background() { drop(Drop::all); }

void Background::push(detail::BackgroundTask* task, bool is_kept) noexcept {
  task->is_kept_ = is_kept;
  if (last_) last_->next_ = task;
  else first_ = task;
  last_ = task;
}

detail::BackgroundTask* Background::make_call(const detail::NodeInfo& provider) {
  static const Request nothing;
  void* const memory = detail::BlockPool::take(sizeof(detail::GraphTask));
  return ::new (memory) detail::GraphTask{provider, calls_, request_ ? *request_ : nothing};
}

detail::BackgroundTask* Background::take() noexcept {
  detail::BackgroundTask* const task = first_;
  if (!task) return nullptr;
  first_ = std::exchange(task->next_, nullptr);
  if (!first_) last_ = nullptr;
  return task;
}

void Background::drop(Drop which) noexcept {
  detail::BackgroundTask* task = std::exchange(first_, nullptr);
  last_ = nullptr;
  while (task) {
    detail::BackgroundTask* const next = std::exchange(task->next_, nullptr);
    if (which == Drop::ordinary && task->is_kept_) push(task, true);
    else task->destroy();
    task = next;
  }
}

namespace detail {

bool GraphTask::start(Context& context, Work& over) noexcept {
  context_ = &context;
  over_ = &over;
  try {
    if (!calls_) throw StartError{"umbel: there is no App whose graph could be called"};
    const Plan& plan = *calls_->plan_of_call(provider_).load(std::memory_order_acquire);
    Resolver::call(plan, context, request_, StopToken{stop_}, *this);
  } catch (...) {
    return failed_with_current(error_), true;
  }
  has_started_ = true;
  return has_ended_;
}

void GraphTask::ended(ErrorBox error, std::string_view) noexcept {
  error_ = std::move(error);
  has_ended_ = true;
  if (has_started_) context_->enqueue(*over_);
}

void GraphTask::destroy() noexcept {
  this->~GraphTask();
  BlockPool::give(this, sizeof(GraphTask));
}

/// Calls `f(Background&, step)` in declaration order, as long as it returns true.
template <class F>
void Resolver::for_each_background(F f) noexcept {
  if (!plan_->takes_background_) return;
  for (std::uint32_t i = 0; i < values_made_; ++i) {
    const PlannedValue& value = plan_->values_[i];
    if (value.info->source != Source::background) continue;
    if (!f(*static_cast<Background*>(at(value.slot)), value.index)) return;
  }
}

/// It is known how the request ends: what is not wanted then goes.
void Resolver::drop_tasks() noexcept {
  const bool is_good = succeeded();
  for_each_background([&](Background& background, std::uint32_t step) {
    if (!is_good || AsyncState::test(async_->soft(), step)) background.drop(Background::Drop::ordinary);
    return true;
  });
}

bool Resolver::has_tasks() noexcept {
  bool found = false;
  for_each_background([&](Background& background, std::uint32_t) { return !(found = !background.empty()); });
  return found;
}

/// The reply is sent.
void Resolver::begin_tasks() noexcept {
  if (!has_tasks()) return close_from(Phase::closing_request);
  async_->phase = Phase::tasks;
  auto& run = *::new (at(plan_->task_run_)) TaskRun{*this};
  if (exchange_) run.stopped.link(exchange_->stop_token());
  run_tasks();
}

void Resolver::run_tasks() noexcept {
  auto& run = *static_cast<TaskRun*>(at(plan_->task_run_));
  while (BackgroundTask* const task = next_task()) {
    if (run.is_stopped) {
      task->destroy();
      tell_task_failed(Error{std::make_exception_ptr(Cancelled{})});
      continue;
    }
    run.current = task;
    if (!task->start(context(), run.over)) return;
    end_task();
  }
  run.~TaskRun();
  close_from(Phase::closing_request);
}

BackgroundTask* Resolver::next_task() noexcept {
  BackgroundTask* task = nullptr;
  for_each_background([&](Background& background, std::uint32_t) { return !(task = background.take()); });
  return task;
}

void Resolver::task_over(Work& work) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<Work>&>(work).resolver;
  resolver.end_task();
  resolver.run_tasks();
}

void Resolver::end_task() noexcept {
  auto& run = *static_cast<TaskRun*>(at(plan_->task_run_));
  BackgroundTask* const task = std::exchange(run.current, nullptr);
  const ErrorBox error = task->end();
  task->destroy();
  if (error) tell_task_failed(*error);
}

void Resolver::tell_task_failed(const Error& error) noexcept {
  if (plan_->observer_) plan_->observer_->late_error(LateError{this, plan_->title_, "background", error});
}

/// That the peer left is nothing to a task.
void Resolver::tasks_stopped(StopCallback& callback) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<StopCallback>&>(callback).resolver;
  if (resolver.exchange_->stop_reason() != CancelReason::shutdown) return;
  auto& run = *static_cast<TaskRun*>(resolver.at(resolver.plan_->task_run_));
  run.is_stopped = true;
  if (run.current) run.current->stop();
}

}  // namespace detail
}  // namespace umbel
