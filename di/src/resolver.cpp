// SPDX-License-Identifier: MIT
// From the request to the last step, if nothing has to be waited for. resolver_async.cpp has what happens otherwise,
// resolver_end.cpp the way back.
#include "umbel/di/resolver.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "run_state.hpp"
#include "shared_nodes.hpp"
#include "umbel/di/plan.hpp"

namespace umbel::detail {

// The usual way of a request is one function: its pieces are inlined by order, since they have several callers.

[[gnu::always_inline]] inline Resolver::Resolver(const Plan& plan, Context& context, const Request& request,
                                                 Exchange* exchange, Caller* caller) noexcept
    : plan_(&plan), request_(&request), exchange_(exchange), caller_(caller), limit_(plan.step_count_) {
  env_.context = &context;
}

[[gnu::always_inline]] inline Resolver::~Resolver() {
  if (trouble_) delete trouble_;
}

[[gnu::always_inline]] inline void Resolver::serve_in(void* block, const Plan& plan, Exchange& exchange,
                                                      const Capture* captures, Escapes escapes) noexcept {
  auto* const resolver = ::new (block) Resolver{plan, exchange.context(), exchange.request(), &exchange, nullptr};
  resolver->escapes_ = escapes;
  auto* const own = static_cast<Capture*>(resolver->at(plan.captures_));
  for (std::uint32_t i = 0; i < plan.capture_count_; ++i) own[i] = captures[i];
  resolver->begin();
}

void Resolver::serve(const Plan& plan, Exchange& exchange, const Capture* captures, Escapes escapes) noexcept {
  if (!plan.fits_stack_) return serve_in(BlockPool::take(plan.bytes_), plan, exchange, captures, escapes);
  alignas(BlockPool::granule) std::byte block[Plan::stack_block];
  serve_in(block, plan, exchange, captures, escapes);
}

void Resolver::call(const Plan& plan, Context& context, const Request& request, StopToken stop,
                    Caller& caller) noexcept {
  void* const block = BlockPool::take(plan.bytes_);
  auto* const resolver = ::new (block) Resolver{plan, context, request, nullptr, &caller};
  if (stop.stop_possible()) {
    resolver->enter_async(0);
    resolver->async_->stopped.link(stop);
  }
  resolver->begin();
}

[[gnu::always_inline]] inline void Resolver::begin() noexcept {
  if (!extract_values()) [[unlikely]]
    return begin_invalid();
  if (plan_->starts_specially_ || (exchange_ && exchange_->deadline() != Time::max())) [[unlikely]]
    return begin_specially();
  if (plan_->reads_body_) {
    if (exchange_ ? !has_body() : asks_for_models()) return;
    if (invalid()) [[unlikely]]
      return finish();
  }
  if (async_) [[unlikely]]
    return advance();
  sweep();
}

[[gnu::always_inline]] inline bool Resolver::extract_values() noexcept {
  const PlannedValue* value = plan_->values_.data();
  const PlannedValue* const end = value + plan_->first_body_;
  try {
    while (value != end && value->info->extract(*this, value->index, at(value->slot))) ++value;
  } catch (...) {
    fail_request(std::make_unique<Error>(Error::current()));
  }
  values_made_ = static_cast<std::uint32_t>(value - plan_->values_.data());
  if (value == end) [[likely]]
    return true;
  if (limit_ > 0) extract_others(value);
  return false;
}

/// The first that is wrong is known; the rest is made all the same: every mistake is told at once.
void Resolver::extract_others(const PlannedValue* value) noexcept {
  const auto number = [this](const PlannedValue* v) { return static_cast<std::uint16_t>(v - plan_->values_.data()); };
  const PlannedValue* const end = plan_->values_.data() + plan_->first_body_;
  try {
    trouble().bad_values.push_back(number(value));
    for (++value; value != end; ++value) {
      values_made_ = number(value);
      if (!value->info->extract(*this, value->index, at(value->slot))) trouble().bad_values.push_back(number(value));
    }
    values_made_ = number(end);
  } catch (...) {
    fail_request(std::make_unique<Error>(Error::current()));
  }
}

/// A guard whose parameters are good may still have a say: its error wins over a 422. What is wrong with a body that
/// should be a model is told, too.
void Resolver::begin_invalid() noexcept {
  enter_async(0);
  if ((plan_->guard_count_ == 0 && !plan_->has_models()) || limit_ == 0) {
    if (plan_->observer_) tell_started();
    return finish();
  }
  for (const ValueTaker& taker : plan_->guard_takes_) {
    const auto& bad = trouble_->bad_values;
    if (std::find(bad.begin(), bad.end(), taker.value) != bad.end()) AsyncState::set(async_->held(), taker.step);
  }
  begin_specially();
}

void Resolver::begin_specially() noexcept {
  enter_async(0);
  if (plan_->observer_) tell_started();
  if (!admit()) return finish();
  if (plan_->deadline_ > Duration::zero()) async_->due = context().now() + plan_->deadline_;
  if (exchange_) async_->due = std::min(async_->due, exchange_->deadline());
  if (async_->due != Time::max()) async_->deadline.start(context(), async_->due);
  advance();
}

Time Resolver::deadline() const noexcept {
  if (async_ && async_->due != Time::max()) return async_->due;
  return exchange_ ? exchange_->deadline() : Time::max();
}

const CallPlans* Resolver::calls() const noexcept { return plan_->calls_; }

const void* Resolver::shared(std::uint32_t number) const noexcept { return plan_->shared_->value(number, context()); }

const void* Resolver::viewed(Input input) noexcept {
  void* const slot = at(input.at.offset);
  if (input.at.view == View::pointer) return *static_cast<const void**>(slot);
  return plan_->steps_[input.at.step].info->view(slot);
}

/// False: we shall be resumed when it is here.
bool Resolver::has_body() noexcept {
  enter_async(0);
  async_->gate = plan_->step_count_;
  async_->has_body = true;
  if (async_->cancelled) return true;
  if (!collect_body()) return false;
  if (!async_->cancelled) {  // Nothing is in flight after all.
    async_->stopped.unlink();
    async_ = nullptr;
  }
  check_body();
  return true;
}

bool Resolver::collect_body() noexcept {
  if (!exchange_) return true;
  limit_body();
  if (exchange_->collect_body(async_->again)) return true;
  async_->waits_for_body = async_->queued = true;
  return false;
}

void Resolver::limit_body() noexcept {
  if (plan_->body_limit_ && exchange_) exchange_->limit_body(*plan_->body_limit_);
}

OnWrongType Resolver::on_wrong_type() const noexcept { return plan_->on_wrong_type_; }

void Resolver::check_body() noexcept {
  const int status = exchange_ ? exchange_->body_error() : 0;
  if (status != 0) return fail_request(std::make_unique<Error>(HttpError{status}));
  if (!plan_->has_models()) return;
  read_models();
  if (async_ && invalid()) async_->gate = plan_->guard_count_;
}

/// Of who calls without a transport, whose request has the body already. True: it goes on from there.
bool Resolver::asks_for_models() noexcept {
  if (!plan_->has_models()) return false;
  enter_async(0);
  advance();
  return true;
}

/// Everything that does not suspend, in one go.
[[gnu::always_inline]] inline void Resolver::sweep() noexcept {
  const Step* step = plan_->steps_.data();
  const std::uint32_t stop = std::min(plan_->sweep_end_, limit_);
  std::uint32_t index = 0;
  ErrorBox error;
  Status status = Status::done;
  for (; index != stop; ++index, ++step) {
    status = step->run(*this, *step, error);
    if (status != Status::done) break;
  }
  next_ = index;
  if (index == plan_->step_count_ && exchange_) [[likely]]
    return reply_simply();
  leave_sweep(status, std::move(error));
}

void Resolver::leave_sweep(Status status, ErrorBox error) noexcept {
  if (status == Status::failed) fail(next_, std::move(error));
  if (next_ >= limit_) return finish();
  enter_async(next_);
  if (plan_->reads_body_) {  // It is here: who waits for it does not sweep.
    async_->gate = plan_->step_count_;
    async_->has_body = true;
  }
  if (status == Status::pending) suspend(plan_->steps_[next_]);
  advance();
}

/// Everything went well, in one sweep.
[[gnu::always_inline]] inline void Resolver::reply_simply() noexcept {
  if (!plan_->ends_simply_) [[unlikely]]
    return plan_->ends_in_turns_ ? finish() : reply_and_close();
  const Step& root = plan_->steps_.back();
  Response* response = static_cast<Response*>(at(root.slot));
  if (plan_->respond_) {
    response = made_reply();
    if (!response) return finish();
    if (root.info->destroy) root.info->destroy(at(root.slot));
  }
  Exchange& exchange = *exchange_;
  // The reply comes last: the exchange may be gone, or serve the next request, afterwards.
  exchange.reply(std::move(*response));
  response->~Response();
  release();
}

/// The same, with something to end: as long as no tear-down waits or fails, no account is kept of it.
void Resolver::reply_and_close() noexcept {
  static constexpr Outcome ok;
  Response* const response = made_reply();
  if (!response) return finish();
  const std::size_t kept = plan_->respond_ ? plan_->step_count_ : plan_->step_count_ - 1;
  for (auto i = plan_->closed_.rbegin(); i != plan_->closed_.rend(); ++i) {
    if (*i == kept) continue;
    const Step& step = plan_->steps_[*i];
    if (!step.info->tear_down) {
      step.info->destroy(at(step.slot));
      continue;
    }
    ErrorBox error;
    const Status status = step.info->tear_down(*this, step, ok, error);
    if (status != Status::done) return leave_closing(step, status, std::move(error));
  }
  finish_values();
  exchange_->reply(std::move(*response));
  response->~Response();
  release();
}

/// The request ends before `serve` returns.
bool Resolver::is_on_stack() const noexcept { return plan_->fits_stack_ && exchange_; }

void Resolver::release() noexcept {
  const Plan& plan = *plan_;
  const bool was_on_stack = is_on_stack();
  this->~Resolver();
  if (!was_on_stack) BlockPool::give(this, plan.bytes_);
}

}  // namespace umbel::detail
