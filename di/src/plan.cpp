// SPDX-License-Identifier: MIT
#include "umbel/di/plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "run_state.hpp"

namespace umbel::detail {

void StateTable::add(const StateInfo& info, void* object) { entries_.push_back({info.key, object}); }

void* StateTable::find(const StateInfo& info) const noexcept {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == info.key; });
  return found == entries_.end() ? nullptr : found->object;
}

namespace {

using Mask = std::vector<std::uint64_t>;

bool test(const Mask& mask, std::size_t bit) { return (mask[bit / 64] >> (bit % 64)) & 1; }
void set(Mask& mask, std::size_t bit) { mask[bit / 64] |= std::uint64_t{1} << (bit % 64); }
void unite(Mask& mask, const Mask& other) {
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= other[i];
}

constexpr std::size_t largest_plan = 4096;

}  // namespace

class PlanBuilder {
public:
  PlanBuilder(const PlanRequest& request, std::vector<std::string>& problems)
      : request_(request), problems_(problems), plan_(std::make_unique<Plan>()) {}

  std::unique_ptr<const Plan> build() {
    plan_->title_ = request_.title;
    plan_->root_name_ = request_.root_name;
    plan_->policy_ = request_.policy;
    plan_->observer_ = request_.observer;
    plan_->respond_ = request_.respond;
    bytes_ = sizeof(Resolver);
    plan_->capture_count_ = static_cast<std::uint32_t>(request_.path_names.size());
    plan_->captures_ = place(sizeof(Capture) * request_.path_names.size(), alignof(Capture));
    visit(*request_.root);
    if (plan_->steps_.size() >= largest_plan) problem("the graph has more than 4095 nodes");
    finish_steps();
    make_masks();
    make_regions();
    place_records();
    list_destroyed();
    note_shortcuts();
    check_wrappers();
    return std::move(plan_);
  }

private:
  using Index = std::uint16_t;

  // A node in its place, while the plan is being made.
  struct Visited {
    const NodeInfo* info;
    Index index;
  };

  std::uint32_t place(std::size_t size, std::size_t align) {
    bytes_ = (bytes_ + align - 1) / align * align;
    const std::size_t at = bytes_;
    bytes_ += size;
    return static_cast<std::uint32_t>(at);
  }

  /// A sentence that starts with the path from the route to the node that is being visited.
  void problem(std::string_view what, const std::string& end = {}) {
    std::string text{request_.title};
    for (const NodeInfo* node : path_)
      text.append(" -> ").append(node == request_.root ? request_.root_name : node->name);
    problems_.push_back(text.append(end).append(": ").append(what));
  }

  /// Depth first, dependencies before dependents, each node once. Returns the node's step.
  Index visit(const NodeInfo& node) {
    // Uncached edges multiply: a graph that is refused anyway is not walked to its end.
    if (plan_->steps_.size() >= largest_plan) return 0;
    path_.push_back(&node);
    std::vector<Index> edges;
    std::vector<Input> inputs(node.need_count);
    for (std::size_t i = 0; i < node.need_count; ++i) inputs[i] = meet(node.needs[i], edges);
    const Index index = static_cast<Index>(plan_->steps_.size());
    plan_->steps_.push_back(Step{node.run, nullptr, &node == request_.root ? request_.callable : nullptr,
                                 place(node.size, node.align), 0, node.kind, index, &node});
    plan_->edges_.push_back(std::move(edges));
    inputs_.push_back(std::move(inputs));
    path_.pop_back();
    return index;
  }

  Index visit_once(const NodeInfo& node) {
    const auto known =
        std::find_if(visited_.begin(), visited_.end(), [&](const Visited& v) { return v.info == &node; });
    if (known != visited_.end()) return known->index;
    const Index index = visit(node);
    visited_.push_back({&node, index});
    return index;
  }

  Input meet(const Need& need, std::vector<Index>& edges) {
    Input input{};
    switch (need.source) {
      case Source::node: {
        const Index index = need.uncached ? visit(*need.node) : visit_once(*need.node);
        edges.push_back(index);
        input.offset = plan_->steps_[index].slot;
        break;
      }
      case Source::path:
      case Source::query:
      case Source::header:
      case Source::cookie:
        input.offset = value_slot(*need.value);
        break;
      case Source::state:
        input.object = state_of(*need.state);
        break;
      case Source::body:
        plan_->reads_body_ = true;
        break;
      case Source::request:
      case Source::stop_token:
        break;
    }
    return input;
  }

