// SPDX-License-Identifier: MIT
#include "umbel/testing/simulation.hpp"

#include <algorithm>
#include <utility>

namespace umbel::testing {

/// The timers of a Context that are due at the same moment: which of them comes first is nobody's promise.
class TimerOrder {
public:
  static void shuffle(Context& context, Schedule& schedule) {
    auto& timers = context.timers_;
    if (timers.size() < 2) return;
    std::vector<std::size_t> equal;
    for (std::size_t i = 0; i < timers.size(); ++i) {
      if (timers[i]->when_ == timers[0]->when_) equal.push_back(i);
    }
    const std::size_t chosen = equal[schedule.choose(equal.size())];
    Timer* const first = timers[0];  // A heap stays one when equals change places.
    context.place(timers[chosen], 0);
    context.place(first, chosen);
  }
};

// --- requests -------------------------------------------------------------------------------------------------------

SimulatedRequest::SimulatedRequest(Simulation& simulation, OwnedRequest asked)
    : simulation_(simulation), asked_(std::move(asked)) {
  request_ = asked_.view();
  request_.set_body({});
  context_ = &simulation.context();
}

void SimulatedRequest::cancel(CancelReason reason) noexcept {
  if (!arrived_ || is_over() || has_left()) return;
  stop_reason_ = reason;
  stop_.request_stop();
  if (source_) simulation_.later([this] { drop_source(); });
}

void SimulatedRequest::deliver_body() noexcept {
  body_error_ = failing_body_;
  if (!body_error_) request_.set_body(asked_.view().body());
}

bool SimulatedRequest::collect_body(Work& ready) noexcept {
  if (simulation_.schedule_.choose(2) == 0) return deliver_body(), true;
  body_ready_ = &ready;
  simulation_.later([this] {
    if (!body_ready_) return;
    deliver_body();
    context_->enqueue(*std::exchange(body_ready_, nullptr));
  });
  return false;
}

Pulled SimulatedRequest::read_body(std::string_view& chunk, Work& ready) noexcept {
  if (simulation_.schedule_.choose(2) == 0) {
    body_ready_ = &ready;
    simulation_.later([this] {
      if (body_ready_) context_->enqueue(*std::exchange(body_ready_, nullptr));
    });
    return Pulled::pending;
  }
  const std::string_view rest = asked_.view().body().substr(read_);
  if (rest.empty() && failing_body_) return body_error_ = failing_body_, Pulled::failed;
  if (rest.empty()) return Pulled::end;
  chunk = rest.substr(0, 1 + simulation_.schedule_.choose(rest.size()));
  read_ += chunk.size();
  return Pulled::chunk;
}

void SimulatedRequest::reply(Response&& response) noexcept {
  ++replies_;
  const bool has_body = request_.method() != Method::head && Response::may_have_body(response.status());
  BodySourcePtr source = response.take_source();
  response_.emplace(std::move(response));
  if (!source || !has_body) return;
  source_ = std::move(source);
  if (has_left()) simulation_.later([this] { drop_source(); });
  else pull_later();
}

void SimulatedRequest::reply_and_hold(Response&& response, Work& sent) noexcept {
  held_ = true;
  sent_ = &sent;
  reply(std::move(response));
  if (!source_) tell_sent();
}

void SimulatedRequest::tell_sent() {
  simulation_.later([this] { context_->enqueue(*std::exchange(sent_, nullptr)); });
}

void SimulatedRequest::pull_later() {
  simulation_.later([this] { pull(); });
}

void SimulatedRequest::pull() noexcept {
  std::string_view chunk;
  if (!source_) return;
  switch (pull_.pull(*context_, *source_, chunk)) {
    case Pulled::chunk:
      streamed_ += chunk;
      return pull_later();
    case Pulled::pending:
      return;
    case Pulled::failed:
      broken_off_ = true;
      return drop_source();
    case Pulled::end:
      return drop_source();
  }
}

void SimulatedRequest::drop_source() noexcept {
  if (!source_) return;
  broken_off_ |= has_left();
  pull_.forget(*context_);
  source_.reset();
  if (sent_) tell_sent();
}

void SimulatedRequest::release() noexcept {
  simulation_.schedule_.check(std::exchange(held_, false), "an exchange was released that nobody held");
}

// --- the simulation -------------------------------------------------------------------------------------------------

Simulation::Simulation(Service& service, std::uint64_t seed)
    : service_(service), own_(std::in_place, seed), schedule_(*own_), context_(*this, pool_) {
  open();
}

Simulation::Simulation(Service& service, Schedule& schedule)
    : service_(service), schedule_(schedule), context_(*this, pool_) {
  open();
}

Simulation::~Simulation() {
  try {
    if (!is_closed_) close();
  } catch (...) {
    schedule_.check(false, "a fake threw");
  }
}

void Simulation::open() {
  open_notice_.simulation = close_notice_.simulation = this;
  service_.start(context_);
  service_.open(context_, open_notice_);
}

void Simulation::opened(Notice& notice, const Error* error) noexcept {
  Simulation& self = *static_cast<Opened&>(notice).simulation;
  self.schedule_.check(!error, "the service did not open");
  self.is_open_ = !error;
}

void Simulation::closed(Notice& notice, const Error* error) noexcept {
  Simulation& self = *static_cast<Opened&>(notice).simulation;
  self.schedule_.check(!error, "the service did not close well");
  self.is_open_ = false;
}

void Simulation::close() {
  is_closed_ = true;
  run();
  if (!is_open_) return;
  service_.close(context_, close_notice_);
  run();
  schedule_.check(!is_open_, "the service never closed");
}

SimulatedRequest& Simulation::request(OwnedRequest asked) {
  requests_.emplace_back(new SimulatedRequest{*this, std::move(asked)});
  SimulatedRequest& request = *requests_.back();
  shown_.push_back(&request);
  schedule_.requests_ = std::max(schedule_.requests_, requests_.size());
  later([this, &request] {
    request.arrived_ = true;
    service_.serve(request);
  });
  return request;
}

void Simulation::run() {
  while (step()) {
    if (turns_ < turn_limit_) continue;
    return schedule_.check(false, "it never ends");
  }
  judge();
}

bool Simulation::wants(const SimulatedRequest& request) const noexcept {
  return request.may_leave_ && request.arrived_ && !request.is_over() && !request.has_left();
}

bool Simulation::step() {
  const std::size_t usual = possible();
  const bool time_passes = alarm_ != Time::max();
  if (usual == 0 && !time_passes) return false;
  leave_as_told();
  schedule_.turns_ = std::max(schedule_.turns_, ++turns_);
  const bool may_leave = std::any_of(shown_.begin(), shown_.end(), [this](const auto* r) { return wants(*r); });
  const bool time_may = time_passes && !turn_is_due() && pace_ == Pace::any;
  if ((may_leave || time_may) && schedule_.once_in(16)) return act_rarely(), true;
  if (usual == 0) return pass_time();
  act(schedule_.choose(usual));
  return true;
}

void Simulation::leave_as_told() {
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (schedule_.leaves_now(turns_, i)) requests_[i]->leave();
  }
}

