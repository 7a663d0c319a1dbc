// SPDX-License-Identifier: MIT
#include "umbel/di/graph.hpp"

#include <algorithm>
#include <utility>

#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text.append(text.empty() ? "" : between).append(part);
  return text;
}

void write_node_text(std::string& out, const GraphRoute& route, const GraphNode& node) {
  out.append("  ").append(node.name).append("  [").append(node.kind);
  if (node.hop) out.append(", hop ").append(std::to_string(node.hop));
  out.append("]");
  std::vector<std::string> takes;
  for (const std::size_t need : node.needs) takes.push_back(route.nodes[need].name);
  takes.insert(takes.end(), node.takes.begin(), node.takes.end());
  if (!takes.empty()) out.append("  <- ").append(joined(takes, ", "));
  out.append("\n");
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out.append("\"");
}

void write_node_dot(std::string& out, std::size_t route, std::size_t index, const GraphNode& node) {
  const auto id = [route](std::size_t i) { return "n" + std::to_string(route) + "_" + std::to_string(i); };
  const std::string_view shape = node.kind == "plain" ? "box" : node.kind == "coroutine" ? "ellipse" : "diamond";
  out.append("    ").append(id(index)).append(" [label=").append(quoted(node.name)).append(", shape=").append(shape);
  out.append("];\n");
  for (const std::size_t need : node.needs) {
    out.append("    ").append(id(need)).append(" -> ").append(id(index)).append(";\n");
  }
}

void write_node_json(JsonWriter& json, const GraphNode& node) {
  json.begin_object().field("name", node.name).field("kind", node.kind).key("needs").begin_array();
  for (const std::size_t need : node.needs) json.value(need);
  json.end_array().key("takes").begin_array();
  for (const std::string& take : node.takes) json.value(take);
  json.end_array().field("hop", node.hop).end_object();
}

}  // namespace

std::string Graph::text() const {
  std::string out;
  for (const GraphRoute& route : routes) {
    out.append(route.title)
        .append("  (")
        .append(std::to_string(route.hops))
        .append(route.hops == 1 ? " hop, " : " hops, ");
    out.append(std::to_string(route.bytes)).append(" bytes)");
    if (!route.tags.empty()) out.append("  [").append(joined(route.tags, ", ")).append("]");
    out.append("\n");
    for (const GraphNode& node : route.nodes) write_node_text(out, route, node);
  }
  return out;
}

std::string Graph::dot() const {
  std::string out = "digraph umbel {\n  rankdir=LR;\n";
  for (std::size_t r = 0; r < routes.size(); ++r) {
    out.append("  subgraph cluster_")
        .append(std::to_string(r))
        .append(" {\n    label=")
        .append(quoted(routes[r].title));
    out.append(";\n");
    for (std::size_t i = 0; i < routes[r].nodes.size(); ++i) write_node_dot(out, r, i, routes[r].nodes[i]);
    out.append("  }\n");
  }
  return out.append("}\n");
}

std::string Graph::json() const {
  JsonWriter json;
  json.begin_object().key("routes").begin_array();
  for (const GraphRoute& route : routes) {
    json.begin_object().field("title", route.title).field("hops", route.hops).field("bytes", route.bytes);
    json.key("tags").begin_array();
    for (const std::string& tag : route.tags) json.value(tag);
    json.end_array().key("nodes").begin_array();
    for (const GraphNode& node : route.nodes) write_node_json(json, node);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  const Buffer out = std::move(json).take();
  return std::string{out.view()};
}

}  // namespace umbel
