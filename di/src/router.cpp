// SPDX-License-Identifier: MIT
#include "umbel/di/router.hpp"

#include <algorithm>
#include <stdexcept>

namespace umbel::detail {

Placement Placement::within(std::string_view more_text, const RouteOptions& options) const {
  Placement inner = *this;
  inner.text.append(more_text);
  if (options.policy) inner.policy = options.policy;
  if (options.deadline) inner.deadline = options.deadline;
  if (options.body_limit) inner.body_limit = options.body_limit;
  if (options.on_wrong_type) inner.on_wrong_type = options.on_wrong_type;
  if (options.on_disconnect) inner.on_disconnect = options.on_disconnect;
  if (options.guards.size() > 0) inner.guard_layers.emplace_back(options.guards.begin(), options.guards.end());
  inner.tags.insert(inner.tags.end(), options.tags.begin(), options.tags.end());
  return inner;
}

void RouterContents::require_open(std::string_view what) const {
  if (is_closed_) throw std::logic_error{"umbel: the App has started; " + std::string{what} + " must come before"};
}

void RouterContents::add(Route route) {
  const std::string title = std::string{to_string(route.method)} + " " + prefix_ + route.text;
  require_open(title);
  if (route.method == Method::other) throw std::logic_error{"umbel: " + title + ": a route needs a method of its own"};
  entries_.emplace_back(std::move(route));
}

void RouterContents::include(Inclusion inclusion) {
  require_open("inclusions");
  if (inclusion.router->leads_to(*this)) throw std::logic_error{"umbel: a router cannot include itself"};
  entries_.emplace_back(std::move(inclusion));
}

void RouterContents::guard(GuardList guards) {
  require_open("guards");
  guards_.insert(guards_.end(), guards.begin(), guards.end());
}

void RouterContents::tag(TagList tags) {
  require_open("tags");
  tags_.insert(tags_.end(), tags.begin(), tags.end());
}

RouteOptions& RouterContents::options() {
  require_open("options");
  return options_;
}

bool RouterContents::leads_to(const RouterContents& other) const noexcept {
  if (this == &other) return true;
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    const auto* const inclusion = std::get_if<Inclusion>(&entry);
    return inclusion && inclusion->router->leads_to(other);
  });
}

void RouterContents::close() noexcept {
  if (std::exchange(is_closed_, true)) return;
  for (const auto& entry : entries_) {
    if (const auto* const inclusion = std::get_if<Inclusion>(&entry)) inclusion->router->close();
  }
}

std::vector<PlacedRoute> RouterContents::placed_routes(std::vector<std::string>& problems) const {
  std::vector<PlacedRoute> routes;
  place(Placement{}, routes, problems);
  return routes;
}

void RouterContents::place(const Placement& around, std::vector<PlacedRoute>& out,
                           std::vector<std::string>& problems) const {
  RouteOptions own = options_;
  own.guards = {guards_.data(), guards_.size()};
  own.tags = {tags_.data(), tags_.size()};
  const Placement here = around.within(prefix_, own);
  for (const auto& entry : entries_) {
    if (const auto* const route = std::get_if<Route>(&entry))
      out.push_back({route, here.within(route->text, route->options)});
    else place_inclusion(std::get<Inclusion>(entry), here, out, problems);
  }
}

void RouterContents::place_inclusion(const Inclusion& inclusion, const Placement& around, std::vector<PlacedRoute>& out,
                                     std::vector<std::string>& problems) {
  const RouteMistake mistake = mistake_in_plain_prefix(inclusion.prefix);
  if (mistake != RouteMistake::none)
    return problems.push_back("a router included at " + inclusion.prefix + ": " + std::string{describe(mistake)});
  inclusion.router->place(around.within(inclusion.prefix, inclusion.options), out, problems);
}

}  // namespace umbel::detail
