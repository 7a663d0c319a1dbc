// SPDX-License-Identifier: MIT
#include "umbel/di/router.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "journal.hpp"
#include "peer.hpp"

namespace umbel::test {

// Not in an anonymous namespace: the program's symbols tell its name.
struct Pool {};
Task<int> open_session(State<Pool> pool);
Task<Response> read_item(Path<"item_id", int> id, Depends<open_session> session);

Task<int> open_session(State<Pool>) { co_return 1; }
Task<Response> read_item(Path<"item_id", int>, Depends<open_session>) { co_return Response{200}; }

namespace {

class Routing : public ::testing::Test, public TestApp {
protected:
  /// A handler that answers with `name`.
  static auto says(std::string name) {
    return [name]() -> Task<std::string> { co_return name; };
  }
  std::string method(Method method, std::string target) {
    const auto peer = ask(OwnedRequest{method, std::move(target)});
    return std::to_string(peer->status()) + " " + peer->header("allow");
  }
  std::string start_error() {
    try {
      app.start(port.context());
    } catch (const StartError& error) {
      return error.what();
    }
    return "started";
  }
};

TEST_F(Routing, PrefersLiteralThenIntegerThenParameterThenRest) {
  app.get("/i/{rest:path}", [](Path<"rest"> rest) { return "rest " + std::string{*rest}; });
  app.get("/i/{id}", [](Path<"id"> id) { return "any " + std::string{*id}; });
  app.get("/i/{id:int}", [](Path<"id"> id) { return "int " + std::string{*id}; });
  app.get("/i/me", says("me"));

  EXPECT_EQ(body("/i/me"), "me");
  EXPECT_EQ(body("/i/7"), "int 7");
  EXPECT_EQ(body("/i/7x"), "any 7x");
  EXPECT_EQ(body("/i/7/x"), "rest 7/x");
  EXPECT_EQ(body("/i/"), "rest ");
  EXPECT_EQ(status("/i"), 404);
}

TEST_F(Routing, GoesBackWhenALiteralLeadsNowhere) {
  app.get("/a/b/c", says("literal"));
  app.get("/a/{x}/d", [](Path<"x"> x) { return "x=" + std::string{*x}; });
  app.get("/{all:path}", [](Path<"all"> all) { return "all=" + std::string{*all}; });
  app.get("/n/{i:int}/int", [](Path<"i"> i) { return "int=" + std::string{*i}; });
  app.get("/n/{s}/text/{t}", [](Path<"s"> s, Path<"t"> t) { return std::string{*s} + "," + std::string{*t}; });

  EXPECT_EQ(body("/a/b/c"), "literal");
  EXPECT_EQ(body("/a/b/d"), "x=b");
  EXPECT_EQ(body("/a/b/e"), "all=a/b/e");
  EXPECT_EQ(body("/n/5/int"), "int=5");
  EXPECT_EQ(body("/n/5/text/6"), "5,6");
  EXPECT_EQ(body("/n/5/other"), "all=n/5/other");
  EXPECT_EQ(body("/"), "all=");
}

TEST_F(Routing, AllowsWhatAnyTemplateThatFitsAnswers) {
  app.get("/items/{id}", [](Path<"id"> id) { return std::string{*id}; });
  app.post("/items/special", says("special"));
  app.delete_("/items/{rest:path}", says("rest"));

  EXPECT_EQ(body("/items/special"), "special") << "of GET /items/{id}";
  EXPECT_EQ(method(Method::put, "/items/special"), "405 GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(method(Method::options, "/items/speci%61l"), "204 GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(method(Method::put, "/items/7"), "405 GET, HEAD, DELETE, OPTIONS");
}

TEST_F(Routing, DecodesBeforeItCompares) {
  app.get("/caf\xc3\xa9/{x}", [](Path<"x"> x) { return std::string{*x}; });
  app.get("/plain", says("plain"));

  EXPECT_EQ(body("/caf%C3%A9/a"), "a");
  EXPECT_EQ(body("/caf%c3%a9/a%20b+c"), "a b+c") << "a plus in a path is a plus";
  EXPECT_EQ(body("/%70lain"), "plain");
}

TEST_F(Routing, NeverSplitsAtAnEscapedSlash) {
  app.get("/f/{name}", [](Path<"name"> name) { return std::string{*name}; });
  app.get("/g/{rest:path}", [](Path<"rest"> rest) { return std::string{*rest}; });
  app.get("/a/b", says("two"));

  EXPECT_EQ(body("/f/a%2Fb"), "a/b");
  EXPECT_EQ(body("/g/a%2fb/c"), "a/b/c");
  EXPECT_EQ(status("/a%2Fb"), 404);
}

TEST_F(Routing, TakesATrailingSlashForAnotherPath) {
  app.get("/a", says("without"));
  app.get("/b/", says("with"));

  EXPECT_EQ(status("/a"), 200);
  EXPECT_EQ(status("/a/"), 404);
  EXPECT_EQ(status("/b"), 404);
  EXPECT_EQ(status("/b/"), 200);
  EXPECT_EQ(status("//a"), 404);
}

TEST_F(Routing, RefusesBadEscapes) {
  app.get("/f/{name}", [](Path<"name"> name) { return std::string{*name}; });
  app.get("/plain", says("plain"));

  for (const char* target : {"/f/%", "/f/%4", "/f/%zz", "/f/a%00b", "/plain%", "/%"})
    EXPECT_EQ(status(target), 400) << target;
}

TEST_F(Routing, AnswersWhatItDoesNotKnow) {  // Rule 35.
  app.get("/a", says("a"));

  const auto peer = ask("/b");

  EXPECT_EQ(peer->status(), 404);
  EXPECT_EQ(peer->body(), R"({"detail":"Not Found"})");
  EXPECT_EQ(status("/A"), 404);
  EXPECT_EQ(status(""), 404);
  EXPECT_EQ(status("*"), 404);
  EXPECT_EQ(status("http://host/a"), 404);
}

TEST_F(Routing, TellsWhichMethodsAPathHas) {  // Rule 35.
  app.get("/a", says("get"));
  app.post("/a", says("post"));
  app.delete_("/b", says("delete"));
  app.route(Method::put, "/c/{x}", says("put"));

  EXPECT_EQ(method(Method::put, "/a"), "405 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(method(Method::get, "/b"), "405 DELETE, OPTIONS");
  EXPECT_EQ(method(Method::get, "/c/1"), "405 PUT, OPTIONS");
  EXPECT_EQ(method(Method::other, "/a"), "405 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(method(Method::options, "/a"), "204 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(method(Method::options, "*"), "204 GET, HEAD, POST, PUT, DELETE, OPTIONS");
  EXPECT_EQ(method(Method::options, "/none"), "404 ");
  EXPECT_EQ(method(Method::head, "/a"), "200 ");
  EXPECT_EQ(method(Method::head, "/b"), "405 DELETE, OPTIONS");
}

TEST_F(Routing, IsNotStoppedByATemplateOfAnotherMethod) {
  app.get("/items/{id}", says("any"));
  app.post("/items/me", says("post me"));
  app.get("/items/{id:int}", says("int"));
  app.put("/items/{rest:path}", says("rest"));

  EXPECT_EQ(ask("/items/me")->body(), "any");
  EXPECT_EQ(ask(OwnedRequest{Method::post, "/items/me"})->body(), "post me");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/items/me"})->body(), "rest");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/items/7"})->body(), "rest");
  EXPECT_EQ(method(Method::delete_, "/items/me"), "405 GET, HEAD, POST, PUT, OPTIONS");
  EXPECT_EQ(method(Method::head, "/items/me"), "200 ");
}

TEST_F(Routing, PrefersARouteOfItsOwnForHeadAndOptions) {  // Rule 35.
  app.get("/a", says("get"));
  app.route(Method::head, "/a", [] { return Response{202}; });
  app.route(Method::options, "/a", says("options"));

  EXPECT_EQ(ask(OwnedRequest{Method::head, "/a"})->status(), 202);
  EXPECT_EQ(ask(OwnedRequest{Method::options, "/a"})->body(), "options");
}

TEST_F(Routing, LetsMethodsOfOnePathNameTheirParametersDifferently) {
  app.get("/a/{x}", [](Path<"x"> x) { return "x" + std::string{*x}; });
  app.put("/a/{y}", [](Path<"y"> y) { return "y" + std::string{*y}; });

  EXPECT_EQ(body("/a/1"), "x1");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/a/1"})->body(), "y1");
}

TEST_F(Routing, FindsEachOfAThousandRoutes) {
  std::deque<std::string> texts;
  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    texts.push_back("/literal/" + number);
    app.get(runtime_route(texts.back()), says("l" + number));
    texts.push_back("/" + number + "/{x}/end");
    app.get(runtime_route(texts.back()), [number](Path<"x"> x) { return number + std::string{*x}; });
  }

  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_EQ(body("/literal/" + number), "l" + number);
    ASSERT_EQ(body("/" + number + "/-/end"), number + "-");
  }
  EXPECT_EQ(status("/literal/500"), 404);
  EXPECT_EQ(status("/500/-/end"), 404);
  EXPECT_EQ(status("/1/-/"), 404);
}

