// SPDX-License-Identifier: MIT
#include "umbel/di/graph.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "peer.hpp"

namespace umbel::test {
namespace {

struct Pool {};
Task<int> open_session(State<Pool>) { co_return 1; }
int current_user(Header<"x-token">, Depends<open_session>) { return 1; }
Task<Response> read_item(Path<"item_id", int>, Depends<current_user>, Depends<open_session>) {
  co_return Response{200};
}

TEST(Graph, TellsWhatEachNodeTakesAndWhereItRuns) {
  App app;
  app.get("/items/{item_id}", read_item);

  const GraphRoute route = app.graph().routes.at(0);

  EXPECT_EQ(route.title, "GET /items/{item_id}");
  EXPECT_EQ(route.hops, 1u);
  EXPECT_GT(route.bytes, 0u);
  ASSERT_EQ(route.nodes.size(), 3u);
  EXPECT_EQ(route.nodes[0].kind, "coroutine");
  EXPECT_EQ(route.nodes[0].hop, 0u);
  EXPECT_EQ(route.nodes[1].kind, "plain");
  EXPECT_EQ(route.nodes[1].hop, 1u);
  EXPECT_EQ(route.nodes[1].takes, std::vector<std::string>{"Header<\"x-token\">"});
  EXPECT_EQ(route.nodes[2].needs, (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(route.nodes[2].takes, std::vector<std::string>{"Path<\"item_id\">"});
}

TEST(Graph, IsTheSameBeforeAndAfterTheStart) {
  TestApp test;
  test.app.state(Pool{});
  test.app.get("/items/{item_id}", read_item);

  const std::string before = test.app.graph().text();
  test.app.start(test.port.context());

  EXPECT_EQ(test.app.graph().text(), before);
}

Graph small_graph() {
  Graph graph;
  GraphNode need{"a\"b", "plain", {}, {"State<Pool>"}};
  need.hop = 1;
  graph.routes.push_back({"GET /", {need, {"h", "coroutine", {0}, {}}}, 1, 640});
  return graph;
}

TEST(Graph, IsTextForPeople) {
  EXPECT_EQ(small_graph().text(),
            "GET /  (1 hop, 640 bytes)\n  a\"b  [plain, hop 1]  <- State<Pool>\n  h  [coroutine]  <- a\"b\n");
}

TEST(Graph, ShowsTags) {
  Graph graph;
  graph.routes.push_back({"GET /", {}, 0, 64, {"items", "admin"}});

  EXPECT_EQ(graph.text(), "GET /  (0 hops, 64 bytes)  [items, admin]\n");
  EXPECT_EQ(graph.json(), R"({"routes":[{"title":"GET /","hops":0,"bytes":64,"tags":["items","admin"],"nodes":[]}]})");
}

TEST(Graph, IsDotForGraphviz) {
  EXPECT_EQ(
      small_graph().dot(),
      "digraph umbel {\n  rankdir=LR;\n  subgraph cluster_0 {\n    label=\"GET /\";\n"
      "    n0_0 [label=\"a\\\"b\", shape=box];\n    n0_1 [label=\"h\", shape=ellipse];\n    n0_0 -> n0_1;\n  }\n}\n");
}

TEST(Graph, IsJsonForPrograms) {
  EXPECT_EQ(
      small_graph().json(),
      R"({"routes":[{"title":"GET /","hops":1,"bytes":640,"tags":[],"nodes":[{"name":"a\"b","kind":"plain","needs":[],)"
      R"("takes":["State<Pool>"],"hop":1},{"name":"h","kind":"coroutine","needs":[0],"takes":[],"hop":0}]}]})");
}

}  // namespace
}  // namespace umbel::test
