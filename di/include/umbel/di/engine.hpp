// SPDX-License-Identifier: MIT
#pragma once
// One App on one Context: how code that has requests of its own, or none at all, uses the graph.

#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/completion.hpp"
#include "umbel/di/app.hpp"

namespace umbel {

namespace detail {

/// What an App shares on a Context, on its way. Outlives its Engine if it has to.
class Opening : Notice {
public:
  static Opening& begin(App& app, Context& context);
  /// The Engine goes: what was opened is closed, now or when it is there.
  void end() noexcept;

  /// False: `work` is enqueued when it is.
  bool is_over(Work& work);
  const Error* failure() const noexcept { return failure_.get(); }

private:
  struct Closed;
  Opening(App& app, Context& context) noexcept : Notice(told), app_(app), context_(context) {}
  static void told(Notice& notice, const Error* error) noexcept;
  void close() noexcept;

  App& app_;
  Context& context_;
  std::vector<Work*> waiting_;
  std::unique_ptr<Error> failure_;
  bool is_over_ = false;
  bool is_given_up_ = false;
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
/// thread, but for `submit`.
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
  ServiceCall handle(const Request& request) { return ServiceCall{app_, request}; }
  /// The same with a request that is kept until all is done.
  ServiceCall handle(OwnedRequest request) { return ServiceCall{app_, std::move(request)}; }

  /// Answers an exchange of a transport of one's own; returns when the answer may still be under way.
  void handle(Exchange& exchange) noexcept { app_.serve(exchange); }

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

  /// Has `request` handled on the Context's thread, and calls `done(Response)` there. Any thread. `done` must not
  /// throw. The engine outlives the call of `done`, and the loop turns until then.
  template <class Done>
  void submit(OwnedRequest request, Done done);

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

template <class Done>
void Engine::submit(OwnedRequest request, Done done) {
  context_.post([this, request = std::move(request), done = std::move(done)]() mutable {
    auto answer = [](Engine& engine, OwnedRequest owned) -> Task<Response> {
      co_return co_await engine.handle(std::move(owned));
    };
    spawn(context_, answer(*this, std::move(request)),
          [done = std::move(done)](Result<Response> result) mutable noexcept {
            if (result.ok()) done(std::move(result).value());
            else done(to_response(result.error()));
          });
  });
}

}  // namespace umbel
