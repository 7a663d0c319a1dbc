// SPDX-License-Identifier: MIT
// What an observer hears of a request. Nothing here is called if there is none.
#include <algorithm>
#include <memory>
#include <utility>

#include "run_state.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

void Resolver::tell_observer() noexcept {
  if (!plan_->observer_) return;
  const auto tell = [this](Failed& failed, bool is_suppressed) {
    if (std::exchange(failed.is_told, true)) return;
    const std::string_view node = failed.index == Failed::no_step ? "request" : plan_->name_of(failed.index);
    plan_->observer_->node_failed(
        Failure{this, plan_->title_, node, *failed.error, is_suppressed || async_cancelled()});
  };
  for (Failed& failed : trouble_->failed) tell(failed, !wins(failed));
  for (Failed& failed : trouble_->replacing) tell(failed, false);
}

void Resolver::tell_late(const Step& step, const Error& error) noexcept {
  if (plan_->observer_) plan_->observer_->late_error(LateError{this, plan_->title_, plan_->name_of(step.index), error});
}

void Resolver::tell_started() noexcept {
  const Time now = context().now();
  async_->began = now.time_since_epoch().count();
  plan_->observer_->request_started(RequestEvent{this, plan_->title_, *request_, now});
}

void Resolver::tell_replied(const Response& response) noexcept {
  const Time now = context().now();
  const Duration took = now.time_since_epoch() - Duration{async_->began};
  plan_->observer_->replied(
      ReplyEvent{this, plan_->title_, *request_, now, took, response.status(), response.body().size()});
}

void Resolver::tell_ended() noexcept { plan_->observer_->request_ended(this, context().now()); }

void Resolver::tell(Moment moment, const Step& step, const Error* error) noexcept {
  tell_at(moment, step, context().now(), error);
}

void Resolver::tell_at(Moment moment, const Step& step, Time time, const Error* error) noexcept {
  plan_->observer_->node(event(moment, step, time, error));
}

NodeEvent Resolver::event(Moment moment, const Step& step, Time time, const Error* error) noexcept {
  const bool on_worker = step.info->runs_on_worker();
  return NodeEvent{this,
                   plan_->title_,
                   plan_->name_of(step.index),
                   step.index,
                   moment,
                   on_worker,
                   time,
                   error,
                   step.info->is_resource(),
                   {plan_->need_mask(step.index), plan_->words()}};
}

/// What the observer has in place of the step; null: it may run.
ErrorBox Resolver::request(const Step& step) noexcept {
  const NodeEvent requested = event(Moment::requested, step, context().now(), nullptr);
  plan_->observer_->node(requested);
  return plan_->observer_->fail_instead(requested);
}

void Resolver::tell_failed(const Step& step, Time time, const Error& error) noexcept {
  tell_at(was_stopped(step.index, error) ? Moment::cancelled : Moment::failed, step, time, &error);
}

void Resolver::watch_region(RegionRun& run) noexcept {
  for (std::uint32_t i = 0; i < run.region.steps.size(); ++i) {
    ErrorBox fault = request(plan_->steps_[run.region.steps[i]]);
    if (!fault || run.fault) continue;
    run.fault = std::move(fault);
    run.fault_at = i;
  }
  const std::size_t size = run.region.steps.size();
  run.times = std::make_unique<Time[]>(size + 2);
  run.times[size + 1] = context().now();
}

/// A worker looks at the steady clock. If the Context has another, a virtual one, the times are told as near as can be.
void Resolver::tell_region(RegionRun& run) noexcept {
  const auto& steps = run.region.steps;
  const Time now = context().now(), given = run.times[steps.size() + 1];
  const auto when = [&](std::size_t i) { return std::clamp(run.times[i], given, now); };
  for (std::uint32_t i = 0; i < run.made; ++i) {
    tell_at(Moment::started, plan_->steps_[steps[i]], when(i), nullptr);
    tell_at(Moment::finished, plan_->steps_[steps[i]], when(i + 1), nullptr);
  }
  if (run.error) {
    const Step& failed = plan_->steps_[steps[run.made]];
    tell_at(Moment::started, failed, when(run.made), nullptr);
    tell_failed(failed, when(run.made + 1), *run.error);
  }
  tell_unrun(run, run.error ? run.made + 1 : run.made);
}

/// What was with the pool and never ran. Nothing is told of the region after this.
void Resolver::tell_unrun(RegionRun& run, std::size_t first) noexcept {
  const auto& steps = run.region.steps;
  for (std::size_t i = first; i < steps.size(); ++i) tell(Moment::cancelled, plan_->steps_[steps[i]]);
  run.times.reset();
}

Status Resolver::run_watched(const Step& step, ErrorBox& error) noexcept {
  const Time begin = context().now();
  error = request(step);
  tell_at(Moment::started, step, begin, nullptr);
  if (error) return Status::failed;
  const Status status = step.run(*this, step, error);
  tell_blocked(step, begin);
  return status;
}

Status Resolver::tear_down_watched(const Step& step, const Outcome& shown, ErrorBox& error) noexcept {
  const Time begin = context().now();
  const Status status = step.info->tear_down(*this, step, shown, error);
  tell_blocked(step, begin);
  return status;
}

/// A coroutine, that has suspended before.
void Resolver::was_resumed(Watch& watch, Time began) noexcept {
  const auto& late = static_cast<NodeRun::Late&>(watch);
  late.resolver->tell_blocked(*late.step, began);
}

/// If it has.
void Resolver::tell_blocked(const Step& step, Time begin) noexcept {
  if (plan_->blocked_after_ == Duration::zero()) return;
  const Duration took = context().now() - begin;
  if (took < plan_->blocked_after_) return;
  plan_->observer_->loop_blocked(BlockedEvent{this, plan_->title_, plan_->name_of(step.index), begin, took});
}

}  // namespace umbel::detail
