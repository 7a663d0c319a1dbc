// SPDX-License-Identifier: MIT
#pragma once
// Nodes that many requests share: made before the first request of an App or of a Context, torn down after the last.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "umbel/core/service.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::detail {

/// All nodes of one lifetime, and the plan that makes them.
class SharedGraph {
public:
  explicit SharedGraph(Lifetime lifetime) noexcept : lifetime_(lifetime) {}

  /// While plans are made.
  std::optional<std::uint32_t> number_of(const NodeInfo& node);
  void compile(PlanRequest request, std::vector<std::string>& problems);

  bool empty() const noexcept { return nodes_.empty(); }
  const Plan& plan() const noexcept { return *plan_; }
  std::size_t size() const noexcept { return nodes_.size(); }

private:
  Lifetime lifetime_;
  std::vector<const NodeInfo*> nodes_;
  std::vector<Need> needs_;  // Of the root, which takes all of them.
  NodeInfo root_{};
  std::unique_ptr<const Plan> plan_;
};

/// The nodes of one graph, made.
class SharedSet final : public Caller {
public:
  class Owner {
  public:
    /// Null: they are there. Otherwise nothing is.
    virtual void opened(SharedSet& set, ErrorBox error) noexcept = 0;
    virtual void closed(SharedSet& set) noexcept = 0;

  protected:
    ~Owner() = default;
  };

  SharedSet(const SharedGraph& graph, Owner& owner) : graph_(graph), owner_(owner), values_(graph.size()) {}

  void open(Context& context) noexcept;
  /// On any Context's thread, when nobody uses them any more.
  void close(Context& context) noexcept;
  const void* value(std::uint32_t number) const noexcept { return values_[number]; }

  void take(void*) override {}
  bool keeps() const noexcept override { return true; }
  void made(Resolver& resolver) noexcept override;
  void ended(ErrorBox error, std::string_view node) noexcept override;

private:
  const SharedGraph& graph_;
  Owner& owner_;
  const Request request_{};
  Resolver* resolver_ = nullptr;  // While they are there.
  std::vector<const void*> values_;
};

/// All shared nodes of an App.
class SharedNodes : public SharedSet::Owner {
public:
  SharedNodes();
  ~SharedNodes();

  /// The number under which a plan finds the node. Nothing, if it is too late to have it made.
  std::optional<std::uint32_t> number_of(const NodeInfo& node);
  void compile(const PlanRequest& request, std::vector<std::string>& problems);
  bool empty() const noexcept { return app_graph_.empty() && loop_graph_.empty(); }
  /// The step that makes what has the number, and the plan that it is of.
  const Step& step_of(std::uint32_t number) const noexcept;
  const Plan& plan_of(std::uint32_t number) const noexcept { return graph_of(number).plan(); }
  /// Of that lifetime: `app`, or `loop`.
  const Plan& plan_of(Lifetime lifetime) const noexcept {
    return (lifetime == Lifetime::app ? app_graph_ : loop_graph_).plan();
  }

  void open(Context& context, Notice& opened) noexcept;
  void close(Context& context, Notice& closed) noexcept;
  /// Whether everything is there. On the Context's thread.
  bool is_open_on(const Context& context) const noexcept;
  /// If it is not: `exchange` waits, and `service` gets it when it is.
  void park(Exchange& exchange, Service& service) noexcept;

  /// On the Context's thread.
  const void* value(std::uint32_t number, const Context& context) const noexcept;

private:
  struct Place;

  void opened(SharedSet& set, ErrorBox error) noexcept override;
  void closed(SharedSet& set) noexcept override;
  Place* find(const Context& context) const noexcept;
  Place& place_of(Context& context);
  void open_app(Place& place) noexcept;
  void app_is_open(ErrorBox error) noexcept;
  void open_loop(Place& place) noexcept;
  void end_opening(Place& place, ErrorBox error) noexcept;
  void close_app(Place& place) noexcept;
  void app_is_closed() noexcept;
  void told_closed(Place& place) noexcept;

  enum class AppState : std::uint8_t { closed, opening, open, closing };

  static constexpr std::uint32_t loop_bit = 0x80000000;

  const SharedGraph& graph_of(std::uint32_t number) const noexcept {
    return number & loop_bit ? loop_graph_ : app_graph_;
  }

  SharedGraph app_graph_{Lifetime::app};
  SharedGraph loop_graph_{Lifetime::loop};
  std::unique_ptr<SharedSet> app_;
  std::atomic<Place*> first_{nullptr};  // One for each Context that ever opened. Grows only.
  std::mutex mutex_;                    // Of what follows.
  AppState app_state_ = AppState::closed;
  std::size_t users_ = 0;  // Contexts that are open or opening.
};

}  // namespace umbel::detail
