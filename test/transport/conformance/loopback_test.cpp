// SPDX-License-Identifier: MIT
// The conformance kit against the transport in process.
#include <coroutine>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/loopback/server.hpp"
#include "umbel/testing/transport_conformance.hpp"

namespace umbel {
namespace {

using testing::TransportHarness;

/// One request of a peer's. Stays when the peer leaves.
struct Talk {
  Talk(Context& c, const TransportHarness::Question& question)
      : context(c), request(method_from(question.method), question.target), body(c) {
    for (const auto& [name, value] : question.headers) request.header(name, value);
  }

  Context& context;
  OwnedRequest request;
  loopback::Outgoing body;
  StopSource stop;
  TransportHarness::Answer come;  // And not received yet.
  bool has_left = false;
  std::coroutine_handle<> waiting;
};

/// Waits until the peer has received what has come.
class Received {
public:
  explicit Received(Talk& talk) noexcept : talk_(talk) {}
  bool await_ready() const noexcept { return talk_.come.body.empty() || talk_.has_left; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { talk_.waiting = waiting; }
  void await_resume() const noexcept {}

private:
  Talk& talk_;
};

Task<> listen(loopback::Server& server, Talk& talk) {
  loopback::Incoming reply = co_await server.open(std::move(talk.request), talk.body.source());
  talk.come.status = reply.status();
  talk.come.headers = reply.headers();
  for (;;) {
    const std::string piece = co_await reply.read();
    if (piece.empty() || talk.has_left) break;
    talk.come.body += piece;
    co_await Received{talk};
  }
  talk.come.is_complete = reply.is_complete();
  talk.come.is_broken = !reply.is_complete();
}

class LoopbackHarness final : public TransportHarness {
public:
  LoopbackHarness(Service& service, const Limits& limits)
      : server_(service, port_.context(), {.body_limit = limits.body, .in_flight = limits.in_flight}) {}

  Transport& transport() override { return server_; }
  Context& context() override { return port_.context(); }
  void start() override { server_.start(); }
  void turn() override { port_.context().run_ready(); }
  std::unique_ptr<Peer> connect() override { return std::make_unique<Asker>(*this); }

private:
  class Asker final : public Peer {
  public:
    explicit Asker(LoopbackHarness& harness) : harness_(harness) {}
    ~Asker() override {
      if (!talk_) return;
      talk_->has_left = true;
      talk_->stop.request_stop();
      go_on();
    }

    void ask(const Question& question) override {
      talk_ = &harness_.talks_.emplace_back(harness_.context(), question);
      spawn(harness_.context(), listen(harness_.server_, *talk_), [](Result<void>) noexcept {}, StopToken{talk_->stop});
    }
    void send(std::string_view piece) override { talk_->body.send(std::string{piece}), sent_ = piece.size(); }
    void end(const Fields&) override { talk_->body.end(); }
    std::size_t unsent() const override { return talk_->body.untaken() * sent_; }
    void receive(Answer& answer) override {
      if (!talk_) return;
      answer.status = talk_->come.status;
      answer.headers = talk_->come.headers;
      answer.body += std::exchange(talk_->come.body, {});
      answer.is_complete = talk_->come.is_complete;
      answer.is_broken = talk_->come.is_broken;
      go_on();
    }

  private:
    void go_on() {
      if (!talk_->waiting) return;
      talk_->context.post([waiting = std::exchange(talk_->waiting, nullptr)]() noexcept { waiting.resume(); });
    }

    LoopbackHarness& harness_;
    Talk* talk_ = nullptr;
    std::size_t sent_ = 0;  // Bytes of a piece.
  };

  ThreadPool pool_;
  BlockingPort port_{pool_};
  std::list<Talk> talks_;
  loopback::Server server_;
};

const bool loopback_conforms = testing::check_transport<LoopbackHarness>("Loopback");

}  // namespace
}  // namespace umbel
