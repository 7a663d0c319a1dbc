// SPDX-License-Identifier: MIT
#include "umbel/di/app.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>

#include "gone.hpp"
#include "limits.hpp"
#include "percent.hpp"
#include "started.hpp"
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

detail::Escapes escapes_of(const Request& request) noexcept {
  return request.has_escapes() ? detail::Escapes::some : detail::Escapes::none;
}

/// How far the first segments of a path reach.
std::size_t size_of_segments(std::string_view path, std::size_t count) noexcept {
  std::size_t at = 0;
  for (; count > 0; --count) at = std::min(path.find('/', at + 1), path.size());
  return at;
}

void enter(const detail::Mounted& mounted, Exchange& exchange) noexcept {
  exchange.enter(size_of_segments(exchange.request().path(), mounted.segments));
  mounted.service->serve(exchange);
}

std::string title_of_mount(std::string_view prefix) {
  return "the App mounted at " + std::string{prefix.empty() ? "/" : prefix};
}

void report_conflicts(const detail::Endpoint& place, const detail::Mounted& newcomer,
                      std::vector<std::string>& problems) {
  const std::string begin = title_of_mount(newcomer.prefix) + ": it answers the same requests as ";
  for (const detail::Plan* const plan : place.plans) {
    if (plan) problems.push_back(begin + std::string{plan->title()});
  }
  if (place.mounted) problems.push_back(begin + "another one");
}

/// Two Apps may have the same provider, and each its own of it.
void move_below(GraphRoute& route, std::string_view prefix) {
  for (GraphNode& node : route.nodes) node.id.insert(0, std::string{prefix} + ": ");
  for (GraphNode& node : route.shared) node.id.insert(0, std::string{prefix} + ": ");
  route.nodes.back().id = route.title;
  route.plan.clear();
}

Response detail_response(int status) { return to_response(Error{HttpError{status}}); }

}  // namespace

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

App::App()
    : limits_(std::make_unique<detail::Limits>()),
      overrides_(std::make_shared<detail::OverrideLayer>()),
      lock_(std::make_shared<Lock>()) {
  overrides_->app = this;
  borrow(readiness_);
}

App::~App() {
  assert(lock_->users.is_empty() && "umbel: an App is destroyed before the transports and Engines that have it open");
  for (App* const outer : outer_apps()) outer->lose(*this);
  dismiss_users();
  for (const Mount& mount : mounts_) {
    if (!mount.app) continue;
    const std::lock_guard lock{mount.app->lock_->users_mutex};
    std::erase(mount.app->lock_->mounted_in, this);
  }
  forget_overrides();
  started_.reset();
  while (!owned_.empty()) owned_.pop_back();
}

void App::lose(const App& mounted) noexcept {
  dismiss_outer_users();
  for (Mount& mount : mounts_) {
    if (mount.app == &mounted) mount.app = nullptr;
  }
  if (!started_) return;
  for (const auto& mount : started_->mounts) {
    if (mount->service == &mounted) mount->service = &detail::Gone::instance();
  }
}

void App::used_by(ServiceUser& user) noexcept {
  const std::lock_guard lock{lock_->users_mutex};
  lock_->users.push_back(user);
}

void App::left_by(ServiceUser& user) noexcept {
  const std::lock_guard lock{lock_->users_mutex};
  lock_->users.remove(user);
}

