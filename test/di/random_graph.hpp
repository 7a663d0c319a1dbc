// SPDX-License-Identifier: MIT
#pragma once
// Graphs of hand-made nodes, drawn by chance: every kind, lifetime and way of taking. And the account of a request that
// goes through one: the nodes themselves say what they see.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "umbel/core/exchange.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"
#include "umbel/testing/schedule.hpp"

namespace umbel::test {

/// Decides by a Schedule.
class Dice {
public:
  explicit Dice(testing::Schedule& schedule) noexcept : schedule_(schedule) {}
  std::size_t below(std::size_t limit) { return schedule_.choose(limit); }
  bool percent(std::size_t chance) { return schedule_.choose(100) < chance; }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

private:
  testing::Schedule& schedule_;
};

/// What a node does when it has to wait.
enum class Waits : std::uint8_t { deaf, hearing, sleeping };

/// What a node does when it is asked to stop.
enum class WhenStopped : std::uint8_t { passes, fails, goes_on };

/// How a node behaves.
struct Behaviour {
  NodeKind kind;
  std::vector<Waits> set_up{};
  std::vector<Waits> tear_down{};
  WhenStopped stopped = WhenStopped::passes;
  bool fails = false;
  bool awaits_lazy = true;    // Its Lazies, one after the other.
  bool catches_lazy = false;  // What they throw.
  bool lazy_at_end = false;   // Awaits them when it is torn down, not before.
  enum class End : std::uint8_t { good, fails, replaces } end = End::good;
};

struct GraphShape {
  std::size_t largest = 40;
  bool has_lazy = true;
  bool has_exclusive = true;
  bool has_failures = true;
  bool has_failing_ends = true;
};

class RandomGraph {
public:
  /// An observer is not owned.
  RandomGraph(Dice& dice, const GraphShape& shape, Observer* observer);
  ~RandomGraph();

  const detail::Plan& plan() const noexcept { return *plan_; }
  const Behaviour& of(std::size_t step) const;

  struct Edge {
    std::size_t step;
    detail::Take take;
  };
  const std::vector<Edge>& edges(std::size_t step) const { return edges_[step]; }
  bool is_resource(std::size_t step) const { return plan_->steps()[step].info->is_resource(); }
  bool is_last_use(std::size_t step) const { return last_use_[step]; }
  bool cancels_on_disconnect() const noexcept { return cancels_; }
  bool has_deadline() const noexcept { return request_.deadline > Duration::zero(); }
  bool reads_body() const noexcept { return plan_->reads_body(); }
  /// What its root makes becomes no reply.
  bool replies_badly() const noexcept { return replies_badly_; }
  static constexpr int bad_reply = 498;
  /// A lane may be full.
  bool may_refuse() const noexcept { return refuses_; }
  bool has_failing_ends() const noexcept;
  /// The step whose failure answers, if nothing but nodes fails; nothing if none does.
  struct Winner {
    std::size_t step;
    int status;
    bool is_guard;
    std::vector<bool> hard;  // For each step: whether somebody needs it who neither tries nor is lazy.
  };
  std::optional<Winner> winner() const;
  /// For people.
  std::string describe() const;

private:
  struct Node {
    detail::NodeInfo info;  // First: found again by its address.
    Behaviour behaviour;
    std::vector<detail::Need> needs;
  };

  std::vector<bool> guards() const;
  bool draw(Dice& dice, const GraphShape& shape, Observer* observer);
  void add(Dice& dice, const GraphShape& shape, bool is_root, std::size_t density);
  bool add_need(Dice& dice, const GraphShape& shape, Node& node, const Node& other);
  void add_layers(Dice& dice);
  void look_at_plan();

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<bool> needed_;
  std::vector<detail::GuardLayer> layers_;
  std::unique_ptr<detail::Limits> limits_;
  detail::StateTable states_;
  detail::PlanRequest request_;
  std::unique_ptr<const detail::Plan> plan_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<bool> last_use_;
  std::vector<bool> uncached_;  // Runs for one edge alone.
  bool cancels_ = true;
  bool refuses_ = false;
  bool replies_badly_ = false;
};

/// Calls a function later: a Simulation, or a test's own.
using Later = std::function<void(std::function<void()>)>;

/// One request on its way through a graph. Found by the address of its Request.
class Account {
public:
  Account(const RandomGraph& graph, Exchange& exchange, testing::Schedule& schedule, Later later);
  ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;
  static Account& of(const Request& request);

  const RandomGraph& graph() const noexcept { return graph_; }
  const Request& request() const noexcept { return *request_; }
  void later(std::function<void()> f) { later_(std::move(f)); }

  void began(std::size_t step, detail::Resolver& resolver);
  void goes_on(std::size_t step);
  void ended(std::size_t step);
  void made(std::size_t step);
  void died(std::size_t step);
  void closing(std::size_t step, const Outcome& outcome);
  void close_goes_on(std::size_t step);
  void close_ended(std::size_t step);
  void used(std::size_t step, std::size_t lazy);
  void waits_for_lazy(bool waits) noexcept { lazy_waiters_ += waits ? 1 : -1; }

  /// When all is over.
  /// `body`: the status of a body that does not come, 0 if it does; none if nobody asks for body or reply.
  void judge(int status, bool is_exact, std::optional<int> body);

  void check(bool holds, const std::string& mistake) { schedule_.check(holds, mistake); }

private:
  struct StepState {
    int began = 0;
    int made = 0;
    int closing = 0;
    int closed = 0;
    bool running = false;
    bool is_alive = false;
    std::vector<std::size_t> lazies;  // That it has used.
  };
  void check_inputs(std::size_t step, const char* when);
  void occupy(std::size_t step);
  void vacate(std::size_t step);
  std::string name(std::size_t step) const;

  const RandomGraph& graph_;
  const Request* request_;
  StopToken stop_;
  testing::Schedule& schedule_;
  Later later_;
  std::vector<StepState> steps_;
  std::vector<int> readers_;  // Of each step, now.
  std::vector<int> owners_;   // Exclusive ones.
  int running_ = 0;
  int lazy_waiters_ = 0;
};

}  // namespace umbel::test
