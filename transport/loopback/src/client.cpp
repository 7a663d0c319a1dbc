// SPDX-License-Identifier: MIT
#include "umbel/loopback/client.hpp"

#include <coroutine>

#include "umbel/core/pulling.hpp"
#include "umbel/core/service_call.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/work_pool.hpp"

namespace umbel::loopback {

namespace {

// What a service tells when it has opened or closed.
class Told : public Notice {
public:
  Told() noexcept : Notice(hear) {}
  bool is_told() const noexcept { return is_told_; }
  const std::optional<Error>& error() const noexcept { return error_; }

private:
  static void hear(Notice& notice, const Error* error) noexcept {
    auto& self = static_cast<Told&>(notice);
    self.is_told_ = true;
    if (error) self.error_ = *error;
  }

  bool is_told_ = false;
  std::optional<Error> error_;
};

}  // namespace

/// What reads a reply, and stays until the service is done with the request.
class Incoming::Receiver {
public:
  Receiver(Client& client, detail::Call& call, Response&& response, Method method)
      : client_(client), call_(call), response_(std::move(response)), source_(response_.take_source()) {
    call_.hold();
    const bool has_body = method != Method::head && Response::may_have_body(response_.status());
    if (source_ && has_body) announced_ = source_->size();
    if (!has_body) drop_source();
    else if (!source_) body_ = response_.body();
    state_ = source_ ? State::open : State::complete;
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() { call_.drop(); }

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
    ++client_.under_way_;
    spawn(client_.context(), stay(*this), [this](const Result<void>&) noexcept {
      --client_.under_way_;
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
    switch (pulling_.pull(client_.context(), *source_, body_)) {
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
    pulling_.forget(client_.context());
    source_.reset();
    if (state_ == State::broken) body_ = {};
  }

  Client& client_;
  detail::Call& call_;
  Response response_;
  BodySourcePtr source_;
  std::optional<std::uint64_t> announced_;
  std::uint64_t received_ = 0;
  std::string_view body_;  // What was not read yet.
  State state_ = State::open;
  std::coroutine_handle<> waiting_;
  Reading pulling_{*this};
  Stopped stopped_{*this};
};

void Incoming::Leave::operator()(Receiver* receiver) const noexcept { receiver->leave(); }
int Incoming::status() const noexcept { return receiver_->response().status(); }
std::optional<std::string_view> Incoming::header(std::string_view name) const noexcept {
  return receiver_->response().header(name);
}
std::string_view Incoming::content_type() const noexcept { return receiver_->response().content_type(); }
bool Incoming::is_complete() const noexcept { return receiver_->is_complete(); }

Task<std::string> Incoming::read() {
  const std::string_view piece = co_await Receiver::Piece{*receiver_};
  co_return std::string{piece};
}

void Outgoing::send(std::string piece) {
  if (piece.empty() || is_dropped_) return;
  pieces_.push_back(std::move(piece));
  wake();
}

void Outgoing::finish(Pulled how) noexcept {
  end_ = how;
  wake();
}

void Outgoing::wake() noexcept {
  if (ready_) context_.enqueue(*std::exchange(ready_, nullptr));
}

Pulled Outgoing::pull(Context&, std::string_view& chunk, Work& ready) noexcept {
  if (pieces_.empty()) {
    if (end_ == Pulled::pending) ready_ = &ready;
    return end_;
  }
  taken_ = std::move(pieces_.front());
  pieces_.pop_front();
  chunk = taken_;
  return Pulled::chunk;
}

void Outgoing::drop() noexcept {
  is_dropped_ = true;
  ready_ = nullptr;
}

namespace {

// What a peer would see of it.
std::string_view body_of(const Response& response, Method method) noexcept {
  return method != Method::head && Response::may_have_body(response.status()) ? response.body() : std::string_view{};
}

}  // namespace

Reply::Reply(Response&& response, Method method)
    : status_(response.status()), body_(body_of(response, method)), response_(std::move(response)) {}

Client::Client(Service& service, Options options)
    : service_(service),
      options_(options),
      pool_(std::make_unique<ThreadPool>(ThreadPool::Options{options.threads, options.queue_limit})),
      port_(std::make_unique<BlockingPort>(*pool_)) {
  service_.start(port_->context());
  open_service();
}

Client::~Client() {
  service_.draining(port_->context());
  port_->run_until([&] { return under_way_ == 0; });
  Told closed;
  service_.close(port_->context(), closed);
  port_->run_until([&] { return closed.is_told(); });
}

void Client::open_service() {
  Told opened;
  service_.open(port_->context(), opened);
  port_->run_until([&] { return opened.is_told(); });
  if (opened.error()) throw StartError{opened.error()->message()};
}

Reply Client::post(std::string target, std::string body) {
  OwnedRequest request{Method::post, std::move(target)};
  request.body(std::move(body));
  return send(std::move(request));
}

ServiceCall Client::call(OwnedRequest&& request) const {
  detail::Call& call = detail::Call::make(service_);
  call.ask(std::move(request));
  call.set_usual_limit(options_.body_limit);
  return ServiceCall{call};
}

Task<Incoming> Client::open(OwnedRequest request, BodySourcePtr body) {
  const Method method = request.method();
  ServiceCall asked = call(std::move(request));
  asked.call().take_body(std::move(body));
  Response response = co_await asked;
  co_return Incoming{*new Incoming::Receiver{*this, asked.call(), std::move(response), method}};
}

Task<Reply> Client::ask(OwnedRequest request) {
  const Method method = request.method();
  return receive(call(std::move(request)), method);
}

Task<Reply> Client::receive(ServiceCall asked, Method method) {
  Response response = co_await asked;
  // Most of them. With a source it would not be over.
  if (asked.call().is_over()) [[likely]]
    co_return Reply{std::move(response), method};
  Incoming incoming{*new Incoming::Receiver{*this, asked.call(), std::move(response), method}};
  std::string body;
  for (;;) {
    const std::string_view piece = co_await Incoming::Receiver::Piece{*incoming.receiver_};
    if (piece.empty()) break;
    body += piece;
  }
  co_await incoming.receiver_->over();
  Reply reply{std::move(incoming.receiver_->response()), Method::head};
  reply.body_ = std::move(body);
  reply.is_complete_ = incoming.is_complete();
  co_return reply;
}

}  // namespace umbel::loopback
