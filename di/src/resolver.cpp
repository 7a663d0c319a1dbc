// SPDX-License-Identifier: MIT
#include "umbel/di/resolver.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "run_state.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"

namespace umbel::detail {

namespace {

// RFC 9110 section 9.2.1: nobody misses what a safe request would have done.
bool is_safe(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::options;
}

ErrorBox box(HttpError error) noexcept { return std::make_unique<Error>(std::move(error)); }

}  // namespace

// --- from the request to the first step -----------------------------------------------------------------------------

// The usual way of a request is one function: its pieces are inlined by order, since they have several callers.

[[gnu::always_inline]] inline Resolver::Resolver(const Plan& plan, Context& context, const Request& request,
                                                 Exchange* exchange, Caller* caller) noexcept
    : plan_(&plan), request_(&request), exchange_(exchange), caller_(caller), limit_(plan.step_count_) {
  env_.context = &context;
}

[[gnu::always_inline]] inline void Resolver::serve_in(void* block, const Plan& plan, Exchange& exchange,
                                                      const Capture* captures, Escapes escapes) noexcept {
  auto* const resolver = ::new (block) Resolver{plan, exchange.context(), exchange.request(), &exchange, nullptr};
  resolver->escapes_ = escapes;
  auto* const own = static_cast<Capture*>(resolver->at(plan.captures_));
  for (std::uint32_t i = 0; i < plan.capture_count_; ++i) own[i] = captures[i];
  resolver->begin();
}

[[gnu::always_inline]] inline Resolver::~Resolver() = default;

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
    resolver->async_->disconnect.link(stop);
  }
  resolver->begin();
}

[[gnu::always_inline]] inline void Resolver::begin() noexcept {
  if (!extract_values()) [[unlikely]]
    return finish();
  if (plan_->reads_body_ && exchange_ && !has_body()) return;
  if (async_) [[unlikely]]
    return advance();
  sweep();
}

[[gnu::always_inline]] inline bool Resolver::extract_values() noexcept {
  const PlannedValue* value = plan_->values_.data();
  const PlannedValue* const end = value + plan_->values_.size();
  try {
    while (value != end && value->info->extract(*this, value->index, at(value->slot))) ++value;
  } catch (...) {
    fail_request(std::make_unique<Error>(Error::current()));
  }
  values_made_ = static_cast<std::uint32_t>(value - plan_->values_.data());
  if (value == end) [[likely]]
    return true;
  if (!failed()) report_others(value + 1);
  return false;
}

/// The rest is checked all the same, and dropped.
void Resolver::report_others(const PlannedValue* value) noexcept {
  const PlannedValue* const end = plan_->values_.data() + plan_->values_.size();
  try {
    for (; value != end; ++value) {
      const bool is_made = value->info->extract(*this, value->index, at(value->slot));
      if (is_made && value->info->destroy) value->info->destroy(at(value->slot));
    }
  } catch (...) {
    fail_request(std::make_unique<Error>(Error::current()));
  }
}

/// False: we shall be resumed when it is here.
bool Resolver::has_body() noexcept {
  enter_async(0);
  if (!exchange_->collect_body(async_->again)) {
    async_->waits_for_body = async_->queued = true;
    return false;
  }
  if (!async_->cancelled) {  // Nothing is in flight after all.
    async_->disconnect.unlink();
    async_ = nullptr;
  }
  check_body();
  return true;
}

void Resolver::check_body() noexcept {
  if (const int status = exchange_->body_error()) fail_request(box(HttpError{status}));
}

/// Everything that does not suspend, in one go.
[[gnu::always_inline]] inline void Resolver::sweep() noexcept {
  const Step* step = plan_->steps_.data();
  const std::uint32_t stop = std::min(plan_->first_plain_, limit_);
  std::uint32_t index = 0;
  ErrorBox error;
  Status status = Status::done;
  for (; index != stop; ++index, ++step) {
    status = step->run(*this, *step, error);
    if (status != Status::done) break;
  }
  next_ = index;
  if (index == plan_->step_count_ && exchange_) [[likely]]
    return reply();
  leave_sweep(status, std::move(error));
}

