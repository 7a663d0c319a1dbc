// SPDX-License-Identifier: MIT
#pragma once
// A transport of one's own: letters come in, one reply goes out for each. A broker's consumer looks like this.

#include <umbel/core/pulling.hpp>
#include <umbel/core/transport.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
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

class Mailbox final : public umbel::Transport {
public:
  /// Both outlive it.
  Mailbox(umbel::Service& service, umbel::Context& context, Limits limits = {})
      : service_(service), context_(context), limits_(limits) {}
  ~Mailbox() override {
    stop();
    while (state_ != umbel::TransportState::stopped) context_.run_ready();
  }

  void start();
  void deliver(Letter letter);

  umbel::Capabilities capabilities() const noexcept override { return {.deadline = true, .several_peers = true}; }
  umbel::TransportState state() const noexcept override { return state_; }
  std::size_t in_flight() const noexcept override { return exchanges_.size(); }
  void when_open(umbel::Notice& opened) noexcept override;
  void drain(const umbel::DrainOptions& options, umbel::Work& done) override;
  void stop() noexcept override;

private:
  class Exchange;
  /// Something that the Mailbox is told.
  template <class Base>
  struct Part : Base {
    Part(typename Base::Function function, Mailbox& b) noexcept : Base(function), box(b) {}
    Mailbox& box;
  };

  void opened(const umbel::Error* error) noexcept;
  void begin_to_end() noexcept;
  void wait(std::chrono::milliseconds time);
  void time_is_up() noexcept;
  void cancel_all() noexcept;
  void end_if_over() noexcept;
  void ended() noexcept;

  umbel::Service& service_;
  umbel::Context& context_;
  Limits limits_;
  umbel::TransportState state_ = umbel::TransportState::stopped;
  bool is_open_ = false;  // The service is.
  bool lets_in_ = false;
  bool is_closing_ = false;
  std::optional<umbel::Error> failure_;  // Why the service cannot open.
  std::list<std::unique_ptr<Exchange>> exchanges_;
  std::vector<umbel::Notice*> openers_;  // Who waits in `when_open`.
  std::vector<umbel::Work*> enders_;     // And in `drain`.
  std::chrono::milliseconds limit_{0};
  Part<umbel::Timer> timer_{[](umbel::Timer& timer) noexcept { static_cast<Part<umbel::Timer>&>(timer).box.time_is_up(); },
                            *this};
  Part<umbel::Notice> opened_{[](umbel::Notice& notice, const umbel::Error* error) noexcept {
                                static_cast<Part<umbel::Notice>&>(notice).box.opened(error);
                              },
                              *this};
  Part<umbel::Notice> closed_{[](umbel::Notice& notice, const umbel::Error*) noexcept {
                                static_cast<Part<umbel::Notice>&>(notice).box.ended();
                              },
                              *this};
  bool ends_soon_ = false;  // `ending_` is in the queue.
  Part<umbel::Work> ending_{[](umbel::Work& work) noexcept { static_cast<Part<umbel::Work>&>(work).box.end_if_over(); },
                            *this};
};

// [exchange]
/// One letter. Lives in `exchanges_` until the service has replied, and released it.
class Mailbox::Exchange final : public umbel::Exchange {
public:
  Exchange(Mailbox& box, Letter&& letter) : box_(box), letter_(std::move(letter)) {
    context_ = &box.context_;
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
    if (!std::exchange(box.ends_soon_, true)) box.context_.enqueue(box.ending_);
  }

  struct Pulls : umbel::Pulling {
    explicit Pulls(Exchange& e) noexcept
        : Pulling([](umbel::Pulling& self) noexcept { static_cast<Pulls&>(self).exchange.pull(); },
                  [](umbel::Pulling& self) noexcept {
                    Exchange& exchange = static_cast<Pulls&>(self).exchange;
                    if (!exchange.is_held_) exchange.go();
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
  if (!lets_in_) return letter.answer({});
  if (exchanges_.size() >= limits_.in_flight) return letter.answer({503, "retry-after: 1\r\n", ""});
  exchanges_.push_back(std::make_unique<Exchange>(*this, std::move(letter)));
  service_.serve(*exchanges_.back());  // Perhaps it is over already when this returns.
}
// [deliver]

// [start]
inline void Mailbox::start() {
  if (state_ != umbel::TransportState::stopped) return;
  service_.start(context_);  // Throws if it cannot.
  state_ = umbel::TransportState::starting;
  lets_in_ = true;
  failure_.reset();
  service_.open(context_, opened_);
}

inline void Mailbox::opened(const umbel::Error* error) noexcept {
  if (error) failure_ = *error;
  else is_open_ = true;
  for (umbel::Notice* const opener : std::exchange(openers_, {})) opener->tell(error);
  if (!error && state_ == umbel::TransportState::starting) {
    state_ = umbel::TransportState::ready;
  } else if (!error) {  // It was told to end meanwhile.
    service_.draining(context_);
    end_if_over();
  } else {
    stop();
  }
}

inline void Mailbox::when_open(umbel::Notice& opened) noexcept {
  if (is_open_) opened.tell();
  else if (failure_) opened.tell(&*failure_);
  else openers_.push_back(&opened);
}
// [start]

// [drain]
inline void Mailbox::drain(const umbel::DrainOptions& options, umbel::Work& done) {
  if (state_ == umbel::TransportState::stopped) return context_.enqueue(done);
  enders_.push_back(&done);
  begin_to_end();
  limit_ = options.limit;
  wait(lets_in_ ? options.delay : options.limit);
}

inline void Mailbox::begin_to_end() noexcept {
  if (std::exchange(state_, umbel::TransportState::draining) == umbel::TransportState::draining) return;
  if (is_open_) service_.draining(context_);
}

inline void Mailbox::wait(std::chrono::milliseconds time) {
  if (time <= std::chrono::milliseconds::zero()) return time_is_up();
  if (time == std::chrono::milliseconds::max()) return timer_.cancel();
  timer_.start(context_, context_.now() + time);
}

inline void Mailbox::time_is_up() noexcept {
  if (!lets_in_) return cancel_all();
  lets_in_ = false;
  end_if_over();
  if (!is_closing_ && state_ == umbel::TransportState::draining) wait(limit_);
}

inline void Mailbox::stop() noexcept {
  if (state_ == umbel::TransportState::stopped) return;
  begin_to_end();
  lets_in_ = false;
  timer_.cancel();
  cancel_all();
  end_if_over();
}

inline void Mailbox::cancel_all() noexcept {
  std::vector<Exchange*> all;
  for (const auto& exchange : exchanges_) all.push_back(exchange.get());
  for (Exchange* const exchange : all) exchange->cancel();  // Which may be over then.
}

inline void Mailbox::end_if_over() noexcept {
  ends_soon_ = false;
  const bool is_known = is_open_ || failure_;  // The service has opened, or will not.
  if (state_ != umbel::TransportState::draining || lets_in_ || is_closing_ || !is_known || !exchanges_.empty()) return;
  timer_.cancel();
  if (!is_open_) return ended();
  is_closing_ = true;
  service_.close(context_, closed_);
}

inline void Mailbox::ended() noexcept {
  is_open_ = is_closing_ = false;
  state_ = umbel::TransportState::stopped;
  for (umbel::Work* const ender : std::exchange(enders_, {})) context_.enqueue(*ender);
}
// [drain]

}  // namespace mailbox