  std::uint32_t value_slot(const ValueInfo& info) {
    for (const PlannedValue& value : plan_->values_) {
      if (value.info == &info) return value.slot;
    }
    std::uint32_t index = 0;
    if (info.source == Source::path) {
      const auto& names = request_.path_names;
      const auto found = std::find(names.begin(), names.end(), info.name);
      if (found == names.end())
        problem("it takes " + std::string{info.title} + ", which the route's template does not have");
      index = static_cast<std::uint32_t>(found - names.begin());
    }
    const std::uint32_t slot = place(info.size, info.align);
    plan_->values_.push_back({&info, slot, index});
    return slot;
  }

  void* state_of(const StateInfo& info) {
    void* const object = request_.states->find(info);
    if (!object)
      problem("the application has no such state; give it with app.state(...)", " -> " + std::string{info.title});
    return object;
  }

  void finish_steps() {
    std::size_t count = 0;
    for (const auto& inputs : inputs_) count += inputs.size();
    plan_->inputs_.reserve(count);  // Steps point into it.
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      plan_->steps_[i].inputs = plan_->inputs_.data() + plan_->inputs_.size();
      plan_->inputs_.insert(plan_->inputs_.end(), inputs_[i].begin(), inputs_[i].end());
    }
  }

  void make_masks() {
    const std::size_t words = plan_->words();
    for (const auto& edges : plan_->edges_) {
      Mask needs(words);
      Mask ancestors(words);
      for (const Index edge : edges) {
        set(needs, edge);
        set(ancestors, edge);
        unite(ancestors, ancestors_[edge]);
      }
      plan_->need_masks_.insert(plan_->need_masks_.end(), needs.begin(), needs.end());
      ancestors_.push_back(std::move(ancestors));
    }
  }

  Mask needs_of(std::size_t step) const {
    const std::uint64_t* const mask = plan_->need_mask(step);
    return {mask, mask + plan_->words()};
  }

  /// A plain node joins the chain that ends in one of its needs, if nothing is lost by it: whatever else it needs is
  /// done when the chain starts, and nobody but its own dependents waits for what the chain has made so far.
  void make_regions() {
    plan_->region_of_.assign(plan_->steps_.size(), Plan::no_region);
    for (const Step& step : plan_->steps_) {
      if (step.kind != NodeKind::plain) continue;
      if (!join_region(step.index)) open_region(step.index);
    }
  }

  void open_region(Index step) {
    plan_->region_of_[step] = static_cast<Index>(plan_->regions_.size());
    plan_->regions_.push_back(Region{{step}, needs_of(step), 0});
  }

  bool join_region(Index step) {
    for (const Index edge : plan_->edges_[step]) {
      const Index number = plan_->region_of_[edge];
      if (number == Plan::no_region) continue;
      Region& region = plan_->regions_[number];
      if (region.steps.back() != edge || !is_done_before(region, step) || somebody_else_waits(edge, step)) continue;
      if (plan_->policy_ == Policy::sequential && edge + 1 != step) continue;
      region.steps.push_back(step);
      plan_->region_of_[step] = number;
      return true;
    }
    return false;
  }

  bool is_in(const Region& region, Index step) const {
    return std::find(region.steps.begin(), region.steps.end(), step) != region.steps.end();
  }

  bool is_done_before(const Region& region, Index step) const {
    Mask before = region.needs;
    for (std::size_t i = 0; i < plan_->steps_.size(); ++i) {
      if (test(region.needs, i)) unite(before, ancestors_[i]);
    }
    return std::all_of(plan_->edges_[step].begin(), plan_->edges_[step].end(),
                       [&](Index need) { return is_in(region, need) || test(before, need); });
  }

  /// Whether a node that needs `made` could start before `step` is done.
  bool somebody_else_waits(Index made, Index step) const {
    for (Index other = 0; other < plan_->steps_.size(); ++other) {
      if (other == step || test(ancestors_[other], step)) continue;
      const auto& edges = plan_->edges_[other];
      if (std::find(edges.begin(), edges.end(), made) != edges.end()) return true;
    }
    return false;
  }

  void place_records() {
    for (Step& step : plan_->steps_) {
      step.env = Resolver::env_offset();
      if (step.kind == NodeKind::coroutine) step.env = place(sizeof(NodeRun), alignof(NodeRun));
    }
    for (Region& region : plan_->regions_) {
      region.record = place(sizeof(RegionRun), alignof(RegionRun));
      for (const Index step : region.steps) plan_->steps_[step].env = region.record;
    }
    plan_->response_ = place(sizeof(Response), alignof(Response));
    plan_->async_ = place(AsyncState::bytes(plan_->steps_.size()), alignof(AsyncState));
    if (bytes_ > std::numeric_limits<std::uint32_t>::max() / 2) problem("its values take more than 2 GiB");
    plan_->bytes_ = static_cast<std::uint32_t>(bytes_);
  }

  void list_destroyed() {
    for (const Step& step : plan_->steps_) {
      if (step.info->destroy) plan_->destroyed_.push_back(step.index);
    }
    for (std::size_t i = 0; i < plan_->values_.size(); ++i) {
      if (plan_->values_[i].info->destroy) plan_->values_destroyed_.push_back(static_cast<Index>(i));
    }
  }

  void note_shortcuts() {
    const auto& steps = plan_->steps_;
    const auto plain =
        std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.kind == NodeKind::plain; });
    plan_->step_count_ = static_cast<std::uint32_t>(steps.size());
    plan_->first_plain_ = static_cast<std::uint32_t>(plain - steps.begin());
    const auto& destroyed = plan_->destroyed_;
    const bool only_root = destroyed.empty() || (destroyed.size() == 1 && destroyed[0] + 1u == steps.size());
    plan_->destroys_only_root_ = only_root && plan_->values_destroyed_.empty();
    const bool runs_through =
        std::all_of(steps.begin(), steps.end(), [](const Step& s) { return s.kind == NodeKind::on_loop; });
    plan_->fits_stack_ = runs_through && !plan_->reads_body_ && bytes_ <= Plan::stack_block;
  }

  void check_wrappers() {
    for (const Step& wrapper : plan_->steps_) {
      if (!wrapper.info->wraps) continue;
      for (const Step& step : plan_->steps_) {
        if (step.info == wrapper.info->wraps)
          problem("it names both " + std::string{step.info->name} + " and on_loop<" + std::string{step.info->name} +
                  ">, which would run it twice: name one of them everywhere");
      }
    }
  }

  const PlanRequest& request_;
  std::vector<std::string>& problems_;
  std::unique_ptr<Plan> plan_;
  std::size_t bytes_ = 0;
  std::vector<const NodeInfo*> path_;  // From the root to the node that is being visited.
  std::vector<Visited> visited_;
  std::vector<std::vector<Input>> inputs_;
  std::vector<Mask> ancestors_;
};