void Resolver::leave_sweep(Status status, ErrorBox error) noexcept {
  if (status == Status::failed) fail(next_, std::move(error));
  if (next_ >= limit_) return finish();
  enter_async(next_);
  if (status == Status::pending) suspend(plan_->steps_[next_]);
  advance();
}

// --- when something is in flight ------------------------------------------------------------------------------------

void Resolver::enter_async(std::size_t done) noexcept {
  if (async_) return;
  async_ = ::new (at(plan_->async_)) AsyncState{*this, plan_->steps_.size(), resume, disconnected};
  for (std::size_t i = 0; i < done; ++i) {
    async_->make(i);
    AsyncState::set(async_->started(), i);
  }
  if (exchange_ && is_safe(request_->method())) async_->disconnect.link(exchange_->stop_token());
}

/// Starts whatever can start, in declaration order; one pass, since what ends at once makes only later steps ready.
void Resolver::advance() noexcept {
  AsyncState& async = *async_;
  for (std::size_t i = 0; i < limit_; ++i) {
    if (AsyncState::test(async.started(), i)) continue;
    if (plan_->policy_ == Policy::sequential && async.in_flight > 0) break;
    if (is_ready(i)) start(plan_->steps_[i]);
  }
  if (async.in_flight == 0) finish();
}

bool Resolver::is_ready(std::size_t index) const noexcept {
  const std::uint64_t* needs = plan_->need_mask(index);
  if (const std::uint16_t number = plan_->region_of_[index]; number != Plan::no_region) {
    const Region& region = plan_->regions_[number];
    if (region.steps.front() != index) return false;  // It goes with its region.
    needs = region.needs.data();
  }
  const std::uint64_t* const done = async_->done();
  for (std::uint32_t word = 0; word < async_->words; ++word) {
    if (needs[word] & ~done[word]) return false;
  }
  return true;
}

void Resolver::start(const Step& step) noexcept {
  if (step.kind == NodeKind::plain) return start_region(plan_->regions_[plan_->region_of_[step.index]]);
  AsyncState::set(async_->started(), step.index);
  ErrorBox error;
  switch (step.run(*this, step, error)) {
    case Status::done:
      return async_->make(step.index);
    case Status::failed:
      return fail(step.index, std::move(error));
    case Status::pending:
      return suspend(step);
  }
}

void Resolver::suspend(const Step& step) noexcept {
  auto& run = *static_cast<NodeRun*>(at(step.env));
  run.late.function = node_ended;
  run.late.resolver = this;
  run.late.step = &step;
  AsyncState::set(async_->started(), step.index);
  ++async_->in_flight;
  if (async_->cancelled) [[unlikely]]
    run.env.stop.request_stop();  // The peer had left before anybody listened.
}

std::coroutine_handle<> Resolver::node_ended(Ending& ending) noexcept {
  auto& late = static_cast<NodeRun::Late&>(ending);
  AsyncState& async = *late.resolver->async_;
  late.next_arrived = async.arrived;
  async.arrived = &late;
  late.resolver->enqueue();
  return std::noop_coroutine();
}

void Resolver::enqueue() noexcept {
  if (std::exchange(async_->queued, true)) return;
  context().enqueue(async_->again);
}

void Resolver::resume(Work& work) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Again&>(work).resolver;
  resolver.async_->queued = false;
  if (std::exchange(resolver.async_->waits_for_body, false)) resolver.check_body();
  resolver.settle_arrived();
  resolver.advance();
}

void Resolver::settle_arrived() noexcept {
  NodeRun::Late* oldest = nullptr;
  for (NodeRun::Late* late = std::exchange(async_->arrived, nullptr); late;) {
    NodeRun::Late* const next = std::exchange(late->next_arrived, oldest);
    oldest = late;
    late = next;
  }
  for (; oldest; oldest = oldest->next_arrived) {
    --async_->in_flight;
    ErrorBox error;
    const Step& step = *oldest->step;
    if (oldest->settle(oldest->coroutine, at(step.slot), error) == Status::done) async_->make(step.index);
    else fail(step.index, std::move(error));
  }
}