TEST_F(Routing, TellsLiteralsApartThatBeginAlike) {
  std::deque<std::string> texts;
  const auto add = [&](const std::string& text) {
    texts.push_back(text);
    app.get(runtime_route(texts.back()), [text](Path<"x"> x) { return text + "=" + std::string{*x}; });
  };
  const auto is_few = [](std::size_t size) { return size % 4 == 0; };  // 0, 4, 8, 12, 16 and 20.
  for (std::size_t size = 0; size <= 20; ++size) {
    if (is_few(size)) add("/few/" + std::string(size, 'a') + "/{x}");
    add("/many/" + std::string(size, 'a') + "/{x}");
  }

  for (std::size_t size = 0; size <= 20; ++size) {
    const std::string few = "/few/" + std::string(size, 'a');
    const std::string many = "/many/" + std::string(size, 'a');
    ASSERT_EQ(body(many + "/7"), many + "/{x}=7");
    if (is_few(size)) {
      ASSERT_EQ(body(few + "/7"), few + "/{x}=7");
    } else {
      ASSERT_EQ(status(few + "/7"), 404);
    }
    ASSERT_EQ(status(few), 404);
    ASSERT_EQ(status(few + "/"), 404);
    ASSERT_EQ(status(few + "/7/"), 404);
    for (std::size_t place = 0; place < size; ++place) {
      std::string other(size, 'a');
      other[place] = 'b';
      ASSERT_EQ(status("/few/" + other + "/7"), 404) << other;
      ASSERT_EQ(status("/many/" + other + "/7"), 404) << other;
    }
  }
  EXPECT_EQ(status("/few/" + std::string(21, 'a') + "/7"), 404);
  EXPECT_EQ(status("/many/" + std::string(21, 'a') + "/7"), 404);
  EXPECT_EQ(body("/few/%61aaa/7"), "/few/aaaa/{x}=7");
  EXPECT_EQ(status("/few/aaaa%2F7/7"), 404) << "an escaped slash ends no literal";
  EXPECT_EQ(body("/few/aaaa/%61%2Fb"), "/few/aaaa/{x}=a/b");
}