namespace {

constexpr std::string_view kind_name(NodeKind kind) noexcept {
  switch (kind) {
    case NodeKind::coroutine:
      return "coroutine";
    case NodeKind::plain:
      return "plain";
    case NodeKind::on_loop:
      return "on_loop";
  }
  return {};
}

void add_take(std::vector<std::string>& takes, const Need& need) {
  switch (need.source) {
    case Source::node:
      return;
    case Source::path:
    case Source::query:
    case Source::header:
    case Source::cookie:
      return void(takes.emplace_back(need.value->title));
    case Source::state:
      return void(takes.emplace_back(need.state->title));
    case Source::body:
      return void(takes.emplace_back("Body"));
    case Source::request:
      return void(takes.emplace_back("Request"));
    case Source::stop_token:
      return void(takes.emplace_back("StopToken"));
  }
}

}  // namespace

GraphRoute Plan::describe() const {
  GraphRoute route{title_, {}, hops(), bytes()};
  for (const Step& step : steps_) {
    GraphNode node{std::string{name_of(step.index)}, std::string{kind_name(step.kind)}, {}, {}};
    node.needs.assign(edges_[step.index].begin(), edges_[step.index].end());
    for (std::size_t i = 0; i < step.info->need_count; ++i) add_take(node.takes, step.info->needs[i]);
    if (step.kind == NodeKind::plain) node.hop = region_of_[step.index] + 1u;
    route.nodes.push_back(std::move(node));
  }
  return route;
}

std::unique_ptr<const Plan> Plan::compile(const PlanRequest& request, std::vector<std::string>& problems) {
  return PlanBuilder{request, problems}.build();
}

}  // namespace umbel::detail
