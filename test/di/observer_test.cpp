// SPDX-License-Identifier: MIT
#include "umbel/di/observer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "../support/drive.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/di/engine.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

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

  EXPECT_EQ(hears.take(), "GET /|request|Too many requests wait for a worker\n");
}

Task<int> call_badly(Engine& engine) { co_return co_await engine.call<fails_badly>(); }

TEST_F(Observing, HearsOfAProviderThatWasCalled) {
  Engine engine{app, port.context()};

  Started<int> started{port, call_badly(engine)};
  run();

  const std::string heard = hears.take();
  EXPECT_TRUE(heard.starts_with("call ")) << heard;
  EXPECT_TRUE(heard.ends_with("fails_badly|fails_badly|secret\n")) << heard;
  EXPECT_TRUE(started.is_done());
}

TEST_F(Observing, HearsThatABodyDidNotCome) {
  app.post("/", [](Body<> body) { return std::string{*body}; });
  app.start(port.context());
  Peer late{port.context(), OwnedRequest{Method::post, "/"}};
  late.hold_body();

  late.ask(app);
  run();
  late.fail_body(413);
  run();

  EXPECT_EQ(late.status(), 413);
  EXPECT_EQ(hears.take(), "POST /|request|Content Too Large\n");
}

}  // namespace
}  // namespace umbel::test
