// SPDX-License-Identifier: MIT
#include "umbel/di/body_stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class BodyStreams : public ::testing::Test, public TestApp {
protected:
  BodyStreams() { journal().take(); }
};

Task<Response> echo(BodyStream& body) {
  std::string text;
  for (;;) {
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    text += chunk;
  }
  co_return Response::text(text);
}

TEST_F(BodyStreams, AreReadByWhoTakesThem) {
  app.post("/", echo);
  const auto peer = begin(OwnedRequest{Method::post, "/"}.body("whole"));

  EXPECT_EQ(peer->body(), "whole");
}

TEST_F(BodyStreams, AreWaitedFor) {
  app.post("/", echo);
  const auto peer = connect(OwnedRequest{Method::post, "/"});
  peer->hold_body();
  peer->ask(app);

  EXPECT_EQ(peer->replies(), 0u);
  peer->deliver_body("late");
  port.run();
  EXPECT_EQ(peer->body(), "late");
}

TEST_F(BodyStreams, ThatFailThrowTheirStatus) {
  app.post("/", echo);
  const auto peer = connect(OwnedRequest{Method::post, "/"});
  peer->hold_body();
  peer->ask(app);
  peer->fail_body(413);
  port.run();

  EXPECT_EQ(peer->status(), 413);
}

/// Reads after its own time.
Task<Response> reads_late(BodyStream& body, Depends<slow_resource<"s", 10>>) {
  co_return Response::text(co_await body.read());
}

TEST_F(BodyStreams, AreNotAskedForBeforeTheyAreRead) {
  app.post("/", reads_late);
  const auto peer = connect(OwnedRequest{Method::post, "/"});
  peer->hold_body();
  peer->ask(app);

  EXPECT_FALSE(peer->body_was_asked_for());
  port.advance(10ms);
  EXPECT_TRUE(peer->body_was_asked_for());
  peer->deliver_body("x");
  port.run();
  port.advance(10ms);
  EXPECT_EQ(peer->body(), "x");
}

TEST_F(BodyStreams, StopWithTheirReader) {  // Rule 25.
  app.get("/", echo);
  const auto peer = connect("/");
  peer->hold_body();
  peer->ask(app);

  peer->leave();
  port.run();
  EXPECT_EQ(peer->status(), 503);
}

TEST_F(BodyStreams, HaveALimitOfTheirRoute) {
  app.body_limit(10);
  app.post("/small", echo);
  app.post("/large", echo, {.body_limit = 1000});
  app.post("/whole", [](Body<> body) { return std::string{*body}; }, {.body_limit = 20});

  EXPECT_EQ(ask(OwnedRequest{Method::post, "/small"}.body("x"))->body_limit(), 10u);
  EXPECT_EQ(ask(OwnedRequest{Method::post, "/large"}.body("x"))->body_limit(), 1000u);
  EXPECT_EQ(ask(OwnedRequest{Method::post, "/whole"}.body("x"))->body_limit(), 20u);
}

Task<int> also_reads(BodyStream&) { co_return 1; }

TEST_F(BodyStreams, HaveOneReader) {
  app.post("/", [](BodyStream&, Depends<also_reads>) -> Task<Response> { co_return Response{}; });
  app.post("/both", [](BodyStream&, Body<>) -> Task<Response> { co_return Response{}; });

  try {
    app.start(port.context());
    FAIL() << "it started";
  } catch (const StartError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("piece by piece, and so does another node"), std::string::npos) << text;
    EXPECT_NE(text.find("piece by piece, and as a whole, too"), std::string::npos) << text;
  }
}

Task<std::string> first_chunk(BodyStream& body) {
  const std::string_view chunk = co_await body.read();
  co_return std::string{chunk};
}

TEST_F(BodyStreams, AreThereWithoutATransport) {
  Engine engine{app, port.context()};
  OwnedRequest request{Method::post, "/"};
  request.body("here");
  std::string text;
  const auto call = [](Engine& called, const OwnedRequest& asked) -> Task<std::string> {
    co_return co_await called.call<first_chunk>(asked.view());
  };
  spawn(port.context(), call(engine, request), [&](Result<std::string> result) noexcept { text = *result; });
  port.run();
  EXPECT_EQ(text, "here");
}

Task<Response> takes_all(Body<std::string_view> body) { co_return Response::text(std::string{*body}); }

TEST_F(BodyStreams, AreNotWaitedForByWhoWasStoppedBefore) {
  app.post("/", takes_all);
  const auto peer = connect(OwnedRequest{Method::post, "/"});
  peer->hold_body();
  peer->cancel(CancelReason::shutdown);

  peer->ask(app);
  port.run();
  EXPECT_EQ(peer->status(), 503);
}

}  // namespace
}  // namespace umbel::test
