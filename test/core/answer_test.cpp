// SPDX-License-Identifier: MIT
#include "umbel/core/answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "umbel/core/service.hpp"
#include "umbel/testing/simulation.hpp"

namespace umbel {
namespace {

/// Keeps what it is asked.
struct Keeps : Service {
  void serve(Exchange& exchange) noexcept override { kept.emplace_back(exchange); }
  std::vector<Answer> kept;
};

class Answers : public ::testing::Test {
protected:
  testing::SimulatedRequest& ask() {
    auto& request = simulation.request("/");
    while (!request.has_arrived()) simulation.step();
    return request;
  }

  Keeps service;
  testing::Simulation simulation{service, 1};
};

TEST_F(Answers, AreOfTheFirstReply) {
  auto& request = ask();
  Answer& answer = service.kept.front();

  EXPECT_TRUE(answer.is_open());
  EXPECT_EQ(answer.exchange()->request().path(), "/");
  EXPECT_TRUE(answer.reply(Response::text("first")));
  EXPECT_FALSE(answer.is_open());
  EXPECT_FALSE(answer.reply(Response::text("second", 201)));
  EXPECT_EQ(answer.exchange(), nullptr);
  EXPECT_EQ(request.replies(), 1u);
  EXPECT_EQ(request.body(), "first");
}

TEST_F(Answers, ThatAreDroppedAre500) {
  auto& request = ask();
  service.kept.clear();

  EXPECT_EQ(request.status(), 500);
  EXPECT_EQ(request.replies(), 1u);
}

TEST_F(Answers, GoOnWhereTheyAreMoved) {
  auto& request = ask();
  Answer moved = std::move(service.kept.front());
  service.kept.clear();
  EXPECT_EQ(request.replies(), 0u);

  EXPECT_TRUE(moved.reply(Response{204}));
  EXPECT_EQ(request.status(), 204);
}

TEST_F(Answers, OfAPeerThatHasLeftAreHarmless) {
  auto& request = ask();
  request.leave();

  EXPECT_TRUE(service.kept.front().reply(Response{204}));
  EXPECT_FALSE(service.kept.front().reply(Response{204}));
  simulation.run();
  EXPECT_EQ(simulation.mistake(), "");
}

}  // namespace
}  // namespace umbel
