// SPDX-License-Identifier: MIT
#include "umbel/di/handler.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "../support/live.hpp"
#include "journal.hpp"
#include "peer.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Handlers : public ::testing::Test, public TestApp {};

Result<Response> teapot(Query<"ok", bool> ok) {
  if (*ok) return Response::text("tea");
  return HttpError{418};
}
Task<Result<Response>> late_teapot(Query<"ok", bool> ok) {
  co_await sleep(1ms);
  if (*ok) co_return Response::text("tea");
  co_return HttpError{418};
}
Result<std::string> text_or_not(Query<"ok", bool> ok) {
  if (*ok) return std::string{"text"};
  return HttpError{418};
}
Result<void> nothing_or_not(Query<"ok", bool> ok) {
  if (*ok) return {};
  return HttpError{418};
}
Task<void> nothing_later() { co_await sleep(1ms); }

TEST_F(Handlers, AnswerWithWhatTheyReturn) {
  app.get("/response", teapot);
  app.get("/late", late_teapot);
  app.get("/text", text_or_not);
  app.get("/nothing", nothing_or_not);
  app.get("/later", nothing_later);
  app.get("/literal", [] { return "literal"; });
  const auto answer = [this](std::string target) {
    const auto peer = ask(std::move(target));
    port.advance(1ms);
    return std::to_string(peer->status()) + " " + peer->body();
  };

  EXPECT_EQ(answer("/response?ok=1"), "200 tea");
  EXPECT_EQ(answer("/late?ok=1"), "200 tea");
  EXPECT_EQ(answer("/text?ok=1"), "200 text");
  EXPECT_EQ(answer("/nothing?ok=1"), "204 ");
  EXPECT_EQ(answer("/later"), "204 ");
  EXPECT_EQ(answer("/literal"), "200 literal");
  for (const char* target : {"/response?ok=0", "/late?ok=0", "/text?ok=0", "/nothing?ok=0"})
    EXPECT_EQ(answer(target), R"(418 {"detail":""})") << target;
  EXPECT_EQ(ask("/literal")->response().content_type(), "text/plain; charset=utf-8");
}

TEST_F(Handlers, MayCapture) {
  const LiveCheck live;
  {
    TestApp test;
    const Live captured{"captured"};
    test.app.get("/plain", [captured](Query<"n", int> n) { return captured.text() + std::to_string(*n); });
    test.app.get("/late", [captured]() -> Task<std::string> {
      co_await sleep(1ms);
      co_return captured.text();
    });

    EXPECT_EQ(test.body("/plain?n=1"), "captured1");
    const auto peer = test.begin("/late");
    test.port.advance(1ms);
    EXPECT_EQ(peer->body(), "captured");
  }
  EXPECT_TRUE(live.ok());
}

TEST_F(Handlers, MayMoveIn) {
  app.get("/", [owned = std::make_unique<int>(7)] { return std::to_string(*owned); });

  EXPECT_EQ(body("/"), "7");
}

TEST_F(Handlers, MayBeFunctors) {
  struct Greets {
    std::string greeting;
    std::string operator()(Path<"name"> name) const { return greeting + std::string{*name}; }
  };
  app.get("/{name}", Greets{"hello "});

  EXPECT_EQ(body("/you"), "hello you");
}

int provider_and_handler_base() { return 3; }
std::string provider_and_handler(Depends<provider_and_handler_base> base) { return std::to_string(*base); }
Task<std::string> uses_a_handler(Depends<provider_and_handler> other) { co_return *other + "!"; }

TEST_F(Handlers, MayBeProvidersElsewhere) {
  app.get("/1", provider_and_handler);
  app.get("/2", uses_a_handler);

  EXPECT_EQ(body("/1"), "3");
  EXPECT_EQ(body("/2"), "3!");
}

}  // namespace
}  // namespace umbel::test
