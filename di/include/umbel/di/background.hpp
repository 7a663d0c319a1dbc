// SPDX-License-Identifier: MIT
#pragma once
// What is to be done for a request when its reply is sent.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

class Background;

namespace detail {

/// A function with its arguments, until it has run. In recycled memory of its own.
class BackgroundTask {
public:
  /// Once, on the Context's thread. True: it is over. False: `over` is enqueued when it is.
  virtual bool start(Context& context, Work& over) noexcept = 0;
  /// Asks what was started to stop.
  virtual void stop() noexcept = 0;
  /// When it is over: why it failed, or null.
  virtual ErrorBox end() noexcept = 0;
  virtual void destroy() noexcept = 0;

protected:
  BackgroundTask() noexcept = default;
  ~BackgroundTask() = default;

private:
  friend class umbel::Background;
  BackgroundTask* next_ = nullptr;
  bool is_kept_ = false;  // Although the request failed.
};

/// Awaited on the loop.
template <class F, class... Args>
class AwaitedTask final : public BackgroundTask, Ending {
  using T = typename std::invoke_result_t<F&, Args...>::Value;

public:
  template <class... From>
  explicit AwaitedTask(From&&... from) : Ending{ended}, call_(std::forward<From>(from)...) {}

  bool start(Context& context, Work& over) noexcept override {
    over_ = &over;
    env_.context = &context;
    try {
      coroutine_ = std::apply([](F& f, Args&... args) { return f(std::move(args)...); }, call_).release();
    } catch (...) {
      return failed_with_current(error_), true;
    }
    auto& promise = coroutine_.promise();
    promise.env = &env_;
    promise.out = &storage_;
    coroutine_.resume();
    if (coroutine_.done()) return true;
    promise.continuation.set(static_cast<Ending&>(*this));
    return false;
  }
  void stop() noexcept override { env_.stop.request_stop(); }
  ErrorBox end() noexcept override {
    if (!coroutine_) return std::move(error_);
    if (auto& thrown = coroutine_.promise().thrown) {
      failed_with(thrown, error_);
    } else if constexpr (!std::is_void_v<T>) {
      check_slot<T>(&storage_.value, error_);
      if (!error_) storage_.value.~T();
    }
    coroutine_.destroy();
    return std::move(error_);
  }
  void destroy() noexcept override {
    this->~AwaitedTask();
    BlockPool::give(this, sizeof(AwaitedTask));
  }

private:
  static std::coroutine_handle<> ended(Ending& ending) noexcept {
    auto& self = static_cast<AwaitedTask&>(ending);
    self.env_.context->enqueue(*self.over_);
    return std::noop_coroutine();
  }

  std::tuple<F, Args...> call_;
  Env env_;
  Work* over_ = nullptr;
  typename Task<T>::Handle coroutine_;
  Storage<T> storage_;
  ErrorBox error_;
};

/// A plain function, on a worker.
template <class F, class... Args>
class CalledTask final : public BackgroundTask, Job {
  using R = std::invoke_result_t<F&, Args...>;

public:
  template <class... From>
  explicit CalledTask(From&&... from) : Job(execute, finished), call_(std::forward<From>(from)...) {}

  bool start(Context& context, umbel::Work& over) noexcept override {
    context_ = &context;
    over_ = &over;
    if (context.submit(*this)) return false;
    set_class(JobClass::cleanup);  // What was promised is not refused.
    context.submit(*this);
    return false;
  }
  void stop() noexcept override { withdraw(); }
  ErrorBox end() noexcept override {
    if (!executed()) return std::make_unique<Error>(std::make_exception_ptr(Cancelled{}));
    return std::move(error_);
  }
  void destroy() noexcept override {
    this->~CalledTask();
    BlockPool::give(this, sizeof(CalledTask));
  }

private:
  void call() noexcept {
    const auto apply = [](F& f, Args&... args) -> R { return f(std::move(args)...); };
    try {
      if constexpr (Returned<R>::is_result) {
        R result = std::apply(apply, call_);
        if (!result.ok()) error_ = std::make_unique<Error>(std::move(result).error());
      } else {
        static_cast<void>(std::apply(apply, call_));
      }
    } catch (...) {
      failed_with_current(error_);
    }
  }
  static void execute(Job& job) noexcept { static_cast<CalledTask&>(job).call(); }
  static void finished(Job& job) noexcept {
    auto& self = static_cast<CalledTask&>(job);
    self.context_->enqueue(*self.over_);
  }

  std::tuple<F, Args...> call_;
  Context* context_ = nullptr;
  umbel::Work* over_ = nullptr;  // Job has a base of that name, and hides it.
  ErrorBox error_;
};

/// A provider with all that it needs, in a scope of its own.
class GraphTask final : public BackgroundTask, Caller {
public:
  GraphTask(const NodeInfo& provider, const CallPlans* calls, const Request& request) noexcept
      : provider_(provider), calls_(calls), request_(request) {}

  bool start(Context& context, Work& over) noexcept override;
  void stop() noexcept override { stop_.request_stop(); }
  ErrorBox end() noexcept override { return std::move(error_); }
  void destroy() noexcept override;

private:
  void take(void*) override {}
  void ended(ErrorBox error, std::string_view node) noexcept override;

  const NodeInfo& provider_;
  const CallPlans* calls_;
  const Request& request_;
  StopSource stop_;
  Context* context_ = nullptr;
  Work* over_ = nullptr;
  bool has_started_ = false;  // `start` has returned, or is about to.
  bool has_ended_ = false;
  ErrorBox error_;
};

template <class R>
inline constexpr bool is_task = Returned<R>::is_coroutine;

template <class F, class... Args>
using BackgroundTaskOf =
    std::conditional_t<is_task<std::invoke_result_t<F&, Args...>>, AwaitedTask<F, Args...>, CalledTask<F, Args...>>;

}  // namespace detail