// --- the start ------------------------------------------------------------------------------------------------------

TEST_F(Routing, StopsTheStartAtEqualRoutesAndNamesBoth) {
  app.get("/a/{x}", says("x"));
  app.get("/a/{y}", says("y"));

  EXPECT_EQ(start_error(),
            "umbel: the application cannot start:\n  GET /a/{y}: it answers the same requests as GET /a/{x}");
}

TEST_F(Routing, StopsTheStartAtMistakesInARuntimeRoute) {
  app.get(runtime_route("no/slash"), says(""));
  app.get(runtime_route("/{id:float}"), says(""));
  app.get(runtime_route("/here/{other}"), [](Path<"id"> id) { return std::string{*id}; });

  const std::string error = start_error();

  EXPECT_NE(error.find("GET no/slash: the route's template must start with a slash"), std::string::npos) << error;
  EXPECT_NE(error.find("GET /{id:float}: a parameter's type is `int` or `path`: {id:int}"), std::string::npos) << error;
  EXPECT_NE(
      error.find(R"(GET /here/{other} -> handler: it takes Path<"id">, which the route's template does not have)"),
      std::string::npos)
      << error;
}

TEST_F(Routing, StopsTheStartAtAMissingStateAndShowsThePath) {
  app.get("/items/{item_id}", read_item);

  EXPECT_EQ(unqualified(start_error()),
            "umbel: the application cannot start:\n"
            "  GET /items/{item_id} -> read_item -> open_session -> State<Pool>: "
            "the application has no such state; give it with app.state(...)");
}

