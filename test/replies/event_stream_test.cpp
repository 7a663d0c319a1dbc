// SPDX-License-Identifier: MIT
// Events over http1, with a clock that the test turns: what a client that says nothing for long gets, and what is left
// of one that goes.
#include "umbel/core/event_stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/http1/session.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// What was made and not torn down, and how the last one ended.
struct Feeds {
  int open = 0;
  std::string end = "none";
};

Resource<int> open_feed(State<Feeds> feeds) {
  int feed = ++feeds->open;
  const Outcome& outcome = co_yield feed;
  --feeds->open;
  feeds->end = outcome.cancelled() ? "cancelled" : outcome.ok() ? "ok" : "failed";
}

EventStream hourly(Depends<open_feed>) {
  for (;;) {
    co_yield Event{.data = "cuckoo"};
    co_await sleep(1h);
  }
}

EventStream endless(Depends<open_feed>) {
  const std::string data(1000, 'e');
  for (;;) co_yield Event{.data = data};
}

EventStream brief(Depends<open_feed>) { co_yield Event{.data = "once"}; }

/// A session of an App, and its peer.
class Http1Events : public ::testing::Test, private http1::Session::Host {
protected:
  Http1Events() {
    app.state(Feeds{});
    app.get("/hourly", hourly);
    app.get("/endless", endless);
    app.get("/brief", brief);
    app.get("/feeds",
            [](State<Feeds> feeds) -> Task<std::string> { co_return std::to_string(feeds->open) + " " + feeds->end; });
    Notice opened{[](Notice&, const Error*) noexcept {}};
    app.start(port.context());
    app.open(port.context(), opened);
    port.run();
  }
  ~Http1Events() override {
    session.abort();
    Notice closed{[](Notice&, const Error*) noexcept {}};
    port.run();
    app.close(port.context(), closed);
    port.run();
  }
  void on_change() noexcept override {}

  /// What the peer of `of` gets now.
  std::string take(http1::Session& of) {
    std::string taken;
    port.run();
    for (std::string_view output = of.output(); !output.empty(); output = of.output()) {
      taken += output;
      of.consumed(output.size());
      port.run();
    }
    return taken;
  }
  std::string ask(http1::Session& of, std::string_view path) {
    EXPECT_GT(of.feed("GET " + std::string{path} + " HTTP/1.1\r\nhost: a\r\n\r\n"), 0U);
    return take(of);
  }
  /// Asked on a connection of its own.
  std::string feeds() {
    http1::Session other{endpoint, *this};
    std::string reply = ask(other, "/feeds");
    other.abort();
    port.run();
    return reply.substr(reply.find("\r\n\r\n") + 4);
  }

  App app;
  testing::ManualPort port;
  http1::Endpoint endpoint{app, port.context()};
  http1::Session session{endpoint, *this};
};

constexpr std::string_view beat = "3\r\n:\n\n\r\n";  // A chunk with a comment.

TEST_F(Http1Events, BeatWhileNothingIsSaid) {
  const std::string first = ask(session, "/hourly");
  EXPECT_TRUE(first.ends_with("e\r\ndata: cuckoo\n\n\r\n")) << first;

  port.advance(EventStream::heartbeat - 1ms);
  EXPECT_EQ(take(session), "");
  port.advance(1ms);
  EXPECT_EQ(take(session), beat);
  port.advance(EventStream::heartbeat);
  EXPECT_EQ(take(session), beat);
  port.advance(1h - 2 * EventStream::heartbeat);
  const std::string next = take(session);

  EXPECT_NE(next.find("data: cuckoo"), std::string::npos) << next;
  EXPECT_EQ(feeds(), "1 none");
}

TEST_F(Http1Events, EndWhenTheClientLeavesWhileNothingIsSaid) {
  ask(session, "/hourly");

  session.eof();
  port.run();

  EXPECT_EQ(feeds(), "0 cancelled");
  EXPECT_FALSE(session.busy());
}

TEST_F(Http1Events, EndWhenAHeartbeatMeetsAResetConnection) {
  ask(session, "/hourly");

  port.advance(EventStream::heartbeat);
  port.run();
  EXPECT_EQ(session.output(), beat);
  session.abort();
  port.run();

  EXPECT_EQ(feeds(), "0 cancelled");
  port.advance(2h);
  port.run();
  EXPECT_FALSE(session.busy());
}

TEST_F(Http1Events, EndWhenTheClientTakesNoneForTooLong) {
  EXPECT_GT(session.feed("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n"), 0U);
  port.run();
  EXPECT_EQ(feeds(), "1 none");
  EXPECT_EQ(session.wait(), http1::Wait::output);

  session.expire();
  port.run();

  EXPECT_EQ(feeds(), "0 cancelled");
}

TEST_F(Http1Events, EndByThemselves) {
  const std::string reply = ask(session, "/brief");

  EXPECT_TRUE(reply.ends_with("data: once\n\n\r\n0\r\n\r\n")) << reply;
  EXPECT_EQ(feeds(), "0 ok");
  EXPECT_TRUE(session.is_idle());
}

}  // namespace
}  // namespace umbel::test
