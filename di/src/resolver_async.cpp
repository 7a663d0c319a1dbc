// SPDX-License-Identifier: MIT
// A request that has something in flight: what is started when, and what comes back.
#include <algorithm>
#include <new>
#include <utility>

#include "run_state.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

namespace {

// RFC 9110 section 9.2.1: nobody misses what a safe request would have done.
bool is_safe(Method method) noexcept {
  return method == Method::get || method == Method::head || method == Method::options;
}

bool reserve(const Admission& admission, Context& context) noexcept {
  return admission.lane ? admission.lane->reserve(admission.width) : context.pool().reserve(admission.width);
}

void unreserve(const Admission& admission, Context& context) noexcept {
  if (admission.lane) admission.lane->unreserve(admission.width);
  else context.pool().unreserve(admission.width);
}

}  // namespace

void Resolver::enter_async(std::size_t done) noexcept {
  if (async_) return;
  open_account(done);
  if (exchange_) async_->stopped.link(exchange_->stop_token());
}

/// The first `done` steps are made.
void Resolver::open_account(std::size_t done) noexcept {
  const bool waits_for_body = plan_->reads_body_ && (exchange_ || plan_->has_models());
  std::uint32_t gate = plan_->step_count_;
  if (waits_for_body || plan_->checks_body_ || !plan_->permits_.empty() || invalid()) gate = plan_->guard_count_;
  if (plan_->guards_need_permits_) gate = 0;
  async_ = ::new (at(plan_->async_)) AsyncState{*this, plan_->steps_.size(), gate};
  async_->has_body = !waits_for_body;
  for (std::size_t i = 0; i < done; ++i) {
    async_->make(i);
    AsyncState::set(async_->started(), i);
  }
  for (const std::uint16_t step : plan_->held_) AsyncState::set(async_->held(), step);
}

void Resolver::advance() noexcept {
  if (async_->waits_for_permit) return;
  do {
    start_ready();
    if (async_->in_flight > 0 || async_->tearing_down > 0) return;
    switch (next_stage()) {
      case Stage::again:
        break;
      case Stage::waits:
        return;
      case Stage::over:
        return finish();
    }
  } while (true);
}

/// Starts whatever can start, in declaration order; one pass, since what ends at once makes only later steps ready.
void Resolver::start_ready() noexcept {
  AsyncState& async = *async_;
  for (std::size_t i = 0; i < std::min(limit_, async.gate); ++i) {
    if (AsyncState::test(async.started(), i) || AsyncState::test(async.held(), i)) continue;
    if (plan_->policy_ == Policy::sequential && async.in_flight > lazy_waiters()) break;
    if (is_ready(i)) start(plan_->steps_[i]);
  }
}

/// Nodes that are in flight only because they wait for others.
std::uint32_t Resolver::lazy_waiters() const noexcept {
  std::uint32_t count = 0;
  for (const LazyWaiter* waiter = async_->lazy; waiter; waiter = waiter->next_waiter) ++count;
  return count;
}

/// Nothing is in flight: the stage is over, or the request is.
Resolver::Stage Resolver::next_stage() noexcept {
  AsyncState& async = *async_;
  if (async.gate == plan_->step_count_ || limit_ < plan_->step_count_) return Stage::over;
  if (plan_->guards_need_permits_ && async.gate < plan_->guard_count_) {
    if (!take_permits()) return Stage::waits;
    return async.gate = plan_->guard_count_, Stage::again;
  }
  if (invalid() && (async.has_body || !plan_->has_models())) return Stage::over;
  if (!async.has_body) {
    async.has_body = true;
    if (!collect_body()) return Stage::waits;
    check_body();
    if (limit_ < plan_->step_count_ || invalid()) return Stage::over;
  }
  if (!take_permits()) return Stage::waits;
  return async.gate = plan_->step_count_, Stage::again;
}

// --- what is limited ------------------------------------------------------------------------------------------------

/// A place for every job that can be away at once, or no user code runs at all.
bool Resolver::admit() noexcept {
  for (const Admission& admission : plan_->admissions_) {
    if (reserve(admission, context())) continue;
    for (const Admission* before = plan_->admissions_.data(); before != &admission; ++before)
      unreserve(*before, context());
    HttpError full{503, "Too many requests wait for a worker"};
    fail_request(std::make_unique<Error>(std::move(full).header("retry-after", "1")));
    return false;
  }
  async_->is_admitted = true;
  return true;
}

