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

/// How far the next slash is, or the end.
std::size_t segment_size(const char* text, const char* stop) noexcept {
  const char* at = text;
  while (at != stop && *at != '/') ++at;
  return static_cast<std::size_t>(at - text);
}

}  // namespace

RouteTrie::RouteTrie() { make_node(); }

RouteTrie::Node* RouteTrie::make_node() { return nodes_.emplace_back(std::make_unique<Node>()).get(); }

RouteTrie::Node* RouteTrie::child_of(Node& parent, const Segment& segment) {
  if (segment.kind == SegmentKind::literal) {
    for (const Literal& literal : parent.literals) {
      if (literal.text == segment.text) return literal.node;
    }
    Node* const made = make_node();
    parent.literals.push_back({TextKey::of(segment.text), std::string{segment.text}, made});
    return made;
  }
  Node*& child = segment.kind == SegmentKind::integer ? parent.integer : parent.parameter;
  if (!child) child = make_node();
  return child;
}

Endpoint& RouteTrie::add(const ParsedRoute& route, std::string_view text) {
  Node* node = nodes_.front().get();
  bool is_literal = true;
  for (std::size_t i = 0; i < route.count; ++i) {
    const Segment& segment = route.segments[i];
    is_literal = is_literal && segment.kind == SegmentKind::literal;
    if (segment.kind == SegmentKind::rest) {
      if (!node->rest) node->rest = std::make_unique<Endpoint>();
      return *node->rest;
    }
    node = child_of(*node, segment);
  }
  if (node->here) return *node->here;
  node->here = std::make_unique<Endpoint>();
  if (is_literal) literal_paths_.emplace_back(text, node->here.get());
  return *node->here;
}

void RouteTrie::freeze() {
  for (const auto& node : nodes_) {
    std::sort(node->literals.begin(), node->literals.end(),
              [](const Literal& a, const Literal& b) { return std::tie(a.key, a.text) < std::tie(b.key, b.text); });
    const bool is_simple = !node->integer && !node->rest;
    if (is_simple && !node->parameter && node->literals.size() <= few) node->ways = Ways::few_literals;
    if (is_simple && node->parameter && node->literals.empty()) node->ways = Ways::parameter;
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

const Endpoint* RouteTrie::find_exact(std::string_view path) const noexcept {
  const TextKey key = TextKey::of(path);
  for (std::size_t at = key.hash(path) & (exact_.size() - 1);; at = (at + 1) & (exact_.size() - 1)) {
    const Exact& exact = exact_[at];
    if (!exact.endpoint) return nullptr;
    if (exact.key == key && TextKey::is_same_between_ends(exact.path, path)) return exact.endpoint;
  }
}

const RouteTrie::Literal* RouteTrie::find_literal(const Node& node, std::string_view text) noexcept {
  const TextKey key = TextKey::of(text);
  const auto same = std::ranges::equal_range(node.literals, key, {}, &Literal::key);
  for (const Literal& literal : same) {
    if (literal.is_all_of(key, text)) return &literal;
  }
  return nullptr;
}

/// The literal that stands at `text`, up to a slash or to `stop`, for a node that has but few: where the slash is tells
/// most of them apart, so that nobody has to look for it.
[[gnu::always_inline]] inline const RouteTrie::Literal* RouteTrie::literal_at(const Node& node, const char* text,
                                                                              const char* stop) noexcept {
  const auto is_at = [text](const Literal& literal) {
    const std::string_view segment{text, literal.key.size};
    return literal.is_all_of(TextKey::of(segment), segment);
  };
  const auto left = static_cast<std::size_t>(stop - text);
  const Literal* literal = node.literals.data();
  const Literal* const end = literal + node.literals.size();
  for (; literal != end && literal->key.size < left; ++literal) {
    if (text[literal->key.size] == '/' && is_at(*literal)) return literal;
  }
  for (; literal != end && literal->key.size == left; ++literal) {
    if (is_at(*literal)) return literal;
  }
  return nullptr;
}

// Calls nothing unless it is the last thing to do, and so saves no registers.
const Endpoint* RouteTrie::find_by_segments(std::string_view path, Walk& way) const {
  const Node* node = nodes_.front().get();
  const char* at = path.data();  // At a slash, or at the end.
  const char* const stop = at + path.size();
  Capture* capture = way.captures.data();
  if (way.escapes == Escapes::some) return walk_all(*node, at, stop, capture, way);
  // As long as only one way leads on there is nothing to come back to.
  while (at != stop) {
    const char* const text = at + 1;
    if (node->ways == Ways::few_literals) {
      const Literal* const literal = literal_at(*node, text, stop);
      if (!literal) return nullptr;
      at = text + literal->key.size;
      node = literal->node;
    } else if (node->ways == Ways::parameter) {
      const std::size_t size = segment_size(text, stop);
      if (size == 0) return nullptr;
      *capture++ = {text, size};
      at = text + size;
      node = node->parameter;
    } else {
      return walk_all(*node, at, stop, capture, way);
    }
  }
  return node->here.get();
}

[[gnu::noinline]] const Endpoint* RouteTrie::walk_all(const Node& node, const char* at, const char* stop,
                                                      const Capture* capture, Walk& way) {
  const std::string_view rest{at, static_cast<std::size_t>(stop - at)};
  const Endpoint* const found = walk(node, rest, static_cast<std::size_t>(capture - way.captures.data()), way);
  return found ? found : way.misfit;
}

/// `rest` is empty, or starts with the slash before the next segment. Every node is tried once at the most for a path,
/// since its depth decides where in the path it stands.
const Endpoint* RouteTrie::walk(const Node& node, std::string_view rest, std::size_t captured, Walk& way) {
  if (rest.empty()) return way.accept(node.here.get());
  const char* const text = rest.data() + 1;
  const std::string_view segment{text, segment_size(text, rest.data() + rest.size())};
  const std::string_view behind = rest.substr(1 + segment.size());
  if (const Literal* const literal = find_segment(node, segment, way)) {
    if (const Endpoint* const found = walk(*literal->node, behind, captured, way)) return found;
  }
  for (const Node* const child : {node.integer, node.parameter}) {
    const bool fits = child == node.integer ? is_integer(segment) : !segment.empty();
    if (!child || !fits) continue;
    way.captures[captured] = {segment.data(), segment.size()};
    if (const Endpoint* const found = walk(*child, behind, captured + 1, way)) return found;
  }
  if (!node.rest) return nullptr;
  way.captures[captured] = {rest.data() + 1, rest.size() - 1};
  return way.accept(node.rest.get());
}

const RouteTrie::Literal* RouteTrie::find_segment(const Node& node, std::string_view segment, Walk& way) {
  if (node.literals.empty()) return nullptr;
  if (way.escapes == Escapes::some) return find_literal(node, percent_decode(segment, PlusIs::plus, way.arena));
  if (node.literals.size() > few) return find_literal(node, segment);
  return literal_at(node, segment.data(), segment.data() + segment.size());
}

}  // namespace umbel::detail
