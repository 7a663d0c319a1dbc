// SPDX-License-Identifier: MIT
#pragma once
// What the cases have in hand: a service that they play, a transport, and peers.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/body_source.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/service.hpp"
#include "umbel/testing/transport_conformance.hpp"

namespace umbel::testing {

using Limits = TransportHarness::Limits;
using Question = TransportHarness::Question;
using Answer = TransportHarness::Answer;
using Fields = TransportHarness::Fields;

/// A Work that counts.
struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  int runs = 0;
};

/// A Notice that remembers.
struct Heard : Notice {
  Heard() noexcept
      : Notice([](Notice& notice, const Error* error) noexcept {
          auto& heard = static_cast<Heard&>(notice);
          ++heard.times;
          if (error) heard.message = error->message();
        }) {}
  int times = 0;
  std::string message;  // Empty: all went well.
};

/// Counts how often an exchange is asked to stop.
class Stops : StopCallback {
public:
  explicit Stops(Exchange& exchange, std::function<void()> then = {})
      : StopCallback([](StopCallback& callback) noexcept {
          auto& stops = static_cast<Stops&>(callback);
          ++stops.times;
          stops.reason = stops.exchange_.stop_reason();
          if (stops.then_) stops.then_();
        }),
        exchange_(exchange),
        then_(std::move(then)) {
    link(exchange.stop_token());
  }
  int times = 0;
  std::optional<CancelReason> reason;
  /// Before the exchange goes.
  void forget() noexcept { unlink(); }
  bool is_of(const Exchange& exchange) const noexcept { return &exchange == &exchange_; }

private:
  Exchange& exchange_;
  std::function<void()> then_;
};

/// The case plays it. What it is asked waits until the case replies, unless `on_serve` does.
class Played final : public Service {
public:
  std::function<void(Exchange&)> on_serve;
  std::function<void(Notice&)> on_open;
  std::function<void(Exchange&)> on_leave;  // The exchange is about to be the transport's again.
  std::function<void()> on_start;
  std::string journal;           // "start open draining close", and what the case writes.
  std::vector<Exchange*> asked;  // In order, and not replied to.
  int served = 0;

  void write(std::string_view word) { (journal += journal.empty() ? "" : " ") += word; }
  /// The n-th that waits.
  Exchange& waiting(std::size_t number = 0) { return *asked.at(number); }
  void reply(Exchange& exchange, Response&& response);
  void reply_and_hold(Exchange& exchange, Response&& response, Work& sent);
  void release(Exchange& exchange);
  /// Whatever still waits.
  void end_all();

  void start(Context&) override;
  void open(Context& context, Notice& opened) noexcept override;
  void draining(Context&) noexcept override { write("draining"); }
  void close(Context&, Notice& closed) noexcept override;
  void serve(Exchange& exchange) noexcept override;

private:
  std::vector<Exchange*> held_;
};

/// How the service gets a body: in pieces, or whole.
class Reader : Work {
public:
  explicit Reader(Exchange& exchange) : Work(came), exchange_(exchange) {}

  void collect();
  /// One piece.
  void read();
  /// And so on, up to the end.
  void read_all() { all_ = true, read(); }

  bool is_pending = false;
  bool is_over = false;  // Ended or failed, or collected.
  bool has_failed = false;
  int wakes = 0;
  std::string body;
  std::vector<std::string> pieces;

private:
  static void came(Work& work) noexcept;
  void take(Pulled pulled, std::string_view chunk);

  Exchange& exchange_;
  bool all_ = false;
  bool collects_ = false;
};

/// A body of a reply, made by the case.
class Source final : public BodySource {
public:
  Source(Context& context, std::vector<std::string> pieces);

  void add(std::string piece);
  void end(Pulled how = Pulled::end);
  void announce(std::uint64_t bytes) { size_ = bytes; }
  /// Makes `piece` for ever, or so often.
  void repeat(std::string piece, std::size_t times);
  BodySourcePtr give() { return BodySourcePtr{this}; }

  int pulls = 0;
  int drops = 0;
  std::size_t made = 0;  // Bytes.
  bool is_awaited() const noexcept { return ready_ != nullptr; }

  Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept override;
  void drop() noexcept override;
  std::optional<std::uint64_t> size() const noexcept override { return size_; }

private:
  void wake();

  Context& context_;
  std::deque<std::string> pieces_;
  std::string current_;
  std::size_t times_ = 1;  // That the first piece is still made.
  Pulled end_ = Pulled::pending;
  std::optional<std::uint64_t> size_;
  Work* ready_ = nullptr;
};