// As soon as one has left nobody may touch it, so it is the list that is asked.
void App::dismiss_users() noexcept {
  const auto has = [all = lock_](const ServiceUser* user) {  // Asked by another thread it may come behind our end.
    const std::lock_guard lock{all->users_mutex};
    return all->users.contains(*user);
  };
  for (;;) {
    std::unique_lock lock{lock_->users_mutex};
    ServiceUser* const user = lock_->users.front();
    if (!user) return;
    const bool is_here = user->home().is_here();
    if (!is_here)
      user->home().post([has, user]() noexcept {
        if (has(user)) user->stop_using();
      });
    lock.unlock();
    if (is_here) user->stop_using();
    if (is_here && has(user)) user->home().expect_outside("umbel: an App in use is destroyed");
    while (has(user)) {
      if (is_here) user->turn();
      else std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
}

std::vector<App*> App::outer_apps() const {
  const std::lock_guard lock{lock_->users_mutex};
  return lock_->mounted_in;
}

void App::dismiss_outer_users() noexcept {
  for (App* const outer : outer_apps()) outer->dismiss_outer_users();
  assert(lock_->users.is_empty() && "umbel: an App is destroyed before those that have open what it is mounted in");
  dismiss_users();
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

void App::add_mapper(detail::ErrorMapper mapper) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; on_error comes before"};
  mappers_.push_back(std::move(mapper));
}

App& App::policy(Policy policy) { return policy_ = policy, *this; }

App& App::lane(std::string_view name, LaneOptions options) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; lanes are given before"};
  if (!limits_->add_lane(name, options))
    throw std::logic_error{"umbel: the App has a lane \"" + std::string{name} + "\" already"};
  return *this;
}

App& App::tear_down_limit(Duration limit) { return tear_down_limit_ = limit, *this; }

App& App::observe(Observer& observer) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; observers are given before"};
  observers_.add(observer);
  observer_ = observers_.size() == 1 ? &observer : &observers_;
  return *this;
}

bool App::leads_to(const App& other) const noexcept {
  return this == &other || std::any_of(mounts_.begin(), mounts_.end(),
                                       [&](const Mount& mount) { return mount.app && mount.app->leads_to(other); });
}

App& App::mount(RoutePrefix at, App& other) {
  if (is_closed()) throw std::logic_error{"umbel: the App has started; mounts must come before"};
  if (other.leads_to(*this)) throw std::logic_error{"umbel: an App cannot be mounted under itself"};
  mounts_.push_back({std::string{at.text()}, &other});
  const std::lock_guard lock{other.lock_->users_mutex};
  other.lock_->mounted_in.push_back(this);
  return *this;
}

std::unique_ptr<App::Started> App::make_plans(std::vector<std::string>& problems) const {
  auto started = std::make_unique<Started>();
  add_mappers(*started, problems);
  add_routes(*started, problems);
  const auto overrides = overrides_in(*overrides_);
  for (const detail::NodeInfo* node : kept_) started->shared.number_of(overrides->find(*node));
  detail::PlanRequest request{nullptr, nullptr, {}, {}, {}, &states_};
  request.observer = observer_;
  request.tear_down_limit = tear_down_limit_;
  request.shared = &started->shared;
  request.limits = limits_.get();
  request.overrides = overrides.get();
  started->shared.compile(request, problems);
  check_use(*overrides_, *started, 0, problems);
  add_mounts(*started, problems);
  started->trie.freeze();
  return started;
}

void App::add_mappers(Started& started, std::vector<std::string>& problems) const {
  const detail::Planned::Overrides overrides = overrides_in(*overrides_);
  for (const detail::ErrorMapper& mapper : mappers_) {
    detail::Planned& planned = *started.mapped.emplace_back(std::make_unique<detail::Planned>());
    planned.title = "on_error<" + mapper.name + ">";
    detail::PlanRequest request = request_of(mapper.handler.info(), planned.title, mapper.handler.name(), started);
    request.callable = mapper.handler.object();
    request.respond = mapper.handler.respond();
    request.returns_response = mapper.handler.returns_response();
    planned.request = std::move(request);
    planned.put(planned.make(overrides, problems));
    started.mappers.push_back({mapper.find, planned.place});
  }
}

detail::PlanRequest App::request_of(const detail::NodeInfo& root, std::string_view title, std::string name,
                                    Started& started) const {
  detail::PlanRequest request{&root, nullptr, title, std::move(name), {}, &states_};
  request.policy = policy_;
  request.observer = observer_;
  request.tear_down_limit = tear_down_limit_;
  request.shared = &started.shared;
  request.limits = limits_.get();
  request.calls = this;
  return request;
}

