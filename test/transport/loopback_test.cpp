// SPDX-License-Identifier: MIT
#include "umbel/loopback/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include "../support/drive.hpp"
#include "../support/pieces.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/background.hpp"
#include "umbel/di/override_set.hpp"
#include "umbel/di/response_head.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;

int doubled(Path<"n", int> n) { return *n * 2; }  // On a worker.
Task<std::string> show(Path<"n", int> n, Depends<doubled> twice,
                       Header<"x-unit", std::string_view, default_to<"m">> unit) {
  co_return std::to_string(*n) + " " + std::to_string(*twice) + std::string{*unit};
}
Response create(Body<> body) { return Response::text(*body, 201).header("location", "/7"); }

class Loopback : public ::testing::Test {
protected:
  Loopback() {
    app.get("/{n:int}", show);
    app.post("/", create);
    app.get("/nothing", [] {});
  }
  App app;
};

TEST_F(Loopback, AnswersThroughTheWholePipeline) {
  loopback::Client client{app};

  const loopback::Reply reply = client.get("/21");

  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.body(), "21 42m");
  EXPECT_EQ(reply.content_type(), "text/plain; charset=utf-8");
}

TEST_F(Loopback, SendsHeadersAndBodies) {
  loopback::Client client{app};
  OwnedRequest request{Method::get, "/1"};
  request.header("X-Unit", "km");

  EXPECT_EQ(client.send(std::move(request)).body(), "1 2km");
  const loopback::Reply created = client.post("/", "hello");
  EXPECT_EQ(created.status(), 201);
  EXPECT_EQ(created.body(), "hello");
  EXPECT_EQ(created.header("Location"), "/7");
}

TEST_F(Loopback, ShowsWhatAPeerWouldSee) {
  loopback::Client client{app};

  EXPECT_EQ(client.send(OwnedRequest{Method::head, "/1"}).body(), "");
  EXPECT_EQ(client.send(OwnedRequest{Method::head, "/1"}).status(), 200);
  EXPECT_EQ(client.get("/nothing").body(), "");
  EXPECT_EQ(client.get("/none").status(), 404);
  EXPECT_EQ(client.post("/1", "").status(), 405);
  EXPECT_EQ(client.get("/%zz").status(), 400);
}

std::string unchanged(ResponseHead& head) {
  head.status(304);
  head.set("etag", "\"7\"");
  return "not to be sent";
}

TEST_F(Loopback, ShowsWhatAHeadMadeOfAReply) {
  app.get("/unchanged", unchanged);
  loopback::Client client{app};

  const loopback::Reply reply = client.get("/unchanged");

  EXPECT_EQ(reply.status(), 304);
  EXPECT_EQ(reply.header("etag"), "\"7\"");
  EXPECT_EQ(reply.body(), "");
  EXPECT_EQ(reply.content_type(), "");
}

std::string counts(State<std::atomic<int>> done, Background& background) {
  background.add([](State<std::atomic<int>> count) { ++*count; }, done);  // On a worker.
  return "counted";
}

TEST_F(Loopback, HasDoneWhatComesAfterTheReplyWhenItHasIt) {
  std::atomic<int> done{0};
  app.borrow(done);
  app.get("/counts", counts);
  loopback::Client client{app};

  EXPECT_EQ(client.get("/counts").body(), "counted");

  EXPECT_EQ(done, 1);
}

TEST_F(Loopback, RefusesABodyThatIsTooLarge) {
  loopback::Client client{app, {.body_limit = 4}};

  EXPECT_EQ(client.post("/", "1234").status(), 201);
  EXPECT_EQ(client.post("/", "12345").status(), 413);
}

TEST_F(Loopback, AsksSeveralAtTheSameTime) {
  loopback::Client client{app};
  auto both = [](loopback::Client& c) -> Task<std::string> {
    OwnedRequest one{Method::get, "/1"};
    OwnedRequest two{Method::get, "/2"};
    auto [a, b] = co_await when_all(c.ask(std::move(one)), c.ask(std::move(two)));
    co_return a.body() + "," + b.body();
  };

  EXPECT_EQ(client.run(both(client)), "1 2m,2 4m");

  OwnedRequest three{Method::get, "/3"};
  const auto [c, d] = client.run(when_all(client.ask(three), client.ask(OwnedRequest{Method::get, "/4"})));
  EXPECT_EQ(c.body() + "," + d.body(), "3 6m,4 8m");
}

// Hears of its end: never ready before it is asked to stop.
Task<std::string> waits_for_ever(State<std::atomic<int>> stopped) {
  try {
    co_await sleep(Duration::max());
  } catch (const Cancelled&) {
    ++*stopped;
    throw;
  }
  co_return "";
}

