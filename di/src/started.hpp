// SPDX-License-Identifier: MIT
#pragma once
// What an App is made of once it has started: routes, their plans, and what stands in for what in them.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "route_trie.hpp"
#include "shared_nodes.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/plan.hpp"

namespace umbel {

namespace detail {

/// A route, or a provider that is called, and every plan that was made for it. Stays where it is. Under the App's
/// mutex, but for what `place` leads to.
class Planned {
public:
  using Overrides = std::shared_ptr<const OverrideTable>;

  std::string title;
  Placement placement;  // Of a route.
  PlanRequest request;  // But for overrides. Refers to the members above.
  std::atomic<const Plan*> called{nullptr};
  std::atomic<const Plan*>* place = &called;  // Where requests find the plan.
  const Plan* plan = nullptr;                 // Which is this one.

  void put(const Plan& now) noexcept {
    plan = &now;
    place->store(plan, std::memory_order_release);
  }

  /// The plan that was made when all that it takes was overridden the same way. Null: there is none.
  const Plan* find(const OverrideTable& overrides) const noexcept;
  /// Of no use if there are new sentences in `problems`.
  const Plan& make(const Overrides& overrides, std::vector<std::string>& problems);
  /// One that fails and tells why, in place of what was made last.
  const Plan& break_last(const std::vector<std::string>& problems);
  /// Drops the plans that were made with it. Nobody has used them.
  void forget(const NodeInfo& replacement) noexcept;

private:
  struct Variant {
    Overrides overrides;
    std::unique_ptr<const std::string> mistake;  // Of one that fails; its root refers to it.
    std::unique_ptr<const Plan> plan;
  };
  bool is_planned_alike(const Variant& variant, const OverrideTable& overrides) const noexcept;

  std::vector<Variant> variants_;  // Grows only, but for `forget`: requests in flight use them.
};

/// The plans of an App's routes in an OverrideSet. Immutable.
struct Variation {
  const App* app;
  std::vector<const Plan*> plans;  // By Plan::number.
};

}  // namespace detail

// Everything that is fixed at the start, but for overrides.
struct App::Started {
  std::vector<std::unique_ptr<detail::Planned>> routes;  // In order of declaration: by Plan::number.
  std::vector<std::unique_ptr<detail::Planned>> calls;   // Of Engines.
  std::vector<std::unique_ptr<detail::Planned>> mapped;  // Of error mappers.
  std::vector<std::unique_ptr<const detail::Variation>> variations;
  std::vector<std::unique_ptr<detail::Mounted>> mounts;
  detail::SharedNodes shared;
  std::vector<detail::PlannedMapper> mappers;
  detail::RouteTrie trie;
  std::vector<Response (*)()> before_open;  // By Plan::number. Null: the request waits.
  std::string allow;                        // Of the server as a whole: OPTIONS *.

  /// Several templates may fit a path, each with methods of its own.
  std::string allow_at(std::string_view path, detail::Escapes escapes) const;
};

// What threads must not do at the same time: start the App, and change what is overridden in it.
struct App::Lock {
  std::mutex mutex;
  std::mutex users_mutex;
  detail::IntrusiveList<ServiceUser, &ServiceUser::link> users;  // Under `users_mutex`.
  std::vector<App*> mounted_in;                                  // Under `users_mutex`.
  std::vector<OpenedTogether*> openings;                         // Under `users_mutex`.
  std::atomic<std::size_t> opening_count{0};
};

/// New plans, made before anything changes. Under the App's mutex.
class App::Replanning {
public:
  /// After a change of `layer`. Without `problems`, what cannot be planned gets a plan that fails.
  Replanning(App& app, Started& started, detail::OverrideLayer& layer, std::vector<std::string>* problems);
  void commit();

private:
  using Roots = std::vector<std::unique_ptr<detail::Planned>>;
  using Plans = std::vector<const detail::Plan*>;

  Plans plan(const Roots& roots, const detail::OverrideLayer& layer);
  const detail::Plan& plan(detail::Planned& root, const detail::Planned::Overrides& overrides);
  static void put(const Roots& roots, const Plans& plans) noexcept;

  App& app_;
  Started& started_;
  std::vector<std::string>* problems_;
  Plans routes_;  // Empty: they do not change.
  Plans calls_;
  Plans mapped_;
  std::vector<std::pair<detail::OverrideLayer*, Plans>> sets_;
};

}  // namespace umbel
