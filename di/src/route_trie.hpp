// SPDX-License-Identifier: MIT
#pragma once
// Finds the route of a path: a hash of the paths that are all literal, and a trie of segments for the others.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text_key.hpp"
#include "umbel/core/arena.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/service.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/route_path.hpp"

namespace umbel::detail {

/// Who answers everything under a prefix.
struct Mounted {
  std::string prefix;
  Service* service;      // Not owned.
  std::size_t segments;  // Of the prefix.
};

/// All methods of one template.
struct Endpoint {
  // By Method. Not owned. Overrides change them while requests are served, but never whether there is one.
  std::array<std::atomic<const Plan*>, 10> plans{};
  const Mounted* mounted = nullptr;  // Answers the methods that have no plan. Not owned.

  const Plan* plan_of(Method method) const noexcept {
    return plans[static_cast<std::size_t>(method)].load(std::memory_order_acquire);
  }
  /// HEAD is answered by GET's plan, and OPTIONS without one.
  bool answers(Method method) const noexcept {
    return plan_of(method) || mounted || method == Method::options || (method == Method::head && plan_of(Method::get));
  }
};

/// What the parameters of a path hold, left unset where there is none.
using Captures = std::array<Capture, ParsedRoute::limit>;

class RouteTrie {
public:
  RouteTrie();

  /// The endpoint of a template, made on first use. Templates that differ only in the names of parameters share it.
  Endpoint& add(const ParsedRoute& route, std::string_view text);
  /// No endpoint is added any more.
  void freeze();

  /// The endpoint that answers; if none does, one whose template fits and whose methods do not; null if no template
  /// fits. Captures are as the client sent them; `arena` holds what had to be decoded to compare.
  const Endpoint* find(Method method, std::string_view path, Escapes escapes, Captures& captures, Arena& arena) const;

private:
  static constexpr std::size_t few = 8;  // Literals of a node that are tried one after another.

  struct Node;
  struct Literal {
    TextKey key;
    std::string text;
    Node* node;

    bool is_all_of(const TextKey& other, std::string_view whole) const noexcept {
      return key == other && TextKey::is_same_between_ends(text, whole);
    }
  };
  enum class Ways : std::uint8_t { many, few_literals, parameter };
  struct Node {
    std::vector<Literal> literals;  // Sorted once frozen, the shortest first.
    Node* integer = nullptr;        // Of `nodes_`, as all of them.
    Node* parameter = nullptr;
    std::unique_ptr<Endpoint> here;
    std::unique_ptr<Endpoint> rest;
    Ways ways = Ways::many;  // That lead on from here.
  };
  struct Exact {
    TextKey key{};
    std::string path;
    const Endpoint* endpoint = nullptr;  // Null: the place is free.
  };

  static constexpr std::uint64_t length_bit(std::size_t length) noexcept {
    return std::uint64_t{1} << std::min<std::size_t>(length, 63);
  }
  const Endpoint* find_exact(std::string_view path) const noexcept;
  struct Walk {
    Captures& captures;
    Arena& arena;
    Escapes escapes;
    Method method;
    const Endpoint* misfit = nullptr;  // The first that fits but for its methods.

    const Endpoint* accept(const Endpoint* endpoint) noexcept {
      if (!endpoint || endpoint->answers(method)) return endpoint;
      if (!misfit) misfit = endpoint;
      return nullptr;
    }
  };
  const Endpoint* find_by_segments(std::string_view path, Walk& way) const;
  static const Endpoint* walk_all(const Node& node, const char* at, const char* stop, const Capture* capture,
                                  Walk& way);
  static const Endpoint* walk(const Node& node, std::string_view rest, std::size_t captured, Walk& way);
  static const Literal* find_segment(const Node& node, std::string_view segment, Walk& way);
  static const Literal* find_literal(const Node& node, std::string_view text) noexcept;
  static const Literal* literal_at(const Node& node, const char* text, const char* stop) noexcept;
  Node* child_of(Node& parent, const Segment& segment);
  Node* make_node();

  std::vector<std::unique_ptr<Node>> nodes_;  // The first is the root.
  std::uint64_t exact_lengths_ = 0;           // A bit for each length among them, the last one for all longer ones.
  std::vector<Exact> exact_;                  // Open addressing; a power of two, at most half full.
  std::vector<std::pair<std::string, const Endpoint*>> literal_paths_;
};

inline const Endpoint* RouteTrie::find(Method method, std::string_view path, Escapes escapes, Captures& captures,
                                       Arena& arena) const {
  const Endpoint* const exact = exact_lengths_ & length_bit(path.size()) ? find_exact(path) : nullptr;
  if (exact && exact->answers(method)) return exact;
  if (path.empty() || path.front() != '/') return exact;
  Walk way{captures, arena, escapes, method};
  return find_by_segments(path, way);
}

}  // namespace umbel::detail
