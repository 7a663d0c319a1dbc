// SPDX-License-Identifier: MIT
#pragma once
// What can be said of a route, or of all routes of a router, besides path and handler.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "umbel/di/body.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/provider.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel {

namespace detail {

/// Whether a node or anything that it depends on takes the body. Per node once, however often it is named.
template <const NodeInfo* node, class = std::make_index_sequence<node->need_count>>
inline constexpr bool takes_body = false;
template <const NodeInfo* node, std::size_t i, bool is_node = node->needs[i].source == Source::node>
inline constexpr bool need_takes_body =
    node->needs[i].source == Source::body || node->needs[i].source == Source::body_stream;
template <const NodeInfo* node, std::size_t i>
inline constexpr bool need_takes_body<node, i, true> = takes_body<node->needs[i].node>;
template <const NodeInfo* node, std::size_t... i>
inline constexpr bool takes_body<node, std::index_sequence<i...>> = (need_takes_body<node, i> || ...);

template <auto& guard>
struct CheckGuard : CheckProvider<guard> {
  static constexpr const NodeInfo* node = node_of<guard>;
  static_assert(!takes_body<node>,
                "umbel: a guard decides before the body is read, so neither it nor what it depends on takes Body: let "
                "a parameter of the handler look at the body");
};

template <auto&... guards>
struct GuardArray {
  static constexpr const NodeInfo* all[sizeof...(guards) + 1] = {CheckGuard<guards>::node..., nullptr};
};

template <FixedString... tags>
struct TagArray {
  static_assert((!tags.empty() && ... && true), "umbel: a tag is a name: it cannot be empty");
  static constexpr std::string_view all[sizeof...(tags) + 1] = {tags.view()..., std::string_view{}};
};

}  // namespace detail

/// Providers that a request must pass; written as `guards<require_login, require_admin>`. A view of constants.
class GuardList {
public:
  constexpr GuardList() noexcept = default;
  /// Use `guards<...>`.
  constexpr GuardList(const detail::NodeInfo* const* first, std::size_t size) noexcept : first_(first), size_(size) {}

  constexpr const detail::NodeInfo* const* begin() const noexcept { return first_; }
  constexpr const detail::NodeInfo* const* end() const noexcept { return first_ + size_; }
  constexpr std::size_t size() const noexcept { return size_; }

private:
  const detail::NodeInfo* const* first_ = nullptr;
  std::size_t size_ = 0;
};

/// A layer of guards, in the order in which they are tried. A guard is a provider like any other, of whatever result:
/// it lets a request pass by returning and turns it away by failing.
///
///     void require_login(Header<"x-token"> token) { if (*token != "secret") throw HttpError{401}; }
///     app.get("/admin", admin, {.guards = guards<require_login, require_admin>});
template <auto&... named_provider>
inline constexpr GuardList guards{detail::GuardArray<named_provider...>::all, sizeof...(named_provider)};

/// Names under which documentation groups routes; written as `tags<"items", "admin">`. A view of constants.
class TagList {
public:
  constexpr TagList() noexcept = default;
  /// Use `tags<...>`.
  constexpr TagList(const std::string_view* first, std::size_t size) noexcept : first_(first), size_(size) {}

  constexpr const std::string_view* begin() const noexcept { return first_; }
  constexpr const std::string_view* end() const noexcept { return first_ + size_; }
  constexpr std::size_t size() const noexcept { return size_; }

private:
  const std::string_view* first_ = nullptr;
  std::size_t size_ = 0;
};

/// Tags of a route, or of all routes of a router: `{.tags = tags<"items">}`.
template <FixedString... tag>
inline constexpr TagList tags{detail::TagArray<tag...>::all, sizeof...(tag)};

/// Of one route, or of every route of a router where it is included. Of `policy`, `deadline`, `on_disconnect`,
/// `body_limit` and `on_wrong_type` what stands closest to the route counts: route, inner router, its inclusion, outer
/// router, App. Guards and tags add up, the App's first.
struct RouteOptions {
  /// What happens when too much is asked for at once; absent: as the router says.
  std::optional<Policy> policy{};
  std::optional<std::chrono::milliseconds> deadline{};  // 0: none, whatever the routers around it say.
  std::optional<OnDisconnect> on_disconnect{};          // Left out everywhere: as the request's method says.
  std::optional<std::uint64_t> body_limit{};            // Bytes; left out everywhere: as the transport says.
  std::optional<OnWrongType> on_wrong_type{};           // Of a body that should be JSON; left out everywhere: 422.
  /// Beside those of the routers around.
  GuardList guards{};
  /// Beside those of the routers around.
  TagList tags{};
};

}  // namespace umbel
