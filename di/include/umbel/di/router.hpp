// SPDX-License-Identifier: MIT
#pragma once
// Which handler answers which method and path, and what routes have in common.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/di/handler.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/route_options.hpp"
#include "umbel/di/route_path.hpp"

namespace umbel {

class App;

namespace detail {

/// A route as it was declared.
struct Route {
  Method method;
  std::string text;
  HandlerBox handler;
  RouteOptions options;
};

class RouterContents;

/// A router inside another one.
struct Inclusion {
  std::string prefix;  // Of this inclusion, before the router's own. Checked at the start.
  std::shared_ptr<RouterContents> router;
  RouteOptions options;
};

/// Where a route stands: what it has of the routers around it and of itself.
struct Placement {
  std::string text;  // The whole template: "/users/{id}/orders"
  std::optional<Policy> policy;
  std::optional<std::chrono::milliseconds> deadline;
  std::optional<std::uint64_t> body_limit;
  std::optional<OnWrongType> on_wrong_type;
  std::optional<OnDisconnect> on_disconnect;
  std::vector<GuardLayer> guard_layers;  // Outermost first; none is empty.
  std::vector<std::string_view> tags;    // Outermost first.

  /// The same, one level further in.
  Placement within(std::string_view more_text, const RouteOptions& options) const;
  /// Names the route "GET /users/{id}/orders".
  std::string title(Method method) const { return std::string{to_string(method)} + " " + text; }
};

struct PlacedRoute {
  const Route* route;  // Valid until the router changes.
  Placement placement;
};

/// What a Router holds. Owned by it and by the routers that include it.
class RouterContents {
public:
  explicit RouterContents(std::string_view prefix) : prefix_(prefix) {}

  // Each throws std::logic_error once the App has started.
  void add(Route route);
  void include(Inclusion inclusion);
  void guard(GuardList guards);
  void tag(TagList tags);
  /// To set what the routes have unless they say otherwise. Guards and tags are added above.
  RouteOptions& options();

  /// Every route of this router and of those that it includes, in declaration order. Mistakes in prefixes are appended
  /// to `problems`.
  std::vector<PlacedRoute> placed_routes(std::vector<std::string>& problems) const;

  /// From now on nothing changes here, nor in what is included.
  void close() noexcept;
  bool is_closed() const noexcept { return is_closed_; }

private:
  void require_open(std::string_view what) const;
  bool leads_to(const RouterContents& other) const noexcept;
  void place(const Placement& around, std::vector<PlacedRoute>& out, std::vector<std::string>& problems) const;
  static void place_inclusion(const Inclusion& inclusion, const Placement& around, std::vector<PlacedRoute>& out,
                              std::vector<std::string>& problems);

  const std::string prefix_;  // Part of the Router's type, and checked there.
  std::vector<std::variant<Route, Inclusion>> entries_;
  RouteOptions options_;
  GuardLayer guards_;
  std::vector<std::string_view> tags_;
  bool is_closed_ = false;
};

}  // namespace detail

/// A collection of routes, with what they have in common. An App is one; others are included in it, or in one another.
///
///     Router items;
///     items.tag<"items">().guard<require_login>();
///     items.get("", list_items);
///     items.post("", [&mailer](Body<> body) { ... });   // a lambda is kept
///     items.get("/{item_id}", read_item);
///     app.include("/items", items);                      // GET /items, POST /items, GET /items/{item_id}
///
/// Handlers are functions, lambdas (with captures), functors and `on_loop<f>`. Plain ones run on the work queue. When
/// two routes fit a path, segment by segment, a literal wins over `{id:int}`, that over `{id}`, that over
/// `{rest:path}`. One that fits and has no route for the method does not stand in the way of the next. HEAD is answered
/// by GET's route and OPTIONS with Allow, unless they have routes of their own.
///
/// A prefix with parameters is part of the type, so that handlers are checked against it while they compile:
///
///     Router<"/users/{user_id}"> of_user;
///     of_user.get("/orders", list_orders);   // may take Path<"user_id">
///
/// Only the router's own prefix counts there, not that of a router around it; what must count on that gives its
/// template by `runtime_route`, which is checked at the start, whole.
///
/// Including shares: routes and options that a router gets later count too, until the App starts; then it is closed
/// wherever it is included. The routers that include it keep its contents, handlers as well, so that it may be
/// destroyed before them. One router may be included several times, under different prefixes.
template <FixedString prefix = "">
class Router {
  static_assert(detail::parse_prefix(prefix.view()).mistake == detail::RouteMistake::none,
                "umbel: a Router's prefix starts with a slash and does not end with one; a parameter fills a segment: "
                "Router<\"/users/{id}\">");

public:
  /// A template, checked against the handler while it compiles.
  template <class H>
  using Path = std::type_identity_t<RoutePath<std::decay_t<H>, prefix>>;

