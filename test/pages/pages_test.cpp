// SPDX-License-Identifier: MIT
#include "umbel/pages/pages.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "peer.hpp"
#include "umbel/di/openapi.hpp"
#include "umbel/di/statistics.hpp"

namespace umbel::test {
namespace {

Response items() { return Response{200}; }
void only_for_staff(Header<"x-staff", std::string_view, default_to<"">> staff) {
  if (staff->empty()) throw HttpError{401};
}

class Pages : public ::testing::Test, public TestApp {
protected:
  Pages() { app.get("/items", items); }
  /// The name behind `files/` of the first link to such a file.
  std::string file(std::string_view page, std::string_view stem) {
    const std::string text = body(std::string{page});
    const std::size_t at = text.find(std::string{"files/"}.append(stem));
    return text.substr(at + 6, text.find('"', at) - at - 6);
  }
};

TEST_F(Pages, AreNotThereUnlessAskedFor) {
  EXPECT_EQ(status("/docs"), 404);
  EXPECT_EQ(status("/graph"), 404);
}

TEST_F(Pages, AreDocumentsThatTakeEverythingFromHere) {
  add_pages(app);

  for (const char* const page : {"/docs", "/graph"}) {
    const auto peer = ask(page);
    EXPECT_EQ(peer->status(), 200);
    EXPECT_EQ(peer->header("content-type"), "text/html; charset=utf-8");
    EXPECT_NE(peer->header("content-security-policy").find("script-src 'self'"), std::string::npos);
    EXPECT_EQ(peer->header("content-security-policy").find("unsafe"), std::string::npos);
    EXPECT_EQ(peer->header("x-content-type-options"), "nosniff");
    EXPECT_EQ(peer->body().find("{{"), std::string::npos) << peer->body();
    EXPECT_EQ(peer->body().find("http"), std::string::npos) << peer->body();
  }
}

TEST_F(Pages, AreInNoDocumentOfTheApi) {
  Statistics statistics;
  app.observe(statistics);
  add_pages(app, {.statistics = &statistics});

  const std::string document = openapi_document(app);

  EXPECT_NE(document.find("\"/items\""), std::string::npos);
  EXPECT_EQ(document.find("\"/docs"), std::string::npos);
  EXPECT_EQ(document.find("\"/graph"), std::string::npos);
}

TEST_F(Pages, FilesMayBeKeptForGood) {
  add_pages(app);

  const auto peer = ask("/docs/files/" + file("/docs", "swagger-ui."));

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(peer->header("cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(status("/docs/files/swagger-ui.css"), 404);
  EXPECT_EQ(status("/docs/files/docs.html"), 404);
}

TEST_F(Pages, ShowTheGraphWithoutThemselves) {
  add_pages(app);

  const auto peer = ask("/graph/document");

  EXPECT_EQ(peer->header("content-type"), "application/json");
  EXPECT_EQ(peer->header("cache-control"), "no-store");
  EXPECT_NE(peer->body().find("GET /items"), std::string::npos);
  EXPECT_EQ(peer->body().find("/graph"), std::string::npos);
}

TEST_F(Pages, ShowStatisticsIfThereAreAny) {
  Statistics statistics;
  app.observe(statistics);
  add_pages(app, {.statistics = &statistics});
  ask("/items");

  EXPECT_NE(body("/graph").find("data-statistics=\"yes\""), std::string::npos);
  EXPECT_NE(body("/graph/statistics").find("GET /items"), std::string::npos);
}

TEST_F(Pages, HaveNoStatisticsOtherwise) {
  add_pages(app);

  EXPECT_NE(body("/graph").find("data-statistics=\"no\""), std::string::npos);
  EXPECT_EQ(status("/graph/statistics"), 404);
}

TEST_F(Pages, StandWhereTheyAreWanted) {
  add_pages(app, {.docs = "", .graph = "/internal/graph"});

  EXPECT_EQ(status("/docs"), 404);
  EXPECT_EQ(status("/internal/graph"), 200);
  EXPECT_EQ(status("/internal/graph/document"), 200);
  EXPECT_NE(body("/internal/graph").find("src=\"graph/files/"), std::string::npos);
}

TEST_F(Pages, LinkToOneAnotherFromWhereTheyStand) {
  add_pages(app, {.docs = "/a/b/docs", .graph = "/graph", .openapi = "/v1/openapi.json"});

  const std::string docs = body("/a/b/docs");
  EXPECT_NE(docs.find("data-openapi=\"../../v1/openapi.json\""), std::string::npos);
  EXPECT_NE(docs.find("href=\"../../graph\""), std::string::npos);
  EXPECT_NE(body("/graph").find("href=\"a/b/docs\""), std::string::npos);
}

TEST_F(Pages, TextIsNotMarkup) {
  add_pages(app, {.title = "<script>\"&", .openapi = "/x\"y"});

  const std::string docs = body("/docs");
  EXPECT_NE(docs.find("<h1>&lt;script>&quot;&amp;</h1>"), std::string::npos);
  EXPECT_NE(docs.find("data-openapi=\"x&quot;y\""), std::string::npos);
}

TEST_F(Pages, AreSeenByThoseWhomTheGuardsLetPass) {
  add_pages(app, {.guards = guards<only_for_staff>});

  for (const char* const page : {"/docs", "/graph", "/graph/document", "/docs/files/x"}) {
    EXPECT_EQ(status(page), 401) << page;
    OwnedRequest request{Method::get, page};
    request.header("x-staff", "yes");
    EXPECT_NE(ask(std::move(request))->status(), 401) << page;
  }
  EXPECT_EQ(status("/items"), 200);
}

TEST_F(Pages, MustComeBeforeTheStart) {
  app.start(port.context());

  EXPECT_THROW(add_pages(app), std::logic_error);
}

}  // namespace
}  // namespace umbel::test
