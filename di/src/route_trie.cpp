// SPDX-License-Identifier: MIT
#include "route_trie.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <initializer_list>
#include <tuple>

#include "percent.hpp"

namespace umbel::detail {

namespace {

bool is_integer(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
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
    nodes_[parent]->literals.push_back({TextKey::of(segment.text), std::string{segment.text}, made});
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
              [](const Literal& a, const Literal& b) { return std::tie(a.key, a.text) < std::tie(b.key, b.text); });
    const bool is_simple = node->integer == none && !node->rest;
    node->only_literals = is_simple && node->parameter == none;
    node->only_parameter = is_simple && node->literals.empty() && node->parameter != none;
  }
  exact_.resize(std::bit_ceil(2 * literal_paths_.size() + 1));
  for (auto& [path, endpoint] : literal_paths_) {
    const TextKey key = TextKey::of(path);
    std::size_t at = key.hash(path) & (exact_.size() - 1);
    while (exact_[at].endpoint) at = (at + 1) & (exact_.size() - 1);
    exact_lengths_ |= length_bit(path.size());
    exact_[at] = Exact{key, std::move(path), endpoint};
  }
  literal_paths_.clear();
}

const Endpoint* RouteTrie::find_by_segments(Method method, std::string_view path, Escapes escapes, Captures& captures,
                                            Arena& arena) const {
  Walk way{captures, arena, escapes, method};
  const Endpoint* const found = walk(nodes_[0].get(), path, 0, way);
  return found ? found : way.misfit;
}

[[gnu::always_inline]] inline const RouteTrie::Literal* RouteTrie::find_literal(const Node& node,
                                                                                std::string_view text) const noexcept {
  const TextKey key = TextKey::of(text);
  const Literal* literal = node.literals.data();
  const Literal* end = literal + node.literals.size();
  if (node.literals.size() > 8) {
    const auto same = std::ranges::equal_range(literal, end, key, {}, &Literal::key);
    literal = same.begin();
    end = same.end();
  }
  for (; literal != end && literal->key.size <= key.size; ++literal) {
    if (literal->key == key && (key.size <= TextKey::whole || literal->text == text)) return literal;
  }
  return nullptr;
}

/// `rest` is empty, or starts with the slash before the next segment. Every node is tried once at the most for a path,
/// since its depth decides where in the path it stands.
const Endpoint* RouteTrie::walk(const Node* node, std::string_view rest, std::size_t captured, Walk& way) const {
  while (!rest.empty()) {
    const char* const start = rest.data() + 1;
    const char* const stop = rest.data() + rest.size();
    const char* end = start;
    while (end != stop && *end != '/') ++end;
    const std::string_view segment{start, static_cast<std::size_t>(end - start)};
    const std::string_view behind{end, static_cast<std::size_t>(stop - end)};
    // Where only one way leads on there is nothing to come back to.
    if (node->only_literals) {
      const Literal* const literal = find_segment(*node, segment, way);
      if (!literal) return nullptr;
      node = nodes_[literal->node].get();
    } else if (node->only_parameter) {
      if (segment.empty()) return nullptr;
      way.captures[captured++] = {segment.data(), segment.size()};
      node = nodes_[node->parameter].get();
    } else {
      return try_all(*node, rest, segment, behind, captured, way);
    }
    rest = behind;
  }
  return way.accept(node->here.get());
}

[[gnu::always_inline]] inline const RouteTrie::Literal* RouteTrie::find_segment(const Node& node,
                                                                                std::string_view segment,
                                                                                Walk& way) const {
  if (way.escapes == Escapes::none) return find_literal(node, segment);
  return find_literal(node, percent_decode(segment, PlusIs::plus, way.arena));
}

const Endpoint* RouteTrie::try_all(const Node& node, std::string_view rest, std::string_view segment,
                                   std::string_view behind, std::size_t captured, Walk& way) const {
  if (const Literal* const literal = node.literals.empty() ? nullptr : find_segment(node, segment, way)) {
    if (const Endpoint* const found = walk(nodes_[literal->node].get(), behind, captured, way)) return found;
  }
  for (const std::uint32_t child : {node.integer, node.parameter}) {
    const bool fits = child == node.integer ? is_integer(segment) : !segment.empty();
    if (child == none || !fits) continue;
    way.captures[captured] = {segment.data(), segment.size()};
    if (const Endpoint* const found = walk(nodes_[child].get(), behind, captured + 1, way)) return found;
  }
  if (!node.rest) return nullptr;
  way.captures[captured] = {rest.data() + 1, rest.size() - 1};
  return way.accept(node.rest.get());
}

}  // namespace umbel::detail
