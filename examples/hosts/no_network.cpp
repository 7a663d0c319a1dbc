// SPDX-License-Identifier: MIT
// A service that no network reaches, and its tests: they ask it through an Engine and through a loopback::Client.
//
//     no_network [GoogleTest's options]
//
// Tier      T0: `co_await engine.handle(request)`, `co_await engine.call<provider>(request)`; or the client, which is a
//           transport and has all in one.
// Threads   The test's own turns the Context while it waits; plain functions run on the pool's.
// Ends      By scope: the client drains and closes the App; an Engine is gone before its port.

#include <gtest/gtest.h>

#include <umbel/core/blocking_port.hpp>
#include <umbel/core/when_all.hpp>
#include <umbel/core/work_pool.hpp>
#include <umbel/di/engine.hpp>
#include <umbel/loopback/client.hpp>

#include <string>
#include <utility>
#include <vector>

#include "app.hpp"

namespace {

using namespace umbel;

class Service : public ::testing::Test {
protected:
  Service() { hosts::add_to(app, sessions); }
  ~Service() override { EXPECT_TRUE(sessions.are_closed()); }

  hosts::Sessions sessions;
  App app;
};

// [client]
TEST_F(Service, AnswersThroughTheWholePipeline) {
  loopback::Client client{app};

  EXPECT_EQ(client.get("/users/2").body(), "user 2 **-");
  EXPECT_EQ(client.post("/echo", "hello").body(), "hello");
  EXPECT_EQ(client.get("/users/me").status(), 422);
}
// [client]

TEST_F(Service, AnswersManyAtOnce) {
  loopback::Client client{app};
  std::vector<Task<loopback::Reply>> questions;
  for (int i = 0; i < 200; ++i)
    questions.push_back(client.ask(OwnedRequest{Method::get, "/users/" + std::to_string(i)}));

  const std::vector<loopback::Reply> replies = client.run(when_all(std::move(questions)));

  for (const loopback::Reply& reply : replies) EXPECT_EQ(reply.status(), 200);
}

TEST_F(Service, LetsGoOfWhatAPeerLeft) {
  loopback::Client client{app};
  StopSource leaves;
  bool is_over = false;
  spawn(
      client.context(), client.ask(OwnedRequest{Method::get, "/slow?ms=600000"}),
      [&](Result<loopback::Reply>) noexcept { is_over = true; }, StopToken{leaves});
  ASSERT_FALSE(sessions.are_closed());

  leaves.request_stop();
  client.get("/users/1");  // Waits, and meanwhile the Context turns.

  EXPECT_TRUE(is_over);
  EXPECT_TRUE(sessions.are_closed());
}

// [engine]
Task<std::string> name_and_badge(Engine& engine, OwnedRequest request) {
  const Response response = co_await engine.handle(request.view());
  co_return std::string{response.body()};
}

TEST_F(Service, IsAskedByACoroutine) {
  ThreadPool pool;
  BlockingPort port{pool};
  Engine engine{app, port.context()};

  EXPECT_EQ(port.run(name_and_badge(engine, OwnedRequest{Method::get, "/users/3"})), "user 3 ***");
}
// [engine]

int stands_alone(Query<"n", int> n) { return *n * 2; }

TEST_F(Service, CallsOneProvider) {
  ThreadPool pool;
  BlockingPort port{pool};
  Engine engine{app, port.context()};
  const auto call = [](Engine& asked, OwnedRequest request) -> Task<int> {
    co_return co_await asked.call<stands_alone>(request.view());
  };

  EXPECT_EQ(port.run(call(engine, OwnedRequest{Method::get, "/?n=21"})), 42);
}

}  // namespace