/// A peer, and what it was answered.
class Talk {
public:
  explicit Talk(std::unique_ptr<TransportHarness::Peer> peer) : peer_(std::move(peer)) {}

  void ask(const Question& question) {
    answer = {};
    peer_->ask(question);
  }
  void send(std::string_view piece) { peer_->send(piece); }
  void end(const Fields& trailers = {}) { peer_->end(trailers); }
  std::size_t unsent() const { return peer_->unsent(); }
  void leave() { peer_.reset(); }

  Answer answer;
  bool listens = true;
  bool is_over() const { return answer.is_complete || answer.is_broken; }
  std::optional<std::string> header(std::string_view name) const;
  std::vector<std::string> headers(std::string_view name) const;
  /// "200 body", with what is wrong in front.
  std::string brief() const;

  void listen() {
    if (peer_ && listens) peer_->receive(answer);
  }

private:
  std::unique_ptr<TransportHarness::Peer> peer_;
};

class Scene {
public:
  explicit Scene(MakeHarness make);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene();

  Limits limits;
  Played service;

  Capabilities capabilities() { return transport().capabilities(); }
  Transport& transport() { return harness_->transport(); }
  TransportHarness& harness() { return *harness_; }
  Context& context() { return harness_->context(); }
  /// A transport with these limits, in place of the first.
  void limit(const Limits& chosen);
  /// For another service, in place of `service`.
  void serve(Service& other);
  void start();
  /// Another transport of the service's, beside the first.
  TransportHarness& start_another();
  void destroy_transport();

  Talk& connect() { return connect(*harness_); }
  Talk& connect(TransportHarness& harness) { return talks_.emplace_back(harness.connect()); }
  /// A new peer asks, and sends the body if there is one.
  Talk& ask(Question question, std::string_view body = {});
  Talk& ask(std::string target) { return ask(Question{.target = std::move(target)}); }
  /// And the service has it.
  Exchange& ask_and_wait(Question question = {}, std::string_view body = {});
  Talk& last() { return talks_.back(); }

  Reader& reader(Exchange& exchange) { return readers_.emplace_back(exchange); }
  Source& source(std::vector<std::string> pieces = {}) { return sources_.emplace_back(context(), std::move(pieces)); }
  Flag& flag() { return flags_.emplace_back(); }
  Heard& heard() { return heard_.emplace_back(); }
  Stops& stops(Exchange& exchange, std::function<void()> then = {}) {
    return stops_.emplace_back(exchange, std::move(then));
  }

  void turn();
  /// As often as anything could still happen that needs no time.
  void settle();
  /// Throws if it takes too long.
  void until(std::string_view what, const std::function<bool()>& holds);
  void until_asked(std::size_t number = 1);
  void until_over(Talk& talk);
  void until_over();
  void until_stopped();
  void drain(const DrainOptions& options = {}) { transport().drain(options, flag()); }
  /// Replies to all that is asked by what `make` says.
  void answer_all(std::function<Response(const Request&)> make);
  /// Asks, and takes the reply.
  std::string exchange(Question question, std::string_view body = {});

private:
  MakeHarness make_;
  // What a transport refers to goes after it.
  std::list<Flag> flags_;
  std::list<Heard> heard_;
  std::list<Reader> readers_;
  std::list<Source> sources_;
  std::list<Stops> stops_;
  std::unique_ptr<TransportHarness> harness_;
  std::list<std::unique_ptr<TransportHarness>> others_;
  std::list<Talk> talks_;
};

/// What a case needs of the transport.
struct Need {
  std::string_view name;
  bool Capabilities::* has;
};
inline constexpr Need stream_in{"stream_in", &Capabilities::stream_in};
inline constexpr Need stream_out{"stream_out", &Capabilities::stream_out};
inline constexpr Need trailers{"trailers", &Capabilities::trailers};
inline constexpr Need disconnect{"disconnect", &Capabilities::disconnect};
inline constexpr Need deadline{"deadline", &Capabilities::deadline};
inline constexpr Need keep_alive{"keep_alive", &Capabilities::keep_alive};
inline constexpr Need several_peers{"several_peers", &Capabilities::several_peers};

struct Case {
  const char* name;
  std::vector<Need> needs;
  void (*run)(Scene& scene);
};

std::vector<Case> mapping_cases();
std::vector<Case> streaming_cases();
std::vector<Case> lifecycle_cases();
std::vector<Case> misuse_cases();
std::vector<Case> concurrency_cases();
std::vector<Case> limit_cases();
std::vector<Case> drain_cases();
std::vector<Case> differential_cases();

}  // namespace umbel::testing
