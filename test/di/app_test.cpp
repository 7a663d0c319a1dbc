// SPDX-License-Identifier: MIT
// Around, Engine, Observer: the App as its host sees it.
#include "umbel/di/app.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/around.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/observer.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

// --- around ---------------------------------------------------------------------------------------------------------

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

// --- engine ---------------------------------------------------------------------------------------------------------

int price_of(Query<"n", int> n) { return *n * 2; }
Task<int> late_price(Depends<price_of> price, State<int> factor) {
  co_await sleep(10ms);
  co_return *price * *factor;
}
Task<std::unique_ptr<int>> moved_out() { co_return std::make_unique<int>(5); }
Task<void> does_nothing() { co_return; }
Result<int> refused() { return HttpError{403, "no"}; }

class Engines : public ::testing::Test, public TestApp {
protected:
  Engines() { journal().take(); }
};

template <auto& provider>
auto call(Engine& engine, OwnedRequest request) -> Task<Made<provider>> {
  co_return co_await engine.call<provider>(request.view());
}

TEST_F(Engines, CallAProviderWithItsGraph) {
  app.state(10);
  Engine engine{app, port.context()};

  Started<int> started{port, call<late_price>(engine, OwnedRequest{Method::get, "/?n=3"})};
  run();
  port.advance(10ms);

  EXPECT_EQ(started.result().value(), 60);
}

TEST_F(Engines, CallGivesTheValueAway) {
  Engine engine{app, port.context()};

  Started<std::unique_ptr<int>> started{port, call<moved_out>(engine, OwnedRequest{Method::get, "/"})};

  EXPECT_EQ(*started.result().value(), 5);
}

TEST_F(Engines, CallWithoutARequest) {
  Engine engine{app, port.context()};
  auto task = [](Engine& e) -> Task<int> {
    co_await e.call<does_nothing>();
    const auto value = co_await e.call<moved_out>();
    co_return *value;
  };

  Started<int> started{port, task(engine)};

  EXPECT_EQ(started.result().value(), 5);
}

TEST_F(Engines, CallThrowsWhatTheGraphThrows) {
  Engine engine{app, port.context()};

  Started<int> started{port, call<refused>(engine, OwnedRequest{Method::get, "/"})};
  run();

  EXPECT_THROW(started.result().value(), HttpError);
}

TEST_F(Engines, CallThrowsWhatIsWrongWithTheRequest) {
  Engine engine{app, port.context()};

  Started<int> started{port, call<price_of>(engine, OwnedRequest{Method::get, "/?n=x"})};

  try {
    started.result().value();
    FAIL();
  } catch (const ValidationError& error) {
    ASSERT_EQ(error.items().size(), 1u);
    EXPECT_EQ(error.items()[0].type, "int_parsing");
    EXPECT_EQ(error.items()[0].input, "x");
  }
}

TEST_F(Engines, CallIsCancelledWithItsTask) {
  app.state(1);
  Engine engine{app, port.context()};
  auto task = [](Engine& e, StopSource** stop) -> Task<int> {
    Env& env = co_await CurrentEnv{};
    *stop = &env.stop;
    co_return co_await e.call<slow<"s", 1000>>();
  };
  StopSource* stop = nullptr;

  Started<int> started{port, task(engine, &stop)};
  stop->request_stop();
  port.run();

  EXPECT_TRUE(started.is_done());
  EXPECT_THROW(started.result().value(), Cancelled);
  EXPECT_EQ(journal().take(), "s+ s!");
}

int needs_a_path(Path<"id", int> id) { return *id; }

TEST_F(Engines, CallNeedsWhatTheAppHas) {
  Engine engine{app, port.context()};

  EXPECT_THROW(engine.call<late_price>(), StartError);
  EXPECT_THROW(engine.call<needs_a_path>(), StartError);
}

Task<int> calls_inside(State<Engine*> engine) { co_return co_await (*engine)->call<price_of>(); }

TEST_F(Engines, CallInsideANodeAnswersWithTheWholeValidationError) {
  Engine* inner = nullptr;
  app.borrow(inner);
  app.get("/", handler<calls_inside>);
  Engine engine{app, port.context()};
  inner = &engine;

  const auto peer = ask("/");

  EXPECT_EQ(peer->status(), 422);
  EXPECT_NE(peer->body().find(R"("loc":["query","n"])"), std::string::npos) << peer->body();
}

TEST_F(Engines, HandleARequestThroughThePipeline) {
  app.get("/{x}", [](Path<"x"> x, Header<"h"> h) { return std::string{*x} + std::string{*h}; });
  app.around([](const Request& request, Next next) -> Task<Response> {
    Response response = co_await next(request);
    co_return std::move(response).header("x", "y");
  });
  Engine engine{app, port.context()};
  auto task = [](Engine& e) -> Task<Response> {
    OwnedRequest request{Method::get, "/a"};
    request.header("h", "b");
    co_return co_await e.handle(request.view());
  };

  Started<Response> started{port, task(engine)};
  run();

  EXPECT_EQ(started.result().value().body(), "ab");
  EXPECT_EQ(started.result().value().header("x"), "y");
}

TEST_F(Engines, HandleSeveralRequestsAtTheSameTime) {
  app.get("/", handler<slow<"s", 10>>);
  Engine engine{app, port.context()};
  auto one = [](Engine& e) -> Task<int> {
    const OwnedRequest request{Method::get, "/"};
    const Response response = co_await e.handle(request.view());
    co_return response.status();
  };
  auto both = [](Task<int> a, Task<int> b) -> Task<int> {
    auto [x, y] = co_await when_all(std::move(a), std::move(b));
    co_return x + y;
  };

  Started<int> started{port, both(one(engine), one(engine))};
  port.advance(10ms);

  EXPECT_EQ(started.result().value(), 400);
}

