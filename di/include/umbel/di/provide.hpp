// SPDX-License-Identifier: MIT
#pragma once
// What belongs to a provider and not to those who take it, given to an object with a name.

#include <string_view>
#include <utility>

#include "umbel/di/depends.hpp"

namespace umbel {

namespace detail {

template <auto& provider, class R, class List>
class ProviderOf;

template <auto& provider, class R, class... P>
class ProviderOf<provider, R, TypeList<P...>> {
public:
  static constexpr NodeKind umbel_node_kind = node_of<provider>->kind;
  static constexpr const NodeInfo* umbel_wrapped() noexcept { return node_of<provider>; }
  constexpr ProviderOptions umbel_options() const noexcept { return options_; }

  constexpr ProviderOf() noexcept = default;

  /// How long what it makes lives: `Lifetime::app` and `Lifetime::loop` for anything, the rest for resources.
  constexpr ProviderOf lifetime(Lifetime lifetime) const noexcept {
    ProviderOf changed = *this;
    changed.options_.lifetime = lifetime;
    return changed;
  }
  /// How many of a resource may exist at once, for all requests of the App: a pool's size. Who comes later waits, in
  /// order; requests never wait for one another in a circle.
  constexpr ProviderOf capacity(std::size_t capacity) const noexcept {
    static_assert(Returned<R>::is_resource,
                  "umbel: a capacity belongs to a Resource or a SyncResource: nothing else is given back");
    ProviderOf changed = *this;
    changed.options_.capacity = capacity;
    return changed;
  }
  /// The lane of the work queue that its code runs in, given by App::lane.
  constexpr ProviderOf lane(std::string_view lane) const noexcept {
    static_assert(!Returned<R>::is_coroutine && (!Returned<R>::is_resource || Returned<R>::is_sync_resource),
                  "umbel: a lane is for what runs on the work queue: plain functions and SyncResources");
    ProviderOf changed = *this;
    changed.options_.lane = lane;
    return changed;
  }

  R operator()(P... parameters) const { return provider(static_cast<P&&>(parameters)...); }

private:
  ProviderOptions options_{};
};

}  // namespace detail

/// The beginning of a provider with properties of its own:
///
///     inline constexpr auto db = provider<open_db>.lifetime(Lifetime::app);
///     inline constexpr auto connection = provider<connect>.capacity(5).lane("db");
///     Task<Response> list(Depends<connection> c);
///
/// It is a provider of its own: naming both `connect` and `connection` in one graph is an error.
template <auto& f>
inline constexpr detail::ProviderOf<f, detail::ProviderResult<f>, typename detail::CheckProvider<f>::Parameters>
    provider{};

}  // namespace umbel
