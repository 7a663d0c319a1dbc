// SPDX-License-Identifier: MIT
// The way back: the reply, and the end of everything that was made.
#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "run_state.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

namespace {

/// Null if `error` does not want to be put in the place of another.
std::unique_ptr<Error> replacement_in(const Error& error) noexcept {
  if (error.http()) return nullptr;
  try {
    error.rethrow();
  } catch (const Replace& replace) {
    return std::make_unique<Error>(replace.error());
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

bool Resolver::async_cancelled() const noexcept { return async_ && async_->cancelled; }

ValidationError* Resolver::invalid() const noexcept { return trouble_ ? trouble_->invalid.get() : nullptr; }

bool Resolver::succeeded() const noexcept {
  return limit_ == plan_->step_count_ && !async_cancelled() &&
         (!trouble_ || (!trouble_->invalid && trouble_->replacing.empty()));
}

/// Nothing runs any more, and nothing will.
void Resolver::finish() noexcept {
  enter_async(next_);
  AsyncState& async = *async_;
  async.stopped.unlink();
  async.deadline.cancel();
  give_places_back();
  if (!plan_->permits_.empty()) give_unused_permits_back();
  if (trouble_) tell_observer();
  if (succeeded() && caller_ && caller_->keeps()) {
    async.phase = Phase::kept;
    return caller_->made(*this);
  }
  if (succeeded()) make_result();
  else if (plan_->streams_) drop_stream();
  close_from(Phase::closing_handler);
}

void Resolver::let_go(Context& context) noexcept {
  env_.context = &context;
  close_from(Phase::closing_handler);
}

void Resolver::make_result() noexcept {
  if (exchange_) {
    async_->has_reply = made_reply() != nullptr;
  } else {
    const Step& root = plan_->steps_.back();
    try {
      caller_->take(at(root.slot));
    } catch (...) {
      fail_quietly(root.index, std::make_unique<Error>(Error::current()));
    }
  }
  if (trouble_) tell_observer();
}

/// Null if making it failed.
Response* Resolver::made_reply() noexcept {
  const Step& root = plan_->steps_.back();
  if (!plan_->respond_) return static_cast<Response*>(at(root.slot));
  try {
    return plan_->respond_(*this, at(root.slot), at(plan_->response_));
  } catch (...) {
    fail_quietly(root.index, std::make_unique<Error>(Error::current()));
    return nullptr;
  }
}

void Resolver::close_from(Phase phase) noexcept {
  async_->phase = phase;
  async_->cursor = async_->made;
  end();
}

/// Goes on with the end, wherever it had to wait.
void Resolver::end() noexcept {
  if (async_->phase == Phase::closing_handler) {
    if (close_made(Closes::handler)) answer();
  } else if (async_->phase == Phase::closing_request) {
    if (close_made(Closes::request)) leave();
  }
}

/// In reverse order of making. False: it has to be waited for.
bool Resolver::close_made(Closes closes) noexcept {
  while (async_->cursor > 0) {
    const std::uint16_t index = async_->order()[--async_->cursor];
    if (plan_->closes_[index] == closes && !close(plan_->steps_[index])) return false;
  }
  return true;
}

bool Resolver::close(const Step& step) noexcept {
  if (AsyncState::test(async_->closing(), step.index)) return true;
  if (async_->has_reply && !plan_->respond_ && step.index + 1u == plan_->step_count_) return true;
  AsyncState::set(async_->closing(), step.index);
  if (!step.info->is_resource()) {
    step.info->destroy(at(step.slot));
    return true;
  }
  if (plan_->observer_) tell(Moment::closing, step);
  if (step.kind == NodeKind::sync_resource) return submit_closing(step), false;
  ErrorBox error;
  const Status status = plan_->observer_ ? tear_down_watched(step, outcome(), error)
                                         : step.info->tear_down(*this, step, outcome(), error);
  if (status == Status::pending) return suspend_closing(step), false;
  closed(step, std::move(error));
  return true;
}

/// Goes on with an account, where a tear-down in the sweep has to be waited for, or has failed. What was made after
/// `step` is over.
void Resolver::leave_closing(const Step& step, Status status, ErrorBox error) noexcept {
  open_account(plan_->step_count_);
  async_->phase = Phase::closing_handler;
  async_->has_reply = true;
  async_->cursor = step.index;
  for (std::size_t i = step.index; i < plan_->step_count_; ++i) AsyncState::set(async_->closing(), i);
  for (std::size_t i = step.index + 1u; i < plan_->step_count_; ++i) AsyncState::set(async_->closed(), i);
  if (status == Status::pending) return suspend_closing(step);
  closed(step, std::move(error));
  end();
}

/// What resources are shown now. It stays where it is.
const Outcome& Resolver::outcome() noexcept {
  static constexpr Outcome ok;
  if (!trouble_ && !async_cancelled()) return ok;
  Outcome& shown = trouble().outcome;
  shown = Outcome{};
  if (async_cancelled()) shown = Outcome{async_->reason};
  else if (const Error* const error = error_now()) shown = Outcome{*error};
  return shown;
}

Closing& Resolver::open_closing(const Step& step) noexcept {
  ++async_->tearing_down;
  return *::new (static_cast<std::byte*>(at(step.record)) + sizeof(ResourceRun))
      Closing{*this, step, closing_lasts, execute_closing, closing_returned};
}

Closing* Resolver::closing_of(const Step& step) noexcept {
  return reinterpret_cast<Closing*>(static_cast<std::byte*>(at(step.record)) + sizeof(ResourceRun));
}

void Resolver::suspend_closing(const Step& step) noexcept {
  listen(step);
  Closing& closing = open_closing(step);
  closing.limit.start(context(), context().now() + plan_->tear_down_limit_);
}

void Resolver::submit_closing(const Step& step) noexcept {
  const Outcome& shown = outcome();
  Closing& closing = open_closing(step);
  closing.outcome = &shown;
  // Never refused: it is a clean-up.
  submit(plan_->regions_[plan_->region_of_[step.index]].lane, context(), closing.trip);
}

void Resolver::execute_closing(Job& job) noexcept {
  Closing& closing = *static_cast<Closing::Trip&>(job).closing;
  closing.step.info->tear_down(closing.resolver, closing.step, *closing.outcome, closing.error);
}

void Resolver::closing_returned(Job& job) noexcept {
  Closing& closing = *static_cast<Closing::Trip&>(job).closing;
  Resolver& resolver = closing.resolver;
  const Step& step = closing.step;
  resolver.closed(step, resolver.end_closing(step, std::move(closing.error)));
  resolver.settle_arrived();
  if (!resolver.async_->queued) resolver.go_on();
}

/// It is asked to stop, and waited for all the same: a frame that waits is never destroyed.
void Resolver::closing_lasts(Timer& timer) noexcept {
  Closing& closing = *static_cast<Closing::Limit&>(timer).closing;
  closing.late = true;
  static_cast<NodeRun*>(closing.resolver.at(closing.step.env))->env.stop.request_stop();
}

/// Gives what went wrong in the end.
ErrorBox Resolver::end_closing(const Step& step, ErrorBox error) noexcept {
  Closing& closing = *closing_of(step);
  const bool was_late = closing.late;
  closing.~Closing();
  --async_->tearing_down;
  if (!was_late || !error || !error->is_cancelled()) return error;
  return std::make_unique<Error>(std::make_exception_ptr(std::runtime_error{
      "umbel: the tear-down of " + std::string{plan_->name_of(step.index)} + " took longer than its limit"}));
}

void Resolver::closed(const Step& step, ErrorBox error) noexcept {
  AsyncState::set(async_->closed(), step.index);
  for (std::size_t i = 0; i < plan_->permits_.size(); ++i) {
    if (plan_->permits_[i].step == step.index) give_permit_back(i);
  }
  if (plan_->observer_) tell(Moment::closed, step, error.get());
  if (error) closing_failed(step, std::move(error));
  if (async_->phase == Phase::resolving) close_unused();
}

/// Resources of lifetime last_use whose users are all done.
void Resolver::close_unused() noexcept {
  for (const LastUse& use : plan_->last_uses_) {
    if (AsyncState::test(async_->closing(), use.step) || !is_made(use.step)) continue;
    const bool is_free = std::all_of(use.dependents.begin(), use.dependents.end(), [this](std::uint16_t dependent) {
      return AsyncState::test(async_->closed(), dependent) || !is_made(dependent);
    });
    if (is_free && async_->are_done(use.users.data())) close(plan_->steps_[use.step]);
  }
}

/// Before the reply a failure becomes the reply, unless there is one to be told of already; after it, it comes too
/// late for the client.
void Resolver::closing_failed(const Step& step, ErrorBox error) noexcept {
  if (async_->is_replied) return tell_late(step, *error);
  std::unique_ptr<Error> replacement = replacement_in(*error);
  if (async_->cancelled || (!replacement && !succeeded())) {
    trouble().failed.push_back({step.index, std::move(error), true});
  } else if (async_->phase != Phase::resolving) {
    trouble().replacing.push_back({step.index, replacement ? std::move(replacement) : std::move(error)});
  } else {
    trouble().failed.push_back({step.index, replacement ? std::move(replacement) : std::move(error)});
    limit_ = std::min<std::uint32_t>(limit_, step.index);
    stop_from(limit_ + 1);
  }
  if (async_->phase != Phase::resolving) tell_observer();
}

bool Resolver::wins(const Failed& failed) const noexcept {
  return !failed.is_suppressed && (failed.index == Failed::no_step || failed.index == limit_);
}

/// Null if all is well, or the request was cancelled.
const Error* Resolver::error_now() noexcept {
  if (!trouble_) return nullptr;
  if (!trouble_->replacing.empty()) return trouble_->replacing.back().error.get();
  for (const Failed& failed : trouble_->failed) {
    if (wins(failed)) return failed.error.get();
  }
  if (!trouble_->invalid) return nullptr;
  if (!trouble_->refusal) trouble_->refusal = std::make_unique<Error>(std::make_exception_ptr(*trouble_->invalid));
  return trouble_->refusal.get();
}

// --- the reply ------------------------------------------------------------------------------------------------------

/// Only if !succeeded().
Response Resolver::error_response() noexcept {
  if (!async_->cancelled) return to_response(*error_now());
  if (async_->reason == CancelReason::deadline) return to_response(Error{HttpError{504}});
  return to_response(Error{std::make_exception_ptr(Cancelled{})});
}

Response Resolver::final_response() noexcept {
  if (!succeeded()) return drop_reply(), error_response();
  Response response = std::move(*ready_reply());
  drop_reply();
  return response;
}

/// What the handler's result has become.
Response* Resolver::ready_reply() noexcept {
  return static_cast<Response*>(at(plan_->respond_ ? plan_->response_ : plan_->steps_.back().slot));
}

void Resolver::drop_reply() noexcept {
  if (std::exchange(async_->has_reply, false)) ready_reply()->~Response();
}

/// Runs the function that the App has for such an error, if it has one.
struct MapperRun final : Caller {
  MapperRun(Resolver& r, const Plan& p, const void* e) noexcept : resolver(r), plan(p), found(e) {}

  void take(void* slot) override { response = plan.respond(resolver, slot); }
  void ended(ErrorBox error, std::string_view) noexcept override {
    Response reply = error ? to_response(*error) : std::move(response);
    Resolver& answered = resolver;
    delete this;
    answered.answer_with(std::move(reply));
  }
  const void* thrown() const noexcept override { return found; }

  Resolver& resolver;
  const Plan& plan;
  const void* found;
  Response response;
};

bool Resolver::map_error() noexcept {
  if (!exchange_ || !plan_->mappers_ || succeeded() || async_->cancelled) return false;
  const Error& error = *error_now();
  for (const PlannedMapper& mapper : *plan_->mappers_) {
    const void* const found = mapper.find(error);
    if (!found) continue;
    drop_reply();
    const Plan& plan = *mapper.plan->load(std::memory_order_acquire);
    Resolver::call(plan, context(), *request_, StopToken{}, *new MapperRun{*this, plan, found});
    return true;
  }
  return false;
}

void Resolver::answer() noexcept {
  if (plan_->takes_background_) drop_tasks();
  if (!exchange_) return begin_tasks();
  async_->phase = Phase::mapping;
  if (!map_error()) answer_with(final_response());
}

void Resolver::answer_with(Response&& response) noexcept {
  if (plan_->takes_head_) merge_heads(response);
  async_->is_replied = true;
  if (plan_->observer_) tell_replied(response);
  if (plan_->streams_ && plan_->blocked_after_ > Duration::zero() && response.source()) listen(plan_->steps_.back());
  if (must_hold(response)) {
    async_->phase = Phase::sending;
    return exchange_->reply_and_hold(std::move(response), async_->sent);
  }
  async_->cursor = async_->made;
  close_made(Closes::request);  // Nothing of it can wait: it has no resources.
  finish_values();
  if (plan_->observer_) tell_ended();
  Exchange& exchange = *exchange_;
  release();
  // The reply comes last: the exchange may be gone, or serve the next request, afterwards.
  exchange.reply(std::move(response));
}

/// Whether anything is left to be done when the reply is sent.
bool Resolver::must_hold(const Response& response) noexcept {
  // On the stack there is nothing that a source could refer to, and nobody who could wait.
  if ((response.source() && !is_on_stack()) || has_tasks()) return true;
  for (std::uint32_t i = 0; i < async_->made; ++i) {
    const Step& step = plan_->steps_[async_->order()[i]];
    if (step.info->is_resource() && plan_->closes_[step.index] == Closes::request) return true;
  }
  return false;
}

void Resolver::sent(Work& work) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<Work>&>(work).resolver;
  if (resolver.plan_->streams_) resolver.end_stream();
  else resolver.begin_tasks();
}

/// It has begun, and no reply will be made of it.
void Resolver::drop_stream() noexcept {
  const Step& root = plan_->steps_.back();
  if (is_made(root.index)) static_cast<StreamRun*>(at(root.slot))->drop();
}

/// The transport wants no more of it. What the rest of the request is shown depends on how it went.
void Resolver::end_stream() noexcept {
  const Step& root = plan_->steps_.back();
  if (succeeded()) {
    auto& stream = *static_cast<StreamRun*>(at(root.slot));
    if (!stream.is_over()) return stream.when_over(async_->sent);
    auto error = stream.failure() ? std::make_unique<Error>(stream.failure()) : nullptr;
    if (error && stream.was_cut() && error->is_cancelled()) error.reset();  // As it was asked to.
    if (error) tell_late(root, *error);
    if (exchange_->stop_token().stop_requested() && stream.was_cut()) {
      async_->cancelled = true;
      async_->reason = exchange_->stop_reason();
    } else if (error) {
      trouble().failed.push_back({root.index, std::move(error), false, true});
      limit_ = std::min<std::uint32_t>(limit_, root.index);
      drop_tasks();
    }
  }
  begin_tasks();
}

/// Everything is over.
void Resolver::leave() noexcept {
  finish_values();
  if (plan_->observer_) tell_ended();
  if (exchange_) {
    Exchange& exchange = *exchange_;
    release();
    return exchange.release();
  }
  Caller& caller = *caller_;
  ErrorBox error = caller_error();
  const std::string_view node = limit_ < plan_->step_count_ ? plan_->name_of(limit_) : std::string_view{};
  release();
  caller.ended(std::move(error), node);
}

ErrorBox Resolver::caller_error() {
  if (succeeded()) return nullptr;
  if (async_->cancelled) return std::make_unique<Error>(std::make_exception_ptr(Cancelled{}));
  return std::make_unique<Error>(*error_now());
}

/// The parameters.
void Resolver::finish_values() noexcept {
  for (auto i = plan_->values_destroyed_.rbegin(); i != plan_->values_destroyed_.rend(); ++i) {
    if (*i >= values_made_) continue;
    if (trouble_) {
      const auto& bad = trouble_->bad_values;
      if (std::find(bad.begin(), bad.end(), *i) != bad.end()) continue;
    }
    plan_->values_[*i].info->destroy(at(plan_->values_[*i].slot));
  }
}

}  // namespace umbel::detail
