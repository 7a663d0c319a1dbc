// SPDX-License-Identifier: MIT
#pragma once
// The reader of one reply.

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "umbel/core/pulling.hpp"
#include "umbel/core/service_call.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/loopback/server.hpp"

namespace umbel::loopback {

/// As a peer gets it: what cannot be sent as a reply is 500, and where none may be there is no body.
inline void mend(Response& response, Method method) noexcept {
  response.status(response.status_to_send());
  if (method == Method::head || !Response::may_have_body(response.status())) [[unlikely]]
    response.body(Buffer{});
}

/// What reads a reply, and stays until the service is done with the request.
class Incoming::Receiver {
public:
  Receiver(Server& server, detail::Call& call, Response&& response, Method method)
      : server_(server), call_(call), response_(std::move(response)), source_(response_.take_source()) {
    call_.hold();
    mend(response_, method);
    const bool has_body = method != Method::head && Response::may_have_body(response_.status());
    if (source_ && has_body) announced_ = source_->size();
    if (!has_body) drop_source();
    else if (!source_) body_ = response_.body();
    state_ = source_ ? State::open : State::complete;
    if (source_) cut_.link(call.stop_token());
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    cut_.unlink();
    call_.drop();
  }

  Response& response() noexcept { return response_; }
  bool is_complete() const noexcept { return state_ == State::complete && body_.empty(); }

  /// Awaits the next piece.
  class Piece {
  public:
    explicit Piece(Receiver& receiver) noexcept : receiver_(receiver) {}
    void enter(Env& env) noexcept { env_ = &env; }
    bool await_ready() noexcept { return receiver_.pull() || env_->stop.stop_requested(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
      receiver_.waiting_ = waiting;
      receiver_.stopped_.link(StopToken{env_->stop});
    }
    std::string_view await_resume() noexcept {
      if (receiver_.pulling_.is_awaited()) receiver_.break_off();
      return std::exchange(receiver_.body_, {});
    }

  private:
    Receiver& receiver_;
    Env* env_ = nullptr;
  };

  /// Awaits that the service is done with the request.
  class Over {
  public:
    explicit Over(detail::Call& call) noexcept : call_(call) {}
    void enter(Env& env) noexcept { env_ = &env; }
    bool await_ready() const noexcept { return call_.is_over(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { call_.wait(*env_, waiting); }
    void await_resume() const noexcept {}

  private:
    detail::Call& call_;
    Env* env_ = nullptr;
  };
  Over over() noexcept { return Over{call_}; }

  /// Nobody reads any more: ends itself.
  void leave() noexcept {
    drop_source();
    if (call_.is_over() && !pulling_.is_forgotten()) return delete this;
    ++server_.under_way_;
    spawn(server_.context(), stay(*this), [this](const Result<void>&) noexcept {
      --server_.under_way_;
      delete this;
    });
  }

private:
  enum class State { open, complete, broken };
  struct Reading : Pulling {
    explicit Reading(Receiver& r) noexcept : Pulling(came, go_on), receiver(r) {}
    static void came(Pulling& pulling) noexcept {
      Receiver& receiver = static_cast<Reading&>(pulling).receiver;
      if (receiver.pull()) go_on(pulling);
    }
    static void go_on(Pulling& pulling) noexcept {
      Receiver& receiver = static_cast<Reading&>(pulling).receiver;
      receiver.stopped_.unlink();
      if (receiver.waiting_) std::exchange(receiver.waiting_, nullptr).resume();
    }
    Receiver& receiver;
  };
  struct Stopped : StopCallback {
    explicit Stopped(Receiver& r) noexcept : StopCallback(stop), receiver(r) {}
    static void stop(StopCallback& callback) noexcept { static_cast<Stopped&>(callback).receiver.break_off(); }
    Receiver& receiver;
  };

  // Awaits that the source has nothing of ours any more.
  class Forgotten {
  public:
    explicit Forgotten(Receiver& receiver) noexcept : receiver_(receiver) {}
    bool await_ready() const noexcept { return !receiver_.pulling_.is_forgotten(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept { receiver_.waiting_ = waiting; }
    void await_resume() const noexcept {}

  private:
    Receiver& receiver_;
  };
  static Task<> stay(Receiver& receiver) {
    co_await receiver.over();
    co_await Forgotten{receiver};
  }

  // False if it has to be waited for.
  bool pull() noexcept {
    if (!source_ || !body_.empty()) return true;
    switch (pulling_.pull(server_.context(), *source_, body_)) {
      case Pulled::chunk:
        received_ += body_.size();
        if (announced_ && received_ > *announced_) break_off();
        return true;
      case Pulled::pending:
        return false;
      case Pulled::end:
        if (announced_ && received_ < *announced_) break;
        state_ = State::complete;
        drop_source();
        return true;
      case Pulled::failed:
        break;
    }
    break_off();
    return true;
  }
  void break_off() noexcept {
    state_ = State::broken;
    drop_source();
  }
  void drop_source() noexcept {
    cut_.unlink();
    pulling_.forget(server_.context());
    source_.reset();
    if (state_ == State::broken) body_ = {};
  }

  Server& server_;
  detail::Call& call_;
  Response response_;
  BodySourcePtr source_;
  std::optional<std::uint64_t> announced_;
  std::uint64_t received_ = 0;
  std::string_view body_;  // What was not read yet.
  State state_ = State::open;
  std::coroutine_handle<> waiting_;
  Reading pulling_{*this};
  Stopped stopped_{*this};  // Whoever reads is asked to stop.
  Stopped cut_{*this};      // The server stops.
};

}  // namespace umbel::loopback
