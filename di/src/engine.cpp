// SPDX-License-Identifier: MIT
#include "umbel/di/engine.hpp"

#include <string>

namespace umbel {

Engine::Engine(App& app, Context& context) : app_(app), context_(context) { app_.start(context_); }

Engine::~Engine() = default;

const detail::Plan& Engine::plan_of(const detail::NodeInfo& node) {
  for (const Called& called : called_) {
    if (called.node == &node) return *called.plan;
  }
  std::vector<std::string> problems;
  const std::string title = "call " + std::string{node.name};
  detail::PlanRequest request{&node, nullptr, title, std::string{node.name}, {}, &app_.states_};
  request.policy = app_.policy_;
  request.observer = app_.observer_;
  auto plan = detail::Plan::compile(request, problems);
  if (!problems.empty()) throw StartError{"umbel: " + problems.front()};
  return *called_.emplace_back(Called{&node, std::move(plan)}).plan;
}

}  // namespace umbel
