// SPDX-License-Identifier: MIT
#include "umbel/di/override.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <unordered_set>

#include "started.hpp"
#include "umbel/di/override_set.hpp"

namespace umbel {

namespace detail {

namespace {

std::string name_of_stand_in(const NodeInfo& original, const HandlerBox& callable) {
  const std::string name = callable.name();
  return (name == "handler" ? "an override of " : name + " for ") + std::string{original.name};
}

std::string one_text(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text.append("\n  ").append(problem);
  return text;
}

Status fail_as_told(Resolver&, const Step& step, ErrorBox& error) noexcept {
  const auto& mistake = *static_cast<const std::string*>(step.callable);
  error = std::make_unique<Error>(std::make_exception_ptr(StartError{mistake}));
  return Status::failed;
}

constexpr NodeInfo make_broken_root() {
  NodeInfo info{};
  info.name = "broken";
  info.kind = NodeKind::on_loop;
  info.align = 1;
  info.run = fail_as_told;
  return info;
}
constexpr NodeInfo broken_root = make_broken_root();

}  // namespace

// --- what stands in -------------------------------------------------------------------------------------------------

StandIn::StandIn(const NodeInfo& original, HandlerBox callable, ProviderOptions options)
    : original_(original),
      callable_(std::move(callable)),
      name_(name_of_stand_in(original, callable_)),
      info_(callable_.info()) {
  info_.name = name_;
  info_.object = callable_.object();
  info_.options = options;
}

void StandIn::take_lifetime(bool may_be_shared) {
  Lifetime& own = info_.options.lifetime;
  const Lifetime wanted = original_.options.lifetime;
  if (original_.is_shared() && may_be_shared && (own == wanted || own < Lifetime::loop)) {
    own = wanted;
  } else if (info_.is_shared()) {
    throw std::logic_error{"umbel: " + name_ + ": requests would share it, and here it is made for each of them"};
  } else if (own == Lifetime::automatic) {
    own = original_.is_shared() ? Lifetime::request : wanted;
  }
}

// --- plans ----------------------------------------------------------------------------------------------------------

bool Planned::is_planned_alike(const Variant& variant, const OverrideTable& overrides) const noexcept {
  if (variant.mistake) return *variant.overrides == overrides;
  const auto is_alike = [&](const NodeInfo& node) { return &variant.overrides->find(node) == &overrides.find(node); };
  if (!is_alike(*request.root)) return false;
  for (const GuardLayer& layer : request.guard_layers) {
    for (const NodeInfo* const guard : layer) {
      if (!is_alike(*guard)) return false;
    }
  }
  for (const Step& step : variant.plan->steps()) {
    for (std::size_t i = 0; i < step.info->need_count; ++i) {
      const Need& need = step.info->needs[i];
      if (need.source == Source::node && !need.original && !is_alike(*need.node)) return false;
    }
  }
  return true;
}

const Plan* Planned::find(const OverrideTable& overrides) const noexcept {
  const auto found = std::find_if(variants_.begin(), variants_.end(),
                                  [&](const Variant& v) { return is_planned_alike(v, overrides); });
  return found == variants_.end() ? nullptr : found->plan.get();
}

const Plan& Planned::make(const Overrides& overrides, std::vector<std::string>& problems) {
  PlanRequest now = request;
  now.root = &overrides->find(*request.root);
  now.overrides = overrides.get();
  return *variants_.emplace_back(Variant{overrides, nullptr, Plan::compile(now, problems)}).plan;
}

const Plan& Planned::break_last(const std::vector<std::string>& problems) {
  Variant& last = variants_.back();
  last.mistake = std::make_unique<const std::string>("umbel: without an override it cannot work:" + one_text(problems));
  PlanRequest now = request;
  now.root = &broken_root;
  now.callable = last.mistake.get();
  now.guard_layers = {};
  std::vector<std::string> none;
  last.plan = Plan::compile(now, none);
  return *last.plan;
}

void Planned::forget(const NodeInfo& replacement) noexcept {
  std::erase_if(variants_, [&](const Variant& variant) { return variant.overrides->has_replacement(replacement); });
}

}  // namespace detail

// --- handles --------------------------------------------------------------------------------------------------------

Override& Override::operator=(Override&& other) noexcept {
  std::swap(layer_, other.layer_);
  std::swap(stand_in_, other.stand_in_);
  return *this;
}

Override::~Override() {
  if (layer_ && layer_->app) layer_->app->undo(*layer_, *stand_in_);
}

OverrideSet::OverrideSet(App& app) : app_(app), layer_(std::make_shared<detail::OverrideLayer>()) {
  app_.add_set(layer_);
}

OverrideSet::~OverrideSet() {
  if (layer_->app) app_.remove_set(*layer_);
}

OverrideSet& OverrideSet::add(std::unique_ptr<detail::StandIn> stand_in) {
  const std::lock_guard lock{app_.lock_->mutex};
  app_.put_in_force(*layer_, std::move(stand_in));
  return *this;
}

// --- of an App ------------------------------------------------------------------------------------------------------

namespace {

/// What can be overridden: everything that is named by some node, were nothing overridden, or by what stands in.
class Reach {
public:
  /// What requests share is made already, so that what it takes itself does not count.
  enum class Shared : bool { is_made, counts };
  explicit Reach(Shared shared) noexcept : shared_(shared) {}

