// SPDX-License-Identifier: MIT
#include "route_trie.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "percent.hpp"

namespace umbel::detail {

namespace {

bool is_integer(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool comes_before(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return a.size() < b.size();
  return std::memcmp(a.data(), b.data(), a.size()) < 0;
}

}  // namespace

RouteTrie::RouteTrie() { make_node(); }

std::uint32_t RouteTrie::make_node() {
  nodes_.push_back(std::make_unique<Node>());
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t RouteTrie::child_of(std::uint32_t parent, const Segment& segment) {
  if (segment.kind == SegmentKind::literal) {
    for (const Literal& literal : nodes_[parent]->literals) {
      if (literal.text == segment.text) return literal.node;
    }
    const std::uint32_t made = make_node();
    nodes_[parent]->literals.push_back({std::string{segment.text}, made});
    return made;
  }
  const bool is_int = segment.kind == SegmentKind::integer;
  std::uint32_t child = is_int ? nodes_[parent]->integer : nodes_[parent]->parameter;
  if (child != none) return child;
  child = make_node();
  (is_int ? nodes_[parent]->integer : nodes_[parent]->parameter) = child;
  return child;
}

Endpoint& RouteTrie::add(const ParsedRoute& route, std::string_view text) {
  std::uint32_t node = 0;
  bool is_literal = true;
  for (std::size_t i = 0; i < route.count; ++i) {
    const Segment& segment = route.segments[i];
    is_literal = is_literal && segment.kind == SegmentKind::literal;
    if (segment.kind == SegmentKind::rest) {
      if (!nodes_[node]->rest) nodes_[node]->rest = std::make_unique<Endpoint>();
      return *nodes_[node]->rest;
    }
    node = child_of(node, segment);
  }
  if (nodes_[node]->here) return *nodes_[node]->here;
  nodes_[node]->here = std::make_unique<Endpoint>();
  if (is_literal) literal_paths_.emplace_back(text, nodes_[node]->here.get());
  return *nodes_[node]->here;
}

void RouteTrie::freeze() {
  for (const auto& node : nodes_) {
    std::sort(node->literals.begin(), node->literals.end(),
              [](const Literal& a, const Literal& b) { return comes_before(a.text, b.text); });
  }
  exact_.resize(std::bit_ceil(2 * literal_paths_.size() + 1));
  for (auto& [path, endpoint] : literal_paths_) {
    std::size_t at = hash(path) & (exact_.size() - 1);
    while (exact_[at].endpoint) at = (at + 1) & (exact_.size() - 1);
    exact_[at] = Exact{std::move(path), endpoint};
  }
  literal_paths_.clear();
}

std::size_t RouteTrie::hash(std::string_view path) noexcept {
  constexpr std::uint64_t prime = 0x9e3779b97f4a7c15;
  std::uint64_t hash = path.size() * prime;
  const char* at = path.data();
  std::size_t left = path.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = std::rotl((hash ^ word) * prime, 29);
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < left; ++i) word = (word << 8) | static_cast<unsigned char>(at[i]);
  return static_cast<std::size_t>(((hash ^ word) * prime) >> 32);
}

const Endpoint* RouteTrie::find_exact(std::string_view path) const noexcept {
  for (std::size_t at = hash(path) & (exact_.size() - 1);; at = (at + 1) & (exact_.size() - 1)) {
    const Exact& exact = exact_[at];
    if (!exact.endpoint) return nullptr;
    if (exact.path == path) return exact.endpoint;
  }
}

const Endpoint* RouteTrie::find(std::string_view path, Captures& captures, Arena& arena) const {
  if (const Endpoint* const exact = find_exact(path)) return exact;
  if (path.empty() || path.front() != '/') return nullptr;
  return walk(*nodes_[0], path, 0, captures, arena);
}

const RouteTrie::Literal* RouteTrie::find_literal(const Node& node, std::string_view text) const noexcept {
  if (node.literals.size() <= 4) {
    for (const Literal& literal : node.literals) {
      if (literal.text == text) return &literal;
    }
    return nullptr;
  }
  const auto found = std::lower_bound(node.literals.begin(), node.literals.end(), text,
                                      [](const Literal& a, std::string_view b) { return comes_before(a.text, b); });
  return found != node.literals.end() && found->text == text ? &*found : nullptr;
}

const Endpoint* RouteTrie::follow(std::uint32_t child, std::string_view rest, std::size_t captured, Captures& captures,
                                  Arena& arena) const {
  return child == none ? nullptr : walk(*nodes_[child], rest, captured, captures, arena);
}

/// `rest` is empty, or starts with the slash before the next segment. Every node is tried once at the most for a path,
/// since its depth decides where in the path it stands.
const Endpoint* RouteTrie::walk(const Node& node, std::string_view rest, std::size_t captured, Captures& captures,
                                Arena& arena) const {
  if (rest.empty()) return node.here.get();
  const std::string_view inside = rest.substr(1);
  const auto* const slash = static_cast<const char*>(std::memchr(inside.data(), '/', inside.size()));
  const std::string_view segment = slash ? inside.substr(0, static_cast<std::size_t>(slash - inside.data())) : inside;
  const std::string_view behind = inside.substr(segment.size());
  if (!node.literals.empty()) {
    if (const Literal* const literal = find_literal(node, percent_decode(segment, PlusIs::plus, arena))) {
      if (const Endpoint* const found = follow(literal->node, behind, captured, captures, arena)) return found;
    }
  }
  if (!segment.empty() && (node.integer != none || node.parameter != none)) {
    captures[captured] = {segment.data(), segment.size()};
    if (node.integer != none && is_integer(segment)) {
      if (const Endpoint* const found = follow(node.integer, behind, captured + 1, captures, arena)) return found;
      captures[captured] = {segment.data(), segment.size()};
    }
    if (const Endpoint* const found = follow(node.parameter, behind, captured + 1, captures, arena)) return found;
  }
  if (node.rest) captures[captured] = {inside.data(), inside.size()};
  return node.rest.get();
}

}  // namespace umbel::detail
