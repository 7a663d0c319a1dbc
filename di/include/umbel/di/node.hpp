// SPDX-License-Identifier: MIT
#pragma once
// What the compiler knows of a node: one constant per provider or handler. Plans are made of these.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace umbel {

class Error;
class Outcome;
struct Env;

/// Where and how a node runs.
enum class NodeKind : std::uint8_t {
  coroutine,      // Awaited on the loop.
  plain,          // On the work queue.
  on_loop,        // A plain function on the loop: `on_loop<f>`, `make<T>`.
  resource,       // A coroutine with one `co_yield`, set up and torn down on the loop.
  sync_resource,  // The same, set up and torn down on the work queue.
};

/// When a resource is torn down. `Depends<open_session, Lifetime::request>` says it for one edge, `provider<f>` for
/// all. In order of length: whoever uses a resource has a lifetime no longer than it.
enum class Lifetime : std::uint8_t {
  automatic,  // `handler`; in the graph of a handler that is a Stream, `request`.
  last_use,   // When the last node that takes it is done.
  handler,    // When the handler has returned and its reply is made, before the reply's first byte: a failure still
              // becomes the reply.
  request,    // When the reply's last byte is sent, or the peer is gone.
  loop,       // When a Context stops serving the App: one for each.
  app,        // When the last Context does: one for all.
};

namespace detail {

class Resolver;
struct Step;
struct ValueSchema;

enum class Status : std::uint8_t { done, pending, failed };
using ErrorBox = std::unique_ptr<Error>;

/// Where a parameter comes from.
enum class Source : std::uint8_t {
  node,
  path,
  query,
  header,
  cookie,
  body,
  body_stream,
  state,
  request,
  stop_token,
  deadline,
  peer,
  scopes,
  response_head,
  background,
  thrown,  // The exception that an error mapper answers.
};

/// What a node does with another that it takes.
enum class Take : std::uint8_t {
  share,      // Depends: reads it, at the same time as others.
  exclusive,  // Exclusive: alone.
  order,      // After: nothing.
  guard,      // Guard: reads it; it runs in the guard stage.
  lazy,       // Lazy: runs it when it is awaited.
  attempt,    // Try: its failure is a value.
  check,      // Form: reads it; it runs behind the guards, before all else.
};

struct BodyModel;
struct FormModel;

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
  const BodyModel* body = nullptr;  // Of a body that is a model, which has no `extract`: all of them are read at once.
  const ValueSchema* schema = nullptr;  // For documents. Null: nothing that a client sends.
  const FormModel* form = nullptr;      // For documents: of a form.
};

/// What documents call a check of credentials. One constant per ready-made provider.
struct SecurityInfo {
  enum class Kind : std::uint8_t { bearer, basic, api_key };
  Kind kind;
  Source source = Source::header;  // Where the key is.
  std::string_view name = {};      // Of the key.
  bool is_optional = false;        // Who sends nothing is not refused.
};

struct StateInfo {
  std::string_view title;  // State<Pool>
  const void* key;         // Equal for the same type and name.
};

struct NodeInfo;

/// The scopes of one node in one plan.
struct ScopeSet {
  std::vector<std::string_view> names;
};

/// Security scopes that an edge asks for.
struct ScopeList {
  const std::string_view* names = nullptr;
  std::size_t count = 0;
};

/// One parameter of a node's function.
struct Need {
  Source source;
  bool uncached = false;
  Take take = Take::share;
  Lifetime lifetime = Lifetime::automatic;  // Of a resource: what the edge says.
  bool original = false;                    // Not what an override puts in its place.
  const NodeInfo* node = nullptr;           // source == node
  const ValueInfo* value = nullptr;         // path, query, header, cookie, a model; what holds a response head or tasks
  const StateInfo* state = nullptr;         // state
  void (*blame)() = nullptr;                // path; as in PathNeed
  ScopeList scopes{};
};

/// A path parameter that a node takes, or whatever it depends on.
struct PathNeed {
  std::string_view name;
  /// Does not compile when called at compile time: the message names provider and parameter.
  void (*blame)();
};

/// The shortest-lived resource that a node uses, itself or through nodes that are none.
struct ShortestLife {
  Lifetime lifetime = Lifetime::app;
  const Need* via = nullptr;  // The need that leads there; null: it uses none.
};

/// What `provider<f>` says of f.
struct ProviderOptions {
  Lifetime lifetime = Lifetime::automatic;
  std::size_t capacity = 0;    // How many may exist at once; 0: any number.
  std::string_view lane = {};  // Where its plain code runs; empty: the work queue itself.
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
  /// Resumes a resource after its co_yield: it ends, or says that it will end later.
  Status (*tear_down)(Resolver& resolver, const Step& step, const Outcome& outcome, ErrorBox& error) noexcept;
  const void* (*view)(void* slot) noexcept;  // Where the value is in the slot; null: it is the slot.
  bool is_pointer;                           // The slot holds a pointer to the value.
  const NodeInfo* wraps;                     // What `on_loop<f>` and `provider<f>` wrap; null for everything else.
  ProviderOptions options;
  ShortestLife shortest;
  bool takes_body;     // It, or whatever it depends on.
  bool takes_request;  // Anything that a request brings.
  bool reads_scopes;
  const void* object = nullptr;  // What is called, of a node that is made at run time; null for providers and handlers.
  const SecurityInfo* security = nullptr;  // Its parameters are told as a security scheme.

  constexpr bool is_resource() const noexcept { return kind == NodeKind::resource || kind == NodeKind::sync_resource; }
  constexpr bool runs_on_worker() const noexcept { return kind == NodeKind::plain || kind == NodeKind::sync_resource; }
  /// One for many requests.
  constexpr bool is_shared() const noexcept { return options.lifetime >= Lifetime::loop; }
};

/// How long what an edge takes lives.
constexpr Lifetime lifetime_of(const Need& need) noexcept {
  const Lifetime declared = need.node->options.lifetime;
  if (declared >= Lifetime::loop) return declared;
  const Lifetime said = need.lifetime != Lifetime::automatic ? need.lifetime : declared;
  return said == Lifetime::automatic ? Lifetime::handler : said;
}

}  // namespace detail
}  // namespace umbel