void App::add_routes(Started& started, std::vector<std::string>& problems) const {
  detail::Endpoint all;
  const detail::Planned::Overrides overrides = overrides_in(*overrides_);
  for (auto& [route, found] : contents().placed_routes(problems)) {
    auto planned = std::make_unique<detail::Planned>();
    planned->placement = std::move(found);
    planned->title = planned->placement.title(route->method);
    const detail::Placement& placement = planned->placement;
    const detail::ParsedRoute parsed = detail::parse_route(placement.text);
    if (parsed.mistake != detail::RouteMistake::none) {
      problems.push_back(planned->title + ": " + std::string{describe(parsed.mistake)});
      continue;
    }
    detail::PlanRequest request = request_of(route->handler.info(), planned->title, route->handler.name(), started);
    request.callable = route->handler.object();
    request.path_names = parameter_names(parsed);
    request.policy = placement.policy.value_or(policy_);
    request.respond = route->handler.respond();
    request.returns_response = route->handler.returns_response();
    request.guard_layers = placement.guard_layers;
    request.deadline = placement.deadline.value_or(std::chrono::milliseconds{0});
    request.on_disconnect = placement.on_disconnect;
    request.body_limit = placement.body_limit;
    request.on_wrong_type = placement.on_wrong_type.value_or(OnWrongType::invalid);
    request.streams = route->handler.streams();
    if (!started.mappers.empty()) request.mappers = &started.mappers;
    request.number = static_cast<std::uint32_t>(started.routes.size());
    planned->request = std::move(request);
    detail::Endpoint& endpoint = started.trie.add(parsed, placement.text);
    planned->place = &endpoint.plans[static_cast<std::size_t>(route->method)];
    const detail::Plan* const before = *planned->place;
    if (before)
      problems.push_back(planned->title + ": it answers the same requests as " + std::string{before->title()});
    planned->put(planned->make(overrides, problems));
    all.plans[static_cast<std::size_t>(route->method)] = planned->plan;
    started.routes.push_back(std::move(planned));
    started.before_open.push_back(route->handler.before_open());
  }
  started.allow = allow_of(all);
}

/// A mount stands at the end of its prefix, and where a `{rest:path}` behind it would.
void App::add_mounts(Started& started, std::vector<std::string>& problems) const {
  for (const Mount& mount : mounts_) {
    if (!mount.app) continue;
    const detail::ParsedRoute prefix = detail::parse_prefix(mount.prefix);
    const detail::ParsedRoute behind = detail::parse_below(prefix, "/{path:path}");
    detail::RouteMistake mistake = detail::mistake_in_plain_prefix(mount.prefix);
    if (mistake == detail::RouteMistake::none) mistake = behind.mistake;
    if (mistake != detail::RouteMistake::none) {
      problems.push_back(title_of_mount(mount.prefix) + ": " + std::string{describe(mistake)});
      continue;
    }
    const detail::Mounted& mounted = *started.mounts.emplace_back(
        std::make_unique<detail::Mounted>(detail::Mounted{mount.prefix, mount.app, prefix.count}));
    if (prefix.count > 0) started.trie.add(prefix, mount.prefix).mounted = &mounted;
    detail::Endpoint& rest = started.trie.add(behind, {});
    report_conflicts(rest, mounted, problems);
    rest.mounted = &mounted;
  }
}

/// What nodes are called in a Graph.
class App::GraphNames {
public:
  const std::string& of(const detail::NodeInfo& info) {
    std::string& id = ids_[&info];
    if (!id.empty()) return id;
    const std::size_t count = ++counts_[info.name];
    id = info.name;
    if (count > 1) id.append("#").append(std::to_string(count));
    return id;
  }

private:
  std::unordered_map<const detail::NodeInfo*, std::string> ids_;
  std::unordered_map<std::string_view, std::size_t> counts_;
};

void App::name_nodes(GraphRoute& route, const detail::Plan& plan, const Started& started, GraphNames& names) const {
  const auto name = [&](GraphNode& node, const detail::NodeInfo& info) {
    node.id = names.of(info);
    for (const auto& one : stand_ins_) {
      if (&one->info() == &info) node.replaces = one->original().name;
    }
  };
  for (std::size_t i = 0; i < route.nodes.size(); ++i) name(route.nodes[i], *plan.steps()[i].info);
  for (GraphNode& node : route.shared) {
    const Lifetime lifetime = node.lifetime == "app" ? Lifetime::app : Lifetime::loop;
    name(node, *started.shared.plan_of(lifetime).steps()[node.number].info);
  }
  route.nodes.back().id = route.title;
}

