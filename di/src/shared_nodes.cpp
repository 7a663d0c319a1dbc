// SPDX-License-Identifier: MIT
#include "shared_nodes.hpp"

#include <algorithm>
#include <utility>

#include "gone.hpp"
#include "umbel/core/response.hpp"

namespace umbel::detail {

namespace {

Status take_all(Resolver&, const Step&, ErrorBox&) noexcept { return Status::done; }

}  // namespace

// --- the graph ------------------------------------------------------------------------------------------------------

std::optional<std::uint32_t> SharedGraph::number_of(const NodeInfo& node) {
  const auto known = std::find(nodes_.begin(), nodes_.end(), &node);
  if (known != nodes_.end()) return static_cast<std::uint32_t>(known - nodes_.begin());
  if (plan_) return {};
  nodes_.push_back(&node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void SharedGraph::compile(PlanRequest request, std::vector<std::string>& problems) {
  request.root = &root_;
  request.level = lifetime_;
  request.title = lifetime_ == Lifetime::app ? "app" : "loop";
  request.root_name = "all";
  root_.name = "all";
  root_.kind = NodeKind::on_loop;
  root_.align = 1;
  root_.run = take_all;
  // What they depend on may be of the same lifetime, and wanted by others: then it is taken as well.
  std::unique_ptr<const Plan> plan;
  do {
    needs_.clear();
    for (const NodeInfo* node : nodes_) {
      needs_.push_back(Need{Source::node});
      needs_.back().node = node;
      needs_.back().original = true;  // What stands in for it has a number of its own.
    }
    root_.needs = needs_.data();
    root_.need_count = needs_.size();
    plan = Plan::compile(request, problems);
  } while (needs_.size() != nodes_.size() && problems.empty());
  plan_ = std::move(plan);
}

// --- a set ----------------------------------------------------------------------------------------------------------

void SharedSet::open(Context& context) noexcept {
  Resolver::call(graph_.plan(), context, request_, StopToken{}, *this);
}

void SharedSet::made(Resolver& resolver) noexcept {
  resolver_ = &resolver;
  const Step& root = graph_.plan().steps().back();
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = resolver.made(root.inputs[i]);
  owner_.opened(*this, nullptr);
}

void SharedSet::close(Context& context) noexcept { std::exchange(resolver_, nullptr)->let_go(context); }

void SharedSet::ended(ErrorBox error, std::string_view node) noexcept {
  const bool was_there = values_.empty() || values_.front() != nullptr;
  std::fill(values_.begin(), values_.end(), nullptr);
  if (was_there) return owner_.closed(*this);
  StartError failure{"umbel: the application cannot start: " + std::string{node} + ": " + error->message()};
  owner_.opened(*this, std::make_unique<Error>(std::make_exception_ptr(std::move(failure))));
}

// --- all of an App --------------------------------------------------------------------------------------------------

// What is shared on one Context. On its thread, but for `next` and the App's state.
struct SharedNodes::Place : Work {
  Place(SharedNodes& n, Context& c) : Work(told), nodes(n), context(&c), loop(n.loop_graph_, n) {}

  // The App's nodes are there, or are not: told by whatever thread made them.
  static void told(Work& work) noexcept {
    auto& place = static_cast<Place&>(work);
    if (std::exchange(place.opens_app, false)) place.nodes.app_->open(*place.context);
    else if (place.app_error) place.nodes.end_opening(place, std::move(place.app_error));
    else place.nodes.open_loop(place);
  }

  enum class State : std::uint8_t { closed, opening, open, closing };

  SharedNodes& nodes;
  Context* const context;
  SharedSet loop;
  State state = State::closed;
  std::size_t users = 0;  // Opened and not closed.
  std::vector<Notice*> openers;
  Notice* closer = nullptr;
  std::vector<std::pair<Exchange*, Service*>> parked;
  bool waits_for_app = false;  // Under the mutex.
  bool opens_app = false;
  bool closes_app = false;
  ErrorBox app_error;
  Place* next = nullptr;
};

SharedNodes::SharedNodes() = default;

SharedNodes::~SharedNodes() {
  for (Place* place = first_.load(); place;) delete std::exchange(place, place->next);
}

std::optional<std::uint32_t> SharedNodes::number_of(const NodeInfo& node) {
  if (node.options.lifetime == Lifetime::app) return app_graph_.number_of(node);
  std::optional<std::uint32_t> number = loop_graph_.number_of(node);
  if (number) *number |= loop_bit;
  return number;
}

const Step& SharedNodes::step_of(std::uint32_t number) const noexcept {
  const auto& steps = plan_of(number).steps();
  return steps[steps.back().inputs[number & ~loop_bit].at.step];
}

void SharedNodes::compile(const PlanRequest& request, std::vector<std::string>& problems) {
  loop_graph_.compile(request, problems);
  app_graph_.compile(request, problems);
  app_ = std::make_unique<SharedSet>(app_graph_, *this);
}

const void* SharedNodes::value(std::uint32_t number, const Context& context) const noexcept {
  if (number & loop_bit) return find(context)->loop.value(number & ~loop_bit);
  return app_->value(number);
}

SharedNodes::Place* SharedNodes::find(const Context& context) const noexcept {
  Place* place = first_.load(std::memory_order_acquire);
  while (place && place->context != &context) place = place->next;
  return place;
}

SharedNodes::Place& SharedNodes::place_of(Context& context) {
  if (Place* const place = find(context)) return *place;
  auto* const place = new Place{*this, context};
  place->next = first_.load(std::memory_order_relaxed);
  while (!first_.compare_exchange_weak(place->next, place, std::memory_order_release)) {
  }
  return *place;
}

void SharedNodes::open(Context& context, Notice& opened) noexcept {
  Place& place = place_of(context);
  ++place.users;
  if (place.state == Place::State::open) return opened.tell();
  place.openers.push_back(&opened);
  if (std::exchange(place.state, Place::State::opening) == Place::State::closed) open_app(place);
}

bool SharedNodes::is_open_on(const Context& context) const noexcept {
  const Place* const place = find(context);
  return place && place->state == Place::State::open;
}

void SharedNodes::park(Exchange& exchange, Service& service) noexcept {
  Place& place = place_of(exchange.context());
  place.parked.emplace_back(&exchange, &service);
  if (std::exchange(place.state, Place::State::opening) == Place::State::closed) open_app(place);
}

/// The first Context makes the App's nodes, the others wait for them.
void SharedNodes::open_app(Place& place) noexcept {
  bool waits = false;
  bool makes = false;
  {
    const std::lock_guard lock{mutex_};
    ++users_;
    if (app_graph_.empty()) app_state_ = AppState::open;
    place.waits_for_app = waits = app_state_ != AppState::open;
    makes = app_state_ == AppState::closed;
    if (makes) app_state_ = AppState::opening;
  }
  if (makes) app_->open(*place.context);
  else if (!waits) open_loop(place);
}

void SharedNodes::app_is_open(ErrorBox error) noexcept {
  const std::lock_guard lock{mutex_};
  app_state_ = error ? AppState::closed : AppState::open;
  for (Place* place = first_.load(std::memory_order_acquire); place; place = place->next) {
    if (!std::exchange(place->waits_for_app, false)) continue;
    if (error) place->app_error = std::make_unique<Error>(*error);
    place->context->post(static_cast<Work&>(*place));
  }
}

void SharedNodes::open_loop(Place& place) noexcept {
  if (loop_graph_.empty()) return end_opening(place, nullptr);
  place.loop.open(*place.context);
}

void SharedNodes::opened(SharedSet& set, ErrorBox error) noexcept {
  if (&set == app_.get()) return app_is_open(std::move(error));
  Place* place = first_.load(std::memory_order_acquire);
  while (&place->loop != &set) place = place->next;
  end_opening(*place, std::move(error));
}

void SharedNodes::end_opening(Place& place, ErrorBox error) noexcept {
  place.state = error ? Place::State::closed : Place::State::open;
  if (error) {
    place.users = 0;
    close_app(place);
  }
  for (Notice* const notice : std::exchange(place.openers, {})) notice->tell(error.get());
  for (const auto& [exchange, service] : std::exchange(place.parked, {})) {
    if (error) Gone::refuse(*exchange);
    else service->serve(*exchange);
  }
}

void SharedNodes::close(Context& context, Notice& closed) noexcept {
  Place* const place = find(context);
  if (!place || place->state != Place::State::open || (place->users > 0 && --place->users > 0)) return closed.tell();
  place->state = Place::State::closing;
  place->closer = &closed;
  if (loop_graph_.empty()) close_app(*place);
  else place->loop.close(context);
}

void SharedNodes::closed(SharedSet& set) noexcept {
  Place* place = first_.load(std::memory_order_acquire);
  if (&set != app_.get()) {
    while (&place->loop != &set) place = place->next;
    return close_app(*place);
  }
  while (!place->closes_app) place = place->next;
  place->closes_app = false;
  app_is_closed();
  told_closed(*place);
}

/// Whoever has come meanwhile makes the App's nodes anew.
void SharedNodes::app_is_closed() noexcept {
  const std::lock_guard lock{mutex_};
  app_state_ = AppState::closed;
  Place* place = first_.load(std::memory_order_acquire);
  while (place && !place->waits_for_app) place = place->next;
  if (!place) return;
  app_state_ = AppState::opening;
  place->opens_app = true;
  place->context->post(static_cast<Work&>(*place));
}

/// The last Context takes the App's nodes with it.
void SharedNodes::close_app(Place& place) noexcept {
  bool is_last = false;
  {
    const std::lock_guard lock{mutex_};
    is_last = --users_ == 0 && app_state_ == AppState::open && !app_graph_.empty();
    if (is_last) app_state_ = AppState::closing;
    place.closes_app = is_last;
  }
  if (is_last) app_->close(*place.context);
  else told_closed(place);
}

void SharedNodes::told_closed(Place& place) noexcept {
  if (place.state == Place::State::closing) place.state = Place::State::closed;
  if (Notice* const closer = std::exchange(place.closer, nullptr)) closer->tell();
}

}  // namespace umbel::detail