TEST_F(Routing, ListsEveryMistakeAtOnce) {
  app.get("/1", [](State<int>, State<long, "replica">) {});
  app.get("/2", [](State<int>) {});
  app.get("/2", says(""));

  const std::string error = start_error();

  EXPECT_NE(error.find("GET /1 -> handler -> State<int>"), std::string::npos) << error;
  EXPECT_NE(error.find("\"replica\">"), std::string::npos) << error;
  EXPECT_NE(error.find("GET /2 -> handler -> State<int>"), std::string::npos) << error;
  EXPECT_NE(error.find("GET /2: it answers"), std::string::npos) << error;
}

TEST_F(Routing, MayStartAgainWhenTheMistakeIsMended) {
  app.get("/", [](State<int> n) { return std::to_string(*n); });
  EXPECT_NE(start_error(), "started");

  app.state(5);

  EXPECT_EQ(body("/"), "5");
}

TEST_F(Routing, IsClosedOnceTheAppHasStarted) {
  app.get("/", says(""));
  app.start(port.context());

  EXPECT_THROW(app.get("/late", says("")), std::logic_error);
  EXPECT_THROW(app.state(5), std::logic_error);
  EXPECT_THROW(
      app.around([](const Request& request, Next next) -> Task<Response> { co_return co_await next(request); }),
      std::logic_error);
}

TEST_F(Routing, RefusesStateThatIsThereAlready) {
  app.state(5);

  EXPECT_THROW(app.state(6), std::logic_error);
  EXPECT_THROW(app.route(Method::other, "/", says("")), std::logic_error);
}

// --- routers in routers ---------------------------------------------------------------------------------------------

class Including : public Routing {};

TEST_F(Including, PutsAPrefixBeforeEveryRoute) {
  Router items;
  items.get("", says("list")).get("/", says("slash")).post("", says("post"));
  items.get("/{id}", [](Path<"id"> id) { return std::string{*id}; });
  app.include("/items", items);

  EXPECT_EQ(body("/items"), "list");
  EXPECT_EQ(body("/items/"), "slash");
  EXPECT_EQ(body("/items/7"), "7");
  EXPECT_EQ(ask(OwnedRequest{Method::post, "/items"})->body(), "post");
  EXPECT_EQ(status("/"), 404);
  EXPECT_EQ(status("/7"), 404);
}

TEST_F(Including, GivesHandlersTheParametersOfATypedPrefix) {
  Router<"/users/{user}"> of_user;
  of_user.get("", [](Path<"user"> user) { return std::string{*user}; });
  of_user.get("/orders/{order:int}",
              [](Path<"order", int> order, Path<"user"> user) { return std::string{*user} + std::to_string(*order); });
  app.include(of_user);

  EXPECT_EQ(body("/users/ann"), "ann");
  EXPECT_EQ(body("/users/ann/orders/7"), "ann7");
}

TEST_F(Including, GoesToAnyDepth) {
  Router<"/c"> inner;
  inner.get("/end", says("end"));
  Router<"/b/{b}"> middle;
  middle.include("/plain", inner);
  Router outer;
  outer.include(middle);
  app.include("/a", outer);

  EXPECT_EQ(body("/a/b/7/plain/c/end"), "end");
}

TEST_F(Including, MayBeDoneTwice) {
  Router items;
  items.get("/x", says("x"));
  app.include("/one", items).include("/two", items);

  EXPECT_EQ(body("/one/x"), "x");
  EXPECT_EQ(body("/two/x"), "x");
}