  void add(const detail::NodeInfo& node) {
    if (!nodes_.insert(&node).second) return;
    if (shared_ == Shared::is_made && node.is_shared()) return;
    for (std::size_t i = 0; i < node.need_count; ++i) {
      if (node.needs[i].source == detail::Source::node) add(*node.needs[i].node);
    }
  }
  void add(const detail::Planned& planned) {
    add(*planned.request.root);
    for (const detail::GuardLayer& layer : planned.request.guard_layers) {
      for (const detail::NodeInfo* const guard : layer) add(*guard);
    }
  }
  bool has(const detail::NodeInfo& node) const { return nodes_.contains(&node); }
  /// What is made of it, if it is that which is taken.
  const detail::NodeInfo* wrapper_of(const detail::NodeInfo& node) const {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto* n) { return n->wraps == &node; });
    return found == nodes_.end() ? nullptr : *found;
  }

private:
  Shared shared_;
  std::unordered_set<const detail::NodeInfo*> nodes_;
};

std::string reason_of_no_use(const Reach& everything, const detail::NodeInfo& original, bool has_mounts) {
  if (everything.has(original))
    return "only what requests share takes it, which is the App's, and made at its start: override it before, and in "
           "the App";
  if (everything.wrapper_of(original))
    return "what routes take is made of it, by on_loop or provider, and is a provider of its own: override that";
  return has_mounts ? "no route takes it; an App that is mounted is overridden by itself" : "no route takes it";
}

}  // namespace

std::shared_ptr<const detail::OverrideTable> App::overrides_in(const detail::OverrideLayer& layer) const {
  auto table = std::make_shared<detail::OverrideTable>();
  for (const detail::StandIn* const one : overrides_->active) table->set(one->original(), one->info());
  if (&layer == overrides_.get()) return table;
  for (const detail::StandIn* const one : layer.active) table->set(one->original(), one->info());
  return table;
}

void App::check_use(const detail::OverrideLayer& layer, const Started& started, std::size_t first,
                    std::vector<std::string>& problems) const {
  if (started.routes.empty() && mounts_.empty()) return;  // An Engine may call anything.
  const bool is_late = started_ || &layer != overrides_.get();
  Reach everything{Reach::Shared::counts};
  Reach used{is_late ? Reach::Shared::is_made : Reach::Shared::counts};
  const auto add = [&](const auto& root) {
    everything.add(root);
    used.add(root);
  };
  for (const auto& route : started.routes) add(*route);
  for (const auto& call : started.calls) add(*call);
  for (const auto& mapper : started.mapped) add(*mapper);
  for (const auto& stand_in : stand_ins_) add(stand_in->info());
  for (const detail::NodeInfo* const kept : kept_) is_late ? everything.add(*kept) : add(*kept);
  for (std::size_t i = first; i < layer.active.size(); ++i) {
    const detail::StandIn& one = *layer.active[i];
    if (used.has(one.original())) continue;
    const std::string reason = reason_of_no_use(everything, one.original(), !mounts_.empty());
    problems.push_back(std::string{one.info().name} + ": " + reason);
  }
}

App::Replanning::Replanning(App& app, Started& started, detail::OverrideLayer& layer,
                            std::vector<std::string>* problems)
    : app_(app), started_(started), problems_(problems) {
  const bool is_of_all = &layer == app.overrides_.get();
  if (is_of_all) {
    routes_ = plan(started.routes, layer);
    calls_ = plan(started.calls, layer);
    mapped_ = plan(started.mapped, layer);
  }
  for (const auto& set : app.sets_) {
    if (set->active.empty() || (!is_of_all && set.get() != &layer)) continue;
    sets_.emplace_back(set.get(), plan(started.routes, *set));
  }
}