TEST_F(Loopback, TellsTheServiceThatThePeerHasLeft) {
  std::atomic<int> stopped{0};
  app.borrow(stopped);
  app.get("/wait", waits_for_ever);
  loopback::Client client{app};
  auto leave = [](Env& env) -> Task<int> {
    env.stop.request_stop();
    co_return 0;
  };
  auto ask_and_leave = [&leave](loopback::Client& c) -> Task<int> {
    Env& env = co_await test::CurrentEnv{};
    OwnedRequest request{Method::get, "/wait"};
    auto [reply, nothing] = co_await when_all(c.ask(std::move(request)), leave(env));
    co_return reply.status() + nothing;
  };

  EXPECT_EQ(client.run(ask_and_leave(client)), 503);
  EXPECT_EQ(stopped, 1);
}

/// Holds its one reply for a turn, and writes down what happens.
class Holding : public Service {
public:
  void open(Context& context, Notice& opened) noexcept override {
    log += "open ";
    const bool works = opens;
    context.post([&opened, works]() noexcept {
      const Error error{HttpError{500, "no database"}};
      opened.tell(works ? nullptr : &error);
    });
  }
  void close(Context& context, Notice& closed) noexcept override {
    log += "close ";
    context.post([&closed]() noexcept { closed.tell(); });
  }
  void serve(Exchange& exchange) noexcept override {
    sent_.service = this;
    sent_.exchange = &exchange;
    log += "reply ";
    exchange.reply_and_hold(Response::text("held"), sent_);
  }

  bool opens = true;
  std::string log;

private:
  struct Sent : Work {
    Sent() noexcept : Work(run) {}
    static void run(Work& work) noexcept {
      auto& sent = static_cast<Sent&>(work);
      sent.service->log += "sent:" + std::string{sent.exchange->request().target()} + " ";
      sent.exchange->context().post([&sent]() noexcept {
        sent.service->log += "release ";
        sent.exchange->release();
      });
    }
    Holding* service = nullptr;
    Exchange* exchange = nullptr;
  } sent_;
};

TEST(LoopbackClient, WaitsForTheReleaseOfAReplyThatIsHeld) {
  Holding service;
  {
    loopback::Client client{service};
    const loopback::Reply reply = client.get("/x");
    service.log += "got:" + reply.body() + " ";
  }

  EXPECT_EQ(service.log, "open reply sent:/x release got:held close ");
}

TEST(LoopbackClient, ThrowsWhatKeepsItsServiceFromOpening) {
  Holding service;
  service.opens = false;
  std::string words;

  try {
    loopback::Client client{service};
  } catch (const StartError& error) {
    words = error.what();
  }

  EXPECT_EQ(words, "no database");
  EXPECT_EQ(service.log, "open ") << "nothing is closed";
}

TEST_F(Loopback, ThrowsWhatIsWrongWithTheApp) {
  app.get("/state", [](State<int>) {});

  EXPECT_THROW(loopback::Client{app}, StartError);
}

TEST_F(Loopback, OfSeveralClientsShareAnApp) {
  loopback::Client one{app};
  loopback::Client two{app};

  EXPECT_EQ(one.get("/1").body(), two.get("/1").body());
}

Task<int> halved(Path<"n", int> n) { co_return *n / 2; }
TEST_F(Loopback, OfAnOverrideSetHasOverridesOfItsOwn) {
  OverrideSet set{app};
  set.override<doubled>(halved);
  OverrideSet another{app};
  another.decorate<doubled>([](Original<doubled> twice) { return *twice + 1; });
  loopback::Client through_set{set};
  loopback::Client through_another{another};
  loopback::Client plain{app};

  EXPECT_EQ(through_set.get("/8").body(), "8 4m");
  EXPECT_EQ(through_another.get("/8").body(), "8 17m");
  EXPECT_EQ(plain.get("/8").body(), "8 16m");
  set.override<doubled>([] { return 0; });
  EXPECT_EQ(through_set.get("/8").body(), "8 0m");
}

// Bodies in pieces.

class Scripted : public Service {
public:
  void serve(Exchange& exchange) noexcept override {
    served = &exchange;
    answer(exchange);
  }
  std::function<void(Exchange&)> answer;
  Exchange* served = nullptr;
};

/// Notes that it ran.
struct Ran : Work {
  Ran() noexcept : Work([](Work& work) noexcept { ++static_cast<Ran&>(work).runs; }) {}
  int runs = 0;
};

