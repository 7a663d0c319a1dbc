// SPDX-License-Identifier: MIT
// What an observer hears of a request. Nothing here is called if there is none.
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
    plan_->observer_->node_failed(Failure{plan_->title_, node, *failed.error, is_suppressed || async_cancelled()});
  };
  for (Failed& failed : trouble_->failed) tell(failed, !wins(failed));
  for (Failed& failed : trouble_->replacing) tell(failed, false);
}

void Resolver::tell_late(const Step& step, const Error& error) noexcept {
  if (plan_->observer_) plan_->observer_->late_error(LateError{plan_->title_, plan_->name_of(step.index), error});
}

void Resolver::tell_started() noexcept {
  plan_->observer_->request_started(RequestEvent{this, plan_->title_, *request_, context().now()});
}

void Resolver::tell_replied(const Response& response) noexcept {
  plan_->observer_->replied(
      ReplyEvent{this, plan_->title_, *request_, context().now(), response.status(), response.body().size()});
}

void Resolver::tell_ended() noexcept { plan_->observer_->request_ended(this, context().now()); }

void Resolver::tell(Moment moment, const Step& step, const Error* error) noexcept {
  tell_at(moment, step, context().now(), error);
}

void Resolver::tell_at(Moment moment, const Step& step, Time time, const Error* error) noexcept {
  plan_->observer_->node(event(moment, step, time, error));
}

NodeEvent Resolver::event(Moment moment, const Step& step, Time time, const Error* error) noexcept {
  return NodeEvent{this, plan_->title_, plan_->name_of(step.index), step.index, moment, time, error};
}

/// What the observer has in place of the step; null: it may run.
ErrorBox Resolver::request(const Step& step) noexcept {
  const NodeEvent requested = event(Moment::requested, step, context().now(), nullptr);
  plan_->observer_->node(requested);
  return plan_->observer_->fail_instead(requested);
}

void Resolver::request_region(RegionRun& run) noexcept {
  for (std::uint32_t i = 0; i < run.region.steps.size(); ++i) {
    ErrorBox fault = request(plan_->steps_[run.region.steps[i]]);
    if (!fault || run.fault) continue;
    run.fault = std::move(fault);
    run.fault_at = i;
  }
}

/// A worker has no virtual clock: its times are told as the Context's if that is the steady clock, else as now.
void Resolver::tell_region(const RegionRun& run) noexcept {
  const Time now = context().now();
  const auto when = [&](std::size_t i) { return run.times[i] > now ? now : run.times[i]; };
  for (std::uint32_t i = 0; i < run.made; ++i) {
    const Step& step = plan_->steps_[run.region.steps[i]];
    tell_at(Moment::started, step, when(i), nullptr);
    tell_at(Moment::finished, step, when(i + 1), nullptr);
  }
  if (run.error) tell_at(Moment::started, plan_->steps_[run.region.steps[run.made]], when(run.made), nullptr);
}

Status Resolver::run_watched(const Step& step, ErrorBox& error) noexcept {
  const Time begin = context().now();
  error = request(step);
  tell_at(Moment::started, step, begin, nullptr);
  if (error) return Status::failed;
  const Status status = step.run(*this, step, error);
  if (plan_->blocked_after_ == Duration::zero()) return status;
  const Duration took = context().now() - begin;
  if (took >= plan_->blocked_after_)
    plan_->observer_->loop_blocked(BlockedEvent{plan_->title_, plan_->name_of(step.index), took});
  return status;
}

Status Resolver::tear_down_watched(const Step& step, const Outcome& shown, ErrorBox& error) noexcept {
  const Time begin = context().now();
  const Status status = step.info->tear_down(*this, step, shown, error);
  const Duration took = context().now() - begin;
  if (plan_->blocked_after_ > Duration::zero() && took >= plan_->blocked_after_)
    plan_->observer_->loop_blocked(BlockedEvent{plan_->title_, plan_->name_of(step.index), took});
  return status;
}

}  // namespace umbel::detail
