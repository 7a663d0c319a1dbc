// SPDX-License-Identifier: MIT
#pragma once
// Finds the route of a path: a hash of the paths that are all literal, and a trie of segments for the others.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/arena.hpp"
#include "umbel/core/request.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/route_path.hpp"

namespace umbel::detail {

/// All methods of one template.
struct Endpoint {
  std::array<const Plan*, 10> plans{};  // By Method. Not owned.
  std::string allow;                    // "GET, HEAD, OPTIONS, POST"
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

  /// Null if no template fits. Captures are as the client sent them; `arena` holds what had to be decoded to compare.
  const Endpoint* find(std::string_view path, Captures& captures, Arena& arena) const;

private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Literal {
    std::string text;
    std::uint32_t node;
  };
  struct Node {
    std::vector<Literal> literals;  // Sorted once frozen.
    std::uint32_t integer = none;
    std::uint32_t parameter = none;
    std::unique_ptr<Endpoint> here;
    std::unique_ptr<Endpoint> rest;
  };
  struct Exact {
    std::string path;
    const Endpoint* endpoint = nullptr;  // Null: the place is free.
  };

  static std::size_t hash(std::string_view path) noexcept;
  const Endpoint* find_exact(std::string_view path) const noexcept;
  const Endpoint* walk(const Node& node, std::string_view rest, std::size_t captured, Captures& captures,
                       Arena& arena) const;
  const Endpoint* follow(std::uint32_t child, std::string_view rest, std::size_t captured, Captures& captures,
                         Arena& arena) const;
  const Literal* find_literal(const Node& node, std::string_view text) const noexcept;
  std::uint32_t child_of(std::uint32_t node, const Segment& segment);
  std::uint32_t make_node();

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Exact> exact_;  // Open addressing; a power of two, at most half full.
  std::vector<std::pair<std::string, const Endpoint*>> literal_paths_;
};

}  // namespace umbel::detail
