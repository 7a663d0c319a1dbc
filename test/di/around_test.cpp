// SPDX-License-Identifier: MIT
#include "umbel/di/around.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "../support/pieces.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class AroundApp : public ::testing::Test, public TestApp {
protected:
  AroundApp() { journal().take(); }
  void wrap(std::string name) {
    app.around([name](const Request& request, Next next) -> Task<Response> {
      journal().write(name + "+");
      Response response = co_await next(request);
      journal().write(name + "-");
      response.header(name, "here");
      co_return response;
    });
  }
};

TEST_F(AroundApp, PutsWhatIsAddedLaterOutside) {
  wrap("inner");
  wrap("outer");
  app.get("/", handler<>);

  const auto peer = ask("/");

  EXPECT_EQ(journal().take(), "outer+ inner+ h inner- outer-");
  EXPECT_EQ(peer->header("inner") + peer->header("outer"), "herehere");
}

TEST_F(AroundApp, WrapsWhatNoRouteAnswers) {
  wrap("x");
  app.get("/", handler<>);

  EXPECT_EQ(ask("/none")->header("x"), "here");
  EXPECT_EQ(ask("/%")->header("x"), "here");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/"})->header("x"), "here");
}

TEST_F(AroundApp, WaitsForWhatTakesTime) {
  wrap("x");
  app.get("/", handler<slow<"s", 10>, plain<"p">>);

  const auto peer = ask("/");
  EXPECT_EQ(peer->status(), 0);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "x+ s+ p s- h x-");
  EXPECT_EQ(peer->replies(), 1u);
}

TEST_F(AroundApp, SeesErrorsAsReplies) {
  wrap("x");
  app.get("/", handler<failing<"f", 409, 10>>);

  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(peer->status(), 409);
  EXPECT_EQ(peer->header("x"), "here");
}

TEST_F(AroundApp, MayAskForSomethingElse) {
  app.around([](const Request& request, Next next) -> Task<Response> {
    const std::string target = "/v2" + std::string{request.target()};
    const Request changed{request.method(), target, request.headers(), request.body()};
    Response response = co_await next(changed);
    co_return response;
  });
  app.get("/v2/{x}", [](Path<"x"> x, Query<"q"> q) { return std::string{*x} + std::string{*q}; });

  EXPECT_EQ(body("/a?q=b"), "ab");
}

TEST_F(AroundApp, MayAnswerByItself) {
  app.around([](const Request&, Next) -> Task<Response> { co_return Response::text("closed", 503); });
  app.get("/", handler<>);

  EXPECT_EQ(status("/"), 503);
  EXPECT_EQ(journal().take(), "");
}

template <int when>
Task<Response> throws_at(const Request& request, Next next) {
  if (when == 0) throw HttpError{401, "around"};
  if (when == 1) throw std::runtime_error{"secret"};
  co_await next(request);
  co_await sleep(1ms);
  throw HttpError{402, "after"};
}

TEST_F(AroundApp, AnswersWhatItThrowsLikeAHandlers) {
  const auto answer = [](auto around) {
    TestApp test;
    test.app.around(around);
    test.app.get("/", handler<>);
    const auto peer = test.ask("/");
    test.port.advance(1ms);
    return std::to_string(peer->status()) + " " + peer->body();
  };

  EXPECT_EQ(answer(throws_at<0>), R"(401 {"detail":"around"})");
  EXPECT_EQ(answer(throws_at<1>), R"(500 {"detail":"Internal Server Error"})");
  EXPECT_EQ(answer(throws_at<2>), R"(402 {"detail":"after"})");
  EXPECT_EQ(answer([](const Request&, Next) -> Task<Response> { throw HttpError{403, "no coroutine"}; }),
            R"(403 {"detail":"no coroutine"})");
}

TEST_F(AroundApp, PassesTheBodyThrough) {
  wrap("x");
  wrap("y");
  app.post("/", [](Body<> body) { return std::string{*body}; });
  app.start(port.context());
  Peer late{port.context(), OwnedRequest{Method::post, "/"}};
  late.hold_body();

  late.ask(app);
  run();
  late.deliver_body("late");
  run();
  OwnedRequest request{Method::post, "/"};
  request.body("at once");

  EXPECT_EQ(late.body(), "late");
  EXPECT_EQ(ask(std::move(request))->body(), "at once");
}

TEST_F(AroundApp, MayGiveTheRequestAnotherBody) {
  app.around([](const Request& request, Next next) -> Task<Response> {
    const Request changed{request.method(), request.target(), request.headers(), "another"};
    Response response = co_await next(changed);
    co_return response;
  });
  app.post("/", [](Body<> body) { return std::string{*body}; });

  OwnedRequest request{Method::post, "/"};
  request.body("what came");
  const auto peer = ask(std::move(request));

  EXPECT_EQ(peer->body(), "another");
}

