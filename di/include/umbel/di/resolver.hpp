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
#include "umbel/core/outcome.hpp"
#include "umbel/core/semaphore.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/convert.hpp"
#include "umbel/di/node.hpp"
#include "umbel/di/validation.hpp"

namespace umbel {
enum class Moment : std::uint8_t;
enum class OnWrongType : std::uint8_t;
struct NodeEvent;
}  // namespace umbel

namespace umbel::detail {

class Plan;
class BackgroundTask;
class CallPlans;
struct AsyncState;
struct LazyWaiter;
struct PlannedValue;
struct Region;
struct RegionRun;
struct TaskRun;
struct Closing;
struct MapperRun;
struct Failed;
struct Trouble;
enum class Closes : std::uint8_t;
enum class Phase : std::uint8_t;

/// A query parameter's name. Without spaces it can be compared with what was sent, plus signs and all.
struct QueryName {
  std::string_view text;
  bool has_space;
};

/// What a query has for a name.
struct QueryText {
  enum class State : std::uint8_t {
    missing,
    good,
    no_escape,  // In the value is a `%` that is no escape.
    no_utf8,    // Decoded, it is no text.
  };
  std::string_view text;  // Decoded if it is good, else as it was sent.
  State state;
};

/// Whether the target has escapes to decode.
enum class Escapes : bool { none, some };

/// A path parameter as it was sent. Trivial, so that room for many costs nothing.
struct Capture {
  const char* data;
  std::size_t size;
};

/// How a slot leads to its value.
enum class View : std::uint16_t {
  direct,   // It is the value.
  pointer,  // It holds a pointer to the value.
  by_node,  // The node's `view` finds it.
};

/// Where a parameter of a node lies: in the request's block, or anywhere (State).
union Input {
  struct InBlock {
    std::uint32_t offset;
    std::uint16_t step;  // Of a node.
    View view;
  } at;
  void* object;
};

/// A node in its place in a plan.
struct Step {
  Status (*run)(Resolver& resolver, const Step& step, ErrorBox& error) noexcept;
  const Input* inputs;
  const void* callable;  // A handler's own object; null for providers.
  std::uint32_t slot;    // Offsets from the resolver, which heads the block.
  std::uint32_t env;     // Of the Env that the node runs in.
  std::uint32_t record;  // Of a resource's ResourceRun.
  NodeKind kind;
  std::uint16_t index;
  const NodeInfo* info;
};

/// Of a coroutine node: its environment and, once it has suspended, what is needed when it ends.
struct NodeRun {
  struct Late : Ending, Watch {
    using Settle = Status (*)(void* coroutine, void* slot, ErrorBox& error, const Step& step) noexcept;
    Settle settle;
    void* coroutine;
    Resolver* resolver;
    const Step* step;
    Late* next_arrived;
  };

  Env env;    // First: a step's env offset leads here.
  Late late;  // Left unset until the node suspends.
};

/// Of a resource, from its set-up to the end of its tear-down.
struct ResourceRun {
  void* coroutine;
};

/// Who asked, when it was no transport.
class Caller {
public:
  /// Takes the last node's value out of `slot`, while all that it may refer to is still there. Throws as a node may.
  virtual void take(void* slot) = 0;
  /// Everything is torn down. Null: what was taken is good. `node` is who failed.
  virtual void ended(ErrorBox error, std::string_view node) noexcept = 0;
  /// What was made is kept until Resolver::let_go.
  virtual bool keeps() const noexcept { return false; }
  virtual void made(Resolver&) noexcept {}
  /// The exception that an error mapper answers.
  virtual const void* thrown() const noexcept { return nullptr; }

protected:
  ~Caller() = default;
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
  /// Ends what a caller that keeps was given, on this Context's thread.
  void let_go(Context& context) noexcept;

  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void* at(std::uint32_t offset) noexcept { return reinterpret_cast<std::byte*>(this) + offset; }
  const Request& request() const noexcept { return *request_; }
  Context& context() const noexcept { return *env_.context; }
  /// Null if it was no transport that asked.
  Exchange* exchange() const noexcept { return exchange_; }
  /// Null outside of an App.
  const CallPlans* calls() const noexcept;
  /// As the route says.
  void limit_body() noexcept;
  /// The same.
  OnWrongType on_wrong_type() const noexcept;
  Arena& arena() noexcept { return arena_; }

