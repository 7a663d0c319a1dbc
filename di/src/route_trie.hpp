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
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Literal {
    TextKey key;
    std::string text;
    std::uint32_t node;
  };
  struct Node {
    std::vector<Literal> literals;  // Sorted once frozen.
    std::uint32_t integer = none;
    std::uint32_t parameter = none;
    std::unique_ptr<Endpoint> here;
    std::unique_ptr<Endpoint> rest;
    bool only_literals = false;  // No other way leads on from here.
    bool only_parameter = false;
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
  const Endpoint* find_by_segments(Method method, std::string_view path, Escapes escapes, Captures& captures,
                                   Arena& arena) const;
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
  const Endpoint* walk(const Node* node, std::string_view rest, std::size_t captured, Walk& way) const;
  const Endpoint* try_all(const Node& node, std::string_view rest, std::string_view segment, std::string_view behind,
                          std::size_t captured, Walk& way) const;
  const Literal* find_segment(const Node& node, std::string_view segment, Walk& way) const;
  const Literal* find_literal(const Node& node, std::string_view text) const noexcept;
  std::uint32_t child_of(std::uint32_t node, const Segment& segment);
  std::uint32_t make_node();

  std::vector<std::unique_ptr<Node>> nodes_;
  std::uint64_t exact_lengths_ = 0;  // A bit for each length among them, the last one for all longer ones.
  std::vector<Exact> exact_;         // Open addressing; a power of two, at most half full.
  std::vector<std::pair<std::string, const Endpoint*>> literal_paths_;
};

inline const Endpoint* RouteTrie::find_exact(std::string_view path) const noexcept {
  if (!(exact_lengths_ & length_bit(path.size()))) return nullptr;
  const TextKey key = TextKey::of(path);
  for (std::size_t at = key.hash(path) & (exact_.size() - 1);; at = (at + 1) & (exact_.size() - 1)) {
    const Exact& exact = exact_[at];
    if (!exact.endpoint) return nullptr;
    if (exact.key == key && (path.size() <= TextKey::whole || exact.path == path)) return exact.endpoint;
  }
}

inline const Endpoint* RouteTrie::find(Method method, std::string_view path, Escapes escapes, Captures& captures,
                                       Arena& arena) const {
  const Endpoint* const exact = find_exact(path);
  if (exact && exact->answers(method)) return exact;
  if (path.empty() || path.front() != '/') return exact;
  return find_by_segments(method, path, escapes, captures, arena);
}

}  // namespace umbel::detail