TEST_F(Including, CountsWhatARouterGetsLater) {
  Router items;
  app.include("/items", items);
  items.get("/late", says("late"));

  EXPECT_EQ(body("/items/late"), "late");
}

TEST_F(Including, KeepsTheHandlersOfARouterThatIsGone) {
  const auto make_router = [] {
    Router items;
    items.get("/x", says("a name that is too long to be kept in place"));
    return items;
  };
  app.include("/made", make_router());

  EXPECT_EQ(body("/made/x"), "a name that is too long to be kept in place");
}

TEST_F(Including, ClosesRoutersWhenTheAppStarts) {
  Router inner;
  Router outer;
  outer.include("/inner", inner);
  app.include("/outer", outer);
  app.start(port.context());

  EXPECT_THROW(inner.get("/late", says("")), std::logic_error);
  EXPECT_THROW(inner.tag<"late">(), std::logic_error);
  EXPECT_THROW(outer.include(Router{}), std::logic_error);
  EXPECT_THROW(outer.policy(Policy::sequential), std::logic_error);
}

TEST_F(Including, OfARouterInItselfIsRefused) {
  Router<> a;
  Router<> b;
  Router<> c;
  a.include("/b", b);
  b.include("/c", c);

  EXPECT_THROW(a.include(a), std::logic_error);
  EXPECT_THROW(c.include("/a", a), std::logic_error);
}

TEST_F(Including, RefusesAPrefixWithParametersThatIsOnlyKnownAtRunTime) {
  Router items;
  items.get("/x", says(""));
  app.include(runtime_route("/users/{id}"), items).include(runtime_route("/a/"), items);

  EXPECT_EQ(start_error(),
            "umbel: the application cannot start:\n"
            "  a router included at /users/{id}: a prefix that is given here has no parameters; those are part of a "
            "router's type: Router<\"/users/{id}\">\n"
            "  a router included at /a/: a prefix must not end with a slash");
}

TEST_F(Including, TakesAPrefixThatIsOnlyKnownAtRunTime) {
  Router items;
  items.get("/x", says("x"));
  {
    const std::string version = "/v7";
    app.include(runtime_route(version), items);
  }

  EXPECT_EQ(body("/v7/x"), "x");
}

TEST_F(Including, ChecksARuntimeRouteWithAllThatIsAroundIt) {
  Router items;
  items.get(runtime_route("/{item}"),
            [](Path<"user"> user, Path<"item"> item) { return std::string{*user} + std::string{*item}; });
  Router<"/users/{user}"> of_user;
  of_user.include("/items", items);
  app.include(of_user);

  EXPECT_EQ(body("/users/ann/items/7"), "ann7");
}

TEST_F(Including, StopsTheStartAtMistakesThatOnlyWholeTemplatesShow) {
  Router<"/{id}"> inner;
  inner.get("", says(""));
  Router<"/users/{id}"> outer;
  outer.include(inner);
  Router items;
  items.get("", says("")).get(runtime_route("/{item}"), [](Path<"user">) {});
  app.include(outer).include("/i", items).include(items);
  app.get("/i", says(""));

  const std::string error = start_error();

  EXPECT_NE(error.find("GET /users/{id}/{id}: two parameters have the same name"), std::string::npos) << error;
  EXPECT_NE(error.find("GET : the route's template must start with a slash"), std::string::npos) << error;
  EXPECT_NE(error.find("GET /i/{item} -> handler: it takes Path<\"user\">"), std::string::npos) << error;
  EXPECT_NE(error.find("GET /i: it answers the same requests as GET /i"), std::string::npos) << error;
}

// --- what routes have of the routers around them --------------------------------------------------------------------

void app1() {}
void app2() {}
void at_inclusion() {}
void outer1() {}
void inner1() {}
void route1() {}
void route2() {}

struct OpenApp : App {
  using Router<>::contents;

