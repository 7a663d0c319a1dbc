// SPDX-License-Identifier: MIT
#include "umbel/core/transport.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;

/// The smallest transport there can be: a function call is a request.
class Calls final : public Transport {
public:
  Calls(Service& service, Context& context) : service_(service), context_(context), opened_(*this), closed_(*this) {}

  void start() {
    service_.start(context_);
    state_ = TransportState::starting;
    service_.open(context_, opened_);
  }

  Capabilities capabilities() const noexcept override { return {.several_peers = true}; }
  TransportState state() const noexcept override { return state_; }
  std::size_t in_flight() const noexcept override { return 0; }
  void when_open(Notice& opened) noexcept override {
    if (state_ == TransportState::ready) opened.tell();
    else openers_.push_back(&opened);
  }
  void drain(const DrainOptions& options, Work& done) override {
    done_ = &done;
    state_ = TransportState::draining;
    service_.draining(context_);
    delay_.start(context_, context_.now() + options.delay);
  }
  void stop() noexcept override {
    state_ = TransportState::draining;
    service_.close(context_, closed_);
  }

private:
  struct Opened : Notice {
    explicit Opened(Calls& c) noexcept : Notice(run), calls(c) {}
    static void run(Notice& notice, const Error* error) noexcept {
      Calls& calls = static_cast<Opened&>(notice).calls;
      calls.state_ = error ? TransportState::stopped : TransportState::ready;
      for (Notice* const opened : std::exchange(calls.openers_, {})) opened->tell(error);
    }
    Calls& calls;
  };
  struct Closed : Notice {
    explicit Closed(Calls& c) noexcept : Notice(run), calls(c) {}
    static void run(Notice& notice, const Error*) noexcept {
      Calls& calls = static_cast<Closed&>(notice).calls;
      calls.state_ = TransportState::stopped;
      if (calls.done_) calls.context_.enqueue(*std::exchange(calls.done_, nullptr));
    }
    Calls& calls;
  };
  struct Delay : Timer {
    explicit Delay(Calls& c) noexcept : Timer(run), calls(c) {}
    static void run(Timer& timer) noexcept { static_cast<Delay&>(timer).calls.stop(); }
    Calls& calls;
  };

  Service& service_;
  Context& context_;
  TransportState state_ = TransportState::stopped;
  std::vector<Notice*> openers_;
  Work* done_ = nullptr;
  Opened opened_;
  Closed closed_;
  Delay delay_{*this};
};

/// Leaves to Service what Service has an answer for.
struct Plain : Service {
  void serve(Exchange&) noexcept override {}
};

struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  int runs = 0;
};
struct Heard : Notice {
  Heard() noexcept : Notice([](Notice& notice, const Error*) noexcept { ++static_cast<Heard&>(notice).times; }) {}
  int times = 0;
};

TEST(Transport, MayServeWhatKnowsNothingOfOpeningAndDraining) {
  testing::ManualPort port;
  Plain service;
  Calls calls{service, port.context()};
  Transport& transport = calls;
  Heard heard;
  Flag done;
  transport.when_open(heard);

  calls.start();
  EXPECT_EQ(heard.times, 1);
  EXPECT_EQ(transport.state(), TransportState::ready);
  transport.drain({.delay = 10ms}, done);
  EXPECT_EQ(transport.state(), TransportState::draining);
  port.advance(9ms);
  EXPECT_EQ(done.runs, 0);
  port.advance(1ms);

  EXPECT_EQ(done.runs, 1);
  EXPECT_EQ(transport.state(), TransportState::stopped);
}

TEST(Transport, PromisesNothingThatItDoesNotSay) {
  constexpr Capabilities none;

  EXPECT_FALSE(none.stream_in || none.stream_out || none.trailers || none.disconnect || none.deadline ||
               none.half_close || none.keep_alive || none.early_refusal || none.several_peers);
}

TEST(DrainOptions, LetGoAtOnceAndGiveRequestsTime) {
  constexpr DrainOptions usual;

  EXPECT_EQ(usual.delay, 0ms);
  EXPECT_EQ(usual.limit, 10s);
}

}  // namespace
}  // namespace umbel
