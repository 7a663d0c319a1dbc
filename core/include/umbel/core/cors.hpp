// SPDX-License-Identifier: MIT
#pragma once
// Which other sites' scripts may read our replies: CORS (https://fetch.spec.whatwg.org/, 3.2).

#include <chrono>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

/// Answers preflight requests, and says in all other replies what a browser may let a script of another origin see. For
/// `App::around`, outside of what else answers. The rules are those of FastAPI's CORSMiddleware.
///
///     app.around(Cors{}.allow_origins({"https://shop.example"}).allow_methods({"GET", "POST"}).allow_credentials());
///
/// Nothing is allowed unless told, but for the methods GET and the request headers that need no asking. It says who may
/// read, and keeps nobody from asking: what a request may do is for guards.
///
/// A preflight, OPTIONS with Origin and Access-Control-Request-Method, gets 200 `OK`, or 400 with what is disallowed:
/// `Disallowed CORS origin, method, headers`. It goes no further. Unlike CORSMiddleware we send `Vary: Origin` with
/// every reply that could depend on the origin, whether this one did: caches need both to tell them apart.
class Cors {
public:
  Cors() = default;

  /// `https://host:port`, compared as they are; `*` allows all. Added to those that are allowed.
  Cors&& allow_origins(std::initializer_list<std::string_view> origins) &&;
  /// Those for which the function is true; for patterns. Any thread, several at a time. Must not throw.
  Cors&& allow_origins_if(std::function<bool(std::string_view origin)> predicate) &&;
  /// In place of GET alone; `*` are DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT.
  Cors&& allow_methods(std::initializer_list<std::string_view> methods) &&;
  /// Beside Accept, Accept-Language, Content-Language and Content-Type; `*` allows what is asked for.
  Cors&& allow_headers(std::initializer_list<std::string_view> names) &&;
  /// Requests with cookies or authorization. With all origins allowed, the one that asks is named, as a browser wants.
  Cors&& allow_credentials() &&;
  /// What a script may see of the reply's headers, beside the simple ones.
  Cors&& expose_headers(std::initializer_list<std::string_view> names) &&;
  /// How long a browser may keep a preflight's answer. 10 min unless told.
  Cors&& max_age(std::chrono::seconds age) &&;

  /// What `App::around` calls. `Next` is called with a Request and gives what can be awaited for a Response.
  template <class Next>
  Task<Response> operator()(const Request& request, Next next) const {
    if (is_preflight(request)) co_return preflight(request);
    Response response = co_await next(request);
    complete(request, response);
    co_return response;
  }

  /// OPTIONS from a browser that asks what it may ask.
  static bool is_preflight(const Request& request) noexcept;
  /// Its answer.
  Response preflight(const Request& request) const;
  /// Adds to the reply to any other request what is to be said.
  void complete(const Request& request, Response& response) const;

private:
  bool allows(std::string_view origin) const;
  bool depends_on_origin() const noexcept { return !all_origins_ || credentials_; }

  std::vector<std::string> origins_;
  std::function<bool(std::string_view)> predicate_;
  std::vector<std::string> methods_{"GET"};
  std::vector<std::string> headers_{"Accept", "Accept-Language", "Content-Language", "Content-Type"};
  std::string exposed_;  // As it is sent.
  std::chrono::seconds max_age_{600};
  bool all_origins_ = false;
  bool all_headers_ = false;
  bool credentials_ = false;
};

}  // namespace umbel
