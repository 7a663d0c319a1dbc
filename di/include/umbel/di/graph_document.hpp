// SPDX-License-Identifier: MIT
#pragma once
// An App's dependency graph as data, for pages and tools that draw it. graph.hpp has what it is made of.

#include <string>

#include "umbel/di/graph.hpp"

namespace umbel {

/// The graph as JSON, the same bytes for the same graph:
///
///     {"nodes": [{"id", "name", "kind", "lifetime", "lane", "capacity", "replaces", "routes"}],
///      "routes": [{"title", "method", "path", "handler", "tags", "plan", "policy", "hops", "bytes",
///                  "nodes": [{"id", "number", "plan", "role", "lifetime", "hop", "takes", "users"}],
///                  "edges": [{"from", "to", "take"}]}]}
///
/// `nodes` has every provider and handler once, in the order in which routes come to it: `id` as in GraphNode;
/// `lifetime` if requests share it, "loop" or "app", else null; `lane`, `capacity` and `replaces` null where there is
/// none; `routes` are the numbers of those that take it. In a route, `nodes` are GraphRoute::nodes and behind them
/// GraphRoute::shared: a provider stands there twice if it runs twice. `role` is "provider", "guard" or "handler";
/// `lifetime` is that of a resource in this route, null of a value; `hop` is null on the loop; `takes` is what it takes
/// that is no node; `users` counts the nodes of the route that take it. `plan` and `number` are `route` and `number` of
/// a NodeEvent; `plan` is null in what a mounted App has, whose observers are its own. An edge leads `from` a node `to`
/// the one that takes it, both as places in `nodes` of the route; `take` is GraphEdge's. Values are added in later
/// versions, none is taken away.
///
/// Any thread.
std::string graph_document(const Graph& graph);

}  // namespace umbel
