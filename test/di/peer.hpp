// SPDX-License-Identifier: MIT
#pragma once
// An App on a port that the test turns, and peers that ask it.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "journal.hpp"
#include "umbel/di/app.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::test {

/// A transport of one request: the test delivers its body and makes its peer leave.
class Peer final : public Exchange {
public:
  Peer(Context& context, OwnedRequest asked) : asked_(std::move(asked)) {
    request_ = asked_.view();
    context_ = &context;
  }

  void ask(Service& service) noexcept { service.serve(*this); }
  void leave() noexcept { cancel(CancelReason::disconnected); }
  void cancel(CancelReason reason) noexcept {
    if (!stop_.stop_requested()) stop_reason_ = reason;
    stop_.request_stop();
  }
  void set_deadline(Time when) noexcept { deadline_ = when; }

  /// From now on the body has to be waited for.
  void hold_body() noexcept {
    is_held_ = true;
    request_.set_body({});
  }
  void deliver_body(std::string_view body) noexcept {
    request_.set_body(body);
    if (waits_) context_->enqueue(*std::exchange(waits_, nullptr));
  }
  void fail_body(int status) noexcept {
    body_error_ = status;
    if (waits_) context_->enqueue(*std::exchange(waits_, nullptr));
  }
  bool withdraw_body() noexcept override { return std::exchange(waits_, nullptr) != nullptr; }
  std::uint64_t body_limit() const noexcept { return body_limit_; }
  bool body_was_asked_for() const noexcept { return was_asked_for_; }

  bool collect_body(Work& ready) noexcept override {
    was_asked_for_ = true;
    if (!is_held_ || body_error_) return true;
    waits_ = &ready;
    return false;
  }
  void reply(Response&& response) noexcept override { take("reply", std::move(response)); }

  /// From now on the last byte does not leave by itself.
  void hold_sent() noexcept { keeps_sent_ = true; }
  void deliver_sent() noexcept {
    write("sent");
    context_->enqueue(*std::exchange(sent_, nullptr));
  }
  void reply_and_hold(Response&& response, Work& sent) noexcept override {
    take("hold", std::move(response));
    sent_ = &sent;
    holds_ = true;
    if (!keeps_sent_ && !response_->source()) deliver_sent();
  }

  /// The next piece of a body that is made while it is sent: its text, or "[end]", "[pending]", "[failed]". The last
  /// byte has left at the end.
  std::string pull() {
    std::string_view chunk;
    switch (response_.value().source()->pull(*context_, chunk, ready_)) {
      case Pulled::chunk:
        write("chunk");
        return std::string{chunk};
      case Pulled::pending:
        return "[pending]";
      case Pulled::end:
        write("END");
        return drop_source(), "[end]";
      case Pulled::failed:
        write("ABORT");
        return drop_source(), "[failed]";
    }
    return {};
  }
  /// It is worth to pull again.
  bool is_ready() noexcept { return std::exchange(ready_.was_run, false); }
  /// As a transport does when the peer leaves in the middle of it, or has asked for the head alone.
  void drop_source() noexcept {
    response_->take_source().reset();
    if (sent_) deliver_sent();
  }
  void release() noexcept override {
    write("release");
    EXPECT_TRUE(std::exchange(holds_, false)) << "nothing was held";
    EXPECT_EQ(sent_, nullptr) << "released before the reply was sent";
  }

  /// Where it writes "reply", "hold", "sent", "release".
  void write_to(Journal& journal) noexcept { journal_ = &journal; }
  /// A reply was made and is not released.
  bool is_held() const noexcept { return holds_; }

  std::size_t replies() const noexcept { return replies_; }
  /// Throws if there is none.
  const Response& response() const { return response_.value(); }
  /// 0 while there is no reply.
  int status() const noexcept { return response_ ? response_->status() : 0; }
  std::string body() const { return std::string{response().body()}; }
  std::string header(std::string_view name) const { return std::string{response().header(name).value_or("")}; }

private:
  struct Ready : Work {
    Ready() noexcept : Work([](Work& work) noexcept { static_cast<Ready&>(work).was_run = true; }) {}
    bool was_run = false;
  };

  void write(std::string_view word) noexcept {
    if (journal_) journal_->write(word);
  }
  void take(std::string_view word, Response&& response) noexcept {
    write(word);
    ++replies_;
    response_.emplace(std::move(response));
  }

  OwnedRequest asked_;
  std::optional<Response> response_;
  Journal* journal_ = nullptr;
  Work* waits_ = nullptr;
  Work* sent_ = nullptr;
  Ready ready_;
  bool keeps_sent_ = false;
  bool holds_ = false;
  std::size_t replies_ = 0;
  bool is_held_ = false;
  bool was_asked_for_ = false;
};

/// An App, its Context, and time that stands still.
class TestApp {
public:
  /// A peer that has not asked yet: `peer->ask(app)`.
  std::unique_ptr<Peer> connect(OwnedRequest request) {
    app.start(port.context());
    return std::make_unique<Peer>(port.context(), std::move(request));
  }
  std::unique_ptr<Peer> connect(std::string target) { return connect(OwnedRequest{Method::get, std::move(target)}); }

  /// Begins a request; nothing is stepped.
  std::unique_ptr<Peer> begin(OwnedRequest request) {
    auto peer = connect(std::move(request));
    peer->ask(app);
    return peer;
  }
  std::unique_ptr<Peer> begin(std::string target) { return begin(OwnedRequest{Method::get, std::move(target)}); }

  /// The same, with workers that run what they get, until it has its reply or only time could help.
  std::unique_ptr<Peer> ask(OwnedRequest request) {
    auto peer = begin(std::move(request));
    run();
    return peer;
  }
  std::unique_ptr<Peer> ask(std::string target) { return ask(OwnedRequest{Method::get, std::move(target)}); }
  int status(std::string target) { return ask(std::move(target))->status(); }
  std::string body(std::string target) { return ask(std::move(target))->body(); }

  /// Everything that needs no time, on workers too.
  void run() {
    do port.run();
    while (port.pool().run_all() > 0);
  }

  App app;
  testing::ManualPort port;
};

}  // namespace umbel::test
