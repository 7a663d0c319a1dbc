// SPDX-License-Identifier: MIT
#pragma once
// A route's graph, laid out flat once: what the resolver runs per request.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/context.hpp"
#include "umbel/di/graph.hpp"
#include "umbel/di/node.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel {

class Lane;
class Observer;
class Semaphore;
enum class OnWrongType : std::uint8_t;

/// How independent nodes of a route are ordered.
enum class Policy : std::uint8_t {
  concurrent,  // A node starts when its own inputs are ready.
  sequential,  // One after the other, in declaration order, depth first.
};

/// What becomes of a request whose peer leaves before it has its reply. Where nothing is said, GET, HEAD and OPTIONS
/// are cancelled, and the rest, which may change something on the server, finish.
enum class OnDisconnect : std::uint8_t {
  cancel,  // What has not started does not start, what runs is asked to stop.
  finish,
};

namespace detail {

class Limits;
class SharedNodes;

/// Finds the application's objects.
class StateTable {
public:
  void add(const StateInfo& info, void* object);
  /// Null if there is none.
  void* find(const StateInfo& info) const noexcept;
  bool has(const StateInfo& info) const noexcept { return find(info) != nullptr; }

private:
  struct Entry {
    const void* key;
    void* object;
  };
  std::vector<Entry> entries_;
};

/// What stands in for what.
class OverrideTable {
public:
  void set(const NodeInfo& original, const NodeInfo& replacement);
  void remove(const NodeInfo& original) noexcept;
  /// The node itself, if nothing is in its place.
  const NodeInfo& find(const NodeInfo& node) const noexcept;
  bool has_replacement(const NodeInfo& replacement) const noexcept;
  bool empty() const noexcept { return entries_.empty(); }
  bool operator==(const OverrideTable&) const = default;

private:
  struct Entry {
    const NodeInfo* original;
    const NodeInfo* replacement;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries_;  // Sorted by original.
};

/// Guards of one router or route, in order. A barrier: the next layer begins when all of them have passed.
using GuardLayer = std::vector<const NodeInfo*>;

class Plan;

/// What answers exceptions of one kind.
struct PlannedMapper {
  const void* (*find)(const Error& error) noexcept;  // Null: it is not of the kind.
  const std::atomic<const Plan*>* plan;              // Owned by the App.
};

/// Where plans of single providers come from, when they are first wanted.
class CallPlans {
public:
  /// Throws StartError if the graph cannot be run without a route. Any thread.
  virtual const std::atomic<const Plan*>& plan_of_call(const NodeInfo& node) const = 0;

protected:
  ~CallPlans() = default;
};

/// What a plan is made of.
struct PlanRequest {
  const NodeInfo* root;
  const void* callable = nullptr;  // The root's own object, if it is a handler.
  std::string_view title;          // "GET /items/{item_id}"
  std::string root_name;           // "read_item"
  std::vector<std::string_view> path_names;
  const StateTable* states;
  Policy policy = Policy::concurrent;
  Observer* observer = nullptr;
  Duration tear_down_limit = std::chrono::seconds{5};
  const OverrideTable* overrides = nullptr;
  SharedNodes* shared = nullptr;
  Limits* limits = nullptr;
  const CallPlans* calls = nullptr;                     // For background tasks. Outlives the plan.
  const std::vector<PlannedMapper>* mappers = nullptr;  // In the order in which they are asked. Outlive the plan.
  Lifetime level = Lifetime::request;                   // What lives longer is not made here.
  /// Makes the reply of the root's slot; null for plans that are called.
  Response* (*respond)(const Resolver& resolver, void* slot, void* room) = nullptr;
  bool returns_response = false;  // The root's value is the reply, not text that becomes one.
  bool streams = false;           // The root makes its reply while it is sent.
  std::span<const GuardLayer>
      guard_layers{};                     // Outermost first: app, outer router, inner router, route. None is empty.
  std::chrono::milliseconds deadline{0};  // Of a request, from its head on; 0: none.
  std::optional<OnDisconnect> on_disconnect{};  // Left out: as the request's method says.
  std::optional<std::uint64_t> body_limit{};    // Left out: the transport's own.
  OnWrongType on_wrong_type{};
  std::uint32_t number = 0;  // Of the route among those of its App.
};

struct PlannedValue {
  const ValueInfo* info;
  std::uint32_t slot;
  std::uint32_t index;  // Of a path parameter, in the route's template. Of what is a step's own: that step.
};

/// A chain of plain nodes that crosses to a worker once.
struct Region {
  std::vector<std::uint16_t> steps;  // In order; the first is where the region starts.
  std::vector<std::uint64_t> needs;  // What all of its steps need of others.
  std::uint32_t record;              // Offset of its RegionRun.
  Lane* lane = nullptr;              // Null: the Context's pool.
};

/// Places on the work queue that a request must have before it starts: it is not refused later.
struct Admission {
  Lane* lane;         // Null: the Context's pool.
  std::size_t width;  // How many of its jobs can be away at once.
};

/// A permit that a request must have before the resource is made.
struct Permit {
  Semaphore* semaphore;
  std::size_t number;  // The order in which all requests take them.
  std::uint16_t step;
};

/// A step that takes a value.
struct ValueTaker {
  std::uint16_t value;
  std::uint16_t step;
};

/// When what a step has made is ended.
enum class Closes : std::uint8_t {
  never,    // There is nothing to end.
  handler,  // When the reply is made.
  request,  // At the very end.
};

/// A resource that is torn down as soon as nobody uses it any more.
struct LastUse {
  std::uint16_t step;
  std::vector<std::uint64_t> users;       // All that must be done before.
  std::vector<std::uint16_t> dependents;  // Of them, resources: they must be torn down before.
};

/// An immutable plan. Shared by all threads.
class Plan {
public:
  /// Mistakes that only the whole application shows are appended to `problems`, each a sentence with its path.
  static std::unique_ptr<const Plan> compile(const PlanRequest& request, std::vector<std::string>& problems);