  /// What a node that is done has made.
  template <class T>
  T& value(Input input) noexcept {
    if (input.at.view == View::direct) [[likely]]
      return *static_cast<T*>(at(input.at.offset));
    return *static_cast<T*>(const_cast<void*>(viewed(input)));
  }
  const void* made(Input input) noexcept { return input.at.view == View::direct ? at(input.at.offset) : viewed(input); }
  /// What many requests share: where it is.
  const void* shared(std::uint32_t number) const noexcept;
  /// Why a node that was tried has made nothing; null if it has.
  const Error* failure(Input input) const noexcept;

  /// The parameter as the client meant it, decoded.
  std::string_view path_value(std::uint32_t index);
  QueryText query_value(const QueryName& name);

  /// Where the Env of whatever does not suspend lies.
  static constexpr std::uint32_t env_offset() noexcept { return 0; }

  /// The request is wrong here.
  void report(ValidationItem item);

  /// Lazy<f>: has the node run, with what it needs. True if it is settled already.
  bool demand(std::uint16_t step) noexcept;
  /// Enqueues the waiter when the node is settled, or will never be.
  void await(LazyWaiter& waiter) noexcept;
  bool is_made(std::uint16_t step) const noexcept;
  /// Its tear-down has begun, or is over.
  bool is_closing(std::uint16_t step) const noexcept;

  /// The handler is done, or has begun its stream, or the request has failed: no node is started any more.
  bool is_ending() const noexcept;

  /// When an answer is of no use any more.
  Time deadline() const noexcept;
  const Peer* peer() const noexcept { return exchange_ ? exchange_->peer() : nullptr; }
  const void* thrown() const noexcept { return caller_->thrown(); }
  /// Looks who can go on.
  void wake_lazy() noexcept;

private:
  friend struct AsyncState;
  friend struct MapperRun;
  friend struct TaskRun;

  static void serve_in(void* block, const Plan& plan, Exchange& exchange, const Capture* captures,
                       Escapes escapes) noexcept;
  Resolver(const Plan& plan, Context& context, const Request& request, Exchange* exchange, Caller* caller) noexcept;
  ~Resolver();

  QueryText escaped_query_value(std::string_view name);
  const void* viewed(Input input) noexcept;

  // From the request to the first step.
  void begin() noexcept;
  void begin_specially() noexcept;
  void begin_invalid() noexcept;
  bool extract_values() noexcept;
  void extract_others(const PlannedValue* value) noexcept;
  bool has_body() noexcept;
  bool asks_for_models() noexcept;
  bool collect_body() noexcept;
  void check_body() noexcept;
  void read_models() noexcept;
  void sweep() noexcept;
  void leave_sweep(Status status, ErrorBox error) noexcept;
  void reply_simply() noexcept;
  void reply_and_close() noexcept;

  // When something is in flight.
  enum class Stage : std::uint8_t { again, waits, over };
  void enter_async(std::size_t done) noexcept;
  void open_account(std::size_t done) noexcept;
  void advance() noexcept;
  void go_on() noexcept;
  void start_ready() noexcept;
  Stage next_stage() noexcept;
  std::uint32_t lazy_waiters() const noexcept;
  bool admit() noexcept;
  void give_places_back() noexcept;
  bool take_permits() noexcept;
  void give_permit_back(std::size_t index) noexcept;
  void give_unused_permits_back() noexcept;
  bool is_ready(std::size_t index) const noexcept;
  void start(const Step& step) noexcept;
  void listen(const Step& step) noexcept;
  void suspend(const Step& step) noexcept;
  void start_region(const Region& region) noexcept;
  void finish_region(RegionRun& run) noexcept;
  void settle_arrived() noexcept;
  void settle(NodeRun::Late& late) noexcept;
  void enqueue() noexcept;
  void make(std::size_t index) noexcept;