class LoopbackStream : public ::testing::Test {
protected:
  LoopbackStream() {
    pieces.context = &client.context();
    service.answer = [this](Exchange& exchange) {
      exchange.reply(Response::stream("text/plain", pieces.give(), status));
    };
  }
  loopback::Reply get() { return client.get("/"); }
  void turn() {
    auto rest = []() -> Task<> { co_await sleep(1ms); };
    client.run(rest());
  }
  std::string read(loopback::Incoming& reply) { return client.run(reply.read()); }

  int status = 200;
  test::Pieces pieces;
  Scripted service;
  loopback::Client client{service};
};

TEST_F(LoopbackStream, IsCollectedWhole) {
  pieces.add("one, ").add("two").end();

  const loopback::Reply reply = get();

  EXPECT_EQ(reply.body(), "one, two");
  EXPECT_TRUE(reply.is_complete());
  EXPECT_EQ(reply.content_type(), "text/plain");
  EXPECT_EQ(pieces.drops, 1);
}

TEST_F(LoopbackStream, ThatFailsIsNotComplete) {
  pieces.add("one").end(Pulled::failed);

  const loopback::Reply reply = get();

  EXPECT_EQ(reply.body(), "one");
  EXPECT_FALSE(reply.is_complete());
  EXPECT_EQ(pieces.drops, 1);
}

TEST_F(LoopbackStream, OfAnotherSizeThanAnnouncedIsNotComplete) {
  for (const std::uint64_t size : {2, 4}) {
    test::Pieces others{"one"};
    others.announce(size).end();
    service.answer = [&](Exchange& exchange) { exchange.reply(Response::stream("text/plain", others.give())); };

    EXPECT_FALSE(get().is_complete()) << size;
    EXPECT_EQ(others.drops, 1);
  }
}

TEST_F(LoopbackStream, ThatMayHaveNoBodyIsDroppedUnpulled) {
  pieces.add("one").end();
  status = 204;

  const loopback::Reply reply = get();

  EXPECT_EQ(reply.body(), "");
  EXPECT_TRUE(reply.is_complete());
  EXPECT_EQ(pieces.pulls, 0);
  EXPECT_EQ(pieces.drops, 1);
}

TEST_F(LoopbackStream, IsReadAsItIsMade) {
  loopback::Incoming reply = client.run(client.open(OwnedRequest{Method::get, "/"}));
  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.content_type(), "text/plain");
  EXPECT_EQ(reply.header("content-type"), "text/plain");
  EXPECT_EQ(pieces.pulls, 0) << "nobody has read";

  pieces.add("one").add("two");
  EXPECT_EQ(read(reply), "one");
  EXPECT_EQ(pieces.pulls, 1);
  EXPECT_EQ(read(reply), "two");
  const auto later = [](test::Pieces& p) -> Task<> {
    co_await sleep(1ms);
    p.add("three").end();
  };
  const auto [three, nothing] = client.run(when_all(reply.read(), later(pieces)));
  EXPECT_EQ(three, "three");
  EXPECT_FALSE(reply.is_complete());
  EXPECT_EQ(read(reply), "");

  EXPECT_TRUE(reply.is_complete());
  EXPECT_EQ(pieces.drops, 1);
}

TEST_F(LoopbackStream, OfABufferedReplyIsOnePiece) {
  service.answer = [](Exchange& exchange) { exchange.reply(Response::text("whole")); };
  loopback::Incoming reply = client.run(client.open(OwnedRequest{Method::get, "/"}));

  EXPECT_FALSE(reply.is_complete());
  EXPECT_EQ(read(reply), "whole");
  EXPECT_TRUE(reply.is_complete());
  EXPECT_EQ(read(reply), "");
}

TEST_F(LoopbackStream, ThatIsDroppedIsAPeerThatLeaves) {
  Ran sent;
  service.answer = [&](Exchange& exchange) {
    exchange.reply_and_hold(Response::stream("text/plain", pieces.give()), sent);
  };
  {
    loopback::Incoming reply = client.run(client.open(OwnedRequest{Method::get, "/"}));
    pieces.add("one");
    EXPECT_EQ(read(reply), "one");
    EXPECT_FALSE(service.served->stop_token().stop_requested());
  }

  EXPECT_TRUE(service.served->stop_token().stop_requested());
  EXPECT_EQ(pieces.drops, 1);
  turn();
  EXPECT_EQ(sent.runs, 1);
  EXPECT_EQ(service.served->request().target(), "/") << "which is held";
  service.served->release();
}

