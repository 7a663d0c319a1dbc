// SPDX-License-Identifier: MIT
#pragma once
// The dependency graph of every route, for people and tools.

#include <cstddef>
#include <string>
#include <vector>

namespace umbel {

/// What a node takes of the graph.
struct GraphEdge {
  std::size_t node;  // Among the nodes of its route; those of `GraphRoute::shared` are counted behind the others.
  /// "depends", "exclusive", "after", "guard", "lazy", "try", or "original", of what an override took the place of.
  std::string take;
};

/// A node of a route's plan.
struct GraphNode {
  std::string name;                // "open_session"
  std::string kind;                // "coroutine", "plain", "on_loop"
  std::vector<std::size_t> needs;  // Nodes of the same route that it takes, in declaration order.
  std::vector<std::string> takes;  // What else it takes: "Path<\"item_id\">", "State<Pool>".
  std::size_t hop = 0;             // Plain nodes of one hop share a number, from 1; 0: on the loop.
  std::string id{};                // One for each provider of the Graph: its name, with "#2" where that is not enough;
                                   // of a handler, its route's title.
  std::string role{};              // "provider", "guard", "handler"
  std::string lifetime{};          // Of a resource: "last_use", "handler", "request"; of what requests share: "loop",
                                   // "app". Empty: a value, which is there until its request ends.
  std::string lane{};              // Where its plain code runs; empty: the work queue itself.
  std::size_t capacity = 0;        // How many may exist at once; 0: any number.
  std::string replaces{};          // The provider in whose place it stands; empty: none.
  std::size_t number = 0;          // As NodeEvent::number has it; of what requests share, in the plan that makes it,
                                   // whose title is the lifetime.
  std::vector<GraphEdge> edges{};  // Each parameter that is a node, in declaration order.
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
  /// What it takes of that which lives as long as the App or a Context, itself or through others, with all that was
  /// made for it.
  std::vector<GraphNode> shared{};
  std::string policy{};  // "concurrent", "sequential"
  std::string plan{};    // Its title for the App's observers; empty: it is of a mounted App, which has its own.
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
