// SPDX-License-Identifier: MIT
#include "umbel/di/engine.hpp"

#include <string>
#include <utility>

namespace umbel {

namespace detail {

// Nobody waits for it.
struct Opening::Closed : Notice {
  Closed() noexcept : Notice(told) {}
  static void told(Notice& notice, const Error*) noexcept { delete static_cast<Closed*>(&notice); }
};

Opening& Opening::begin(App& app, Context& context) {
  auto* const opening = new Opening{app, context};
  app.open(context, *opening);
  return *opening;
}

bool Opening::is_over(Work& work) {
  if (!is_over_) waiting_.push_back(&work);
  return is_over_;
}

void Opening::told(Notice& notice, const Error* error) noexcept {
  auto& opening = static_cast<Opening&>(notice);
  opening.is_over_ = true;
  if (error) opening.failure_ = std::make_unique<Error>(*error);
  for (Work* const work : std::exchange(opening.waiting_, {})) opening.context_.enqueue(*work);
  if (opening.is_given_up_) opening.close();
}

void Opening::end() noexcept {
  is_given_up_ = true;
  if (is_over_) close();
}

void Opening::close() noexcept {
  if (!failure_) {
    app_.draining(context_);
    app_.close(context_, *new Closed);
  }
  delete this;
}

}  // namespace detail

Engine::Engine(App& app, Context& context)
    : app_(app), context_(context), opening_((app.start(context), detail::Opening::begin(app, context))) {}

Engine::~Engine() { opening_.end(); }

const detail::Plan& Engine::plan_of(const detail::NodeInfo& node) {
  for (const Called& called : called_) {
    if (called.node == &node) return *called.plan->load(std::memory_order_acquire);
  }
  return *called_.emplace_back(Called{&node, &app_.plan_of_call(node)}).plan->load(std::memory_order_acquire);
}

}  // namespace umbel
