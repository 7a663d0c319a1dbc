// SPDX-License-Identifier: MIT
#include "umbel/di/accepts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

Response report(Depends<accepts<"application/json", "text/csv">> type) {
  return *type == "text/csv" ? Response::bytes(*type, "a,b") : Response::json("[]");
}

loopback::Reply ask(App& app, std::string target, std::string accept) {
  OwnedRequest request{Method::get, std::move(target)};
  if (!accept.empty()) request.header("accept", accept);
  return loopback::Client{app}.send(std::move(request));
}

TEST(Accepts, GivesTheTypeThatIsWantedMost) {
  App app;
  app.get("/", report);

  EXPECT_EQ(ask(app, "/", "").body(), "[]");
  EXPECT_EQ(ask(app, "/", "text/csv, application/json;q=0.5").body(), "a,b");
  EXPECT_EQ(ask(app, "/", "text/csv, application/json;q=0.5").content_type(), "text/csv");
  EXPECT_EQ(ask(app, "/", "*/*").body(), "[]");
  EXPECT_EQ(ask(app, "/", "*/*").header("vary"), "Accept");
}

TEST(Accepts, Is406IfNoneOfThemIsTaken) {
  App app;
  app.get("/", report);

  const auto reply = ask(app, "/", "image/png, text/csv;q=0");
  EXPECT_EQ(reply.status(), 406);
  EXPECT_EQ(reply.body(), R"({"detail":"Not Acceptable"})");
  EXPECT_EQ(reply.header("vary"), "Accept");
}

TEST(Accepts, MayGuardAnApp) {
  App app;
  app.guard<accepts<"application/json">>();
  app.get("/", [] { return Response::json("[]"); });

  EXPECT_EQ(ask(app, "/", "text/html").status(), 406);
  EXPECT_EQ(ask(app, "/", "application/*").status(), 200);
}

}  // namespace
}  // namespace umbel::test
