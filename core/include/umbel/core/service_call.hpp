// SPDX-License-Identifier: MIT
#pragma once
// A Service that is asked in process: by an Engine, by what stands around a service, by the loopback transport.

#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "umbel/core/buffer.hpp"
#include "umbel/core/intrusive_list.hpp"
#include "umbel/core/pulling.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/service.hpp"
#include "umbel/core/task.hpp"

namespace umbel {
namespace detail {

/// One exchange in process. Counted, in recycled memory: lives as long as somebody awaits it, as the service has it,
/// and as the body of its reply is not dropped.
class Call final : public Exchange {
public:
  /// Whoever has the reply sent.
  class Sender {
  public:
    /// The service has held its reply: `call.was_sent()` is called when it is sent.
    virtual void on_held(Call& call) noexcept = 0;
    /// A call that was held is released.
    virtual void on_released(Call& call) noexcept = 0;

  protected:
    ~Sender() = default;
  };

  /// Whoever keeps account of calls.
  class Keeper {
  public:
    /// The service is about to get the call.
    virtual void on_begun(Call&) noexcept {}
    /// The service is done with the call, which may be gone then.
    virtual void on_over(Call& call) noexcept = 0;

  protected:
    ~Keeper() = default;
  };

  /// The caller's, who drops it.
  static Call& make(Service& service);
  void hold() noexcept { ++holders_; }
  void drop() noexcept;

  // Before `begin`.
  /// What `request` refers to stays until the call is over.
  void ask(const Request& request) noexcept { request_ = request; }
  void ask(OwnedRequest&& request) { request_ = kept_.emplace(std::move(request)).view(); }
  /// The request has no body of its own: what comes from `body`, from `outer`, or nothing.
  void forget_body() noexcept { request_.set_body({}); }
  void take_body(BodySourcePtr body) noexcept {
    is_fed_ = body != nullptr;
    feed_ = std::move(body);
  }
  /// Another service than the one that it was made for.
  void turn_to(Service& service) noexcept { service_ = &service; }
  /// How large a body of its own may be, if the service does not say so.
  void set_usual_limit(std::uint64_t bytes) noexcept { usual_limit_ = bytes; }
  /// Whose stop, deadline, variant and body are ours, and who sends our reply. Both stay until the call is over.
  void stand_behind(Exchange& outer, Sender& sender) noexcept;
  /// Who is told of its end. Stays until then.
  void keep(Keeper& keeper) noexcept { keeper_ = &keeper; }
  /// The same, and nobody gets the reply before that, unless it has a source.
  void keep_to_the_end(Keeper& keeper) noexcept { keeper_ = &keeper, answers_early_ = false; }
  Link<Call> kept_link;  // The keeper's.

  /// Asks the service. `stop` is looked at until the reply is taken.
  void begin(Context& context, StopToken stop) noexcept;
  /// There is a reply, and unless it has a source, or somebody else sends or keeps it, the service is done with the
  /// request.
  bool is_answered() const noexcept {
    return response_ && (sender_ || (keeper_ && answers_early_) || carried_.source || is_over_);
  }
  /// The service is done with the request.
  bool is_over() const noexcept { return is_over_; }
  /// `waiting` is resumed when the call is answered; or if it is already, when it is over.
  void wait(Env& env, std::coroutine_handle<> waiting) noexcept {
    env_ = &env;
    waiting_ = waiting;
  }
  Response take_reply() noexcept;
  /// Asks the service to stop. Not behind the call's end.
  void cancel(CancelReason reason) noexcept;
  void was_sent() noexcept;
  Call* next_held = nullptr;  // The sender's.

  bool collect_body(Work& ready) noexcept override;
  Pulled read_body(std::string_view& chunk, Work& ready) noexcept override;
  bool withdraw_body() noexcept override;
  void reply(Response&& response) noexcept override;
  void reply_and_hold(Response&& response, Work& sent) noexcept override;
  void release() noexcept override;

private:
  template <class Base>
  struct Part : Base {
    Part(typename Base::Function function, Call& c) noexcept : Base(function), call(c) {}
    Call& call;
  };
  struct BodyCame : Pulling {
    explicit BodyCame(Call& c) noexcept : Pulling(feed_came, feed_forgotten), call(c) {}
    Call& call;
  };
  /// The body of the reply, as it is handed on.
  struct Carried final : BodySource {
    explicit Carried(Call& c) noexcept : call(c) {}
    Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept override;
    void drop() noexcept override;
    std::optional<std::uint64_t> size() const noexcept override { return source->size(); }
    Call& call;
    BodySource* source = nullptr;
    bool has_ended = false;
  };

