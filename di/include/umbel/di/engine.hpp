// SPDX-License-Identifier: MIT
#pragma once
// One App on one Context: how code that has requests of its own, or none at all, uses the graph.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/service_call.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/di/app.hpp"

namespace umbel {

namespace detail {

class Opening;

/// A request from another thread. Belongs to itself.
class Submission {
public:
  /// Null: the engine takes none any more.
  using Function = void (*)(Submission& submission, Opening* opening) noexcept;
  explicit Submission(Function function) noexcept : function_(function) {}
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

private:
  friend class Opening;
  Function function_;
  Submission* next_ = nullptr;
};

/// What an App shares on a Context, on its way, and who uses it there. Outlives its Engine if it has to: until all that
/// was begun is over.
class Opening final : Notice, Call::Keeper, ServiceUser {
public:
  static Opening& begin(App& app, Context& context);
  /// The Engine goes: what was opened is closed, when it is there and nobody uses it.
  void end() noexcept;
  /// Takes no submissions any more, and asks what is in flight to stop.
  void stop() noexcept;

  /// False: `work` is enqueued when it is.
  bool is_over(Work& work);
  const Error* failure() const noexcept { return failure_.get(); }

  template <class AnyRequest>
  ServiceCall handle(AnyRequest&& request) {
    Call& call = Call::make(service());
    call.ask(std::forward<AnyRequest>(request));
    call.keep_to_the_end(*this);
    return ServiceCall{call};
  }
  void submit(Submission& submission) noexcept;  // Any thread.
  void begin_call() noexcept { ++in_flight_; }
  void end_call() noexcept;
  std::size_t in_flight() const noexcept { return in_flight_ - takes_; }
  /// Who answers: the App, or somebody who says that it is gone.
  Service& service() noexcept;
  /// False: it was destroyed before us.
  bool has_app() const noexcept { return has_app_; }
  Context& context() noexcept { return context_; }

private:
  struct Closed : Notice {
    explicit Closed(Opening& o) noexcept : Notice(told), opening(o) {}
    static void told(Notice& notice, const Error*) noexcept { static_cast<Closed&>(notice).opening.leave(); }
    Opening& opening;
  };
  struct Taker : Work {
    explicit Taker(Opening& o) noexcept : Work(run), opening(o) {}
    static void run(Work& work) noexcept { static_cast<Taker&>(work).opening.take_submissions(); }
    Opening& opening;
  };

  Opening(App& app, Context& context) noexcept : Notice(told), app_(app), context_(context) {}
  static void told(Notice& notice, const Error* error) noexcept;
  void on_begun(Call& call) noexcept override;
  void on_over(Call& call) noexcept override;
  Context& home() noexcept override { return context_; }
  void stop_using() noexcept override;
  void take_submissions() noexcept;
  void close_if_unused() noexcept;
  void delete_if_unused() noexcept;
  void leave() noexcept;

  App& app_;
  Context& context_;
  std::vector<Work*> waiting_;
  std::unique_ptr<Error> failure_;
  IntrusiveList<Call, &Call::kept_link> calls_;  // Begun.
  std::size_t in_flight_ = 0;                    // These, providers that are called, and `takes_`.
  std::size_t takes_ = 0;                        // How often `take_submissions` is on the stack.
  bool is_over_ = false;
  bool is_stopped_ = false;
  bool is_given_up_ = false;  // The App is let go as soon as nobody uses it.
  bool is_closing_ = false;
  bool has_app_ = true;
  bool has_engine_ = true;
  std::atomic<Submission*> submitted_{nullptr};  // The newest first.
  Taker taker_{*this};
  Closed closed_{*this};
};

/// Awaits one provider's value. Lives in the awaiting expression.
template <auto& provider>
class ProviderCall final : Caller {
public:
  using T = Made<provider>;

  ProviderCall(Opening& opening, const Plan& plan, const Request& request) noexcept
      : opening_(opening), plan_(plan), request_(request) {}

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() {
    opening_.begin_call();
    resume_.call = begin_.call = this;
    if (!opening_.is_over(begin_)) return false;
    begin();
    return has_ended_;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  T await_resume() {
    if (error_) error_->rethrow();
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

private:
  struct Part : Work {
    using Work::Work;
    ProviderCall* call = nullptr;
  };

  void begin() noexcept {
    if (const Error* const failure = opening_.failure()) return ended(std::make_unique<Error>(*failure), {});
    Resolver::call(plan_, *env_->context, request_, StopToken{env_->stop}, *this);
  }
  void take([[maybe_unused]] void* slot) override {
    if constexpr (!std::is_void_v<T>) value_.emplace(std::move(*static_cast<T*>(plan_.root_value(slot))));
  }
  void ended(ErrorBox error, std::string_view) noexcept override {
    error_ = std::move(error);
    has_ended_ = true;
    opening_.end_call();
    if (waiting_) env_->context->enqueue(resume_);
  }
  static void run(Work& work) noexcept {
    ProviderCall& call = *static_cast<Part&>(work).call;
    resume(*call.env_, call.waiting_);
  }
  static void run_begin(Work& work) noexcept { static_cast<Part&>(work).call->begin(); }

  using Kept = std::conditional_t<std::is_void_v<T>, char, T>;
  Opening& opening_;
  const Plan& plan_;
  const Request request_;
  Env* env_ = nullptr;
  std::optional<Kept> value_;
  ErrorBox error_;
  bool has_ended_ = false;
  std::coroutine_handle<> waiting_;
  Part begin_{run_begin};
  Part resume_{run};
};

}  // namespace detail

/// One App on one Context. Makes the App start and open, and closes it in the end: what the App shares on the Context
/// is made before the first request, and torn down by turns of the loop after the Engine is gone. On the Context's
/// thread, but for `submit` and `post`.
///
/// An Engine outlives what it has begun: an assertion in debug builds of the library. In others what is in flight goes
/// on to its end, and the App is closed behind it; submissions that were not begun are answered with 503. Destroyed on
/// another thread it waits for a turn of the Context's, which is an assertion in debug builds, too.
///
///     Engine engine{app, loop.context()};
///     Response response = co_await engine.handle(request);     // the whole pipeline, no socket
///     Price price = co_await engine.call<price_of>(request);   // one provider and what it needs
class Engine {
public:
  /// Throws StartError as `App::start` does. Neither is owned.
  Engine(App& app, Context& context);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// `co_await` gives the Response; errors are replies already. What `request` refers to outlives the await; for routes
  /// whose replies are streams, which go on when the await has ended, give an OwnedRequest.
  ServiceCall handle(const Request& request) { return opening_.handle(request); }
  /// The same with a request that is kept until all is done.
  ServiceCall handle(OwnedRequest request) { return opening_.handle(std::move(request)); }

