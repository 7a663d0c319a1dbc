// SPDX-License-Identifier: MIT
#pragma once
// An Engine as an asynchronous operation of Boost.Asio's, for whoever has a server on it. Header-only.

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "umbel/core/spawn.hpp"
#include "umbel/di/engine.hpp"

namespace umbel {
namespace detail {

/// The executor of a handler that has none.
struct OnTheContext {};

/// Nobody's work.
struct NoAsioGuard {
  explicit NoAsioGuard(OnTheContext) noexcept {}
};

/// One request. Comes from the initiating thread, runs on the Context's, and ends on the handler's executor.
template <class Handler>
class AsioCall {
public:
  struct Deleter {
    void operator()(AsioCall* call) const noexcept {
      call->~AsioCall();
      BlockPool::give(call, sizeof(AsioCall));
    }
  };
  using Owned = std::unique_ptr<AsioCall, Deleter>;

  template <class H>
  static void start(Engine& engine, OwnedRequest request, H&& handler) {
    void* const memory = BlockPool::take(sizeof(AsioCall));
    Owned call{::new (memory) AsioCall{engine, std::move(request), std::forward<H>(handler)}};
    auto slot = boost::asio::get_associated_cancellation_slot(call->handler_);
    if (slot.is_connected()) slot.template emplace<Canceller>(*call);
    AsioCall& begun = *call.release();  // The Context's, and perhaps over before `post` returns.
    engine.submit(begun.begin_);
  }

private:
  using FindExecutor = boost::asio::associated_executor<Handler, OnTheContext>;
  using Executor = typename FindExecutor::type;
  static constexpr bool ends_on_the_context = std::is_same_v<Executor, OnTheContext>;
  using Guard = std::conditional_t<ends_on_the_context, NoAsioGuard, boost::asio::executor_work_guard<Executor>>;
  using Types = boost::asio::cancellation_type;

  struct Part : Work {
    Part(Function function, AsioCall& c) noexcept : Work(function), call(c) {}
    AsioCall& call;
  };

  struct Begin : Submission {
    explicit Begin(AsioCall& c) noexcept : Submission(begin), call(c) {}
    AsioCall& call;
  };

  struct Canceller {
    explicit Canceller(AsioCall& c) noexcept : call(c) {}
    void operator()(Types type) const noexcept {
      if ((type & (Types::terminal | Types::partial)) != Types::none) call.cancel();
    }
    AsioCall& call;
  };

  struct Delivery {
    void operator()() { deliver(std::move(call)); }
    Owned call;
  };

  template <class H>
  AsioCall(Engine& engine, OwnedRequest&& request, H&& handler)
      : context_(engine.context()),
        request_(std::move(request)),
        handler_(std::forward<H>(handler)),
        guard_(FindExecutor::get(handler_, OnTheContext{})) {}
  ~AsioCall() = default;

  static Task<Response> answer(Opening& opening, OwnedRequest request) {
    co_return co_await opening.handle(std::move(request));
  }

  static void begin(Submission& submission, Opening* opening) noexcept {
    AsioCall& call = static_cast<Begin&>(submission).call;
    if (!opening) {
      call.response_ = to_response(Error{HttpError{503}.header("retry-after", "1")});
      return call.answered();
    }
    const auto done = [&call](Result<Response> result) noexcept {
      call.response_ = result.ok() ? std::move(result).value() : to_response(result.error());
      call.answered();
    };
    spawn(call.context_, answer(*opening, std::move(call.request_)), done, StopToken{call.stop_});
  }

  // On the handler's executor: it is not called when the handler is, nor afterwards.
  void cancel() noexcept {
    const bool is_first = state_.fetch_or(is_cancelled, std::memory_order_acq_rel) == 0;
    if (is_first) context_.post(static_cast<Work&>(cancel_));
  }
  static void run_cancel(Work& work) noexcept {
    AsioCall& call = static_cast<Part&>(work).call;
    call.cancel_has_run_ = true;
    if (call.state_.load(std::memory_order_relaxed) & is_answered) return call.end();
    call.error_ = boost::asio::error::operation_aborted;
    call.stop_.request_stop();
  }

  // A cancellation that comes from now on does nothing; one that is on its way is waited for.
  void answered() noexcept {
    const unsigned before = state_.fetch_or(is_answered, std::memory_order_acq_rel);
    if (before == 0 || cancel_has_run_) end();
  }

  void end() noexcept {
    Owned self{this};
    if constexpr (ends_on_the_context) {
      deliver(std::move(self));
    } else {
      // Of our own: the handler may be called, `run` return and the io_context go while we are still in `defer`.
      const Guard guard = guard_;
      boost::asio::defer(guard.get_executor(), Delivery{std::move(self)});
    }
  }

  // Nothing is left of the call when its handler is called.
  static void deliver(Owned call) {
    auto slot = boost::asio::get_associated_cancellation_slot(call->handler_);
    if (slot.is_connected()) slot.clear();
    Handler handler(std::move(call->handler_));
    const boost::system::error_code error = call->error_;
    Response response = std::move(call->response_);
    call.reset();
    std::move(handler)(error, std::move(response));
  }

  static constexpr unsigned is_cancelled = 1;
  static constexpr unsigned is_answered = 2;

  Context& context_;
  OwnedRequest request_;
  Handler handler_;
  [[no_unique_address]] Guard guard_;
  std::atomic<unsigned> state_{0};
  // The Context's, as long as the call is.
  StopSource stop_;
  bool cancel_has_run_ = false;
  Response response_;
  boost::system::error_code error_;
  Begin begin_{*this};
  Part cancel_{run_cancel, *this};
};

struct StartAsioCall {
  template <class Handler>
  void operator()(Handler&& handler, OwnedRequest request) const {
    AsioCall<std::decay_t<Handler>>::start(*engine, std::move(request), std::forward<Handler>(handler));
  }
  Engine* engine;
};

}  // namespace detail

/// Has `request` handled by the engine, as an asynchronous operation with any of Asio's completion tokens:
///
///     Response response = co_await async_handle(engine, std::move(request), asio::use_awaitable);
///     async_handle(engine, std::move(request), [](boost::system::error_code, Response response) noexcept { ... });
///
/// Any thread. The graph runs on the Context's thread and its workers, the handler on its associated executor, never
/// within this call; if it has none, on the Context's thread, and must not throw.
///
/// Cancelling, by the handler's cancellation slot, terminal or partial, asks the request to stop as if its peer had
/// left. The operation still ends only when everything in flight is joined and torn down; then with
/// `operation_aborted`, and whatever the reply was. A cancellation that comes behind the answer does nothing.
/// There are no other errors: failures are replies.
///
/// The engine outlives the operation, and its loop turns until then; what it has not begun when it stops or goes is
/// answered with 503. If the response's body is still to be made
/// (`Response::source`), it is pulled and dropped on the Context's thread, like its Response: such a handler's executor
/// is one of that thread.
template <BOOST_ASIO_COMPLETION_TOKEN_FOR(void(boost::system::error_code, Response)) Token>
auto async_handle(Engine& engine, OwnedRequest request, Token&& token) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code, Response)>(detail::StartAsioCall{&engine},
                                                                                       token, std::move(request));
}

}  // namespace umbel
