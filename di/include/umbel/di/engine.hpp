// SPDX-License-Identifier: MIT
#pragma once
// One App on one Context: how code that has requests of its own, or none at all, uses the graph.

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

/// Awaits one provider's value. Lives in the awaiting expression.
template <auto& provider>
class ProviderCall final : Caller {
public:
  using T = Made<provider>;

  ProviderCall(const Plan& plan, const Request& request) noexcept : plan_(plan), request_(request) {}

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() noexcept {
    resume_.call = this;
    Resolver::call(plan_, *env_->context, request_, StopToken{env_->stop}, *this);
    return has_ended_;
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  T await_resume() {
    if (error_) error_->rethrow();
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

private:
  struct Resume : Work {
    using Work::Work;
    ProviderCall* call = nullptr;
  };

  void take([[maybe_unused]] void* slot) override {
    if constexpr (!std::is_void_v<T>) value_.emplace(std::move(*static_cast<T*>(plan_.root_value(slot))));
  }
  void ended(ErrorBox error, std::string_view) noexcept override {
    error_ = std::move(error);
    has_ended_ = true;
    if (waiting_) env_->context->enqueue(resume_);
  }
  static void run(Work& work) noexcept { static_cast<Resume&>(work).call->waiting_.resume(); }

  using Kept = std::conditional_t<std::is_void_v<T>, char, T>;
  const Plan& plan_;
  const Request request_;
  Env* env_ = nullptr;
  std::optional<Kept> value_;
  ErrorBox error_;
  bool has_ended_ = false;
  std::coroutine_handle<> waiting_;
  Resume resume_{run};
};

}  // namespace detail

/// One App on one Context. Makes the App start. On the Context's thread, but for `submit`.
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

  /// `co_await` gives the Response; errors are replies already. What `request` refers to outlives the await.
  detail::ServiceCall handle(const Request& request) noexcept { return detail::ServiceCall{app_, request, nullptr}; }

  /// Answers an exchange of a transport of one's own; returns when the answer may still be under way.
  void handle(Exchange& exchange) noexcept { app_.serve(exchange); }

  /// `co_await` gives what `provider` makes, with its whole graph; `request` is where parameters come from, and
  /// outlives the await. Throws what the graph throws, ValidationError if the request is wrong, Cancelled. Throws
  /// StartError at once if the graph needs a State that the App lacks, or a Path. The value is moved out and the rest
  /// of the graph is gone when it arrives: a view of what another node made would dangle.
  template <auto& provider>
  detail::ProviderCall<provider> call(const Request& request = Request{}) {
    return detail::ProviderCall<provider>{plan_of(*detail::node_of<provider>), request};
  }

  /// Has `request` handled on the Context's thread, and calls `done(Response)` there. Any thread. `done` must not
  /// throw. The engine outlives the call of `done`, and the loop turns until then.
  template <class Done>
  void submit(OwnedRequest request, Done done);

  App& app() noexcept { return app_; }
  Context& context() noexcept { return context_; }

private:
  const detail::Plan& plan_of(const detail::NodeInfo& node);

  struct Called {
    const detail::NodeInfo* node;
    std::unique_ptr<const detail::Plan> plan;
  };

  App& app_;
  Context& context_;
  std::vector<Called> called_;  // Plans of what `call` was asked for.
};

template <class Done>
void Engine::submit(OwnedRequest request, Done done) {
  context_.post([this, request = std::move(request), done = std::move(done)]() mutable {
    auto answer = [](Engine& engine, OwnedRequest owned) -> Task<Response> {
      co_return co_await engine.handle(owned.view());
    };
    spawn(context_, answer(*this, std::move(request)),
          [done = std::move(done)](Result<Response> result) mutable noexcept {
            if (result.ok()) done(std::move(result).value());
            else done(to_response(result.error()));
          });
  });
}

}  // namespace umbel
