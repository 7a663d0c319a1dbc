// SPDX-License-Identifier: MIT
#include "umbel/di/engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../support/drive.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/core/work_pool.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

int price_of(Query<"n", int> n) { return *n * 2; }
Task<int> late_price(Depends<price_of> price, State<int> factor) {
  co_await sleep(10ms);
  co_return *price** factor;
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

TEST_F(Engines, CallAProviderWithItsGraph) {  // Rule 37.
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

struct ThrowsWhenCopied {
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied&) { throw std::runtime_error{"no copy"}; }
};
ThrowsWhenCopied throws_when_copied() { return {}; }

TEST_F(Engines, CallThrowsWhatTakingTheValueThrows) {
  Engine engine{app, port.context()};

  Started<ThrowsWhenCopied> started{port, call<throws_when_copied>(engine, OwnedRequest{Method::get, "/"})};
  run();

  EXPECT_THROW(started.result().value(), std::runtime_error);
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
    EXPECT_EQ(error.items()[0].input, R"("x")");
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

TEST_F(Engines, HandleARequestThroughThePipeline) {  // Rule 37.
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

Stream in_two_pieces() {
  co_yield "one, ";
  co_await sleep(1ms);
  co_yield "two";
}
Stream breaks_off() {
  co_yield "one, ";
  throw std::runtime_error{"no more"};
}

TEST_F(Engines, PostGivesAFutureOfTheWholeReply) {
  app.get("/plain", [] { return std::string{"plain"}; });
  app.get("/pieces", in_two_pieces);
  app.get("/broken", breaks_off);
  ThreadPool pool{{.threads = 1}};
  BlockingPort real{pool};
  Engine engine{app, real.context()};
  std::vector<std::string> got;
  bool is_over = false;

  std::thread asking{[&] {
    for (const char* target : {"/plain", "/pieces", "/broken", "/nowhere"}) {
      const Response response = engine.post(OwnedRequest{Method::get, target}).get();
      got.push_back(std::to_string(response.status()) + " " + std::string{response.body()});
    }
    real.context().post([&]() noexcept { is_over = true; });
  }};
  real.run_until([&] { return is_over; });
  asking.join();

  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0], "200 plain");
  EXPECT_EQ(got[1], "200 one, two");
  EXPECT_EQ(got[2].substr(0, 3), "500");
  EXPECT_EQ(got[3].substr(0, 3), "404");
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

}  // namespace
}  // namespace umbel::test
