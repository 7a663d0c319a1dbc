// SPDX-License-Identifier: MIT
#include "umbel/core/cors.hpp"

#include <algorithm>
#include <utility>

#include "umbel/core/vary.hpp"

namespace umbel {

namespace {

constexpr std::string_view allow_origin = "access-control-allow-origin";

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : ", ").append(word);
  return all;
}

// The fields are checked when they are given, not when they are sent.
void add(std::vector<std::string>& words, std::initializer_list<std::string_view> more) {
  for (const std::string_view word : more) {
    detail::check_header("vary", word);
    words.emplace_back(word);
  }
}

bool has(const std::vector<std::string>& words, std::string_view wanted) noexcept {
  return std::find(words.begin(), words.end(), wanted) != words.end();
}

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool lists_only(std::string_view list, const std::vector<std::string>& allowed) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = trimmed(list.substr(0, comma));
    const bool is_allowed = name.empty() || std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
                              return equal_ignoring_case(one, name);
                            });
    if (!is_allowed) return false;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return true;
}

}  // namespace

Cors&& Cors::allow_origins(std::initializer_list<std::string_view> origins) && {
  add(origins_, origins);
  all_origins_ = has(origins_, "*");
  return std::move(*this);
}

Cors&& Cors::allow_origins_if(std::function<bool(std::string_view)> predicate) && {
  predicate_ = std::move(predicate);
  return std::move(*this);
}

Cors&& Cors::allow_methods(std::initializer_list<std::string_view> methods) && {
  methods_.clear();
  add(methods_, methods);
  if (has(methods_, "*")) methods_ = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
  return std::move(*this);
}

Cors&& Cors::allow_headers(std::initializer_list<std::string_view> names) && {
  add(headers_, names);
  all_headers_ = has(headers_, "*");
  return std::move(*this);
}

Cors&& Cors::allow_credentials() && {
  credentials_ = true;
  return std::move(*this);
}

Cors&& Cors::expose_headers(std::initializer_list<std::string_view> names) && {
  std::vector<std::string> words;
  add(words, names);
  exposed_ = joined(words);
  return std::move(*this);
}

Cors&& Cors::max_age(std::chrono::seconds age) && {
  max_age_ = age;
  return std::move(*this);
}

bool Cors::allows(std::string_view origin) const {
  return all_origins_ || has(origins_, origin) || (predicate_ && predicate_(origin));
}

bool Cors::is_preflight(const Request& request) noexcept {
  return request.method() == Method::options && request.header("origin") &&
         request.header("access-control-request-method");
}

Response Cors::preflight(const Request& request) const {
  const std::string_view origin = request.header("origin").value_or("");
  const std::string_view method = request.header("access-control-request-method").value_or("");
  const auto names = request.header("access-control-request-headers");
  std::string disallowed;
  const auto disallow = [&](std::string_view what) { disallowed.append(disallowed.empty() ? "" : ", ").append(what); };

  ResponseHeaders headers;
  if (!depends_on_origin()) headers.set(allow_origin, "*");
  else if (allows(origin)) headers.set(allow_origin, origin);
  if (!allows(origin)) disallow("origin");
  if (!has(methods_, method)) disallow("method");
  if (all_headers_ && names) headers.set("access-control-allow-headers", *names);
  else if (!all_headers_) headers.set("access-control-allow-headers", joined(headers_));
  if (!all_headers_ && names && !lists_only(*names, headers_)) disallow("headers");
  headers.set("access-control-allow-methods", joined(methods_));
  headers.set("access-control-max-age", std::to_string(max_age_.count()));
  if (credentials_) headers.set("access-control-allow-credentials", "true");

  Response response = disallowed.empty() ? Response::text("OK") : Response::text("Disallowed CORS " + disallowed, 400);
  response.prepend_headers(std::move(headers));
  if (depends_on_origin()) add_vary(response, "Origin");
  // They are mirrored.
  if (all_headers_) add_vary(response, "Access-Control-Request-Headers");
  return response;
}

void Cors::complete(const Request& request, Response& response) const {
  if (depends_on_origin()) add_vary(response, "Origin");
  const auto origin = request.header("origin");
  if (!origin) return;
  const bool is_allowed = allows(*origin);
  if (all_origins_ && !credentials_) response.header(allow_origin, "*");  // A browser takes no * with credentials.
  else if (is_allowed) response.header(allow_origin, *origin);
  if (!is_allowed) return;
  if (credentials_) response.header("access-control-allow-credentials", "true");
  if (!exposed_.empty()) response.header("access-control-expose-headers", exposed_);
}

}  // namespace umbel