  // When something goes wrong.
  Trouble& trouble();
  ValidationError* invalid() const noexcept;
  void fail(std::size_t index, ErrorBox error) noexcept;
  void fail_quietly(std::size_t index, ErrorBox error) noexcept;
  bool was_stopped(std::size_t index, const Error& error) const noexcept;
  bool fail_softly(std::size_t index, ErrorBox& error) noexcept;
  bool inherits_failure(const Step& step) noexcept;
  void fail_request(ErrorBox error) noexcept;
  void stop_from(std::size_t index) noexcept;
  void cancel(CancelReason reason) noexcept;
  const Error* error_now() noexcept;
  bool wins(const Failed& failed) const noexcept;
  void tell_observer() noexcept;
  void tell_late(const Step& step, const Error& error) noexcept;
  void tell(Moment moment, const Step& step, const Error* error = nullptr) noexcept;
  void tell_at(Moment moment, const Step& step, Time time, const Error* error) noexcept;
  NodeEvent event(Moment moment, const Step& step, Time time, const Error* error) noexcept;
  ErrorBox request(const Step& step) noexcept;
  Status run_watched(const Step& step, ErrorBox& error) noexcept;
  Status tear_down_watched(const Step& step, const Outcome& shown, ErrorBox& error) noexcept;
  void tell_started() noexcept;
  void tell_ended() noexcept;
  void tell_replied(const Response& response) noexcept;
  void tell_failed(const Step& step, Time time, const Error& error) noexcept;
  void watch_region(RegionRun& run) noexcept;
  void tell_region(RegionRun& run) noexcept;
  void tell_unrun(RegionRun& run, std::size_t first) noexcept;
  void tell_blocked(const Step& step, Time begin) noexcept;

  // The way back.
  bool succeeded() const noexcept;
  bool async_cancelled() const noexcept;
  void finish() noexcept;
  void make_result() noexcept;
  Response* made_reply() noexcept;
  void close_from(Phase phase) noexcept;
  void end() noexcept;
  bool close_made(Closes closes) noexcept;
  bool close(const Step& step) noexcept;
  void leave_closing(const Step& step, Status status, ErrorBox error) noexcept;
  const Outcome& outcome() noexcept;
  Closing& open_closing(const Step& step) noexcept;
  Closing* closing_of(const Step& step) noexcept;
  void suspend_closing(const Step& step) noexcept;
  void submit_closing(const Step& step) noexcept;
  ErrorBox end_closing(const Step& step, ErrorBox error) noexcept;
  void closed(const Step& step, ErrorBox error) noexcept;
  void closing_failed(const Step& step, ErrorBox error) noexcept;
  void close_unused() noexcept;
  Response error_response() noexcept;
  Response final_response() noexcept;
  Response* ready_reply() noexcept;
  void drop_reply() noexcept;
  void merge_heads(Response& response) noexcept;
  void answer() noexcept;
  bool map_error() noexcept;
  void answer_with(Response&& response) noexcept;
  bool must_hold(const Response& response) noexcept;
  void drop_stream() noexcept;
  void end_stream() noexcept;
  template <class F>
  void for_each_background(F f) noexcept;
  void drop_tasks() noexcept;
  bool has_tasks() noexcept;
  void begin_tasks() noexcept;
  void run_tasks() noexcept;
  BackgroundTask* next_task() noexcept;
  void end_task() noexcept;
  void tell_task_failed(const Error& error) noexcept;
  void leave() noexcept;
  ErrorBox caller_error();
  void finish_values() noexcept;
  bool is_on_stack() const noexcept;
  void release() noexcept;

  static std::coroutine_handle<> node_ended(Ending& ending) noexcept;
  static void was_resumed(Watch& watch, Time began) noexcept;
  static void execute_region(Job& job) noexcept;
  static void region_returned(Job& job) noexcept;
  static void execute_closing(Job& job) noexcept;
  static void closing_returned(Job& job) noexcept;
  static void closing_lasts(Timer& timer) noexcept;
  static void resume(Work& work) noexcept;
  static void sent(Work& work) noexcept;
  static void task_over(Work& work) noexcept;
  static void tasks_stopped(StopCallback& callback) noexcept;
  static void stopped(StopCallback& callback) noexcept;
  static void too_late(Timer& timer) noexcept;
  static void permitted(Semaphore::Waiter& waiter) noexcept;

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
  Trouble* trouble_ = nullptr;  // Owned. What most requests do without.
  Arena arena_;
};

/// Waits for a node that Lazy<f> asked for.
struct LazyWaiter : Work {
  LazyWaiter(Function function, std::uint16_t node) noexcept : Work(function), step(node) {}
  std::uint16_t step;
  bool is_stopped = false;  // It does not want to wait any longer.
  LazyWaiter* next_waiter = nullptr;
};

}  // namespace umbel::detail
