// SPDX-License-Identifier: MIT
#include "umbel/di/engine.hpp"

#include <cassert>
#include <stdexcept>
#include <string>
#include <utility>

#include "gone.hpp"

namespace umbel {

namespace detail {

Service& Opening::service() noexcept {
  if (has_app_) [[likely]]
    return app_;
  return Gone::instance();
}

Opening& Opening::begin(App& app, Context& context) {
  auto* const opening = new Opening{app, context};
  app.used_by(*opening);
  app.open(context, *opening);
  return *opening;
}

bool Opening::is_over(Work& work) {
  if (!is_over_) waiting_.push_back(&work);
  return is_over_;
}

void Opening::told(Notice& notice, const Error* error) noexcept {
  auto& opening = static_cast<Opening&>(notice);
  opening.is_over_ = true;
  if (error) opening.failure_ = std::make_unique<Error>(*error);
  for (Work* const work : std::exchange(opening.waiting_, {})) opening.context_.enqueue(*work);
  if (error) return opening.leave();
  opening.close_if_unused();
}

void Opening::end() noexcept {
  // What other threads have submitted and nobody has begun. They see to it that they submit nothing behind this.
  is_stopped_ = true;
  if (submitted_.load(std::memory_order_relaxed)) {
    static_cast<void>(context_.withdraw(taker_));
    take_submissions();
  }
  is_given_up_ = true;
  has_engine_ = false;
  if (has_app_) close_if_unused();
  else delete_if_unused();
}

void Opening::stop() noexcept {
  is_stopped_ = true;
  std::vector<Call*> all;
  while (Call* const call = calls_.pop_front()) all.push_back(call);
  for (Call* const call : all) calls_.push_back(*call);
  for (Call* const call : all) call->hold();  // One may end with another.
  for (Call* const call : all) {
    if (!call->is_over()) call->cancel(CancelReason::shutdown);
    call->drop();
  }
}

void Opening::stop_using() noexcept {
  is_given_up_ = true;
  begin_call();
  stop();
  end_call();
}

void Opening::on_begun(Call& call) noexcept {
  calls_.push_back(call);
  ++in_flight_;
}

void Opening::on_over(Call& call) noexcept {
  calls_.remove(call);
  end_call();
}

void Opening::end_call() noexcept {
  if (--in_flight_ > 0) return;
  if (has_app_) close_if_unused();
  else delete_if_unused();
}

// Whoever finds the list empty has what the taker did before: it is not in the Context's queue any more.
void Opening::submit(Submission& submission) noexcept {
  Submission* newest = submitted_.load(std::memory_order_relaxed);
  do {
    submission.next_ = newest;
  } while (
      !submitted_.compare_exchange_weak(newest, &submission, std::memory_order_acq_rel, std::memory_order_relaxed));
  if (!newest) context_.post(static_cast<Work&>(taker_));
}

void Opening::take_submissions() noexcept {
  Submission* taken = submitted_.exchange(nullptr, std::memory_order_acq_rel);
  Submission* oldest = nullptr;
  while (taken) {
    Submission* const next = taken->next_;
    taken->next_ = oldest;
    oldest = taken;
    taken = next;
  }
  // One may end the Engine, and us.
  begin_call();
  ++takes_;
  while (oldest) {
    Submission& submission = *std::exchange(oldest, oldest->next_);
    submission.function_(submission, is_stopped_ ? nullptr : this);
  }
  --takes_;
  end_call();
}

void Opening::close_if_unused() noexcept {
  if (!is_given_up_ || !is_over_ || in_flight_ > 0 || std::exchange(is_closing_, true)) return;
  app_.draining(context_);
  app_.close(context_, closed_);
}

void Opening::delete_if_unused() noexcept {
  if (!has_engine_ && in_flight_ == 0) delete this;
}

void Opening::leave() noexcept {
  has_app_ = false;
  app_.left_by(*this);
  delete_if_unused();
}

}  // namespace detail

Engine::Engine(App& app, Context& context)
    : app_(app), context_(context), opening_((app.start(context), detail::Opening::begin(app, context))) {}

Engine::~Engine() {
  assert(context_.is_here() && "umbel: an Engine is destroyed on another thread than its Context's");
  if (!context_.is_here()) [[unlikely]] {
    std::promise<void> ended;
    context_.post([&]() noexcept { opening_.end(), ended.set_value(); });
    ended.get_future().wait();
    return;
  }
  assert(opening_.in_flight() == 0 && "umbel: an Engine is destroyed while requests or calls of it are in flight");
  opening_.end();
}

namespace {

/// Awaits that a source has more.
class More : public Work {
public:
  More() noexcept : Work(come) {}

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return has_come_; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  void await_resume() const noexcept {}

private:
  static void come(Work& work) noexcept {
    auto& self = static_cast<More&>(work);
    self.has_come_ = true;
    if (self.waiting_) detail::resume(*self.env_, self.waiting_);
  }

  Env* env_ = nullptr;
  bool has_come_ = false;
  std::coroutine_handle<> waiting_;
};

Task<Response> with_whole_body(Context& context, Response response) {
  const BodySourcePtr source = response.take_source();
  Buffer body;
  for (;;) {
    More more;
    std::string_view chunk;
    const Pulled pulled = source->pull(context, chunk, more);
    if (pulled == Pulled::end) break;
    if (pulled == Pulled::failed) throw HttpError{500};
    if (pulled == Pulled::chunk) body.append(chunk);
    else co_await more;
  }
  response.body(std::move(body));
  co_return response;
}

}  // namespace

std::future<Response> Engine::post(OwnedRequest request) {
  if (context_.is_running_here()) [[unlikely]] {
    assert(!"umbel: Engine::post from the Context's own work, which would wait for itself: co_await handle(...)");
    throw std::logic_error{"umbel: Engine::post from the Context's own work, which would wait for itself"};
  }
  std::promise<Response> promise;
  std::future<Response> future = promise.get_future();
  submit(std::move(request), [context = &context_, promise = std::move(promise)](Response response) mutable noexcept {
    if (!response.source()) return promise.set_value(std::move(response));
    spawn(*context, with_whole_body(*context, std::move(response)),
          [promise = std::move(promise)](Result<Response> whole) mutable noexcept {
            promise.set_value(whole.ok() ? std::move(whole).value() : to_response(whole.error()));
          });
  });
  return future;
}

const detail::Plan& Engine::plan_of(const detail::NodeInfo& node) {
  if (!opening_.has_app()) throw StartError{"umbel: the App of this Engine was destroyed"};
  for (const Called& called : called_) {
    if (called.node == &node) return *called.plan->load(std::memory_order_acquire);
  }
  return *called_.emplace_back(Called{&node, &app_.plan_of_call(node)}).plan->load(std::memory_order_acquire);
}

}  // namespace umbel