  std::string_view title() const noexcept { return title_; }
  std::string_view name_of(std::size_t step) const noexcept {
    return step + 1 == steps_.size() ? std::string_view{root_name_} : steps_[step].info->name;
  }
  /// What the last step has made.
  void* root_value(void* slot) const noexcept {
    const NodeInfo& root = *steps_.back().info;
    if (root.is_pointer) return const_cast<void*>(*static_cast<const void**>(slot));
    return root.view ? const_cast<void*>(root.view(slot)) : slot;
  }
  /// What the last step has made, as a reply to the resolver's request. Of an error mapper's plan.
  Response respond(const Resolver& resolver, void* slot) const;
  /// For people.
  GraphRoute describe() const;
  const std::vector<Step>& steps() const noexcept { return steps_; }
  const std::vector<PlannedValue>& values() const noexcept { return values_; }
  const std::vector<Region>& regions() const noexcept { return regions_; }
  /// The direct needs of a step among the steps.
  const std::vector<std::uint16_t>& needs_of(std::size_t step) const noexcept { return edges_[step]; }
  /// How many times a request crosses to a worker.
  std::size_t hops() const noexcept { return regions_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  Policy policy() const noexcept { return policy_; }
  bool reads_body() const noexcept { return reads_body_; }
  /// Of the route among those of its App.
  std::uint32_t number() const noexcept { return number_; }

private:
  friend class PlanBuilder;
  friend class Resolver;
  friend class PlanGraph;

  /// The node as it is in itself: where it stands is for plan_graph.cpp to tell.
  GraphNode describe_step(const Step& step) const;

  static constexpr std::uint16_t no_region = 0xffff;
  static constexpr std::size_t stack_block = 1024;

  std::uint32_t words() const noexcept { return static_cast<std::uint32_t>((steps_.size() + 63) / 64); }
  const std::uint64_t* need_mask(std::size_t step) const noexcept { return need_masks_.data() + step * words(); }
  bool has_models() const noexcept { return first_body_ != values_.size(); }
  bool is_soft(std::size_t step) const noexcept { return !soft_.empty() && soft_[step]; }

  std::string title_;
  std::string root_name_;
  // Topological; ties in declaration order, depth first. The guard stage comes first, the root is the last.
  std::vector<Step> steps_;
  std::vector<PlannedValue> values_;
  std::vector<Input> inputs_;
  std::vector<std::vector<std::uint16_t>> edges_;  // What each step takes, Lazy aside.
  std::vector<std::uint64_t> need_masks_;          // words() for each step: edges_, and what else must be done before.
  std::vector<Region> regions_;
  std::vector<std::uint16_t> region_of_;  // For each step; no_region for those that run on the loop.
  std::vector<Closes> closes_;            // For each step.
  std::vector<std::uint16_t> closed_;     // Steps that have something to end, in order.
  std::vector<std::uint16_t> values_destroyed_;
  std::vector<bool> soft_;               // Steps whose failure is only a value. Empty: none.
  std::vector<std::uint16_t> held_;      // Steps that wait for somebody who awaits a Lazy.
  std::vector<ValueTaker> guard_takes_;  // Values that steps of the guard stage take.
  std::vector<LastUse> last_uses_;       // Dependents first.
  std::vector<Admission> admissions_;
  std::vector<Permit> permits_;       // Sorted by number.
  bool guards_need_permits_ = false;  // Then they are taken before the guards run.
  std::uint32_t captures_ = 0;        // Offset of the path parameters as sent.
  std::uint32_t capture_count_ = 0;
  std::uint32_t response_ = 0;  // Room for a Response, if the root does not return one.
  std::uint32_t async_ = 0;
  std::uint32_t task_run_ = 0;  // If the plan takes Background.
  std::uint32_t bytes_ = 0;
  std::uint32_t step_count_ = 0;
  std::uint32_t number_ = 0;
  std::uint32_t guard_count_ = 0;  // Steps of the guard stage.
  std::uint32_t sweep_end_ = 0;    // The first step that the sweep cannot run: it needs a worker, or a stage before it.
  bool ends_simply_ = false;       // Nothing has to be ended before the reply but, at the most, the root's value.
  bool ends_in_turns_ = false;     // There are resources that outlive the reply, heads to merge, tasks to run.
  bool takes_head_ = false;
  bool takes_background_ = false;
  bool returns_response_ = false;
  bool streams_ = false;
  bool fits_stack_ = false;  // Nothing can suspend, so that a request ends before `serve` returns; and it is small.
  bool reads_body_ = false;
  bool checks_body_ = false;       // Behind the guards, by nodes that count as such.
  bool starts_specially_ = false;  // The body aside, something has to happen before the first step.
  bool is_tracked_ = false;        // Never swept: what happens is followed step by step.
  Policy policy_ = Policy::concurrent;
  Observer* observer_ = nullptr;
  Response* (*respond_)(const Resolver& resolver, void* slot, void* room) = nullptr;
  Duration deadline_{};
  std::optional<OnDisconnect> on_disconnect_;
  std::optional<std::uint64_t> body_limit_;
  OnWrongType on_wrong_type_{};
  bool has_named_bodies_ = false;  // The body is an object, and they are its members.
  std::uint32_t first_body_ = 0;   // Among `values_`: from here on they are models, made when the body is complete.
  Duration tear_down_limit_{};
  Duration blocked_after_{};
  const SharedNodes* shared_ = nullptr;
  const std::vector<PlannedMapper>* mappers_ = nullptr;
  const CallPlans* calls_ = nullptr;
  std::vector<std::unique_ptr<ScopeSet>> scope_sets_;
  std::vector<std::uint16_t> guards_;  // Steps that are guards themselves. For `describe` only, as is the next.
  std::vector<Lifetime> lifetimes_;    // For each step; automatic: it is no resource.
};

}  // namespace detail
}  // namespace umbel