void Simulation::act(std::size_t chosen) {
  if (turn_is_due()) {
    if (chosen == 0) {
      woken_ = false;
      TimerOrder::shuffle(context_, schedule_);
      context_.run_ready(1);
      return;
    }
    --chosen;
  }
  if (chosen < pool_.waiting()) return pool_.run_one(chosen);
  const auto place = later_.begin() + static_cast<std::ptrdiff_t>(chosen - pool_.waiting());
  const auto answer = std::move(*place);
  later_.erase(place);
  answer();
}

/// A peer leaves, or time passes although there is something to do.
void Simulation::act_rarely() {
  std::vector<SimulatedRequest*> leaving;
  std::copy_if(shown_.begin(), shown_.end(), std::back_inserter(leaving), [this](const auto* r) { return wants(*r); });
  const bool time_may = alarm_ != Time::max() && !turn_is_due() && pace_ == Pace::any;
  const std::size_t chosen = schedule_.choose(leaving.size() + (time_may ? 1 : 0));
  if (chosen < leaving.size()) leaving[chosen]->leave();
  else pass_time();
}

bool Simulation::pass_time() noexcept {
  now_ = std::max(now_, alarm_);
  return true;
}

/// Nothing is left to be done: is it all well?
void Simulation::judge() {
  for (const SimulatedRequest* request : shown_) {
    schedule_.check(request->replies_ > 0, "a request never got its reply");
    schedule_.check(request->replies_ < 2, "a request got two replies");
    schedule_.check(!request->held_, "an exchange was never released");
  }
  schedule_.check(context_.jobs_away() == 0, "a job never came home");
  schedule_.check(pool_.reserved() == 0, "places that were promised to jobs were not given back");
  schedule_.check(context_.is_idle(), "the Context has work left");
}

std::string Simulation::mistake() const {
  if (schedule_.mistake().empty()) return {};
  return schedule_.mistake() + "; to see it again: Schedule::replay(\"" + schedule_.text() + "\")";
}

}  // namespace umbel::testing
