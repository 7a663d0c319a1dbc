// SPDX-License-Identifier: MIT
// Promises of docs/semantics.md that need several headers at once, and are in no test of one of them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/app.hpp"

namespace umbel::test {
namespace {

class Semantics : public ::testing::Test, public TestApp {
protected:
  Semantics() { journal().take(); }
};

// --- guards ---------------------------------------------------------------------------------------------------------

constexpr auto& app1 = ready<"app1">;
constexpr auto& app2 = ready<"app2">;
constexpr auto& outer_router = ready<"outer_router">;
constexpr auto& inner_router = ready<"inner_router">;
constexpr auto& route1 = ready<"route1">;
constexpr auto& route2 = ready<"route2">;
constexpr auto& param_a = ready<"param_a">;
constexpr auto& param_b = ready<"param_b">;

TEST_F(Semantics, GuardsRunLayerByLayerFromTheAppInwards) {  // Rule 6; case "layers".
  Router inner;
  inner.guard<inner_router>().get("/items", handler<param_a, param_b>, {.guards = guards<route1, route2>});
  Router outer;
  outer.guard<outer_router>().include("/inner", inner);
  app.guard<app1, app2>().include("/outer", outer);

  EXPECT_EQ(status("/outer/inner/items"), 200);

  EXPECT_EQ(journal().take(), "app1 app2 outer_router inner_router route1 route2 param_a param_b h");
}

TEST_F(Semantics, GuardsDoNotRunForWhatNoRouteAnswers) {  // Rule 35.
  static constexpr auto& refuses = failing<"refuses", 401, 0>;
  app.guard<refuses>().get("/items", handler<>);

  EXPECT_EQ(status("/nowhere"), 404);
  const auto wrong_method = ask(OwnedRequest{Method::delete_, "/items"});
  EXPECT_EQ(wrong_method->status(), 405);
  EXPECT_EQ(wrong_method->header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(journal().take(), "");

  EXPECT_EQ(status("/items"), 401);
}

// --- what survives --------------------------------------------------------------------------------------------------

Task<std::string> number_of_run() {
  static int runs = 0;
  if (++runs == 1) throw HttpError{503};
  co_return std::to_string(runs);
}
Task<std::string> tells_run(Depends<number_of_run> number) { co_return *number; }

TEST_F(Semantics, NothingOfARequestIsRememberedNorAFailure) {  // Rule 4.
  app.get("/", tells_run);

  EXPECT_EQ(status("/"), 503);
  EXPECT_EQ(body("/"), "2");
  EXPECT_EQ(body("/"), "3");
}

// --- resources ------------------------------------------------------------------------------------------------------

constexpr auto& g = resource<"g">;

Response takes_number(Query<"z", int>, Depends<g>) { return Response{204}; }

TEST_F(Semantics, ARequestThatIsWrongOpensNothing) {  // Rule 6; case "invalid request".
  app.get("/", takes_number);

  EXPECT_EQ(status("/?z=no"), 422);
  EXPECT_EQ(journal().take(), "");
}

struct CannotBeSent {
  operator std::string_view() const { throw HttpError{418}; }
};
Task<CannotBeSent> makes_what_cannot_be_sent(Depends<g>) { co_return CannotBeSent{}; }

TEST_F(Semantics, AReplyThatCannotBeMadeIsSeenByResources) {  // Rule 22.
  app.get("/", makes_what_cannot_be_sent);

  EXPECT_EQ(status("/"), 418);
  EXPECT_EQ(journal().take(), "g+ g!418 g-");
}

constexpr auto& r1 = resource<"r1">;
constexpr auto& f1 = resource<"f1">;
constexpr auto& r2 = resource<"r2">;
constexpr auto& f2 = resource<"f2">;

Task<Response> takes_four(Depends<r1, Lifetime::request>, Depends<f1, Lifetime::handler>,
                          Depends<r2, Lifetime::request>, Depends<f2, Lifetime::handler>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(Semantics, WhatLivesAsLongAsTheHandlerGoesBeforeWhatLivesAsLongAsTheRequest) {  // Rule 17; case "mixed".
  app.get("/", takes_four);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.hold_sent();

  peer.ask(app);
  run();
  EXPECT_EQ(journal().take(), "r1+ f1+ r2+ f2+ h f2- f1-");
  EXPECT_EQ(peer.replies(), 1u);
  peer.deliver_sent();
  run();

  EXPECT_EQ(journal().take(), "r2- r1-");
}

}  // namespace
}  // namespace umbel::test
