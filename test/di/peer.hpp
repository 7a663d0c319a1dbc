// SPDX-License-Identifier: MIT
#pragma once
// An App on a port that the test turns, and peers that ask it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
  void leave() noexcept { stop_.request_stop(); }

  /// From now on the body has to be waited for.
  void hold_body() noexcept {
    is_held_ = true;
    request_.set_body({});
  }
  void deliver_body(std::string_view body) noexcept {
    request_.set_body(body);
    if (waits_) context_->enqueue(*waits_);
  }
  void fail_body(int status) noexcept {
    body_error_ = status;
    if (waits_) context_->enqueue(*waits_);
  }
  bool body_was_asked_for() const noexcept { return was_asked_for_; }

  bool collect_body(Work& ready) noexcept override {
    was_asked_for_ = true;
    if (!is_held_ || body_error_) return true;
    waits_ = &ready;
    return false;
  }
  void reply(Response&& response) noexcept override {
    ++replies_;
    response_.emplace(std::move(response));
  }

  std::size_t replies() const noexcept { return replies_; }
  /// Throws if there is none.
  const Response& response() const { return response_.value(); }
  /// 0 while there is no reply.
  int status() const noexcept { return response_ ? response_->status() : 0; }
  std::string body() const { return std::string{response().body()}; }
  std::string header(std::string_view name) const { return std::string{response().header(name).value_or("")}; }

private:
  OwnedRequest asked_;
  std::optional<Response> response_;
  Work* waits_ = nullptr;
  std::size_t replies_ = 0;
  bool is_held_ = false;
  bool was_asked_for_ = false;
};

/// An App, its Context, and time that stands still.
class TestApp {
public:
  /// Begins a request; nothing is stepped.
  std::unique_ptr<Peer> begin(OwnedRequest request) {
    app.start(port.context());
    auto peer = std::make_unique<Peer>(port.context(), std::move(request));
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