TEST_F(AroundApp, PassesOnThatTheBodyFailed) {
  wrap("x");
  app.post("/", [](Body<> body) { return std::string{*body}; });
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::post, "/"}};
  peer.hold_body();

  peer.ask(app);
  peer.fail_body(413);
  run();

  EXPECT_EQ(peer.status(), 413);
  EXPECT_EQ(peer.header("x"), "here");
}

TEST_F(AroundApp, PassesOnThatThePeerHasLeft) {
  wrap("x");
  app.get("/", handler<slow<"s", 500>>);

  const auto peer = begin("/");
  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "x+ s+ s! x-");
  EXPECT_EQ(peer->replies(), 1u);
}

/// Holds its reply until the test lets it go.
struct Holding : Service {
  struct Sent : Work {
    Sent() noexcept : Work([](Work&) noexcept { journal().write("sent"); }) {}
  };
  void serve(Exchange& exchange) noexcept override {
    held = &exchange;
    exchange.reply_and_hold(Response{201}, sent);
  }
  Sent sent;
  Exchange* held = nullptr;
};

TEST(Around, KeepsWhatTheInnerServiceHoldsUntilItsReplyIsSent) {
  testing::ManualPort port;
  Holding inner;
  const auto f = [](const Request& request, Next next) -> Task<Response> {
    const std::string target = "/v2";
    const Request changed{request.method(), target, request.headers(), request.body()};
    co_return co_await next(changed);
  };
  detail::AroundService around{std::remove_const_t<decltype(f)>{f}};
  around.set_inner(inner);
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.write_to(journal());
  journal().take();

  peer.hold_sent();
  peer.ask(around);
  port.run();
  EXPECT_EQ(journal().take(), "hold");
  EXPECT_EQ(peer.status(), 201);
  peer.deliver_sent();
  port.run();
  EXPECT_EQ(journal().take(), "sent sent") << "the outer one, and then the inner one";
  EXPECT_EQ(inner.held->request().target(), "/v2") << "which outlives the function";
  inner.held->release();
  port.run();

  EXPECT_EQ(journal().take(), "release");
}

TEST(Around, TellsTheInnerServiceWhyItIsCancelledAndWhenItIsTooLate) {
  testing::ManualPort port;
  Holding inner;
  const auto f = [](const Request& request, Next next) -> Task<Response> { co_return co_await next(request); };
  detail::AroundService around{std::remove_const_t<decltype(f)>{f}};
  around.set_inner(inner);
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.set_deadline(port.now() + 1s);

  peer.ask(around);
  peer.cancel(CancelReason::shutdown);
  port.run();

  EXPECT_EQ(inner.held->deadline(), port.now() + 1s);
  EXPECT_TRUE(inner.held->stop_token().stop_requested());
  EXPECT_EQ(inner.held->stop_reason(), CancelReason::shutdown);
  inner.held->release();
  port.run();
  EXPECT_EQ(peer.replies(), 1u);
}

// Bodies in pieces.

/// Streams the pieces, held or not; reads the body first if it is told to.
class Streaming : public Service {
public:
  void serve(Exchange& exchange) noexcept override {
    inner = &exchange;
    Response response = Response::stream("text/plain", pieces.give());
    if (holds) exchange.reply_and_hold(std::move(response), sent);
    else exchange.reply(std::move(response));
  }
  Pieces pieces;
  bool holds = false;
  Holding::Sent sent;
  Exchange* inner = nullptr;
};

class AroundStream : public ::testing::Test {
protected:
  static Task<Response> marks(const Request& request, Next next) {
    Response response = co_await next(request);
    journal().write(response.source() ? "streams" : "whole");
    response.header("x", "here");
    co_return response;
  }
  AroundStream() {
    around.set_inner(service);
    outermost.set_inner(around);
    peer.write_to(journal());
    peer.hold_sent();
    journal().take();
  }
  std::string pull() {
    std::string_view chunk;
    Work nothing{[](Work&) noexcept {}};
    return source && source->pull(port.context(), chunk, nothing) == Pulled::chunk ? std::string{chunk} : "";
  }
  void ask() {
    peer.ask(outermost);
    port.run();
    source = peer.take_source();
  }

  testing::ManualPort port;
  Streaming service;
  detail::AroundService<Task<Response> (*)(const Request&, Next)> around{&marks};
  detail::AroundService<Task<Response> (*)(const Request&, Next)> outermost{&marks};
  BodySourcePtr source;
  Peer peer{port.context(), OwnedRequest{Method::get, "/x"}};
};

