// SPDX-License-Identifier: MIT
#pragma once
// The dependency graph of every route, for people and tools.

#include <cstddef>
#include <string>
#include <vector>

namespace umbel {

/// A node of a route's plan.
struct GraphNode {
  std::string name;                // "open_session"
  std::string kind;                // "coroutine", "plain", "on_loop"
  std::vector<std::size_t> needs;  // Nodes of the same route that it takes, in declaration order.
  std::vector<std::string> takes;  // What else it takes: "Path<\"item_id\">", "State<Pool>".
  std::size_t hop = 0;             // Plain nodes of one hop share a number, from 1; 0: on the loop.
};

/// A route's plan: nodes in the order in which they run when none waits; the handler is the last.
struct GraphRoute {
  std::string title;  // "GET /items/{item_id}"
  /// In the order in which they run where nothing has to wait.
  std::vector<GraphNode> nodes;
  std::size_t hops = 0;   // How many times a request crosses to a worker.
  std::size_t bytes = 0;  // The request's memory: slots and node states.
  /// Outermost first.
  std::vector<std::string> tags{};
};

/// What `App::graph` gives: a copy, independent of the App.
class Graph {
public:
  /// In declaration order.
  std::vector<GraphRoute> routes;

  /// A paragraph per route.
  std::string text() const;
  /// Graphviz: a cluster per route.
  std::string dot() const;
  /// `{"routes":[{"title","hops","bytes","tags","nodes":[{"name","kind","needs","takes","hop"}]}]}`
  std::string json() const;
};

}  // namespace umbel