// --- plain nodes ----------------------------------------------------------------------------------------------------

void Resolver::start_region(const Region& region) noexcept {
  auto& run = *::new (at(region.record)) RegionRun{*this, region, execute_region, region_returned};
  for (const std::uint16_t step : region.steps) AsyncState::set(async_->started(), step);
  if (!context().submit(run.trip)) {
    return fail(region.steps.front(),
                box(HttpError{503, "Too many requests wait for a worker"}.header("retry-after", "1")));
  }
  ++async_->in_flight;
}

void Resolver::execute_region(Job& job) noexcept {
  RegionRun& run = *static_cast<RegionRun::Trip&>(job).run;
  const Step* const steps = run.resolver.plan_->steps_.data();
  for (const std::uint16_t index : run.region.steps) {
    if (index >= run.limit.load(std::memory_order_relaxed)) return;
    if (steps[index].run(run.resolver, steps[index], run.error) != Status::done) return;
    ++run.made;
  }
}

void Resolver::region_returned(Job& job) noexcept {
  RegionRun& run = *static_cast<RegionRun::Trip&>(job).run;
  Resolver& resolver = run.resolver;
  resolver.finish_region(run);
  // Somebody may be queued to do the same for us; both see the same account.
  resolver.settle_arrived();
  if (!resolver.async_->queued) resolver.advance();
}

void Resolver::finish_region(RegionRun& run) noexcept {
  --async_->in_flight;
  for (std::uint32_t i = 0; i < run.made; ++i) async_->make(run.region.steps[i]);
  if (run.error) fail(run.region.steps[run.made], std::move(run.error));
}

// --- failure and cancellation ---------------------------------------------------------------------------------------

/// The first failure in declaration order wins: what is declared before it runs on, since it may still win.
void Resolver::fail_request(ErrorBox error) noexcept {
  trouble().failed = std::make_unique<Failed>(Failed{Failed::request, std::move(error), std::move(trouble().failed)});
  limit_ = 0;
}

/// The one that is answered with.
bool Resolver::wins(const Failed& failed) const noexcept {
  return failed.index == Failed::request || failed.index == limit_;
}

void Resolver::fail(std::size_t index, ErrorBox error) noexcept {
  const bool was_stopped = index > limit_ || (async_ && async_->cancelled);
  if (was_stopped && error->is_cancelled()) return;
  std::unique_ptr<Failed>& first = trouble().failed;
  first = std::make_unique<Failed>(Failed{index, std::move(error), std::move(first)});
  if (index >= limit_) return;
  limit_ = static_cast<std::uint32_t>(index);
  if (async_) stop_from(index + 1);
}

Resolver::Trouble& Resolver::trouble() {
  if (!trouble_) trouble_ = std::make_unique<Trouble>();
  return *trouble_;
}

void Resolver::stop_from(std::size_t index) noexcept {
  for (std::size_t i = index; i < plan_->steps_.size(); ++i) {
    if (!AsyncState::test(async_->started(), i) || AsyncState::test(async_->done(), i)) continue;
    const Step& step = plan_->steps_[i];
    if (step.kind == NodeKind::coroutine) static_cast<NodeRun*>(at(step.env))->env.stop.request_stop();
    if (step.kind != NodeKind::plain) continue;
    auto& run = *static_cast<RegionRun*>(at(step.env));
    run.limit.store(
        std::min<std::uint32_t>(run.limit.load(std::memory_order_relaxed), static_cast<std::uint32_t>(index)),
        std::memory_order_relaxed);
    if (run.region.steps.front() != i) continue;
    run.env.stop.request_stop();
    run.trip.withdraw();
  }
}

void Resolver::disconnected(StopCallback& callback) noexcept {
  static_cast<AsyncState::Disconnect&>(callback).resolver->cancel();
}

void Resolver::cancel() noexcept {
  async_->cancelled = true;
  limit_ = 0;
  env_.stop.request_stop();
  stop_from(0);
}

void Resolver::tell_observer() noexcept {
  if (!plan_->observer_) return;
  for (const Failed* failed = this->failed(); failed; failed = failed->next.get()) {
    const std::string_view node = failed->index == Failed::request ? "request" : plan_->name_of(failed->index);
    plan_->observer_->node_failed(Failure{plan_->title_, node, *failed->error, !wins(*failed) || async_cancelled()});
  }
}