TEST_F(AroundStream, PassesThrough) {
  service.pieces.add("one").add("two").end();

  ask();

  EXPECT_EQ(journal().take(), "streams streams reply");
  EXPECT_EQ(peer.header("x"), "here");
  EXPECT_EQ(service.pieces.pulls, 0);
  EXPECT_EQ(pull(), "one");
  EXPECT_EQ(pull(), "two");
  EXPECT_EQ(service.inner->request().target(), "/x") << "the exchange is still there";
  source.reset();
  EXPECT_EQ(service.pieces.drops, 1);
}

TEST_F(AroundStream, KeepsWhatIsHeldUntilItIsSent) {
  service.holds = true;
  service.pieces.add("one");

  ask();
  EXPECT_EQ(journal().take(), "streams streams hold");
  EXPECT_EQ(pull(), "one");
  source.reset();
  port.run();
  EXPECT_EQ(service.pieces.drops, 1);
  EXPECT_EQ(journal().take(), "") << "the last byte has not left";
  peer.deliver_sent();
  port.run();
  EXPECT_EQ(journal().take(), "sent sent");
  EXPECT_TRUE(peer.is_held());
  service.inner->release();
  port.run();

  EXPECT_EQ(journal().take(), "release");
}

TEST_F(AroundStream, IsToldThatThePeerLeaves) {
  service.holds = true;
  ask();

  peer.leave();

  EXPECT_TRUE(service.inner->stop_token().stop_requested());
  source.reset();
  peer.deliver_sent();
  port.run();
  service.inner->release();
  port.run();
  EXPECT_FALSE(peer.is_held());
}

TEST_F(AroundStream, ThatIsReplacedIsDropped) {
  detail::AroundService<Task<Response> (*)(const Request&, Next)> replaces{
      [](const Request& request, Next next) -> Task<Response> {
        Response response = co_await next(request);
        co_return Response::text("another");
      }};
  replaces.set_inner(service);

  peer.ask(replaces);
  port.run();

  EXPECT_EQ(service.pieces.drops, 1);
  EXPECT_EQ(peer.body(), "another");
}

TEST_F(AroundStream, TakesARequestThatItKeeps) {
  service.holds = true;
  detail::AroundService<Task<Response> (*)(const Request&, Next)> changes{
      [](const Request&, Next next) -> Task<Response> {
        OwnedRequest changed{Method::get, "/changed"};
        changed.header("a", "b");
        co_return co_await next(std::move(changed));
      }};
  changes.set_inner(service);

  peer.ask(changes);
  port.run();
  peer.take_source().reset();
  peer.deliver_sent();
  port.run();

  EXPECT_EQ(service.inner->request().target(), "/changed");
  EXPECT_EQ(service.inner->request().header("a"), "b");
  service.inner->release();
  port.run();
}

/// A transport that gives a body in two pieces, and a trailer.
class Uploads final : public Exchange {
public:
  explicit Uploads(Context& context) noexcept {
    context_ = &context;
    request_ = Request{Method::post, "/", Headers{}};
  }
  bool collect_body(Work&) noexcept override { return true; }
  Pulled read_body(std::string_view& chunk, Work&) noexcept override {
    limit = body_limit_;
    if (++pieces == 3) trailers_ = Headers{{&trailer, 1}};
    chunk = pieces == 1 ? "one" : "two";
    return pieces == 3 ? Pulled::end : Pulled::chunk;
  }
  void reply(Response&& response) noexcept override { text = response.body(); }
  void reply_and_hold(Response&&, Work&) noexcept override {}
  void release() noexcept override {}

  const HeaderField trailer{"x-sum", "1"};
  int pieces = 0;
  std::uint64_t limit = 0;
  std::string text;
};

TEST_F(AroundStream, PassesThePiecesOfABodyThrough) {
  struct Reads : Service {
    void serve(Exchange& exchange) noexcept override {
      std::string_view chunk;
      Work nothing{[](Work&) noexcept {}};
      exchange.limit_body(7);
      std::string text;
      while (exchange.read_body(chunk, nothing) == Pulled::chunk) text += std::string{chunk} + ";";
      for (const HeaderField& field : exchange.trailers()) text += field.name;
      exchange.reply(Response::text(text));
    }
  } reads;
  around.set_inner(reads);
  Uploads uploads{port.context()};

  outermost.serve(uploads);
  port.run();

  EXPECT_EQ(uploads.text, "one;two;x-sum");
  EXPECT_EQ(uploads.limit, 7U);
}

}  // namespace
}  // namespace umbel::test