App::Replanning::Plans App::Replanning::plan(const Roots& roots, const detail::OverrideLayer& layer) {
  const detail::Planned::Overrides overrides = app_.overrides_in(layer);
  Plans plans;
  for (const auto& root : roots) plans.push_back(&plan(*root, overrides));
  return plans;
}

const detail::Plan& App::Replanning::plan(detail::Planned& root, const detail::Planned::Overrides& overrides) {
  if (const detail::Plan* const known = root.find(*overrides)) return *known;
  std::vector<std::string> own;
  const detail::Plan& made = root.make(overrides, problems_ ? *problems_ : own);
  return own.empty() ? made : root.break_last(own);
}

void App::Replanning::put(const Roots& roots, const Plans& plans) noexcept {
  for (std::size_t i = 0; i < plans.size(); ++i) roots[i]->put(*plans[i]);
}

void App::Replanning::commit() {
  for (auto& [set, plans] : sets_) {
    auto variation = std::make_unique<const detail::Variation>(detail::Variation{&app_, std::move(plans)});
    set->variation.store(variation.get(), std::memory_order_release);
    started_.variations.push_back(std::move(variation));
  }
  put(started_.routes, routes_);
  put(started_.calls, calls_);
  put(started_.mapped, mapped_);
}

Override App::install(std::unique_ptr<detail::StandIn> stand_in) {
  const std::lock_guard lock{lock_->mutex};
  const detail::StandIn& one = *stand_in;
  put_in_force(*overrides_, std::move(stand_in));
  return Override{overrides_, one};
}

void App::put_in_force(detail::OverrideLayer& layer, std::unique_ptr<detail::StandIn> stand_in) {
  stand_in->take_lifetime(!started_ && &layer == overrides_.get());
  const detail::StandIn& one = *stand_ins_.emplace_back(std::move(stand_in));
  layer.active.push_back(&one);
  if (!started_) return;
  std::vector<std::string> problems;
  check_use(layer, *started_, layer.active.size() - 1, problems);
  Replanning replanning{*this, *started_, layer, &problems};
  if (problems.empty()) return replanning.commit();
  layer.active.pop_back();
  for (const auto& route : started_->routes) route->forget(one.info());
  for (const auto& call : started_->calls) call->forget(one.info());
  for (const auto& mapper : started_->mapped) mapper->forget(one.info());
  stand_ins_.pop_back();
  throw StartError{"umbel: this cannot be overridden:" + detail::one_text(problems)};
}

void App::undo(detail::OverrideLayer& layer, const detail::StandIn& stand_in) noexcept {
  const std::lock_guard lock{lock_->mutex};
  if (started_ && stand_in.info().is_shared()) return;
  std::erase(layer.active, &stand_in);
  if (started_) return Replanning{*this, *started_, layer, nullptr}.commit();
  std::erase_if(stand_ins_, [&](const auto& one) { return one.get() == &stand_in; });
}

void App::add_set(const std::shared_ptr<detail::OverrideLayer>& layer) {
  const std::lock_guard lock{lock_->mutex};
  layer->app = this;
  sets_.push_back(layer);
}

void App::remove_set(detail::OverrideLayer& layer) noexcept {
  const std::lock_guard lock{lock_->mutex};
  std::erase_if(sets_, [&](const auto& set) { return set.get() == &layer; });
}

void App::forget_overrides() noexcept {
  overrides_->app = nullptr;
  for (const auto& set : sets_) set->app = nullptr;
}

const std::atomic<const detail::Plan*>& App::plan_of_call(const detail::NodeInfo& node) const {
  const std::lock_guard lock{lock_->mutex};
  auto& calls = started_->calls;
  const auto known = std::find_if(calls.begin(), calls.end(), [&](const auto& c) { return c->request.root == &node; });
  if (known != calls.end()) return *(*known)->place;
  auto call = std::make_unique<detail::Planned>();
  call->title = "call " + std::string{node.name};
  call->request = request_of(node, call->title, std::string{node.name}, *started_);
  std::vector<std::string> problems;
  call->put(call->make(overrides_in(*overrides_), problems));
  if (!problems.empty()) throw StartError{"umbel: " + problems.front()};
  return *calls.emplace_back(std::move(call))->place;
}

}  // namespace umbel