TEST_F(LoopbackStream, WhoseReaderIsStoppedIsBrokenOff) {
  for (const bool has_woken : {false, true}) {
    test::Pieces others;
    others.context = &client.context();
    service.answer = [&](Exchange& exchange) { exchange.reply(Response::stream("text/plain", others.give())); };
    auto leave = [has_woken](Env& env, test::Pieces& p) -> Task<> {
      if (has_woken) p.add("late");
      env.stop.request_stop();
      co_return;
    };
    auto read_and_leave = [&](loopback::Client& c) -> Task<bool> {
      Env& env = co_await test::CurrentEnv{};
      loopback::Incoming reply = co_await c.open(OwnedRequest{Method::get, "/"});
      auto [piece, nothing] = co_await when_all(reply.read(), leave(env, others));
      co_return piece.empty() && !reply.is_complete();
    };

    EXPECT_TRUE(client.run(read_and_leave(client)));
    EXPECT_EQ(others.drops, 1);
  }
}

/// Reads a body, piece by piece, and answers with it.
class Reading : public Work {
public:
  Reading() noexcept : Work(go_on) {}
  void begin(Exchange& e) {
    exchange = &e;
    read();
  }
  void read() {
    std::string_view chunk;
    Pulled pulled;
    while ((pulled = exchange->read_body(chunk, *this)) == Pulled::chunk) text += std::string{chunk} + ";";
    if (pulled == Pulled::pending) return;
    const int failure = exchange->body_error();
    exchange->reply(Response::text(text, failure ? failure : 200));
  }
  static void go_on(Work& work) noexcept { static_cast<Reading&>(work).read(); }
  Exchange* exchange = nullptr;
  std::string text;
};

loopback::Reply upload(loopback::Client& client, loopback::Outgoing& body, Task<> sending) {
  auto both = [](loopback::Client& c, loopback::Outgoing& out, Task<> send) -> Task<loopback::Incoming> {
    OwnedRequest request{Method::post, "/"};
    auto [reply, nothing] = co_await when_all(c.open(std::move(request), out.source()), std::move(send));
    co_return std::move(reply);
  };
  loopback::Incoming reply = client.run(both(client, body, std::move(sending)));
  const std::string text = client.run(reply.read());
  return loopback::Reply{Response::text(text, reply.status())};
}

Task<> in_two_pieces(loopback::Outgoing& body, const Reading& reading, bool fails) {
  body.send("one");
  co_await sleep(1ms);
  EXPECT_EQ(reading.text, "one;");
  EXPECT_EQ(body.untaken(), 0U);
  body.send("two");
  if (fails) body.fail();
  else body.end();
}

TEST_F(LoopbackStream, OfARequestIsReadAsItIsSent) {
  for (const bool fails : {false, true}) {
    Reading reading;
    service.answer = [&](Exchange& exchange) { reading.begin(exchange); };
    loopback::Outgoing body{client.context()};

    const loopback::Reply reply = upload(client, body, in_two_pieces(body, reading, fails));

    EXPECT_EQ(reply.status(), fails ? 400 : 200);
    EXPECT_EQ(reply.body(), "one;two;");
    EXPECT_TRUE(body.is_dropped());
  }
}

TEST_F(LoopbackStream, OfARequestIsLimited) {
  Reading reading;
  service.answer = [&](Exchange& exchange) {
    exchange.limit_body(5);
    reading.begin(exchange);
  };
  loopback::Outgoing body{client.context()};

  EXPECT_EQ(upload(client, body, in_two_pieces(body, reading, false)).status(), 413);
}

TEST_F(LoopbackStream, OfARequestMayBeCollected) {
  App app;
  app.post("/", create);
  loopback::Client asks{app};
  Reading reading;
  reading.text = "one;";
  loopback::Outgoing body{asks.context()};

  EXPECT_EQ(upload(asks, body, in_two_pieces(body, reading, false)).body(), "onetwo");
  loopback::Outgoing broken{asks.context()};
  EXPECT_EQ(upload(asks, broken, in_two_pieces(broken, reading, true)).status(), 400);
}

TEST_F(LoopbackStream, OfARequestThatNobodyReadsIsDropped) {
  service.answer = [](Exchange& exchange) { exchange.reply(Response::text("no")); };
  loopback::Outgoing body{client.context()};
  body.send("one");

  loopback::Incoming reply = client.run(client.open(OwnedRequest{Method::post, "/"}, body.source()));

  EXPECT_TRUE(body.is_dropped());
  EXPECT_EQ(body.untaken(), 1U);
}

TEST_F(LoopbackStream, OfAWholeRequestIsOnePiece) {
  Reading reading;
  service.answer = [&](Exchange& exchange) { reading.begin(exchange); };

  EXPECT_EQ(client.post("/", "whole").body(), "whole;");
}

}  // namespace
}  // namespace umbel