/// Nothing will be submitted any more but clean-ups, which need no place.
void Resolver::give_places_back() noexcept {
  if (!std::exchange(async_->is_admitted, false)) return;
  for (const Admission& admission : plan_->admissions_) unreserve(admission, context());
}

/// All that the request will hold, before it holds any: in one order for all requests, so that none waits for another
/// in a circle. False: it has to be waited for.
bool Resolver::take_permits() noexcept {
  AsyncState& async = *async_;
  while (async.permits_taken < plan_->permits_.size()) {
    if (!plan_->permits_[async.permits_taken].semaphore->acquire(context(), async.permit)) {
      async.waits_for_permit = true;
      return false;
    }
    async.permits_held |= std::uint64_t{1} << async.permits_taken++;
  }
  return true;
}

void Resolver::permitted(Semaphore::Waiter& waiter) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<Semaphore::Waiter>&>(waiter).resolver;
  AsyncState& async = *resolver.async_;
  async.waits_for_permit = false;
  async.permits_held |= std::uint64_t{1} << async.permits_taken++;
  resolver.advance();
}

void Resolver::give_permit_back(std::size_t index) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << index;
  if (!(async_->permits_held & bit)) return;
  async_->permits_held &= ~bit;
  plan_->permits_[index].semaphore->release();
}

/// Of resources that were never made.
void Resolver::give_unused_permits_back() noexcept {
  for (std::size_t i = 0; i < plan_->permits_.size(); ++i) {
    if (!is_made(plan_->permits_[i].step)) give_permit_back(i);
  }
}

// --- steps ----------------------------------------------------------------------------------------------------------

bool Resolver::is_ready(std::size_t index) const noexcept {
  const std::uint64_t* needs = plan_->need_mask(index);
  if (const std::uint16_t number = plan_->region_of_[index]; number != Plan::no_region) {
    const Region& region = plan_->regions_[number];
    if (region.steps.front() != index) return false;  // It goes with its region.
    needs = region.needs.data();
  }
  return async_->are_done(needs);
}

void Resolver::start(const Step& step) noexcept {
  if (!plan_->soft_.empty() && inherits_failure(step)) return;
  if (step.info->runs_on_worker()) return start_region(plan_->regions_[plan_->region_of_[step.index]]);
  AsyncState::set(async_->started(), step.index);
  ErrorBox error;
  const Status status = plan_->observer_ ? run_watched(step, error) : step.run(*this, step, error);
  switch (status) {
    case Status::done:
      return make(step.index);
    case Status::failed:
      return fail(step.index, std::move(error));
    case Status::pending:
      return suspend(step);
  }
}

void Resolver::make(std::size_t index) noexcept {
  async_->make(index);
  if (plan_->observer_) tell(Moment::finished, plan_->steps_[index]);
  if (!plan_->last_uses_.empty()) close_unused();
  if (async_->lazy) wake_lazy();
}

/// The step's coroutine will tell when it has ended.
void Resolver::listen(const Step& step) noexcept {
  auto& run = *static_cast<NodeRun*>(at(step.env));
  run.late.Ending::function = node_ended;
  run.late.resolver = this;
  run.late.step = &step;
  if (plan_->blocked_after_ == Duration::zero()) return;
  run.late.Watch::function = was_resumed;
  run.env.watch = &run.late;
}

void Resolver::suspend(const Step& step) noexcept {
  listen(step);
  AsyncState::set(async_->started(), step.index);
  ++async_->in_flight;
  if (plan_->observer_) tell(Moment::suspended, step);
  if (async_->cancelled) [[unlikely]]
    static_cast<NodeRun*>(at(step.env))->env.stop.request_stop();  // The peer had left before anybody listened.
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
  Resolver& resolver = *static_cast<AsyncState::Part<Work>&>(work).resolver;
  resolver.async_->queued = false;
  if (std::exchange(resolver.async_->waits_for_body, false)) resolver.check_body();
  resolver.settle_arrived();
  resolver.go_on();
}

/// Whatever came back has been settled.
void Resolver::go_on() noexcept {
  if (async_->phase == Phase::resolving) advance();
  else if (async_->phase != Phase::kept && async_->tearing_down == 0) end();
}

void Resolver::settle_arrived() noexcept {
  NodeRun::Late* oldest = nullptr;
  for (NodeRun::Late* late = std::exchange(async_->arrived, nullptr); late;) {
    NodeRun::Late* const next = std::exchange(late->next_arrived, oldest);
    oldest = late;
    late = next;
  }
  while (oldest) settle(*std::exchange(oldest, oldest->next_arrived));
}

