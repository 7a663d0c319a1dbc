// SPDX-License-Identifier: MIT
#pragma once
// What the compiler knows of a node: one constant per provider or handler. Plans are made of these.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace umbel {

class Error;

/// Where and how a node runs.
enum class NodeKind : std::uint8_t {
  coroutine,  // Awaited on the loop.
  plain,      // On the work queue.
  on_loop,    // A plain function on the loop: `on_loop<f>`, `make<T>`.
};

namespace detail {

class Resolver;
struct Step;

enum class Status : std::uint8_t { done, pending, failed };
using ErrorBox = std::unique_ptr<Error>;

/// Where a parameter comes from.
enum class Source : std::uint8_t { node, path, query, header, cookie, body, state, request, stop_token };

/// A parameter that is taken from the request, as a kind: `Query<"q", int>`. One constant per type.
struct ValueInfo {
  Source source;
  std::string_view name;   // Of the parameter, as the client writes it.
  std::string_view title;  // For people: Query<"q">.
  std::uint32_t size;
  std::uint32_t align;
  /// Converts and checks; constructs the value at `slot` and returns true, or reports and returns false.
  bool (*extract)(Resolver& resolver, std::uint32_t index, void* slot);
  void (*destroy)(void* slot) noexcept;  // Null if there is nothing to do.
};

struct StateInfo {
  std::string_view title;  // State<Pool>
  const void* key;         // Equal for the same type and name.
};

struct NodeInfo;

/// One parameter of a node's function.
struct Need {
  Source source;
  bool uncached = false;
  const NodeInfo* node = nullptr;    // source == node
  const ValueInfo* value = nullptr;  // path, query, header, cookie, body
  const StateInfo* state = nullptr;  // state
  void (*blame)() = nullptr;         // path; as in PathNeed
};

/// A path parameter that a node takes, or whatever it depends on.
struct PathNeed {
  std::string_view name;
  /// Does not compile when called at compile time: the message names provider and parameter.
  void (*blame)();
};

struct NodeInfo {
  std::string_view name;
  NodeKind kind;
  const Need* needs;
  std::size_t need_count;
  const PathNeed* paths;  // Of the whole graph below, each name once.
  std::size_t path_count;
  std::uint32_t size;  // Of the slot; 0 if nothing is made.
  std::uint32_t align;
  /// Runs the node: constructs its slot, or says that it will come later, or fills `error`. Plain nodes: on a worker.
  Status (*run)(Resolver& resolver, const Step& step, ErrorBox& error) noexcept;
  void (*destroy)(void* slot) noexcept;  // Null if there is nothing to do.
  const NodeInfo* wraps;                 // What `on_loop<f>` wraps; null for everything else.
};

}  // namespace detail
}  // namespace umbel