  detail::Placement only_route() const {
    std::vector<std::string> problems;
    return contents().placed_routes(problems).at(0).placement;
  }
  /// "app1 app2, outer1": layers with a comma in between.
  std::string layers() const {
    std::string out;
    for (const detail::GuardLayer& layer : only_route().guard_layers) {
      if (!out.empty()) out += ",";
      for (const detail::NodeInfo* guard : layer) out.append(out.empty() ? "" : " ").append(guard->name);
    }
    return unqualified(out);
  }
};

TEST(Guards, StandInLayersFromTheAppInwards) {
  OpenApp app;
  Router inner;
  inner.get("/", [] {}, {.guards = guards<route1, route2>});
  inner.guard<inner1>();
  Router outer;
  outer.include("/inner", inner);
  outer.guard<outer1>();
  app.include("/outer", outer, {.guards = guards<at_inclusion>});
  app.guard<app1>().guard<app2>();

  EXPECT_EQ(app.layers(), "app1 app2, at_inclusion, outer1, inner1, route1 route2");
}

TEST(Guards, OfNobodyMakeNoLayer) {
  OpenApp app;
  Router inner;
  inner.get("/", [] {});
  app.include("/inner", inner);
  app.guard<app1, app2>();

  EXPECT_EQ(app.layers(), "app1 app2");
}

TEST(RouterOptions, CountFromTheClosest) {
  using std::chrono::seconds;
  OpenApp app;
  Router inner;
  inner.get("/", [] {}, {.deadline = seconds{1}});
  inner.deadline(seconds{2}).on_disconnect(OnDisconnect::finish);
  Router outer;
  outer.include(inner, {.policy = Policy::sequential, .on_disconnect = OnDisconnect::cancel});
  outer.policy(Policy::concurrent).deadline(seconds{3});
  app.include(outer);

  const detail::Placement route = app.only_route();

  EXPECT_EQ(route.deadline, seconds{1}) << "the route's own";
  EXPECT_EQ(route.on_disconnect, OnDisconnect::finish) << "the inner router's";
  EXPECT_EQ(route.policy, Policy::sequential) << "the inclusion's";
}

TEST(RouterOptions, MayTakeADeadlineBack) {
  OpenApp app;
  app.get("/", [] {}, {.deadline = std::chrono::seconds{0}});
  app.deadline(std::chrono::seconds{3});

  EXPECT_EQ(app.only_route().deadline, std::chrono::seconds{0});
}

TEST(RouterOptions, AreNotSetUnlessSomebodySaysSo) {
  OpenApp app;
  app.get("/", [] {});

  const detail::Placement route = app.only_route();

  EXPECT_FALSE(route.policy || route.deadline || route.on_disconnect);
}

int plain_first() { return 1; }
Task<int> between() { co_return 1; }
int plain_second(Depends<plain_first> first) { return *first; }
Task<Response> takes_all(Depends<plain_first>, Depends<between>, Depends<plain_second>) { co_return Response{200}; }

TEST(RouterOptions, OfPolicyReachThePlan) {  // Rule 9.
  App app;
  Router sequential;
  sequential.get("/s", takes_all).get("/c", takes_all, {.policy = Policy::concurrent});
  sequential.policy(Policy::sequential);
  app.get("/", takes_all).include(sequential);

  const std::vector<GraphRoute> routes = app.graph().routes;

  EXPECT_EQ(routes.at(0).hops, 1u);
  EXPECT_EQ(routes.at(1).hops, 2u) << "the chain is not one in a sequential plan";
  EXPECT_EQ(routes.at(2).hops, 1u);
}

TEST(Tags, AddUpFromTheAppInwards) {
  App app;
  Router items;
  items.get("/x", [] {}, {.tags = tags<"x", "y">});
  items.get("/plain", [] {});
  items.tag<"items">();
  app.include("/items", items, {.tags = tags<"included">});
  app.tag<"app">();

  const Graph graph = app.graph();

  EXPECT_EQ(graph.routes.at(0).title, "GET /items/x");
  EXPECT_EQ(graph.routes.at(0).tags, (std::vector<std::string>{"app", "included", "items", "x", "y"}));
  EXPECT_EQ(graph.routes.at(1).tags, (std::vector<std::string>{"app", "included", "items"}));
}

}  // namespace
}  // namespace umbel::test
