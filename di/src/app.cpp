// SPDX-License-Identifier: MIT
#include "umbel/di/app.hpp"

#include <cassert>
#include <mutex>
#include <stdexcept>
#include <string>

#include "percent.hpp"
#include "route_trie.hpp"
#include "umbel/di/plan.hpp"

namespace umbel {

namespace {

std::vector<std::string_view> parameter_names(const detail::ParsedRoute& route) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < route.count; ++i) {
    if (route.segments[i].kind != detail::SegmentKind::literal) names.push_back(route.segments[i].text);
  }
  return names;
}

// RFC 9110 section 10.2.1.
std::string allow_of(const detail::Endpoint& endpoint) {
  std::string allow;
  const auto has = [&](Method method) { return endpoint.plan_of(method) != nullptr; };
  for (std::size_t i = 0; i < endpoint.plans.size(); ++i) {
    const auto method = static_cast<Method>(i);
    const bool implied = method == Method::options || (method == Method::head && has(Method::get));
    if (has(method) || implied) allow.append(allow.empty() ? "" : ", ").append(to_string(method));
  }
  return allow;
}

Response detail_response(int status) { return to_response(Error{HttpError{status}}); }

}  // namespace

// Everything that is fixed at the start.
struct App::Started {
  std::vector<std::unique_ptr<const detail::Plan>> plans;  // In order of declaration.
  detail::RouteTrie trie;
  std::string allow;  // Of the server as a whole: OPTIONS *.

  /// Several templates may fit a path, each with methods of its own.
  std::string allow_at(std::string_view path, detail::Escapes escapes) const;
};

std::string App::Started::allow_at(std::string_view path, detail::Escapes escapes) const {
  detail::Captures captures;
  Arena arena;
  detail::Endpoint all;
  for (std::size_t i = 0; i < all.plans.size(); ++i) {
    const auto method = static_cast<Method>(i);
    const detail::Endpoint* const endpoint = trie.find(method, path, escapes, captures, arena);
    all.plans[i] = endpoint ? endpoint->plan_of(method) : nullptr;
  }
  return allow_of(all);
}

struct App::Lock {
  std::mutex mutex;
};

App::App() : lock_(std::make_unique<Lock>()) {}

App::~App() {
  started_.reset();
  while (!owned_.empty()) owned_.pop_back();
}

void Router::add(detail::Route route) {
  if (is_closed_) throw std::logic_error{"umbel: " + route.title() + ": the App has started; routes are added before"};
  if (route.method == Method::other)
    throw std::logic_error{"umbel: " + route.text + ": a route needs a method of its own"};
  routes_.push_back(std::move(route));
}

void App::add_state(const detail::StateInfo& info, void* object) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; state is given before"};
  if (states_.has(info)) throw std::logic_error{"umbel: the App has a " + std::string{info.title} + " already"};
  states_.add(info, object);
}

void App::add_around(std::unique_ptr<detail::Around> around) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; what is around it is given before"};
  arounds_.push_back(std::move(around));
}

App& App::policy(Policy policy) { return policy_ = policy, *this; }

App& App::observe(Observer& observer) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; observers are given before"};
  observers_.add(observer);
  observer_ = observers_.size() == 1 ? &observer : &observers_;
  return *this;
}

std::unique_ptr<App::Started> App::make_plans(std::vector<std::string>& problems) const {
  auto started = std::make_unique<Started>();
  detail::Endpoint all;
  for (const detail::Route& route : routes()) {
    const std::string title = route.title();
    const detail::ParsedRoute parsed = detail::parse_route(route.text);
    if (parsed.mistake != detail::RouteMistake::none) {
      problems.push_back(title + ": " + std::string{describe(parsed.mistake)});
      continue;
    }
    detail::PlanRequest request{&route.handler.info(), route.handler.object(),  title,
                                route.handler.name(),  parameter_names(parsed), &states_};
    request.policy = route.options.policy.value_or(policy_);
    request.observer = observer_;
    request.respond = route.handler.respond();
    started->plans.push_back(detail::Plan::compile(request, problems));
    detail::Endpoint& endpoint = started->trie.add(parsed, route.text);
    const detail::Plan*& place = endpoint.plans[static_cast<std::size_t>(route.method)];
    if (place) problems.push_back(title + ": it answers the same requests as " + std::string{place->title()});
    place = started->plans.back().get();
    all.plans[static_cast<std::size_t>(route.method)] = place;
  }
  started->allow = allow_of(all);
  started->trie.freeze();
  return started;
}

Graph App::graph() const {
  const std::lock_guard lock{lock_->mutex};
  std::vector<std::string> problems;
  std::unique_ptr<Started> made;
  if (!started_) made = make_plans(problems);
  Graph graph;
  for (const auto& plan : (started_ ? started_ : made)->plans) graph.routes.push_back(plan->describe());
  return graph;
}

void App::start(Context&) {
  const std::lock_guard lock{lock_->mutex};
  if (started_) return;
  std::vector<std::string> problems;
  auto started = make_plans(problems);
  if (!problems.empty()) {
    std::string text = "umbel: the application cannot start:";
    for (const std::string& problem : problems) text.append("\n  ").append(problem);
    throw StartError{text};
  }
  Service* inner = &core_;
  for (const auto& around : arounds_) {
    around->set_inner(*inner);
    inner = around.get();
  }
  outermost_ = arounds_.empty() ? nullptr : inner;
  started_ = std::move(started);
  Router::close();
}

void App::serve(Exchange& exchange) noexcept {
  assert(started_ && "umbel: App::serve before App::start");
  if (outermost_) [[unlikely]]
    return outermost_->serve(exchange);
  dispatch(exchange);
}

/// What no route answers. An observer hears of it all the same.
void App::reply_unrouted(Exchange& exchange, Response response) noexcept {
  if (observer_) {
    const Request& request = exchange.request();
    const Time now = exchange.context().now();
    observer_->request_started(RequestEvent{&exchange, {}, request, now});
    observer_->replied(
        ReplyEvent{&exchange, {}, request, now, Duration::zero(), response.status(), response.body().size()});
    observer_->request_ended(&exchange, now);
  }
  exchange.reply(std::move(response));
}

void App::dispatch(Exchange& exchange) noexcept {
  const Request& request = exchange.request();
  detail::Captures captures;  // Left unset.
  Arena arena;
  const auto escapes = request.has_escapes() ? detail::Escapes::some : detail::Escapes::none;
  const detail::Endpoint* const endpoint =
      started_->trie.find(request.method(), request.path(), escapes, captures, arena);
  if (!endpoint) [[unlikely]] {
    if (!detail::is_well_escaped(request.path())) return reply_unrouted(exchange, detail_response(400));
    if (request.method() == Method::options && request.path() == "*")
      return reply_unrouted(exchange, Response{204}.header("allow", started_->allow));
    return reply_unrouted(exchange, detail_response(404));
  }
  const detail::Plan* plan = endpoint->plan_of(request.method());
  if (!plan && request.method() == Method::head) plan = endpoint->plan_of(Method::get);
  if (!plan) [[unlikely]] {
    const std::string allow = started_->allow_at(request.path(), escapes);
    if (request.method() == Method::options) return reply_unrouted(exchange, Response{204}.header("allow", allow));
    return reply_unrouted(exchange, detail_response(405).header("allow", allow));
  }
  if (request.has_escapes() && !detail::is_well_escaped(request.path()))
    return reply_unrouted(exchange, detail_response(400));
  detail::Resolver::serve(*plan, exchange, captures.data(), escapes);
}

}  // namespace umbel
