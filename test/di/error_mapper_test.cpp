// SPDX-License-Identifier: MIT
#include "umbel/di/error_mapper.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/provide.hpp"

namespace umbel::test {
namespace {

struct DatabaseDown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class ErrorMapping : public ::testing::Test, public TestApp {
protected:
  ErrorMapping() { journal().take(); }
};

constexpr auto& session = resource<"s">;
constexpr auto& log_line = resource<"log">;

Task<std::string> asks_the_database(Depends<session>) {
  throw DatabaseDown{"no route to host"};
  co_return "";
}

Response says_later(const DatabaseDown& error, Depends<log_line>) {
  journal().write("map");
  return Response::text(std::string{"later: "} + error.what(), 503);
}

TEST_F(ErrorMapping, AnswersWithWhatTheFunctionMakes) {
  app.on_error<DatabaseDown>(says_later);
  app.get("/", asks_the_database);

  const auto peer = ask("/");

  EXPECT_EQ(peer->status(), 503);
  EXPECT_EQ(peer->body(), "later: no route to host");
  EXPECT_EQ(peer->replies(), 1u);
  EXPECT_EQ(journal().take(), "s+ s!500 s- log+ map log-");
}

TEST_F(ErrorMapping, TakesABaseClassAndTheFirstThatFits) {
  app.on_error<std::runtime_error>([](const std::runtime_error&) { return Response::text("base", 500); });
  app.on_error<DatabaseDown>([](const DatabaseDown&) { return Response::text("derived", 500); });
  app.get("/", asks_the_database);

  EXPECT_EQ(body("/"), "base");
}

TEST_F(ErrorMapping, LeavesOtherErrorsAlone) {
  app.on_error<DatabaseDown>(says_later);
  app.get("/", [] { throw std::logic_error{"x"}; });
  app.get("/404", [] { throw HttpError{404}; });

  EXPECT_EQ(status("/"), 500);
  EXPECT_EQ(status("/404"), 404);
}

TEST_F(ErrorMapping, MayAnswerHttpErrorsAndWrongRequests) {
  app.on_error<ValidationError>(
      [](const ValidationError& error) { return Response::text(std::to_string(error.items().size()), 400); });
  app.on_error<HttpError>([](const HttpError& error) { return Response::text(error.detail(), error.status()); });
  app.get("/", [](Query<"a", int>, Query<"b", int>) {});
  app.get("/gone", [] { throw HttpError{410, "It is gone"}; });

  EXPECT_EQ(body("/?a=x&b=y"), "2");
  EXPECT_EQ(body("/gone"), "It is gone");
}

TEST_F(ErrorMapping, MayWait) {
  app.on_error<DatabaseDown>([](const DatabaseDown&) -> Task<std::string> {
    co_await sleep(std::chrono::milliseconds{10});
    co_return "waited";
  });
  app.get("/", asks_the_database);
  const auto peer = begin("/");
  EXPECT_EQ(peer->replies(), 0u);
  port.advance(std::chrono::milliseconds{10});

  EXPECT_EQ(peer->body(), "waited");
}

TEST_F(ErrorMapping, ThatFailsIsA500) {
  app.on_error<DatabaseDown>([](const DatabaseDown&) -> Response { throw std::runtime_error{"again"}; });
  app.get("/", asks_the_database);

  EXPECT_EQ(status("/"), 500);
}

Resource<int> commits() {
  int value = 1;
  co_yield value;
  throw DatabaseDown{"commit"};
}
Task<Response> writes(Depends<commits>) { co_return Response::text("written"); }

TEST_F(ErrorMapping, AnswersForATearDownBeforeTheReply) {  // Rule 20.
  app.on_error<DatabaseDown>(says_later);
  app.get("/", writes);

  EXPECT_EQ(body("/"), "later: commit");
}

Response has_no_database() { throw DatabaseDown{"no route to host"}; }

TEST_F(ErrorMapping, AnswersForARequestThatNeverSuspended) {
  app.on_error<DatabaseDown>(says_later);  // On a worker.
  app.get("/", on_loop<has_no_database>);

  EXPECT_EQ(body("/"), "later: no route to host");
}

}  // namespace
}  // namespace umbel::test