  /// Answers an exchange of a transport of one's own; returns when the answer may still be under way.
  void handle(Exchange& exchange) noexcept { opening_.service().serve(exchange); }

  /// `co_await` gives what `provider` makes, with its whole graph; `request` is where parameters come from, and
  /// outlives the await. Throws what the graph throws, ValidationError if the request is wrong, Cancelled. Throws
  /// StartError at once if the graph needs a State that the App lacks, or a Path. The value is moved out and the rest
  /// of the graph is gone when it arrives: a view of what another node made would dangle.
  template <auto& provider>
  detail::ProviderCall<provider> call(const Request& request = Request{}) {
    static_assert(!detail::node_of<provider>->is_shared(),
                  "umbel: what lives as long as the App or its Context is nobody's to take: call a provider that takes "
                  "it by Depends");
    return detail::ProviderCall<provider>{opening_, plan_of(*detail::node_of<provider>), request};
  }

  /// Throws StartError now, and not at its first call, if `provider` cannot be called.
  template <auto& provider>
  void prepare() {
    static_cast<void>(plan_of(*detail::node_of<provider>));
  }

  /// Has `request` handled on the Context's thread, and calls `done(Response)` there, once. Any thread. `done` must not
  /// throw. What the loop has not begun when the Engine stops, or is destroyed, is answered with 503. A reply that is
  /// made while it is sent has a source, which is pulled there, too.
  template <class Done>
  void submit(OwnedRequest request, Done done);
  /// The same for an asynchronous operation of another library's.
  void submit(detail::Submission& submission) noexcept { opening_.submit(submission); }
  /// The same for who waits: the reply with its whole body. Any thread but the Context's, which would wait for itself:
  /// std::logic_error, and an assertion in debug builds, if its own work calls.
  /// A body that breaks off is a 500.
  std::future<Response> post(OwnedRequest request);

  /// From now on what is submitted is answered with 503; what is in flight is asked to stop, for
  /// CancelReason::shutdown, and gets its replies in its own time. A host calls it when its patience is over:
  /// `context.post([&]() noexcept { engine.stop(); })`.
  void stop() noexcept { opening_.stop(); }
  /// How many requests and calls were begun and are not over.
  std::size_t in_flight() const noexcept { return opening_.in_flight(); }

  /// Whose routes it answers.
  App& app() noexcept { return app_; }
  /// Where it answers them.
  Context& context() noexcept { return context_; }

private:
  const detail::Plan& plan_of(const detail::NodeInfo& node);

  struct Called {
    const detail::NodeInfo* node;
    const std::atomic<const detail::Plan*>* plan;
  };

  App& app_;
  Context& context_;
  detail::Opening& opening_;
  std::vector<Called> called_;  // Where the plans are of what `call` was asked for.
};

namespace detail {

template <class Done>
class SubmissionOf final : public Submission {
public:
  SubmissionOf(OwnedRequest&& request, Done&& done)
      : Submission(run), request_(std::move(request)), done_(std::move(done)) {}

private:
  static void run(Submission& submission, Opening* opening) noexcept {
    auto& self = static_cast<SubmissionOf&>(submission);
    if (!opening) return self.end(to_response(Error{HttpError{503}.header("retry-after", "1")}));
    spawn(opening->context(), handle(*opening, std::move(self.request_)), [&self](Result<Response> result) noexcept {
      self.end(result.ok() ? std::move(result).value() : to_response(result.error()));
    });
  }
  static Task<Response> handle(Opening& opening, OwnedRequest request) {
    co_return co_await opening.handle(std::move(request));
  }
  void end(Response response) noexcept {
    Done done = std::move(done_);
    this->~SubmissionOf();
    BlockPool::give(this, sizeof(SubmissionOf));
    done(std::move(response));
  }

  OwnedRequest request_;
  Done done_;
};

}  // namespace detail

template <class Done>
void Engine::submit(OwnedRequest request, Done done) {
  using Submission = detail::SubmissionOf<Done>;
  void* const memory = detail::BlockPool::take(sizeof(Submission));
  opening_.submit(*::new (memory) Submission{std::move(request), std::move(done)});
}

}  // namespace umbel