/// A parameter, by reference, to which a node adds what is to be done after the reply.
///
///     Task<void> send_mail(std::string to, std::string text);      // awaited on the loop
///     void count(State<Metrics> metrics, std::string name);        // plain: on a worker
///
///     Response sign_up(Query<"mail"> mail, State<Metrics> metrics, Background& background) {
///       background.add(send_mail, std::string{*mail}, "Welcome");
///       background.add_always(count, metrics, "sign_up");
///
/// Tasks of all nodes and the handler make one queue, in declaration order of the nodes. They run one after the other,
/// when the reply's last byte is sent or the peer is gone, and before resources of Lifetime::request are torn down, so
/// that they may use these, and views into the request; what lives as long as the handler is gone. The peer's leaving
/// does not stop them. One that fails, by an exception or a Result, stops no other; no resource hears of it, but
/// `Observer::late_error` does, with "background" as the node.
///
/// If the request fails they are dropped, but for those that were added as `always`; likewise those of a node whose
/// failure is only a value (Try, Lazy). What a tear-down adds after the reply is dropped, too. When the server's drain
/// deadline is over, the one that runs is asked to stop, and those that wait are dropped; late_error hears of each, as
/// Cancelled. A full work queue refuses no function that was added.
///
/// Over HTTP/1.1 the connection's next request waits for them, and so does the caller of `Engine::call`: what takes
/// long belongs into a queue of one's own.
///
/// Takes no memory until used. Used by its node alone, on whatever thread it runs, and by the tasks that run; valid
/// until these are over.
class Background {
public:
  /// A unit test may make it, too, to look at what a node did.
  Background() noexcept = default;
  /// The resolver does.
  Background(const detail::CallPlans* calls, const Request& request) noexcept : calls_(calls), request_(&request) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

  /// Adds a call of `f` with copies of `args`, which are moved into it: a coroutine function that returns a Task, or a
  /// plain one. `f` may be a lambda with captures.
  template <class F, class... Args>
  void add(F&& f, Args&&... args) {
    push(make(std::forward<F>(f), std::forward<Args>(args)...), false);
  }
  /// The same, whatever becomes of the request.
  template <class F, class... Args>
  void add_always(F&& f, Args&&... args) {
    push(make(std::forward<F>(f), std::forward<Args>(args)...), true);
  }

  /// Adds a call of a provider, with all that it depends on: resources are opened for it, and torn down when it is
  /// over, though the request's are there still. Parameters come from the request, but for a Path. What it makes is
  /// dropped. The App's overrides hold, but not those of an OverrideSet.
  ///
  ///     background.call<send_confirmation>();   // Task<void> send_confirmation(Depends<open_mailer>, Query<"to">)
  ///
  /// `late_error` hears of what fails, invalid parameters, a missing State and a full work queue included.
  template <auto& provider>
  void call() {
    push(make_call(*detail::node_of<provider>), false);
  }
  /// The same, whatever becomes of the request.
  template <auto& provider>
  void call_always() {
    push(make_call(*detail::node_of<provider>), true);
  }

  /// Nothing was added.
  bool empty() const noexcept { return !first_; }

private:
  friend class detail::Resolver;

  template <class F, class... Args>
  static detail::BackgroundTask* make(F&& f, Args&&... args) {
    using Function = std::decay_t<F>;
    constexpr bool can_be_called = std::is_invocable_v<Function&, std::decay_t<Args>...>;
    static_assert(
        can_be_called,
        "umbel: a background task is a function and its arguments, of which it gets copies: write "
        "background.add(send_mail, address), not background.add(send_mail(address)). What it should share goes "
        "in as a pointer or std::ref, and outlives the request");
    if constexpr (can_be_called) {
      using R = std::invoke_result_t<Function&, std::decay_t<Args>...>;
      static_assert(!detail::Returned<R>::is_resource,
                    "umbel: a background task is a plain function, or a coroutine that returns a Task");
      using Made = detail::BackgroundTaskOf<Function, std::decay_t<Args>...>;
      static_assert(alignof(Made) <= detail::BlockPool::granule,
                    "umbel: a background task's arguments are aligned to 64 at the most");
      void* const memory = detail::BlockPool::take(sizeof(Made));
      try {
        return ::new (memory) Made{std::forward<F>(f), std::forward<Args>(args)...};
      } catch (...) {
        detail::BlockPool::give(memory, sizeof(Made));
        throw;
      }
    } else {
      return nullptr;
    }
  }

  detail::BackgroundTask* make_call(const detail::NodeInfo& provider);
  void push(detail::BackgroundTask* task, bool is_kept) noexcept;
  /// The first, which is no longer ours; null if there is none.
  detail::BackgroundTask* take() noexcept;
  enum class Drop : std::uint8_t { ordinary, all };
  void drop(Drop which) noexcept;

  const detail::CallPlans* calls_ = nullptr;
  const Request* request_ = nullptr;
  detail::BackgroundTask* first_ = nullptr;
  detail::BackgroundTask* last_ = nullptr;
};

namespace detail {
template <>
inline bool make_own<Background>(Resolver& resolver, std::uint32_t, void* slot) {
  ::new (slot) Background{resolver.calls(), resolver.request()};
  return true;
}
}  // namespace detail

template <>
struct ParameterTraits<Background&> : detail::OwnTraits<Background, detail::Source::background, "Background"> {};

}  // namespace umbel