Graph App::graph() const {
  const std::lock_guard lock{lock_->mutex};
  std::vector<std::string> problems;
  std::unique_ptr<Started> made;
  if (!started_) made = make_plans(problems);
  const Started& started = started_ ? *started_ : *made;
  Graph graph;
  GraphNames names;
  for (const auto& planned : started.routes) {
    GraphRoute& route = graph.routes.emplace_back(planned->plan->describe());
    route.tags.assign(planned->placement.tags.begin(), planned->placement.tags.end());
    name_nodes(route, *planned->plan, started, names);
  }
  for (const Mount& mount : mounts_) {
    if (!mount.app) continue;
    for (GraphRoute& route : mount.app->graph().routes) {
      route.title.insert(route.title.find('/'), mount.prefix);
      move_below(route, mount.prefix);
      graph.routes.push_back(std::move(route));
    }
  }
  return graph;
}

void App::start(Context& context) {
  const std::vector<std::string> problems = try_start(context);
  if (problems.empty()) return;
  std::string text = "umbel: the application cannot start:";
  for (const std::string& problem : problems) text.append("\n  ").append(problem);
  throw StartError{text};
}

std::vector<std::string> App::try_start(Context& context) {
  const std::lock_guard lock{lock_->mutex};
  std::vector<std::string> problems;
  std::unique_ptr<Started> made;
  if (!started_) made = make_plans(problems);
  for (const Mount& mount : mounts_) {
    if (!mount.app) {
      problems.push_back(title_of_mount(mount.prefix) + ": it was destroyed");
      continue;
    }
    for (const std::string& problem : mount.app->try_start(context))
      problems.push_back(title_of_mount(mount.prefix) + ": " + problem);
  }
  if (!made || !problems.empty()) return problems;
  for (const auto& set : sets_) check_use(*set, *made, 0, problems);
  for (const auto& hook : start_hooks_) hook->app_starts(*this, problems);
  Replanning sets{*this, *made, *overrides_, &problems};
  if (!problems.empty()) return problems;
  sets.commit();
  surround();
  has_shared_ = !made->shared.empty();
  is_plain_ = !outermost_ && !has_shared_ && mounts_.empty();
  started_ = std::move(made);
  Router<>::close();
  return problems;
}

void App::surround() noexcept {
  Service* inner = &core_;
  for (const auto& around : arounds_) {
    around->set_inner(*inner);
    inner = around.get();
  }
  outermost_ = arounds_.empty() ? nullptr : inner;
}

namespace {

/// Tells when an App and those that are mounted in it are closed.
class ClosedTogether : public Notice {
public:
  ClosedTogether(Notice& done, std::size_t parts) noexcept : Notice(told), done_(done), left_(parts) {}

private:
  static void told(Notice& notice, const Error*) noexcept {
    auto& all = static_cast<ClosedTogether&>(notice);
    if (--all.left_ > 0) return;
    Notice& done = all.done_;
    delete &all;
    done.tell();
  }

  Notice& done_;
  std::size_t left_;
};

}  // namespace

detail::SharedNodes* App::shared() const noexcept { return &started_->shared; }

/// Counts a transport, and passes on what it is told.
class App::Opening : public Notice {
public:
  Opening(Readiness& readiness, Notice& opened) noexcept : Notice(told), readiness_(readiness), opened_(opened) {}

private:
  static void told(Notice& notice, const Error* error) noexcept {
    auto& self = static_cast<Opening&>(notice);
    if (error) self.readiness_.failed();
    else self.readiness_.opened();
    Notice& opened = self.opened_;
    delete &self;
    opened.tell(error);
  }

  Readiness& readiness_;
  Notice& opened_;
};

/// Opens an App and those that are mounted in it. Exchanges wait until all are open: if one fails the others are closed
/// again, and nobody may be using them.
class App::OpenedTogether {
public:
  static void begin(App& app, Context& context, Notice& done) {
    auto& all = *new OpenedTogether{app, context, done};
    all.enlist();
    for (Part& part : all.parts_) {
      if (&part.app == &app) app.open_own(context, part);
      else part.app.open(context, part);
    }
    all.part_is_done();
  }

