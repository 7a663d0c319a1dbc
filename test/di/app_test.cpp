// SPDX-License-Identifier: MIT
#include "umbel/di/app.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "journal.hpp"
#include "peer.hpp"

namespace umbel::test {
namespace {

TEST(App, IsDestroyedInReverseOrderOfGiving) {
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

class Mounting : public ::testing::Test, public TestApp {
protected:
  static auto says(std::string name) {
    return [name]() -> Task<std::string> { co_return name; };
  }
  static Task<std::string> view_of(const Request& request) {
    co_return std::string{request.root()} + " " + std::string{request.path()} + " " + std::string{request.query()} +
        " " + std::string{request.target()};
  }
  std::string start_error() {
    try {
      app.start(port.context());
    } catch (const StartError& error) {
      return error.what();
    }
    return "started";
  }

  App other;
};

TEST_F(Mounting, HandsOnWhatIsUnderThePrefix) {
  other.get("/", says("root")).get("/items/{id}", [](Path<"id"> id) { return std::string{*id}; });
  app.mount("/v1", other);

  EXPECT_EQ(body("/v1"), "root");
  EXPECT_EQ(body("/v1/"), "root");
  EXPECT_EQ(body("/v1?q"), "root");
  EXPECT_EQ(body("/v1/items/7"), "7");
  EXPECT_EQ(body("/%761/items/a%2Fb"), "a/b");
  EXPECT_EQ(status("/v10"), 404);
  EXPECT_EQ(status("/v10/items/7"), 404);
  EXPECT_EQ(status("/items/7"), 404);
  EXPECT_EQ(status("/v1/items/%zz"), 400);
}

TEST_F(Mounting, ShowsARequestWithoutThePrefix) {
  other.get("/", view_of).get("/{rest:path}", view_of);
  app.mount("/a/b", other);

  EXPECT_EQ(body("/a/b/c/d?q=1"), "/a/b /c/d q=1 /a/b/c/d?q=1");
  EXPECT_EQ(body("/a/b?q=1"), "/a/b / q=1 /a/b?q=1");
  EXPECT_EQ(body("/a/b/"), "/a/b /  /a/b/");
  EXPECT_EQ(body("/%61/b/c"), "/%61/b /c  /%61/b/c");
}

TEST_F(Mounting, GoesToAnyDepth) {
  App inmost;
  inmost.get("/x", view_of).get("/", view_of);
  other.mount("/b", inmost);
  app.mount("/a", other);

  EXPECT_EQ(body("/a/b/x"), "/a/b /x  /a/b/x");
  EXPECT_EQ(body("/a/b"), "/a/b /  /a/b");
  EXPECT_EQ(status("/a"), 404);
  EXPECT_EQ(status("/b/x"), 404);
}

TEST_F(Mounting, AtTheRootAnswersWhatNoRouteDoes) {
  other.get("/", view_of).get("/a", says("other's"));
  app.mount("/", other).get("/a", says("ours"));

  EXPECT_EQ(body("/"), " /  /");
  EXPECT_EQ(body("/a"), "ours");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/a"})->header("allow"), "GET, HEAD, OPTIONS") << "other's";
  EXPECT_EQ(status("*"), 404);
}

TEST_F(Mounting, LetsRoutesThatFitBetterComeFirst) {
  other.get("/help", says("other's")).get("/x/y", says("other's")).post("/help", says("other's post"));
  app.mount("/v1", other);
  app.get("/v1", says("own root")).get("/v1/help", says("own help")).get("/v1/{x}/z", says("own z"));
  app.get("/{rest:path}", says("own rest")).get("/{a}/x/y", says("own y"));

  EXPECT_EQ(body("/v1"), "own root");
  EXPECT_EQ(body("/v1/help"), "own help");
  EXPECT_EQ(body("/v1/x/z"), "own z");
  EXPECT_EQ(body("/v1/x/y"), "other's");
  EXPECT_EQ(status("/v1/none"), 404) << "of the other";
  EXPECT_EQ(body("/v2/none"), "own rest");
  EXPECT_EQ(ask(OwnedRequest{Method::post, "/v1/help"})->body(), "other's post");
}

TEST_F(Mounting, PrefersTheLongerPrefix) {
  App longer;
  longer.get("/x", says("longer"));
  other.get("/long/x", says("shorter")).get("/y", says("shorter"));
  app.mount("/v1", other).mount("/v1/long", longer);

  EXPECT_EQ(body("/v1/long/x"), "longer");
  EXPECT_EQ(body("/v1/y"), "shorter");
  EXPECT_EQ(status("/v1/long/y"), 404);
}

TEST_F(Mounting, LeavesMethodsToTheMounted) {
  other.post("/a", says("post"));
  app.mount("/v1", other);

  EXPECT_EQ(ask(OwnedRequest{Method::post, "/v1/a"})->body(), "post");
  EXPECT_EQ(status("/v1/a"), 405);
  EXPECT_EQ(ask(OwnedRequest{Method::options, "/v1/a"})->header("allow"), "POST, OPTIONS");
  EXPECT_EQ(ask(OwnedRequest{Method::head, "/v1/none"})->status(), 404);
}

auto writes(std::string name) {
  return [name](const Request& request, Next next) -> Task<Response> {
    journal().write(name + ":" + std::string{request.path()});
    Response response = co_await next(request);
    journal().write(name + ":" + std::string{request.path()});
    co_return response;
  };
}

TEST_F(Mounting, KeepsStateAndWhatIsAroundApart) {
  journal().take();
  app.state(1).around(writes("outer"));
  other.state(2).around(writes("inner"));
  other.get("/n", [](State<int> n) { return std::to_string(*n); });
  app.mount("/v1", other);

  EXPECT_EQ(body("/v1/n"), "2");
  EXPECT_EQ(journal().take(), "outer:/v1/n inner:/n inner:/n outer:/v1/n");
}

TEST_F(Mounting, OfOneAppInTwoPlacesWorks) {
  other.get("/x", view_of);
  app.mount("/one", other).mount("/two", other);

  EXPECT_EQ(body("/one/x"), "/one /x  /one/x");
  EXPECT_EQ(body("/two/x"), "/two /x  /two/x");
}

TEST_F(Mounting, OfAnAppInItselfIsRefused) {
  App inmost;
  app.mount("/a", other);
  other.mount("/b", inmost);

  EXPECT_THROW(app.mount("/a", app), std::logic_error);
  EXPECT_THROW(inmost.mount("/c", app), std::logic_error);
}

TEST_F(Mounting, IsOverOnceTheAppHasStarted) {
  app.start(port.context());

  EXPECT_THROW(app.mount("/v1", other), std::logic_error);
}

TEST_F(Mounting, StartsTheOther) {
  app.mount("/v1", other);
  app.start(port.context());

  EXPECT_THROW(other.get("/late", says("")), std::logic_error);
}

TEST_F(Mounting, ListsMistakesOfAllAppsAtTheStart) {
  App third;
  other.get("/n", [](State<int>) {});
  app.get("/m", [](State<bool>) {});
  app.get("/v3/{rest:path}", says(""));
  app.mount("/v1", other).mount("/v3", third).mount(runtime_route("/{x}"), third).mount("/v1", third);

  EXPECT_EQ(start_error(),
            "umbel: the application cannot start:\n"
            "  GET /m -> handler -> State<bool>: the application has no such state; give it with app.state(...)\n"
            "  the App mounted at /v3: it answers the same requests as GET /v3/{rest:path}\n"
            "  the App mounted at /{x}: a prefix that is given here has no parameters; those are part of a router's "
            "type: Router<\"/users/{id}\">\n"
            "  the App mounted at /v1: it answers the same requests as another one\n"
            "  the App mounted at /v1: GET /n -> handler -> State<int>: the application has no such state; give it "
            "with app.state(...)");
}

TEST_F(Mounting, IsShownByTheGraphWithWholePaths) {
  App inmost;
  inmost.get("/x", says(""), {.tags = tags<"x">});
  other.get("/items/{id}", says(""));
  other.mount("/b", inmost);
  app.mount("/a", other).get("/own", says(""));

  const Graph before = app.graph();
  app.start(port.context());

  ASSERT_EQ(before.routes.size(), 3u);
  EXPECT_EQ(before.routes[0].title, "GET /own");
  EXPECT_EQ(before.routes[1].title, "GET /a/items/{id}");
  EXPECT_EQ(before.routes[2].title, "GET /a/b/x");
  EXPECT_EQ(before.routes[2].tags, std::vector<std::string>{"x"});
  EXPECT_EQ(app.graph().text(), before.text());
}

}  // namespace
}  // namespace umbel::test
