// SPDX-License-Identifier: MIT
#pragma once
// What stands in for a provider: in a test, or wherever the real one cannot work.

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/di/depends.hpp"
#include "umbel/di/handler.hpp"

namespace umbel {

class App;

namespace detail {

/// A callable in a provider's place. Its node's address is its identity, so it stays where it is.
class StandIn {
public:
  StandIn(const NodeInfo& original, HandlerBox callable, ProviderOptions options);
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  const NodeInfo& original() const noexcept { return original_; }
  const NodeInfo& info() const noexcept { return info_; }
  /// Gives it the lifetime that its place has: that of what it stands in for, or, if what requests share is there
  /// already, a request's. Throws std::logic_error if its own does not fit.
  void take_lifetime(bool may_be_shared);

private:
  const NodeInfo& original_;
  HandlerBox callable_;
  std::string name_;
  NodeInfo info_;
};

struct Variation;

/// What is in force in one place: an App, or an OverrideSet. Everything but `variation` is guarded by the App's mutex.
struct OverrideLayer {
  App* app = nullptr;                                // Null: it is gone.
  std::vector<const StandIn*> active{};              // In order of installation; the last one for a provider counts.
  std::atomic<const Variation*> variation{nullptr};  // Of a set: what its exchanges carry. Null: there is none yet.
};

template <class Provider, class Made, class Replacement>
inline constexpr bool makes_the_same = std::is_same_v<Made, Replacement>;

/// The types that do not match, in the compiler's message.
template <class Provider, class Made, class Replacement>
struct CheckSameResult {
  static_assert(makes_the_same<Provider, Made, Replacement>,
                "umbel: what stands in for a provider makes exactly what the provider makes: let the replacement "
                "return that type, with a Task, Result or Resource around it or without. The message names the "
                "provider, what it makes, and what the replacement makes");
  static constexpr bool value = true;
};

/// Whether a replacement names the provider that it replaces: as itself, or as what it decorates.
template <auto& provider, class G>
constexpr bool names_provider(bool as_original) {
  const NodeInfo& info = HandlerNode<G>::info;
  for (std::size_t i = 0; i < info.need_count; ++i) {
    const Need& need = info.needs[i];
    if (need.source == Source::node && need.node == node_of<provider> && need.original == as_original) return true;
  }
  return false;
}

template <auto& provider, class G, bool decorates, bool pass = CheckHandler<G>::ok>
struct CheckStandIn {
  static constexpr bool value = false;
};
template <auto& provider, class G, bool decorates>
struct CheckStandIn<provider, G, decorates, true> {
  static_assert(CheckSameResult<ProviderNamed<provider>, Made<provider>,
                                typename Returned<typename CheckHandler<G>::Result>::Value>::value);
  static_assert(!names_provider<provider, G>(false),
                "umbel: this takes by Depends the provider that it stands in for, and so itself: write "
                "app.decorate<f>(g), and take Original<f>");
  static_assert(decorates || !names_provider<provider, G>(true),
                "umbel: what takes Original<f> decorates it: write app.decorate<f>(g)");
  static_assert(!decorates || names_provider<provider, G>(true),
                "umbel: what decorates f takes f: give it a parameter Original<f>, or write app.override<f>(g)");
  static constexpr bool value = true;
};

template <auto& provider, bool decorates, class G>
std::unique_ptr<StandIn> stand_in_for(G replacement) {
  static_assert(CheckStandIn<provider, G, decorates>::value);
  ProviderOptions options;
  if constexpr (HasOptions<G>) options = replacement.umbel_options();
  return std::make_unique<StandIn>(*node_of<provider>, HandlerBox::of_node(std::move(replacement)), options);
}

}  // namespace detail

/// What App::override and App::decorate give: as long as it lives, the replacement is in force. Any thread may destroy
/// it, in any order with others, and after the App too.
class [[nodiscard]] Override {
public:
  /// App::override and App::decorate make it.
  Override(std::shared_ptr<detail::OverrideLayer> layer, const detail::StandIn& stand_in) noexcept
      : layer_(std::move(layer)), stand_in_(&stand_in) {}
  Override(Override&& other) noexcept = default;
  Override& operator=(Override&& other) noexcept;
  ~Override();

private:
  std::shared_ptr<detail::OverrideLayer> layer_;  // Null once it has been moved from.
  const detail::StandIn* stand_in_;               // Owned by the App.
};

}  // namespace umbel
