// SPDX-License-Identifier: MIT
#pragma once
// One request's way through its plan. Users meet none of this; their nodes' code is generated against it.

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "umbel/core/arena.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/convert.hpp"
#include "umbel/di/node.hpp"
#include "umbel/di/validation.hpp"

namespace umbel::detail {

class Plan;
struct AsyncState;
struct PlannedValue;
struct Region;
struct RegionRun;

/// A query parameter's name. Without spaces it can be compared with what was sent, plus signs and all.
struct QueryName {
  std::string_view text;
  bool has_space;
};

/// Whether the target has escapes to decode.
enum class Escapes : bool { none, some };

/// A path parameter as it was sent. Trivial, so that room for many costs nothing.
struct Capture {
  const char* data;
  std::size_t size;
};

/// Where a parameter of a node lies: in the request's block, or anywhere (State).
union Input {
  std::uint32_t offset;
  void* object;
};

/// A node in its place in a plan.
struct Step {
  Status (*run)(Resolver& resolver, const Step& step, ErrorBox& error) noexcept;
  const Input* inputs;
  const void* callable;  // A handler's own object; null for providers.
  std::uint32_t slot;    // Offsets from the resolver, which heads the block.
  std::uint32_t env;     // Of the Env that the node runs in.
  NodeKind kind;
  std::uint16_t index;
  const NodeInfo* info;
};

/// Of a coroutine node: its environment and, once it has suspended, what is needed when it ends.
struct NodeRun {
  struct Late : Ending {
    Status (*settle)(void* coroutine, void* slot, ErrorBox& error) noexcept;
    void* coroutine;
    Resolver* resolver;
    const Step* step;
    Late* next_arrived;
  };

  Env env;    // First: a step's env offset leads here.
  Late late;  // Left unset until the node suspends.
};

/// Who asked, when it was no transport.
struct Caller {
  /// `slot` holds the last node's value, to be taken at once; null if `error` or the request's `invalid` tells why not.
  void (*ended)(Caller& caller, void* slot, ErrorBox error);
};

/// The head of a request's block. Everything else of the request - values, slots, environments - follows it in the same
/// memory, at the plan's offsets. On the Context's thread, but for the plain nodes, which read their inputs and
/// construct their own slots on workers.
///
/// As long as nothing suspends, a resolver is one sweep over the steps and keeps no account: step i runs when all
/// before it are done. When something does, an AsyncState begins to track what has started and what is done.
class Resolver {
public:
  /// Runs `plan` for the exchange and replies to it. `captures` are the route's path parameters, not decoded.
  static void serve(const Plan& plan, Exchange& exchange, const Capture* captures, Escapes escapes) noexcept;
  /// Runs `plan` and tells `caller`. The request outlives the run.
  static void call(const Plan& plan, Context& context, const Request& request, StopToken stop, Caller& caller) noexcept;

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void* at(std::uint32_t offset) noexcept { return reinterpret_cast<std::byte*>(this) + offset; }
  const Request& request() const noexcept { return *request_; }
  Context& context() const noexcept { return *env_.context; }
  Arena& arena() noexcept { return arena_; }

  /// The parameter as the client meant it, decoded.
  std::string_view path_value(std::uint32_t index);
  std::optional<std::string_view> query_value(const QueryName& name);

  /// Where the Env of whatever does not suspend lies.
  static constexpr std::uint32_t env_offset() noexcept { return 0; }

  /// The request is wrong here.
  void report(ValidationItem item);

private:
  struct Failed;
  struct Trouble;

  static void serve_in(void* block, const Plan& plan, Exchange& exchange, const Capture* captures,
                       Escapes escapes) noexcept;
  Resolver(const Plan& plan, Context& context, const Request& request, Exchange* exchange, Caller* caller) noexcept;
  ~Resolver();

  std::optional<std::string_view> escaped_query_value(std::string_view name);
  void begin() noexcept;
  bool extract_values() noexcept;
  void report_others(const PlannedValue* value) noexcept;
  bool has_body() noexcept;
  void check_body() noexcept;
  void sweep() noexcept;
  void leave_sweep(Status status, ErrorBox error) noexcept;

  void enter_async(std::size_t done) noexcept;
  void advance() noexcept;
  bool is_ready(std::size_t index) const noexcept;
  void start(const Step& step) noexcept;
  void suspend(const Step& step) noexcept;
  void start_region(const Region& region) noexcept;
  void finish_region(RegionRun& run) noexcept;
  void settle_arrived() noexcept;
  void enqueue() noexcept;

  void fail(std::size_t index, ErrorBox error) noexcept;
  void fail_request(ErrorBox error) noexcept;
  bool wins(const Failed& failed) const noexcept;
  void stop_from(std::size_t index) noexcept;
  void cancel() noexcept;
  void tell_observer() noexcept;

  bool succeeded() const noexcept;
  bool async_cancelled() const noexcept;
  void finish() noexcept;
  void reply() noexcept;
  void reply_error() noexcept;
  void answer_caller() noexcept;
  ErrorBox take_error();
  Response error_response();
  Response* make_response() noexcept;
  void destroy_slots(bool keep_root) noexcept;
  void destroy_all(bool keep_root) noexcept;
  void release() noexcept;

  static std::coroutine_handle<> node_ended(Ending& ending) noexcept;
  static void execute_region(Job& job) noexcept;
  static void region_returned(Job& job) noexcept;
  static void resume(Work& work) noexcept;
  static void disconnected(StopCallback& callback) noexcept;

  // A node that failed. The first in declaration order wins.
  struct Failed {
    static constexpr std::size_t request = ~std::size_t{0};  // In place of an index: nothing has run.

    std::size_t index;
    ErrorBox error;
    std::unique_ptr<Failed> next;
  };
  // What most requests do without.
  struct Trouble {
    std::unique_ptr<Failed> failed;
    std::unique_ptr<ValidationError> invalid;
  };

  Trouble& trouble();
  Failed* failed() const noexcept { return trouble_ ? trouble_->failed.get() : nullptr; }
  ValidationError* invalid() const noexcept { return trouble_ ? trouble_->invalid.get() : nullptr; }

  Env env_;  // First, at offset 0: of everything that runs on the loop without suspending.
  const Plan* plan_;
  const Request* request_;
  Exchange* exchange_;  // Null if there is a caller.
  Caller* caller_;
  AsyncState* async_ = nullptr;
  std::uint32_t next_ = 0;  // Steps before it are done, while there is no AsyncState.
  std::uint32_t limit_;     // The first failed step in declaration order: nothing from it on is started.
  std::uint32_t values_made_ = 0;
  Escapes escapes_ = Escapes::some;
  std::unique_ptr<Trouble> trouble_;
  Arena arena_;
};

}  // namespace umbel::detail
