// SPDX-License-Identifier: MIT
#include "umbel/di/graph_document.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "peer.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {

// Not of this file alone, so that it has a name.
int settings();
int settings() { return 1; }
Response list_items(Depends<settings>);
Response list_items(Depends<settings>) { return Response{200}; }

namespace {

Resource<int> open_pool() {
  int pool = 1;
  co_yield pool;
}
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);
Resource<int> open_cache(Depends<pool> p) {
  int cache = *p;
  co_yield cache;
}
inline constexpr auto cache = provider<open_cache>.lifetime(Lifetime::loop);
Resource<int> open_session(Depends<cache> c, Depends<settings>) {
  int session = *c;
  co_yield session;
}
inline constexpr auto session = provider<open_session>.lifetime(Lifetime::request).capacity(5);
int load_user(Header<"x-token">, Exclusive<session>) { return 1; }
inline constexpr auto user = provider<load_user>.lane("db");
void require_login(Depends<user>) {}
int audit() { return 1; }
int advert() { return 1; }
Task<Response> read_item(Path<"item_id", int>, Depends<user>, Depends<session>, After<audit>, Lazy<advert>,
                         Try<settings>, Guard<require_login>) {
  co_return Response{200};
}

class Documents : public ::testing::Test, public TestApp {
protected:
  Documents() { app.lane("db"); }
  GraphRoute route() const { return app.graph().routes.at(0); }
};

const GraphNode& find(const GraphRoute& route, std::string_view name) {
  const auto has_name = [&](const GraphNode& node) { return unqualified(node.name) == name; };
  const auto own = std::find_if(route.nodes.begin(), route.nodes.end(), has_name);
  return own != route.nodes.end() ? *own : *std::find_if(route.shared.begin(), route.shared.end(), has_name);
}

/// "session exclusive" for each edge.
std::vector<std::string> edges_of(const GraphRoute& route, const GraphNode& node) {
  std::vector<std::string> edges;
  for (const GraphEdge& edge : node.edges) {
    const std::size_t own = route.nodes.size();
    const GraphNode& from = edge.node < own ? route.nodes[edge.node] : route.shared[edge.node - own];
    edges.push_back(unqualified(from.name) + " " + edge.take);
  }
  return edges;
}

TEST_F(Documents, TellHowEachNodeIsTaken) {
  app.get("/items/{item_id}", read_item);

  const GraphRoute found = route();

  EXPECT_EQ(edges_of(found, found.nodes.back()),
            (std::vector<std::string>{"user depends", "session depends", "audit after", "advert lazy", "settings try",
                                      "require_login guard"}));
  EXPECT_EQ(edges_of(found, find(found, "user")), std::vector<std::string>{"session exclusive"});
}

TEST_F(Documents, TellRolesLifetimesLanesAndCapacities) {
  app.get("/items/{item_id}", read_item);

  const GraphRoute found = route();

  EXPECT_EQ(find(found, "require_login").role, "guard");
  EXPECT_EQ(find(found, "user").role, "provider");
  EXPECT_EQ(find(found, "user").lane, "db");
  EXPECT_EQ(find(found, "user").lifetime, "");
  EXPECT_EQ(find(found, "session").lifetime, "request");
  EXPECT_EQ(find(found, "session").capacity, 5u);
  EXPECT_EQ(found.nodes.back().role, "handler");
  EXPECT_EQ(found.nodes.back().id, "GET /items/{item_id}");
}

TEST_F(Documents, FollowWhatRequestsShareToItsEnd) {
  app.get("/items/{item_id}", read_item);

  const GraphRoute found = route();

  ASSERT_EQ(found.shared.size(), 2u);
  EXPECT_EQ(unqualified(found.shared[0].name), "cache");
  EXPECT_EQ(found.shared[0].lifetime, "loop");
  EXPECT_EQ(edges_of(found, found.shared[0]), std::vector<std::string>{"pool depends"});
  EXPECT_EQ(found.shared[1].lifetime, "app");
  EXPECT_EQ(edges_of(found, find(found, "session")), (std::vector<std::string>{"cache depends", "settings depends"}));
}

TEST_F(Documents, CallAStandInByItsNameAndWhatItReplaces) {
  app.get("/items/{item_id}", read_item);
  const Override in_place = app.override<settings>([] { return 2; });

  const GraphNode node = find(route(), "an override of settings");

  EXPECT_EQ(unqualified(node.replaces), "settings");
}

