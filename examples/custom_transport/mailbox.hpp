// SPDX-License-Identifier: MIT
#pragma once
// A transport of one's own: letters come in, one reply goes out for each. A broker's consumer looks like this.

#include <umbel/core/pulling.hpp>
#include <umbel/core/transport_course.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailbox {

/// Status 0: nobody has read the letter.
struct Reply {
  int status = 0;
  std::string headers;  // Lines, each with its CR LF.
  std::string body;
};

struct Letter {
  umbel::OwnedRequest request;
  std::function<void(Reply)> answer;  // Called once, on the Context's thread.
  umbel::Time deadline = umbel::Time::max();
};

struct Limits {
  std::size_t in_flight = 4096;
  std::uint64_t body = 1024 * 1024;
};

// [mailbox]
class Mailbox final : public umbel::TransportCourse {
public:
  /// Both outlive it.
  Mailbox(umbel::Service& service, umbel::Context& context, Limits limits = {})
      : TransportCourse(service, context), limits_(limits) {}
  ~Mailbox() override { finish(); }

  void start() { begin(); }
  void deliver(Letter letter);

  umbel::Capabilities capabilities() const noexcept override { return {.deadline = true, .several_peers = true}; }
  std::size_t in_flight() const noexcept override { return exchanges_.size(); }

private:
  class Exchange;
  void cancel_all() noexcept override;

  Limits limits_;
  std::list<std::unique_ptr<Exchange>> exchanges_;
};
// [mailbox]

// [exchange]
/// One letter. Lives in `exchanges_` until the service has replied, and released it.
class Mailbox::Exchange final : public umbel::Exchange {
public:
  Exchange(Mailbox& box, Letter&& letter) : box_(box), letter_(std::move(letter)) {
    context_ = &box.context();
    deadline_ = letter_.deadline;
    request_ = letter_.request.view();
    body_ = request_.body();
    request_.set_body({});  // Until it is asked for.
  }

  bool collect_body(umbel::Work&) noexcept override {
    const std::uint64_t limit = body_limit_ == usual_limit ? box_.limits_.body : body_limit_;
    if (body_.size() > limit) body_error_ = 413;
    else request_.set_body(body_);
    return true;  // It is here.
  }

  void reply(umbel::Response&& response) noexcept override { send(std::move(response), nullptr); }
  void reply_and_hold(umbel::Response&& response, umbel::Work& sent) noexcept override {
    is_held_ = true;
    send(std::move(response), &sent);
  }
  void release() noexcept override { go(); }

  /// The Mailbox waits no longer.
  void cancel() noexcept {
    if (stop_.stop_requested()) return;
    stop_reason_ = umbel::CancelReason::shutdown;
    stop_.request_stop();
    if (source_) finish(umbel::Pulled::failed);
  }

private:
  void send(umbel::Response&& response, umbel::Work* sent) noexcept {
    sent_ = sent;
    const int status = response.status();
    reply_.status = status >= 200 && status <= 999 ? status : 500;
    if (!response.known_content_type().empty()) {
      reply_.headers = "content-type: " + std::string{response.known_content_type()} + "\r\n";
    }
    reply_.headers += response.header_lines();
    const bool has_body = request_.method() != umbel::Method::head && umbel::Response::may_have_body(reply_.status);
    if (has_body) reply_.body = response.body();
    source_ = response.take_source();
    if (source_ && has_body) return pull();
    source_.reset();
    finish(umbel::Pulled::end);
  }
  void pull() noexcept {
    for (;;) {
      std::string_view chunk;
      const umbel::Pulled pulled = pulling_.pull(*context_, *source_, chunk);
      if (pulled == umbel::Pulled::pending) return;  // `pulling_` calls us again.
      if (pulled != umbel::Pulled::chunk) return finish(pulled);
      reply_.body += chunk;
    }
  }
  void finish(umbel::Pulled end) noexcept {
    const bool is_short = source_ && source_->size() && *source_->size() != reply_.body.size();
    if (end == umbel::Pulled::failed || is_short) reply_ = {.status = 500, .headers = {}, .body = {}};
    const bool is_pulled = pulling_.forget(*context_);
    source_.reset();
    letter_.answer(std::move(reply_));
    if (sent_) context_->enqueue(*std::exchange(sent_, nullptr));
    if (!is_held_ && !is_pulled) go();
  }
  void go() noexcept {
    Mailbox& box = box_;
    if (pulling_.is_forgotten()) return is_held_ = false, void();
    box.exchanges_.remove_if([this](const auto& exchange) { return exchange.get() == this; });
    box.exchange_is_over();
  }

  struct Pulls : umbel::Pulling {
    explicit Pulls(Exchange& e) noexcept
        : Pulling([](umbel::Pulling& self) noexcept { static_cast<Pulls&>(self).exchange.pull(); },
                  [](umbel::Pulling& self) noexcept {
                    Exchange& gone = static_cast<Pulls&>(self).exchange;
                    if (!gone.is_held_) gone.go();
                  }),
          exchange(e) {}
    Exchange& exchange;
  };

  Mailbox& box_;
  Letter letter_;
  std::string_view body_;
  Reply reply_;
  umbel::BodySourcePtr source_;
  Pulls pulling_{*this};
  umbel::Work* sent_ = nullptr;
  bool is_held_ = false;  // The service will release us.
};
// [exchange]

// [deliver]
inline void Mailbox::deliver(Letter letter) {
  if (!lets_in()) return letter.answer({});
  if (exchanges_.size() >= limits_.in_flight) return letter.answer({503, "retry-after: 1\r\n", ""});
  exchanges_.push_back(std::make_unique<Exchange>(*this, std::move(letter)));
  service().serve(*exchanges_.back());  // Perhaps it is over already when this returns.
}

inline void Mailbox::cancel_all() noexcept {
  std::vector<Exchange*> all;
  for (const auto& exchange : exchanges_) all.push_back(exchange.get());
  for (Exchange* const exchange : all) exchange->cancel();  // Which may be over then.
}
// [deliver]

}  // namespace mailbox