TEST_F(Engines, TakeRequestsFromOtherThreads) {
  app.get("/{n}", [](Path<"n", int> n) { return std::to_string(*n); });
  app.get("/loop/{n}", [](Path<"n", int> n) -> Task<std::string> { co_return std::to_string(*n); });
  ThreadPool pool{{.threads = 2}};
  BlockingPort real{pool};
  Engine engine{app, real.context()};
  constexpr int each = 50;
  int sum = 0;
  int answers = 0;
  const auto ask_many = [&](std::string prefix) {
    for (int i = 0; i < each; ++i) {
      engine.submit(OwnedRequest{Method::get, prefix + std::to_string(i)}, [&](Response response) noexcept {
        sum += std::stoi(std::string{response.body()});
        ++answers;
      });
    }
  };

  std::thread one{ask_many, "/"};
  std::thread two{ask_many, "/loop/"};
  real.run_until([&] { return answers == 2 * each; });
  one.join();
  two.join();

  EXPECT_EQ(sum, each * (each - 1));
}

Task<int> ask_often(Engine& engine, int times) {
  int ok = 0;
  for (int i = 0; i < times; ++i) {
    const OwnedRequest request{Method::get, "/" + std::to_string(i % 10)};
    const Response response = co_await engine.handle(request.view());
    if (response.status() == (i % 10 == 3 ? 409 : 200)) ++ok;
  }
  co_return ok;
}

int is_no_three(Path<"n", int> n) {
  if (*n == 3) throw HttpError{409};
  return *n;
}

TEST_F(Engines, OfSeveralThreadsShareAnApp) {
  app.state(std::string{"shared"});
  app.get("/{n}", handler<is_no_three, plain<"p">, ready<"r">, slow<"s", 0>>);
  ThreadPool pool{{.threads = 2}};
  std::atomic<int> ok{0};
  const auto serve = [&] {
    BlockingPort real{pool};
    Engine engine{app, real.context()};
    ok += real.run(ask_often(engine, 100));
  };

  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(serve);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(ok, 300);
}

// --- observer -------------------------------------------------------------------------------------------------------

class Hears : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override {
    text_ += std::string{failure.route} + "|" + unqualified(std::string{failure.node}) + "|" + failure.error.message() +
             (failure.suppressed ? "|suppressed" : "") + "\n";
  }
  std::string take() { return std::exchange(text_, {}); }

private:
  std::string text_;
};

class Observing : public ::testing::Test, public TestApp {
protected:
  Observing() { app.observe(hears); }
  Hears hears;
};

int fails_badly() { throw std::runtime_error{"secret"}; }
Task<int> fails_late() {
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    throw std::runtime_error{"late"};
  }
  co_return 1;
}

TEST_F(Observing, HearsWhatTheClientMustNot) {
  app.get("/{x}", handler<on_loop<fails_badly>>);

  EXPECT_EQ(status("/1"), 500);

  EXPECT_EQ(hears.take(), "GET /{x}|fails_badly|secret\n");
}

TEST_F(Observing, HearsOfTheHandler) {
  app.get("/", [] { throw std::runtime_error{"in the handler"}; });

  ask("/");

  EXPECT_EQ(hears.take(), "GET /|handler|in the handler\n");
}

TEST_F(Observing, HearsOfSuppressedFailures) {
  app.get("/", handler<fails_badly, fails_late, slow<"s", 1000>>);

  ask("/");

  const std::string heard = hears.take();
  EXPECT_NE(heard.find("GET /|fails_badly|secret\n"), std::string::npos) << heard;
  EXPECT_NE(heard.find("GET /|fails_late|late|suppressed\n"), std::string::npos) << heard;
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '\n'), 2) << "what was stopped has not failed\n" << heard;
}

TEST_F(Observing, HearsNothingOfARequestThatIsWrongOrWell) {
  app.get("/", [](Query<"n", int>) {});

  EXPECT_EQ(status("/?n=x"), 422);
  EXPECT_EQ(status("/?n=1"), 204);

  EXPECT_EQ(hears.take(), "");
}

TEST_F(Observing, HearsOfARefusedJob) {
  app.get("/", [] {});
  port.pool().set_limit(0);

  EXPECT_EQ(status("/"), 503);

  EXPECT_EQ(hears.take(), "GET /|handler|Too many requests wait for a worker\n");
}

TEST_F(Observing, HearsOfAProviderThatWasCalled) {
  Engine engine{app, port.context()};

  Started<int> started{port, call<fails_badly>(engine, OwnedRequest{Method::get, "/"})};
  run();

  EXPECT_NE(hears.take().find("fails_badly|secret"), std::string::npos);
  EXPECT_TRUE(started.is_done());
}

// --- state ----------------------------------------------------------------------------------------------------------

TEST(AppState, IsDestroyedInReverseOrderOfGiving) {
  journal().take();
  struct One {
    explicit One(std::string n) : name(std::move(n)) {}
    One(One&& other) noexcept : name(std::exchange(other.name, {})) {}
    ~One() {
      if (!name.empty()) journal().write("~" + name);
    }
    std::string name;
  };
  {
    App app;
    app.state(One{"first"}).state<"b">(One{"second"}).state<"c">(One{"third"});
  }

  EXPECT_EQ(journal().take(), "~third ~second ~first");
}

}  // namespace
}  // namespace umbel::test
