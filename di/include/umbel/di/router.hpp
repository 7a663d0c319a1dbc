// SPDX-License-Identifier: MIT
#pragma once
// Which handler answers which method and path.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/di/handler.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/route_path.hpp"

namespace umbel {

/// Of one route.
struct RouteOptions {
  std::optional<Policy> policy{};  // Left out: the App's.
};

namespace detail {

/// A route as it was declared.
struct Route {
  Method method;
  std::string text;
  HandlerBox handler;
  RouteOptions options;

  /// "GET /items/{item_id}"
  std::string title() const { return std::string{to_string(method)} + " " + text; }
};

}  // namespace detail

/// A collection of routes. An App is one.
///
///     app.get("/items/{item_id}", read_item);
///     app.post("/items", [&mailer](Body<> body) { ... });   // a lambda is kept by the App
///
/// Handlers are functions, lambdas (with captures), functors and `on_loop<f>`. Plain ones run on the work queue. When
/// two routes fit a path, segment by segment, a literal wins over `{id:int}`, that over `{id}`, that over
/// `{rest:path}`. One that fits and has no route for the method does not stand in the way of the next. HEAD is answered
/// by GET's route and OPTIONS with Allow, unless they have routes of their own.
class Router {
public:
  template <class H>
  using Path = std::type_identity_t<RoutePath<std::decay_t<H>>>;

  template <class H>
  Router& get(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::get, path, std::forward<H>(handler), options);
  }
  template <class H>
  Router& post(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::post, path, std::forward<H>(handler), options);
  }
  template <class H>
  Router& put(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::put, path, std::forward<H>(handler), options);
  }
  template <class H>
  Router& patch(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::patch, path, std::forward<H>(handler), options);
  }
  template <class H>
  Router& delete_(Path<H> path, H&& handler, RouteOptions options = {}) {
    return route<H>(Method::delete_, path, std::forward<H>(handler), options);
  }
  /// Any method but `other`. Throws std::logic_error once the App has started.
  template <class H>
  Router& route(Method method, Path<H> path, H&& handler, RouteOptions options = {}) {
    add(detail::Route{method, std::string{path.text()},
                      detail::HandlerBox::of<std::decay_t<H>>(std::forward<H>(handler)), options});
    return *this;
  }

protected:
  Router() = default;
  ~Router() = default;

  const std::vector<detail::Route>& routes() const noexcept { return routes_; }
  void close() noexcept { is_closed_ = true; }
  bool is_closed() const noexcept { return is_closed_; }

private:
  void add(detail::Route route);

  std::vector<detail::Route> routes_;
  bool is_closed_ = false;
};

}  // namespace umbel
