// SPDX-License-Identifier: MIT
#pragma once
// What those who depend on a security check ask it for.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "umbel/di/depends.hpp"

namespace umbel {

/// The scopes that the way from the handler down to this node asks for: all `scopes<...>` on its edges, the outermost
/// first, each once. A node that takes it, or depends on one that does, runs once for each set of scopes.
///
///     Task<User> current_user(Scopes scopes, Depends<bearer> token) {
///       const Claims claims = co_await verify(token->credentials);
///       if (!claims.allow(scopes.names())) throw HttpError{403, "Needs " + scopes.text()};
///       ...
///     Task<Response> read_items(Depends<current_user, scopes<"items:read">> user);
class Scopes {
public:
  /// The resolver calls this; a unit test may. Not owned.
  explicit constexpr Scopes(std::span<const std::string_view> names) noexcept : names_(names) {}

  /// In the order in which the edges ask for them, each once.
  constexpr std::span<const std::string_view> names() const noexcept { return names_; }
  /// None is asked for.
  constexpr bool empty() const noexcept { return names_.empty(); }
  /// That one is asked for.
  constexpr bool has(std::string_view name) const noexcept {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }
  /// With a space between them, as RFC 6749 section 3.3 writes scopes.
  std::string text() const {
    std::string text;
    for (const std::string_view name : names_) text.append(text.empty() ? "" : " ").append(name);
    return text;
  }

private:
  std::span<const std::string_view> names_;  // Of the plan, which outlives every request.
};

template <>
struct ParameterTraits<Scopes> {
  static constexpr detail::Source source = detail::Source::scopes;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static Scopes get(detail::Resolver&, const detail::Step&, detail::Input input) noexcept {
    return Scopes{static_cast<const detail::ScopeSet*>(input.object)->names};
  }
};

}  // namespace umbel
