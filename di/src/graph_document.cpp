// SPDX-License-Identifier: MIT
#include "umbel/di/graph_document.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

std::optional<std::string_view> if_any(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional{text};
}

std::optional<std::size_t> if_any(std::size_t number) { return number == 0 ? std::nullopt : std::optional{number}; }

bool is_shared(std::string_view lifetime) { return lifetime == "loop" || lifetime == "app"; }

template <class F>
void for_each_node(const GraphRoute& route, F f) {
  for (const GraphNode& node : route.nodes) f(node);
  for (const GraphNode& node : route.shared) f(node);
}

/// A provider, and who takes it.
struct Listed {
  const GraphNode* node;
  std::vector<std::size_t> routes;
};

std::vector<Listed> list_nodes(const Graph& graph) {
  std::vector<Listed> all;
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t r = 0; r < graph.routes.size(); ++r) {
    for_each_node(graph.routes[r], [&](const GraphNode& node) {
      const auto [place, is_new] = places.try_emplace(node.id, all.size());
      if (is_new) all.push_back({&node, {}});
      std::vector<std::size_t>& routes = all[place->second].routes;
      if (routes.empty() || routes.back() != r) routes.push_back(r);
    });
  }
  return all;
}

template <class List>
void write_list(JsonWriter& json, const List& list) {
  json.begin_array();
  for (const auto& one : list) json.value(one);
  json.end_array();
}

void write_listed(JsonWriter& json, const Listed& listed) {
  const GraphNode& node = *listed.node;
  json.begin_object().field("id", node.id).field("name", node.name).field("kind", node.kind);
  json.field("lifetime", is_shared(node.lifetime) ? if_any(node.lifetime) : std::nullopt);
  json.field("lane", if_any(node.lane)).field("capacity", if_any(node.capacity));
  json.field("replaces", if_any(node.replaces)).key("routes");
  write_list(json, listed.routes);
  json.end_object();
}

std::vector<std::size_t> count_users(const GraphRoute& route) {
  std::vector<std::size_t> counts(route.nodes.size() + route.shared.size());
  for_each_node(route, [&](const GraphNode& node) {
    for (const GraphEdge& edge : node.edges) ++counts[edge.node];
  });
  return counts;
}

void write_node(JsonWriter& json, const GraphRoute& route, const GraphNode& node, std::size_t users) {
  const bool has_plan_of_its_own = is_shared(node.lifetime) && !route.plan.empty();
  json.begin_object().field("id", node.id).field("number", node.number);
  json.field("plan", if_any(has_plan_of_its_own ? node.lifetime : route.plan)).field("role", node.role);
  json.field("lifetime", if_any(node.lifetime)).field("hop", if_any(node.hop)).key("takes");
  write_list(json, node.takes);
  json.field("users", users).end_object();
}

void write_edges(JsonWriter& json, const GraphRoute& route) {
  json.key("edges").begin_array();
  std::size_t to = 0;
  for_each_node(route, [&](const GraphNode& node) {
    for (const GraphEdge& edge : node.edges)
      json.begin_object().field("from", edge.node).field("to", to).field("take", edge.take).end_object();
    ++to;
  });
  json.end_array();
}

void write_route(JsonWriter& json, const GraphRoute& route) {
  const std::size_t space = route.title.find(' ');
  const std::string_view title = route.title;
  json.begin_object().field("title", title).field("method", title.substr(0, space));
  const std::string_view handler = route.nodes.empty() ? std::string_view{} : route.nodes.back().name;
  json.field("path", title.substr(space + 1)).field("handler", handler).key("tags");
  write_list(json, route.tags);
  json.field("plan", if_any(route.plan))
      .field("policy", route.policy)
      .field("hops", route.hops)
      .field("bytes", route.bytes);
  json.key("nodes").begin_array();
  const std::vector<std::size_t> users = count_users(route);
  std::size_t at = 0;
  for_each_node(route, [&](const GraphNode& node) { write_node(json, route, node, users[at++]); });
  json.end_array();
  write_edges(json, route);
  json.end_object();
}

}  // namespace

std::string graph_document(const Graph& graph) {
  JsonWriter json;
  json.begin_object().key("nodes").begin_array();
  for (const Listed& listed : list_nodes(graph)) write_listed(json, listed);
  json.end_array().key("routes").begin_array();
  for (const GraphRoute& route : graph.routes) write_route(json, route);
  json.end_array().end_object();
  const Buffer out = std::move(json).take();
  return std::string{out.view()};
}

}  // namespace umbel
