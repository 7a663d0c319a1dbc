// SPDX-License-Identifier: MIT
// What a Graph tells of a plan beyond names: roles, lifetimes, and how nodes take one another.
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "shared_nodes.hpp"
#include "umbel/di/plan.hpp"

namespace umbel::detail {

namespace {

constexpr std::string_view take_name(const Need& need) noexcept {
  if (need.original) return "original";
  switch (need.take) {
    case Take::share:
    case Take::check:
      return "depends";
    case Take::exclusive:
      return "exclusive";
    case Take::order:
      return "after";
    case Take::guard:
      return "guard";
    case Take::lazy:
      return "lazy";
    case Take::attempt:
      break;
  }
  return "try";
}

constexpr std::string_view lifetime_name(Lifetime lifetime) noexcept {
  switch (lifetime) {
    case Lifetime::automatic:
      break;
    case Lifetime::last_use:
      return "last_use";
    case Lifetime::handler:
      return "handler";
    case Lifetime::request:
      return "request";
    case Lifetime::loop:
      return "loop";
    case Lifetime::app:
      return "app";
  }
  return {};
}

}  // namespace

/// Makes a GraphRoute of a plan. What requests share is in plans of its own, to which the walk goes on: each node once.
class PlanGraph {
public:
  explicit PlanGraph(const Plan& plan) : own_(plan), route_{plan.title_, {}, plan.hops(), plan.bytes()} {}

  GraphRoute make() {
    route_.plan = route_.title;
    route_.policy = own_.policy() == Policy::sequential ? "sequential" : "concurrent";
    for (const Step& step : own_.steps_) route_.nodes.push_back(node_of(own_, step));
    for (const std::uint16_t guard : own_.guards_) route_.nodes[guard].role = "guard";
    for (const Step& step : own_.steps_) unmark_forms(step);
    route_.nodes.back().role = "handler";
    for (std::size_t i = 0; i < shared_.size(); ++i) {  // It grows meanwhile.
      const Place place = shared_[i];
      GraphNode node = node_of(*place.plan, place.plan->steps()[place.step]);
      node.needs.clear();  // They are of another plan.
      node.lifetime = place.plan->title();
      route_.shared.push_back(std::move(node));
    }
    return std::move(route_);
  }

private:
  struct Place {
    const Plan* plan;
    std::uint16_t step;
    bool operator==(const Place&) const = default;
  };

  /// Forms are read in a layer behind the guards, and let everybody pass.
  void unmark_forms(const Step& step) {
    for (std::size_t i = 0; i < step.info->need_count; ++i) {
      if (step.info->needs[i].take != Take::check) continue;
      route_.nodes[place_of(own_, step.inputs[i]).step].role = "provider";
    }
  }

  GraphNode node_of(const Plan& plan, const Step& step) {
    GraphNode node = plan.describe_step(step);
    node.role = "provider";
    node.lifetime = lifetime_name(plan.lifetimes_[step.index]);
    node.lane = step.info->options.lane;
    node.capacity = step.info->options.capacity;
    node.number = step.index;
    for (std::size_t i = 0; i < step.info->need_count; ++i) {
      const Need& need = step.info->needs[i];
      if (need.source == Source::node)
        node.edges.push_back({index_of(place_of(plan, step.inputs[i])), std::string{take_name(need)}});
    }
    return node;
  }

  /// Where what a step takes is made.
  static Place place_of(const Plan& plan, Input input) {
    if (input.at.view == View::pointer && plan.shared_) {
      for (const PlannedValue& value : plan.values_) {
        if (value.info->source != Source::node || value.slot != input.at.offset) continue;
        return {&plan.shared_->plan_of(value.index), plan.shared_->step_of(value.index).index};
      }
    }
    return {&plan, input.at.step};
  }

  std::size_t index_of(Place place) {
    if (place.plan == &own_) return place.step;
    auto known = std::find(shared_.begin(), shared_.end(), place);
    if (known == shared_.end()) known = shared_.insert(known, place);
    return own_.steps_.size() + static_cast<std::size_t>(known - shared_.begin());
  }

  const Plan& own_;
  GraphRoute route_;
  std::vector<Place> shared_;  // As they are in GraphRoute::shared.
};

GraphRoute Plan::describe() const { return PlanGraph{*this}.make(); }

}  // namespace umbel::detail
