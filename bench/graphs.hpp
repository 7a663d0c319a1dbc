// SPDX-License-Identifier: MIT
#pragma once
// Graphs of any size for resolve_bench: each shape as nodes of umbel, and as the calls that one would write by hand.

#include <any>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/resource.hpp"

namespace graphs {

using umbel::Depends;
using umbel::NodeKind;
using umbel::Resource;
using umbel::Task;

[[gnu::noinline]] inline std::uint64_t work(std::uint64_t n) { return n * 0x9e3779b97f4a7c15 + 1; }

// --- chains: node N takes node N - 1 --------------------------------------------------------------------------------

template <int N>
struct OnLoopNode;
template <int N>
inline constexpr OnLoopNode<N> on_loop_node{};
template <int N>
struct OnLoopNode {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  std::uint64_t operator()(Depends<on_loop_node<N - 1>> before) const { return work(*before); }
};
template <>
struct OnLoopNode<1> {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  std::uint64_t operator()() const { return work(1); }
};

template <int N>
struct CoroutineNode;
template <int N>
inline constexpr CoroutineNode<N> coroutine_node{};
template <int N>
struct CoroutineNode {
  Task<std::uint64_t> operator()(Depends<coroutine_node<N - 1>> before) const { co_return work(*before); }
};
template <>
struct CoroutineNode<1> {
  Task<std::uint64_t> operator()() const { co_return work(1); }
};

template <int N>
struct PlainNode;
template <int N>
inline constexpr PlainNode<N> plain_node{};
template <int N>
struct PlainNode {
  std::uint64_t operator()(Depends<plain_node<N - 1>> before) const { return work(*before); }
};
template <>
struct PlainNode<1> {
  std::uint64_t operator()() const { return work(1); }
};

// Resources that are ready at once, below a coroutine.
template <int N>
struct ResourceNode;
template <int N>
inline constexpr ResourceNode<N> resource_node{};
template <int N>
struct ResourceNode {
  Resource<std::uint64_t> operator()(Depends<resource_node<N - 1>> before) const {
    std::uint64_t value = work(*before);
    co_yield value;
  }
};
template <>
struct ResourceNode<1> {
  Resource<std::uint64_t> operator()() const {
    std::uint64_t value = work(1);
    co_yield value;
  }
};
template <int N>
struct OverResources {
  Task<std::uint64_t> operator()(Depends<resource_node<N - 1>> before) const { co_return work(*before); }
};
template <int N>
inline constexpr OverResources<N> over_resources{};

// Each level takes the one below twice.
template <int N>
struct LadderNode;
template <int N>
inline constexpr LadderNode<N> ladder_node{};
template <int N>
struct LadderNode {
  Task<std::uint64_t> operator()(Depends<ladder_node<N - 1>> a, Depends<ladder_node<N - 1>> b) const {
    co_return work(*a + *b);
  }
};
template <>
struct LadderNode<1> {
  Task<std::uint64_t> operator()() const { co_return work(1); }
};

// A chain whose every fourth node is plain.
template <int N>
struct MixedCoroutine;
template <int N>
struct MixedPlain;
template <int N>
using MixedNode = std::conditional_t<N % 4 == 0, MixedPlain<N>, MixedCoroutine<N>>;
template <int N>
inline constexpr MixedNode<N> mixed_node{};
template <int N>
struct MixedCoroutine {
  Task<std::uint64_t> operator()(Depends<mixed_node<N - 1>> before) const { co_return work(*before); }
};
template <>
struct MixedCoroutine<1> {
  Task<std::uint64_t> operator()() const { co_return work(1); }
};
template <int N>
struct MixedPlain {
  std::uint64_t operator()(Depends<mixed_node<N - 1>> before) const { return work(*before); }
};

// --- diamonds: levels of two, each taking both of the level below; node N is of level N / 2
// ----------------------------

template <int N>
struct DiamondNode;
template <int N>
inline constexpr DiamondNode<N> diamond_node{};
template <int N>
struct DiamondNode {
  static constexpr int below = (N / 2) * 2 - 1;
  Task<std::uint64_t> operator()(Depends<diamond_node<below>> left, Depends<diamond_node<below - 1>> right) const {
    co_return work(*left + *right);
  }
};
template <>
struct DiamondNode<1> {
  Task<std::uint64_t> operator()() const { co_return work(1); }
};
template <>
struct DiamondNode<0> {
  Task<std::uint64_t> operator()() const { co_return work(2); }
};

// --- the same by hand
// -------------------------------------------------------------------------------------------------

inline std::uint64_t chain_by_hand(int nodes) {
  std::uint64_t value = 1;
  for (int i = 0; i < nodes; ++i) value = work(value);
  return value;
}

inline Task<std::uint64_t> node_by_hand(std::uint64_t before) { co_return work(before); }

inline Task<std::uint64_t> coroutines_by_hand(int nodes) {
  std::uint64_t value = 1;
  for (int i = 0; i < nodes; ++i) value = co_await node_by_hand(value);
  co_return value;
}

// --- the same as FastAPI resolves: nested awaits, a map from provider to value
// -----------------------------------------

using Cache = std::unordered_map<int, std::any>;

inline Task<std::any> solve(int node, Cache& cache) {
  const auto known = cache.find(node);
  if (known != cache.end()) co_return known->second;
  std::uint64_t before = 1;
  if (node > 1) {
    const std::any solved = co_await solve(node - 1, cache);
    before = std::any_cast<std::uint64_t>(solved);
  }
  const std::uint64_t made = co_await node_by_hand(before);
  std::any value{made};
  cache.emplace(node, value);
  co_return value;
}

}  // namespace graphs
