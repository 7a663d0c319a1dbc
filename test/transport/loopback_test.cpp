// SPDX-License-Identifier: MIT
#include "umbel/loopback/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <tuple>
#include <utility>

#include "../support/drive.hpp"
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

}  // namespace
}  // namespace umbel