  explicit Call(Service& service) noexcept : service_(&service) {}
  ~Call() = default;

  static void stop(StopCallback& callback) noexcept;
  static void outer_body_came(Work& work) noexcept;
  static void feed_came(Pulling& pulling) noexcept;
  static void feed_forgotten(Pulling& pulling) noexcept;
  static void resume(Work& work) noexcept;

  std::uint64_t limit() const noexcept { return body_limit_ == Exchange::usual_limit ? usual_limit_ : body_limit_; }
  bool has_outer_body() const noexcept { return outer_ && !is_fed_ && !own_body_.data(); }
  void pass_limit() noexcept;
  void copy_outer_body() noexcept;
  Pulled pull_feed(std::string_view& chunk) noexcept;
  bool collect_feed() noexcept;
  void drop_feed() noexcept;
  void take(Response&& response) noexcept;
  void tell_sent() noexcept;
  void end() noexcept;
  void wake() noexcept;

  Service* service_;
  Exchange* outer_ = nullptr;
  Sender* sender_ = nullptr;
  Keeper* keeper_ = nullptr;
  int holders_ = 1;
  bool is_held_ = false;
  bool was_sent_ = false;
  bool is_over_ = false;
  bool is_collecting_ = false;
  bool is_fed_ = false;
  bool answers_early_ = true;  // If there is a keeper.
  Env* env_ = nullptr;         // Of who waits.
  std::coroutine_handle<> waiting_;
  std::coroutine_handle<> waking_;  // In the queue.
  std::optional<OwnedRequest> kept_;
  std::optional<Response> response_;
  Work* sent_ = nullptr;
  Work* body_ready_ = nullptr;
  std::string_view own_body_;
  std::uint64_t usual_limit_ = Exchange::usual_limit;
  std::uint64_t received_ = 0;
  BodySourcePtr feed_;
  Buffer collected_;
  Carried carried_{*this};
  BodyCame feed_came_{*this};
  Part<StopCallback> stopped_{stop, *this};
  Part<Work> outer_body_came_{outer_body_came, *this};
  Part<Work> resume_{resume, *this};
};

}  // namespace detail

/// Awaits a service's reply to a request, as a transport of its own would: `co_await` gives the Response, and never
/// throws. If its body is still to be made, it ends as soon as the reply is there: whoever has the Response pulls, or
/// drops the body with it. Being asked to stop before tells the service that the peer has left.
class [[nodiscard]] ServiceCall {
public:
  /// What `request` refers to outlives the await; and if the reply has a source, the exchange, which ends when it can
  /// after that was dropped: give an OwnedRequest to a service that may make such replies.
  ServiceCall(Service& service, const Request& request) : ServiceCall(detail::Call::make(service)) {
    call_->ask(request);
  }
  /// A call of the service with that request, which it keeps. The service is not owned.
  ServiceCall(Service& service, OwnedRequest request) : ServiceCall(detail::Call::make(service)) {
    call_->ask(std::move(request));
  }
  /// Takes over what the caller has of the call.
  explicit ServiceCall(detail::Call& call) noexcept : call_(&call) {}
  ServiceCall(ServiceCall&& other) noexcept : call_(std::exchange(other.call_, nullptr)), env_(other.env_) {}
  ServiceCall& operator=(ServiceCall&&) = delete;
  ~ServiceCall() {
    if (call_) call_->drop();
  }

  /// For transports. Before the await, and as long as this lives.
  detail::Call& call() const noexcept { return *call_; }

  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() noexcept {
    call_->begin(*env_->context, StopToken{env_->stop});
    return call_->is_answered();
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { call_->wait(*env_, waiting); }
  Response await_resume() noexcept { return call_->take_reply(); }

private:
  detail::Call* call_;
  Env* env_ = nullptr;
};

}  // namespace umbel