void Resolver::settle(NodeRun::Late& late) noexcept {
  const Step& step = *late.step;
  ErrorBox error;
  const Status status = late.settle(late.coroutine, at(step.slot), error, step);
  if (AsyncState::test(async_->closing(), step.index)) return closed(step, end_closing(step, std::move(error)));
  --async_->in_flight;
  if (status == Status::done) make(step.index);
  else fail(step.index, std::move(error));
}

// --- the work queue -------------------------------------------------------------------------------------------------

void Resolver::start_region(const Region& region) noexcept {
  auto& run = *::new (at(region.record)) RegionRun{*this, region, execute_region, region_returned};
  for (const std::uint16_t step : region.steps) AsyncState::set(async_->started(), step);
  if (plan_->observer_) watch_region(run);
  ++async_->in_flight;
  submit(region.lane, context(), run.trip);  // Never refused: it has a place.
}

void Resolver::execute_region(Job& job) noexcept {
  RegionRun& run = *static_cast<RegionRun::Trip&>(job).run;
  const Step* const steps = run.resolver.plan_->steps_.data();
  for (const std::uint16_t index : run.region.steps) {
    if (run.times) {
      run.times[run.made] = Clock::now();
      if (run.fault && run.fault_at == run.made) return run.error.swap(run.fault);
    }
    if (index >= run.limit.load(std::memory_order_relaxed)) return;
    const Status status = steps[index].run(run.resolver, steps[index], run.error);
    if (run.times) run.times[run.made + 1] = Clock::now();
    if (status != Status::done) return;
    ++run.made;
  }
}

void Resolver::region_returned(Job& job) noexcept {
  RegionRun& run = *static_cast<RegionRun::Trip&>(job).run;
  Resolver& resolver = run.resolver;
  resolver.finish_region(run);
  // Somebody may be queued to do the same for us; both see the same account.
  resolver.settle_arrived();
  if (!resolver.async_->queued) resolver.go_on();
}

void Resolver::finish_region(RegionRun& run) noexcept {
  --async_->in_flight;
  for (std::uint32_t i = 0; i < run.made; ++i) async_->make(run.region.steps[i]);
  if (run.times) tell_region(run);
  run.fault.reset();
  if (run.error) fail_quietly(run.region.steps[run.made], std::move(run.error));
  if (!plan_->last_uses_.empty()) close_unused();
  if (async_->lazy) wake_lazy();
}

// --- Lazy and Try ---------------------------------------------------------------------------------------------------

/// The node, and all that it needs and nobody else has asked for, may start.
bool Resolver::demand(std::uint16_t step) noexcept {
  if (AsyncState::test(async_->done(), step)) return true;
  if (!AsyncState::test(async_->held(), step)) return false;
  AsyncState::clear(async_->held(), step);
  for (const std::uint16_t need : plan_->edges_[step]) demand(need);
  return false;
}

void Resolver::await(LazyWaiter& waiter) noexcept {
  waiter.next_waiter = async_->lazy;
  async_->lazy = &waiter;
  enqueue();
  wake_lazy();
}

void Resolver::wake_lazy() noexcept {
  LazyWaiter* waiter = std::exchange(async_->lazy, nullptr);
  while (waiter) {
    LazyWaiter* const next = waiter->next_waiter;
    const bool is_settled = AsyncState::test(async_->done(), waiter->step);
    const bool never = waiter->step >= limit_ && !AsyncState::test(async_->started(), waiter->step);
    if (is_settled || never || waiter->is_stopped) {
      context().enqueue(*waiter);
    } else {
      waiter->next_waiter = async_->lazy;
      async_->lazy = waiter;
    }
    waiter = next;
  }
}

bool Resolver::is_made(std::uint16_t step) const noexcept {
  return AsyncState::test(async_->done(), step) && !AsyncState::test(async_->soft(), step);
}

bool Resolver::is_closing(std::uint16_t step) const noexcept { return AsyncState::test(async_->closing(), step); }

bool Resolver::is_ending() const noexcept { return async_->phase != Phase::resolving; }

const Error* Resolver::failure(Input input) const noexcept {
  if (!trouble_) return nullptr;
  const Failed* const failed = trouble_->soft_failure(input.at.step);
  return failed ? failed->error.get() : nullptr;
}

/// A failure that nobody suffers from but those who try.
bool Resolver::fail_softly(std::size_t index, ErrorBox& error) noexcept {
  if (!plan_->is_soft(index) || index >= limit_) return false;
  trouble().soft.push_back({index, std::move(error)});
  AsyncState::set(async_->started(), index);
  AsyncState::set(async_->done(), index);
  AsyncState::set(async_->soft(), index);
  if (!plan_->last_uses_.empty()) close_unused();
  if (async_->lazy) wake_lazy();
  return true;
}

