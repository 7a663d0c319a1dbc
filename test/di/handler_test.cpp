// SPDX-License-Identifier: MIT
#include "umbel/di/handler.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "../support/live.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/redirect.hpp"
#include "umbel/di/response_head.hpp"

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

Redirect moved(Path<"to"> to) { return Redirect{"/" + std::string{*to}}; }
Result<Redirect> moved_or_not(Query<"ok", bool> ok) {
  if (*ok) return Redirect{"/there", 303};
  return HttpError{404};
}
Task<Redirect> moved_later(ResponseHead& head) {
  head.set_cookie("seen", "1");
  head.status(200);
  co_await sleep(1ms);
  co_return Redirect{"/later", 308};
}

TEST_F(Handlers, MaySendTheClientElsewhere) {
  app.get("/moved/{to}", moved);
  app.get("/result", moved_or_not);
  app.get("/task", moved_later);
  app.get("/loop", on_loop<moved_or_not>);
  app.on_error<std::out_of_range>([](const std::out_of_range&) { return Redirect{"/home"}; });
  app.get("/fails", []() -> Response { throw std::out_of_range{"x"}; });
  const auto answer = [this](std::string target) {
    const auto peer = ask(std::move(target));
    port.advance(1ms);
    return std::to_string(peer->status()) + " " + peer->header("location");
  };

  EXPECT_EQ(answer("/moved/a%0D%0Ab"), "307 /a%0D%0Ab");
  EXPECT_EQ(answer("/result?ok=1"), "303 /there");
  EXPECT_EQ(answer("/result?ok=0"), "404 ");
  EXPECT_EQ(answer("/task"), "308 /later");
  EXPECT_EQ(answer("/loop?ok=1"), "303 /there");
  EXPECT_EQ(answer("/fails"), "307 /home");
  const auto peer = begin("/task");
  port.advance(1ms);
  EXPECT_EQ(peer->header("set-cookie"), "seen=1; Path=/; SameSite=Lax");
}

/// A reply type of the application's own.
class Echo {
public:
  explicit Echo(std::string text) : text_(std::move(text)) {}
  Response respond(const Request& request) && {
    if (text_.empty()) throw HttpError{409};
    return Response::text(std::string{request.path()} + " " + text_);
  }

private:
  std::string text_;
};

TEST_F(Handlers, MayReturnWhatKnowsItsReply) {
  app.get("/echo", [](Query<"text"> text) { return Echo{std::string{*text}}; });

  EXPECT_EQ(body("/echo?text=hello"), "/echo hello");
  EXPECT_EQ(status("/echo?text="), 409);
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