TEST_F(Documents, ShowADecoratorAndTheOriginal) {
  app.get("/items", list_items);
  const Override decorated = app.decorate<settings>([](Original<settings> real) { return *real + 1; });

  const GraphRoute found = route();

  EXPECT_EQ(edges_of(found, found.nodes[1]), std::vector<std::string>{"settings original"});
  EXPECT_EQ(unqualified(found.nodes[1].replaces), "settings");
  EXPECT_EQ(found.nodes[0].replaces, "");
}

TEST_F(Documents, ListAProviderOnceWithTheRoutesThatTakeIt) {
  app.get("/items", list_items, {.tags = tags<"items">});
  app.get("/other", list_items);

  EXPECT_EQ(unqualified(graph_document(app.graph())),
            R"({"nodes":[{"id":"settings","name":"settings","kind":"plain","lifetime":null,"lane":null,)"
            R"("capacity":null,"replaces":null,"routes":[0,1]},{"id":"GET /items","name":"list_items","kind":"plain",)"
            R"("lifetime":null,"lane":null,"capacity":null,"replaces":null,"routes":[0]},{"id":"GET /other",)"
            R"("name":"list_items","kind":"plain","lifetime":null,"lane":null,"capacity":null,"replaces":null,)"
            R"("routes":[1]}],"routes":[{"title":"GET /items","method":"GET","path":"/items","handler":"list_items",)"
            R"("tags":["items"],"plan":"GET /items","policy":"concurrent","hops":1,"bytes":)" +
                std::to_string(route().bytes) +
                R"(,"nodes":[{"id":"settings","number":0,"plan":"GET /items","role":"provider","lifetime":null,)"
                R"("hop":1,"takes":[],"users":1},{"id":"GET /items","number":1,"plan":"GET /items","role":"handler",)"
                R"("lifetime":null,"hop":1,"takes":[],"users":0}],"edges":[{"from":0,"to":1,"take":"depends"}]},)"
                R"({"title":"GET /other","method":"GET","path":"/other","handler":"list_items","tags":[],)"
                R"("plan":"GET /other","policy":"concurrent","hops":1,"bytes":)" +
                std::to_string(route().bytes) +
                R"(,"nodes":[{"id":"settings","number":0,"plan":"GET /other","role":"provider","lifetime":null,)"
                R"("hop":1,"takes":[],"users":1},{"id":"GET /other","number":1,"plan":"GET /other",)"
                R"("role":"handler","lifetime":null,"hop":1,"takes":[],"users":0}],)"
                R"("edges":[{"from":0,"to":1,"take":"depends"}]}]})");
}

TEST_F(Documents, AreTheSameBeforeAndAfterTheStart) {
  app.get("/items/{item_id}", read_item);

  const std::string before = graph_document(app.graph());
  app.start(port.context());

  EXPECT_EQ(graph_document(app.graph()), before);
}

TEST_F(Documents, KeepTheProvidersOfMountedAppsApart) {
  App shop;
  shop.get("/items", list_items);
  app.get("/items", list_items);
  app.mount("/shop", shop);

  const Graph graph = app.graph();

  EXPECT_EQ(unqualified(graph.routes.at(0).nodes[0].id), "settings");
  EXPECT_EQ(unqualified(graph.routes.at(1).nodes[0].id), "/shop: settings");
  EXPECT_EQ(graph.routes.at(1).nodes[1].id, "GET /shop/items");
  EXPECT_EQ(graph.routes.at(0).plan, "GET /items");
  EXPECT_EQ(graph.routes.at(1).plan, "");
}

TEST(GraphDocument, OfNothingIsEmpty) { EXPECT_EQ(graph_document(Graph{}), R"({"nodes":[],"routes":[]})"); }

inline constexpr auto quick_settings = on_loop<settings>;
Response list_quickly(Depends<quick_settings>) { return Response{200}; }

TEST_F(Documents, TellProvidersOfTheSameNameApart) {
  app.get("/a", list_items);
  app.get("/b", list_quickly);

  const Graph graph = app.graph();

  EXPECT_NE(graph.routes[0].nodes[0].id, graph.routes[1].nodes[0].id);
}

}  // namespace
}  // namespace umbel::test