/// A node that is only tried cannot run when what it takes has failed: it has failed in the same way.
bool Resolver::inherits_failure(const Step& step) noexcept {
  for (std::size_t i = 0; i < step.info->need_count; ++i) {
    const Need& need = step.info->needs[i];
    if (need.source != Source::node || need.take == Take::attempt || need.take == Take::lazy) continue;
    const std::size_t needed = step.inputs[i].at.step;
    if (!AsyncState::test(async_->soft(), needed)) continue;
    auto error = std::make_unique<Error>(*trouble_->soft_failure(needed)->error);
    return fail_softly(step.index, error);
  }
  return false;
}

// --- failure and cancellation ---------------------------------------------------------------------------------------

Trouble& Resolver::trouble() {
  if (!trouble_) trouble_ = new Trouble;
  return *trouble_;
}

/// Before any node ran: nothing will.
void Resolver::fail_request(ErrorBox error) noexcept {
  trouble().failed.push_back({Failed::no_step, std::move(error)});
  limit_ = 0;
}

/// The first failure in declaration order wins: what is declared before it runs on, since it may still win.
void Resolver::fail(std::size_t index, ErrorBox error) noexcept {
  if (plan_->observer_) tell_failed(plan_->steps_[index], context().now(), *error);
  fail_quietly(index, std::move(error));
}

/// Whether a node has only done what it was asked to.
bool Resolver::was_stopped(std::size_t index, const Error& error) const noexcept {
  return (index > limit_ || async_cancelled()) && error.is_cancelled();
}

/// The node has had its last moment.
void Resolver::fail_quietly(std::size_t index, ErrorBox error) noexcept {
  if (was_stopped(index, *error)) return;
  if (async_ && fail_softly(index, error)) return;
  trouble().failed.push_back({index, std::move(error)});
  if (index >= limit_) return;
  limit_ = static_cast<std::uint32_t>(index);
  if (async_) stop_from(index + 1);
}

void Resolver::stop_from(std::size_t index) noexcept {
  for (std::size_t i = index; i < plan_->steps_.size(); ++i) {
    if (!AsyncState::test(async_->started(), i) || AsyncState::test(async_->done(), i)) continue;
    const Step& step = plan_->steps_[i];
    if (step.kind == NodeKind::coroutine || step.kind == NodeKind::resource)
      static_cast<NodeRun*>(at(step.env))->env.stop.request_stop();
    if (!step.info->runs_on_worker()) continue;
    auto& run = *static_cast<RegionRun*>(at(step.env));
    run.limit.store(
        std::min<std::uint32_t>(run.limit.load(std::memory_order_relaxed), static_cast<std::uint32_t>(index)),
        std::memory_order_relaxed);
    if (run.region.steps.front() != i) continue;
    run.env.stop.request_stop();
    run.trip.withdraw();
  }
  if (async_->lazy) wake_lazy();
}

/// The peer left, or the server cannot wait any longer.
void Resolver::stopped(StopCallback& callback) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<StopCallback>&>(callback).resolver;
  const Exchange* const exchange = resolver.exchange_;
  const CancelReason reason = exchange ? exchange->stop_reason() : CancelReason::disconnected;
  if (reason == CancelReason::disconnected && exchange) {
    const OnDisconnect usual = is_safe(exchange->request().method()) ? OnDisconnect::cancel : OnDisconnect::finish;
    if (resolver.plan_->on_disconnect_.value_or(usual) == OnDisconnect::finish) return;
  }
  resolver.cancel(reason);
}

void Resolver::too_late(Timer& timer) noexcept {
  Resolver& resolver = *static_cast<AsyncState::Part<Timer>&>(timer).resolver;
  resolver.cancel(CancelReason::deadline);
}

void Resolver::cancel(CancelReason reason) noexcept {
  if (std::exchange(async_->cancelled, true)) return;
  async_->reason = reason;
  limit_ = 0;
  env_.stop.request_stop();
  stop_from(0);
  if (async_->waits_for_body && exchange_->withdraw_body()) {
    async_->waits_for_body = async_->queued = false;
    enqueue();
  }
  if (!async_->waits_for_permit || !plan_->permits_[async_->permits_taken].semaphore->withdraw(async_->permit)) return;
  async_->waits_for_permit = false;
  enqueue();
}

}  // namespace umbel::detail