  Router() : contents_(std::make_shared<detail::RouterContents>(prefix.view())) {}
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  /// The other one may only be destroyed then.
  Router(Router&&) noexcept = default;
  Router& operator=(Router&&) noexcept = default;

  /// Adds a route for GET, which answers HEAD, too. The handler is kept; its type says what it needs.
  template <class H>
  Router& get(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::get, path, std::forward<H>(handler), options);
  }
  /// The same for POST.
  template <class H>
  Router& post(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::post, path, std::forward<H>(handler), options);
  }
  /// The same for PUT.
  template <class H>
  Router& put(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::put, path, std::forward<H>(handler), options);
  }
  /// The same for PATCH.
  template <class H>
  Router& patch(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::patch, path, std::forward<H>(handler), options);
  }
  /// The same for DELETE.
  template <class H>
  Router& delete_(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::delete_, path, std::forward<H>(handler), options);
  }
  /// Any method but `other`. Throws std::logic_error once the App has started, as everything below does.
  template <class H>
  Router& route(Method method, Path<H> path, H&& handler, RouteOptions options = {}) {
    contents_->add(detail::Route{method, std::string{path.text()},
                                 detail::HandlerBox::of<std::decay_t<H>>(std::forward<H>(handler)), options});
    return *this;
  }

  /// Makes the routes of `router` ours, behind our prefix. A router that includes us, or is us, is a std::logic_error.
  template <class R>
  Router& include(const R& router, RouteOptions options = {}) {
    return include_at({}, router, options);
  }
  /// The same behind `at` in between: `app.include("/items", items, {.tags = tags<"items">})`.
  template <class R>
  Router& include(RoutePrefix at, const R& router, RouteOptions options = {}) {
    return include_at(at.text(), router, options);
  }

  /// Adds providers that every request to one of our routes must pass, wherever the route is declared. A layer of
  /// guards for each router, the App's first, then inwards; the route's own, `{.guards = guards<f>}`, are the last.
  template <auto&... named_provider>
  Router& guard() {
    return contents_->guard(guards<named_provider...>), *this;
  }

  /// Adds names under which documentation groups the routes.
  template <FixedString... name>
  Router& tag() {
    return contents_->tag(tags<name...>), *this;
  }

  /// For every route that does not say otherwise, nor has a router that does.
  Router& policy(Policy policy) { return contents_->options().policy = policy, *this; }
  /// The same. How many bytes of a body are taken, whatever the transport's own limit is; more is 413.
  Router& body_limit(std::uint64_t bytes) { return contents_->options().body_limit = bytes, *this; }
  /// The same. What is answered to a body that should be JSON, as its content type says that it is not.
  Router& on_wrong_type(OnWrongType what) { return contents_->options().on_wrong_type = what, *this; }
  /// The same. How long a request may take; 0: as long as it likes, whatever the routers around say.
  Router& deadline(std::chrono::milliseconds deadline) { return contents_->options().deadline = deadline, *this; }
  /// The same. What becomes of a request whose peer leaves.
  Router& on_disconnect(OnDisconnect what) { return contents_->options().on_disconnect = what, *this; }

protected:
  /// What it has, for the App.
  const detail::RouterContents& contents() const noexcept { return *contents_; }
  /// From now on, nothing is added.
  void close() noexcept { contents_->close(); }
  /// Nothing can be added any more.
  bool is_closed() const noexcept { return contents_->is_closed(); }

private:
  template <FixedString>
  friend class Router;

  template <class R>
  Router& include_at(std::string_view at, const R& router, const RouteOptions& options) {
    static_assert(!std::is_base_of_v<App, R>,
                  "umbel: an App has state and guards of its own, so it is not included but mounted: "
                  "app.mount(\"/v1\", other)");
    if constexpr (!std::is_base_of_v<App, R>) share(at, router, options);
    return *this;
  }
  template <FixedString other>
  void share(std::string_view at, const Router<other>& router, const RouteOptions& options) {
    contents_->include({std::string{at}, router.contents_, options});
  }

  std::shared_ptr<detail::RouterContents> contents_;  // Null once it has been moved from.
};

}  // namespace umbel