  const Context& context() const noexcept { return context_; }
  void park(Exchange& exchange) {
    if (closes_) detail::Gone::refuse(exchange);
    else parked_.push_back(&exchange);
  }

private:
  struct Part : Notice {
    Part(OpenedTogether& a, App& b) noexcept : Notice(told), all(a), app(b) {}
    OpenedTogether& all;
    App& app;
    bool is_open = false;
  };
  struct Closed : Notice {
    explicit Closed(OpenedTogether& a) noexcept : Notice(told_closed), all(a) {}
    OpenedTogether& all;
  };

  OpenedTogether(App& app, Context& context, Notice& done) : app_(app), context_(context), done_(done) {
    for (const Mount& mount : app.mounts_) {
      if (mount.app) parts_.emplace_back(*this, *mount.app);
      else
        error_ = std::make_unique<Error>(
            std::make_exception_ptr(StartError{title_of_mount(mount.prefix) + " was destroyed"}));
    }
    parts_.emplace_back(*this, app);
    left_ = parts_.size() + 1;
  }

  static void told(Notice& notice, const Error* error) noexcept {
    auto& part = static_cast<Part&>(notice);
    OpenedTogether& all = part.all;
    part.is_open = !error;
    if (error && !all.error_) all.error_ = std::make_unique<Error>(*error);
    all.part_is_done();
  }
  static void told_closed(Notice& notice, const Error*) noexcept { static_cast<Closed&>(notice).all.part_is_done(); }

  void part_is_done() noexcept {
    if (--left_ > 0) return;
    if (error_ && !std::exchange(closes_, true)) return close_again();
    strike();
    App& app = app_;
    Notice& done = done_;
    const std::vector<Exchange*> parked = std::move(parked_);
    const std::unique_ptr<Error> first = std::move(error_);
    delete this;
    done.tell(first.get());
    for (Exchange* const exchange : parked) app.serve(*exchange);
  }

  void close_again() noexcept {
    for (Exchange* const exchange : std::exchange(parked_, {})) detail::Gone::refuse(*exchange);
    left_ = 1;
    for (Part& part : parts_) {
      if (!part.is_open) continue;
      ++left_;
      if (&part.app == &app_) app_.close_own(context_, closed_);
      else part.app.draining(context_), part.app.close(context_, closed_);
    }
    part_is_done();
  }

  void enlist() {
    const std::lock_guard lock{app_.lock_->users_mutex};
    app_.lock_->openings.push_back(this);
    ++app_.lock_->opening_count;
  }
  void strike() noexcept {
    const std::lock_guard lock{app_.lock_->users_mutex};
    std::erase(app_.lock_->openings, this);
    --app_.lock_->opening_count;
  }

  App& app_;
  Context& context_;
  Notice& done_;
  std::deque<Part> parts_;
  std::vector<Exchange*> parked_;
  std::size_t left_ = 0;
  bool closes_ = false;
  std::unique_ptr<Error> error_;  // The first.
  Closed closed_{*this};
};

void App::open(Context& context, Notice& opened) noexcept {
  readiness_.begin_opening();
  auto& counted = *new Opening{readiness_, opened};
  if (mounts_.empty()) return open_own(context, counted);
  OpenedTogether::begin(*this, context, counted);
}

void App::draining(Context& context) noexcept {
  readiness_.drains();
  for (const Mount& mount : mounts_) {
    if (mount.app) mount.app->draining(context);
  }
}

void App::open_own(Context& context, Notice& opened) noexcept {
  if (!has_shared_) return opened.tell();
  started_->shared.open(context, opened);
}

void App::close(Context& context, Notice& closed) noexcept {
  readiness_.closed();
  if (mounts_.empty()) return close_own(context, closed);
  std::vector<App*> there;
  for (const Mount& mount : mounts_) {
    if (mount.app) there.push_back(mount.app);
  }
  auto& all = *new ClosedTogether{closed, there.size() + 1};
  for (App* const app : there) app->close(context, all);
  close_own(context, all);
}

void App::close_own(Context& context, Notice& closed) noexcept {
  if (!has_shared_) return closed.tell();
  started_->shared.close(context, closed);
}