// --- the end --------------------------------------------------------------------------------------------------------

bool Resolver::async_cancelled() const noexcept { return async_ && async_->cancelled; }

bool Resolver::succeeded() const noexcept { return limit_ == plan_->step_count_ && !invalid() && !async_cancelled(); }

void Resolver::finish() noexcept {
  if (async_) async_->disconnect.unlink();
  if (failed()) tell_observer();
  if (caller_) return answer_caller();
  if (succeeded()) return reply();
  reply_error();
}

/// Why there is no value. Only if !succeeded().
ErrorBox Resolver::take_error() {
  if (async_cancelled()) return std::make_unique<Error>(std::make_exception_ptr(Cancelled{}));
  for (Failed* failed = this->failed(); failed; failed = failed->next.get()) {
    if (wins(*failed)) return std::move(failed->error);
  }
  return std::make_unique<Error>(std::make_exception_ptr(*invalid()));
}

Response Resolver::error_response() {
  if (invalid() && !failed()) return to_response(*invalid());
  return to_response(*take_error());
}

/// Null if making it failed.
[[gnu::always_inline]] inline Response* Resolver::make_response() noexcept {
  const Step& root = plan_->steps_.back();
  if (!plan_->respond_) return static_cast<Response*>(at(root.slot));
  try {
    return plan_->respond_(at(root.slot), at(plan_->response_));
  } catch (...) {
    fail(root.index, std::make_unique<Error>(Error::current()));
    tell_observer();
    return nullptr;
  }
}

/// Everything went well.
[[gnu::always_inline]] inline void Resolver::reply() noexcept {
  Exchange& exchange = *exchange_;
  Response* const response = make_response();
  if (!response) [[unlikely]]
    return reply_error();
  destroy_slots(plan_->respond_ == nullptr);
  // The reply comes last: the exchange may be gone, or serve the next request, afterwards.
  exchange.reply(std::move(*response));
  response->~Response();
  release();
}

void Resolver::reply_error() noexcept {
  Exchange& exchange = *exchange_;
  Response response = error_response();
  destroy_slots(false);
  release();
  exchange.reply(std::move(response));
}

void Resolver::answer_caller() noexcept {
  Caller& caller = *caller_;
  const bool ok = succeeded();
  caller.ended(caller, ok ? at(plan_->steps_.back().slot) : nullptr, ok ? nullptr : take_error());
  destroy_slots(false);
  release();
}

/// In reverse order of making. `keep_root`: the last slot is needed a little longer.
[[gnu::always_inline]] inline void Resolver::destroy_slots(bool keep_root) noexcept {
  if (plan_->destroys_only_root_ && keep_root) [[likely]]
    return;
  destroy_all(keep_root);
}

void Resolver::destroy_all(bool keep_root) noexcept {
  const std::size_t root = keep_root ? plan_->steps_.size() - 1 : plan_->steps_.size();
  const auto destroy = [&](std::size_t index) {
    const Step& step = plan_->steps_[index];
    if (step.info->destroy && index != root) step.info->destroy(at(step.slot));
  };
  if (async_) {
    for (std::uint32_t i = async_->made; i-- > 0;) destroy(async_->order()[i]);
  } else {
    for (auto i = plan_->destroyed_.rbegin(); i != plan_->destroyed_.rend(); ++i) {
      if (*i < next_) destroy(*i);
    }
  }
  for (auto i = plan_->values_destroyed_.rbegin(); i != plan_->values_destroyed_.rend(); ++i) {
    if (*i < values_made_) plan_->values_[*i].info->destroy(at(plan_->values_[*i].slot));
  }
}

[[gnu::always_inline]] inline void Resolver::release() noexcept {
  const Plan& plan = *plan_;
  const bool is_on_stack = plan.fits_stack_ && exchange_;
  this->~Resolver();
  if (!is_on_stack) BlockPool::give(this, plan.bytes_);
}

}  // namespace umbel::detail