App::OpenedTogether* App::opening_on(const Context& context) const noexcept {
  if (lock_->opening_count.load(std::memory_order_acquire) == 0) [[likely]]
    return nullptr;
  const std::lock_guard lock{lock_->users_mutex};
  for (OpenedTogether* const opening : lock_->openings) {
    if (&opening->context() == &context) return opening;
  }
  return nullptr;
}

[[gnu::cold]] void App::serve_over_there(Exchange& exchange) noexcept {
  assert(!"umbel: App::serve on another thread than the exchange's Context has: Engine::submit is for any");
  exchange.context().post([this, &exchange]() noexcept { serve(exchange); });
}

void App::serve(Exchange& exchange) noexcept {
  if (!exchange.context().is_here()) [[unlikely]]
    return serve_over_there(exchange);
  if (!is_plain_) [[unlikely]] {
    if (!started_) {
      assert(!"umbel: App::serve before App::start");
      return exchange.reply(detail_response(503));
    }
    if (opening_on(exchange.context())) return serve_before_open(exchange);
    if (has_shared_ && !started_->shared.is_open_on(exchange.context())) return serve_before_open(exchange);
    if (outermost_) return outermost_->serve(exchange);
  }
  dispatch(exchange);
}

// Requests wait until all is there that they share; but for those that ask whether it is.
[[gnu::cold]] void App::serve_before_open(Exchange& exchange) noexcept {
  const Request& request = exchange.request();
  const Method method = request.method() == Method::head ? Method::get : request.method();
  detail::Captures captures;
  Arena arena;
  const detail::Endpoint* const endpoint =
      started_->trie.find(method, request.path(), escapes_of(request), captures, arena);
  const detail::Plan* const plan = endpoint ? endpoint->plan_of(method) : nullptr;
  const auto answer = plan ? started_->before_open[plan->number()] : nullptr;
  if (answer) return reply_unrouted(exchange, answer());
  if (OpenedTogether* const opening = opening_on(exchange.context())) opening->park(exchange);
  else started_->shared.park(exchange, *this);
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

// Apart, so that the way of all others keeps its registers.
[[gnu::cold]] void App::answer_without_plan(const detail::Endpoint* endpoint, Exchange& exchange) noexcept {
  const Request& request = exchange.request();
  const bool is_options = request.method() == Method::options;
  if (endpoint && endpoint->mounted) return enter(*endpoint->mounted, exchange);
  if (endpoint) {
    const std::string allowed = started_->allow_at(request.path(), escapes_of(request));
    return reply_unrouted(exchange, (is_options ? Response{204} : detail_response(405)).header("allow", allowed));
  }
  if (!detail::is_good_path(request.path())) return reply_unrouted(exchange, detail_response(400));
  if (is_options && request.path() == "*")
    return reply_unrouted(exchange, Response{204}.header("allow", started_->allow));
  reply_unrouted(exchange, detail_response(404));
}

[[gnu::cold]] const detail::Plan* App::varied(const detail::Plan& plan, const Exchange& exchange) const noexcept {
  const auto& variation = *static_cast<const detail::Variation*>(exchange.variant());
  return variation.app == this ? variation.plans[plan.number()] : &plan;
}

void App::dispatch(Exchange& exchange) noexcept {
  const Request& request = exchange.request();
  detail::Captures captures;  // Left unset.
  Arena arena;
  const detail::Escapes escapes = escapes_of(request);
  const detail::Endpoint* const endpoint =
      started_->trie.find(request.method(), request.path(), escapes, captures, arena);
  const detail::Plan* plan = endpoint ? endpoint->plan_of(request.method()) : nullptr;
  if (!plan) [[unlikely]] {
    if (endpoint && request.method() == Method::head) plan = endpoint->plan_of(Method::get);
    if (!plan) return answer_without_plan(endpoint, exchange);
  }
  if (exchange.variant()) [[unlikely]]
    plan = varied(*plan, exchange);
  if (request.has_escapes() && !detail::is_good_path(request.path()))
    return reply_unrouted(exchange, detail_response(400));
  detail::Resolver::serve(*plan, exchange, captures.data(), escapes);
}

}  // namespace umbel
