// SPDX-License-Identifier: MIT
// Random graphs on real threads: what a node wrote, those that need it may read.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "peer.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/handler.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/di/resolver.hpp"

namespace umbel::test {

/// What a hand-made node takes: its own place in the run.
class Station {
public:
  Station(detail::Resolver& resolver, const detail::Step& step) noexcept : resolver_(&resolver), step_(&step) {}
  detail::Resolver& resolver() const noexcept { return *resolver_; }
  const detail::Step& step() const noexcept { return *step_; }

private:
  detail::Resolver* resolver_;
  const detail::Step* step_;
};

}  // namespace umbel::test

namespace umbel {

template <>
struct ParameterTraits<test::Station> {
  static constexpr detail::Source source = detail::Source::request;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static test::Station get(detail::Resolver& resolver, const detail::Step& step, detail::Input) noexcept {
    return {resolver, step};
  }
};

}  // namespace umbel

namespace umbel::test {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
}
bool chance(Random& random, double probability) { return std::bernoulli_distribution{probability}(random); }

class Run;

/// Suspends until the test says so. `deaf`: a request to stop is not heard.
class Gate {
public:
  Gate(Run& run, bool deaf) noexcept : run_(run), deaf_(deaf) {}
  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  void await_resume() const {
    if (!deaf_ && env_->stop.stop_requested()) throw Cancelled{};
  }
  void open() noexcept { waiting_.resume(); }

private:
  Run& run_;
  bool deaf_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
};

/// What a node makes. Tells the run of its life.
class Made {
public:
  explicit Made(const Station& place);
  Made(const Made&) = delete;
  ~Made();

private:
  Run* run_;
  std::size_t node_;
};

Task<Made> coroutine_node(Station place);
Made plain_node(Station place);

/// How a node behaves.
struct Behaviour {
  NodeKind kind;
  std::size_t gates = 0;  // How often a coroutine suspends.
  bool deaf = false;
  bool fails = false;
};

/// A graph of hand-made nodes, in the order in which the plan has them.
class RandomGraph {
public:
  explicit RandomGraph(Random& random) {
    const std::size_t largest = chance(random, 0.01) ? 150 : chance(random, 0.1) ? 40 : 12;
    const std::size_t count = 1 + below(random, largest);
    const double density = std::uniform_real_distribution<>{0.0, 3.0}(random) / static_cast<double>(count);
    const double failing = chance(random, 0.5) ? 0.15 : 0.0;
    for (std::size_t i = 0; i < count; ++i) add(random, i + 1 == count, density, failing);
    request_.root = &nodes_.back()->info;
    request_.title = "random";
    request_.root_name = "root";
    request_.states = &states_;
    request_.policy = chance(random, 0.2) ? Policy::sequential : Policy::concurrent;
    request_.respond = [](const detail::Resolver&, void*, void* room) { return ::new (room) Response{200}; };
    std::vector<std::string> problems;
    plan_ = detail::Plan::compile(request_, problems);
  }

  const detail::Plan& plan() const noexcept { return *plan_; }
  const Behaviour& of(const detail::Step& step) const { return reinterpret_cast<const Node*>(step.info)->behaviour; }
  /// The step whose failure answers; the number of steps if none fails.
  std::size_t winner() const {
    const auto& steps = plan_->steps();
    return static_cast<std::size_t>(
        std::find_if(steps.begin(), steps.end(), [this](const detail::Step& step) { return of(step).fails; }) -
        steps.begin());
  }

private:
  struct Node {
    detail::NodeInfo info;  // First: found again by its address.
    Behaviour behaviour;
    std::vector<detail::Need> needs;
  };

  static detail::NodeInfo info_of(NodeKind kind) {
    if (kind == NodeKind::coroutine)
      return detail::make_node<detail::CallProvider<coroutine_node>>("coroutine", nullptr);
    detail::NodeInfo info = detail::make_node<detail::CallProvider<plain_node>>("plain", nullptr);
    info.kind = kind;
    return info;
  }

  // Whatever nobody needs is needed by the root, so that every node is in the plan.
  void add(Random& random, bool is_root, double density, double failing) {
    auto node = std::make_unique<Node>();
    const NodeKind kinds[] = {NodeKind::coroutine, NodeKind::coroutine, NodeKind::plain, NodeKind::plain,
                              NodeKind::on_loop};
    node->behaviour.kind = kinds[below(random, std::size(kinds))];
    if (node->behaviour.kind == NodeKind::coroutine) node->behaviour.gates = below(random, 3);
    node->behaviour.deaf = chance(random, 0.3);
    node->behaviour.fails = chance(random, failing);
    node->info = info_of(node->behaviour.kind);
    node->needs.push_back(detail::Need{detail::Source::request});  // Its Station.
    const bool chained = chance(random, 0.4);
    for (const auto& other : nodes_) {
      const bool is_last = other == nodes_.back();
      const bool is_lonely = is_root && !needed_.contains(other.get());
      if (!is_lonely && !chance(random, density) && !(chained && is_last)) continue;
      needed_.insert(other.get());
      detail::Need need{detail::Source::node, chance(random, 0.03)};
      need.node = &other->info;
      node->needs.push_back(need);
    }
    std::shuffle(node->needs.begin() + 1, node->needs.end(), random);
    node->info.needs = node->needs.data();
    node->info.need_count = node->needs.size();
    nodes_.push_back(std::move(node));
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::set<const Node*> needed_;
  detail::StateTable states_;
  detail::PlanRequest request_;
  std::unique_ptr<const detail::Plan> plan_;
};

/// One request on its way through a graph, and the account of what happened to it.
class Run {
public:
  Run(const RandomGraph& graph, Context& context)
      : graph_(graph), peer_(context, OwnedRequest{Method::get, "/"}), steps_(graph.plan().steps().size()) {
    current().push_back(this);
  }
  ~Run() { std::erase(current(), this); }

  static Run& of(const Station& place) {
    const auto found = std::find_if(current().begin(), current().end(),
                                    [&](Run* run) { return &run->peer_.request() == &place.resolver().request(); });
    return **found;
  }

  Peer& peer() noexcept { return peer_; }
  const RandomGraph& graph() const noexcept { return graph_; }
  std::vector<Gate*>& gates() noexcept { return gates_; }
  void open_a_gate(Random& random) {
    if (gates_.empty()) return;
    const auto gate = gates_.begin() + static_cast<std::ptrdiff_t>(below(random, gates_.size()));
    Gate& chosen = **gate;
    gates_.erase(gate);
    chosen.open();
  }
  void leave() {
    has_left_ = has_begun_;  // Before that nobody listens yet.
    peer_.leave();
  }
  void serve() {
    has_begun_ = true;
    detail::Resolver::serve(graph_.plan(), peer_, nullptr, detail::Escapes::none);
  }

  void began(const Station& place) {
    const std::size_t node = place.step().index;
    check(++steps_[node].began == 1, "a node ran twice");
    check(!has_left_, "a node began after the peer had left");
    for (const std::size_t need : graph_.plan().needs_of(node))
      check(steps_[need].is_alive, "a node ran before its need");
    if (graph_.plan().policy() == Policy::sequential)
      check(running_ == 0, "two nodes of a sequential plan ran at the same time");
    ++running_;
  }
  void ended() { --running_; }
  void made(std::size_t node) {
    check(++steps_[node].made == 1, "a value was made twice");
    steps_[node].is_alive = true;
  }
  void died(std::size_t node) {
    check(steps_[node].is_alive, "a value died twice");
    check(running_ == 0, "a value died before all were joined");
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const auto& needs = graph_.plan().needs_of(i);
      if (steps_[i].is_alive && std::find(needs.begin(), needs.end(), node) != needs.end())
        check(false, "a value died before its dependents");
    }
    steps_[node].is_alive = false;
  }

  /// When all is over.
  void judge(bool was_cancelled, bool was_refused) {
    check(peer_.replies() == 1, "there is not one reply");
    check(running_ == 0 && gates_.empty(), "something is still in flight");
    for (const auto& step : steps_) check(!step.is_alive, "a value was never destroyed");
    if (was_cancelled || was_refused) return;
    const std::size_t winner = graph_.winner();
    check(peer_.status() == (winner == steps_.size() ? 200 : 400 + static_cast<int>(winner)), "the wrong failure won");
    for (std::size_t i = 0; i < winner; ++i)
      check(steps_[i].made == 1, "a node declared before the failure did not run");
  }
  const std::string& mistake() const noexcept { return mistake_; }

private:
  struct StepState {
    int began = 0;
    int made = 0;
    bool is_alive = false;
  };
  static std::vector<Run*>& current() {
    static std::vector<Run*> runs;
    return runs;
  }
  void check(bool holds, const char* what) {
    if (holds) return;
    const std::lock_guard lock{mutex_};
    if (mistake_.empty()) mistake_ = what;
  }

  const RandomGraph& graph_;
  Peer peer_;
  std::vector<StepState> steps_;
  std::vector<Gate*> gates_;
  std::atomic<std::size_t> running_{0};
  bool has_begun_ = false;
  bool has_left_ = false;
  std::mutex mutex_;
  std::string mistake_;
};

void Gate::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  run_.gates().push_back(this);
}

Made::Made(const Station& place) : run_(&Run::of(place)), node_(place.step().index) { run_->made(node_); }
Made::~Made() { run_->died(node_); }

// A node's time, from its start to its end.
class Activity {
public:
  explicit Activity(const Station& place) : run_(Run::of(place)) { run_.began(place); }
  Activity(const Activity&) = delete;
  ~Activity() { run_.ended(); }

private:
  Run& run_;
};

void fail_if_it_must(const Station& place) {
  const Behaviour& behaviour = Run::of(place).graph().of(place.step());
  if (behaviour.fails) throw HttpError{400 + static_cast<int>(place.step().index)};
}

Task<Made> coroutine_node(Station place) {
  Run& run = Run::of(place);
  const Activity activity{place};
  const Behaviour& behaviour = run.graph().of(place.step());
  for (std::size_t i = 0; i < behaviour.gates; ++i) {
    Gate gate{run, behaviour.deaf};
    co_await gate;
  }
  fail_if_it_must(place);
  co_return place;
}

Made plain_node(Station place) {
  const Activity activity{place};
  fail_if_it_must(place);
  return Made{place};
}

std::string play_on_threads(std::uint64_t seed, WorkPool& pool) {
  Random random{seed};
  const RandomGraph graph{random};
  BlockingPort port{pool};
  Run one{graph, port.context()};
  Run two{graph, port.context()};
  const bool leaves = chance(random, 0.3);

  one.serve();
  two.serve();
  if (leaves) one.peer().leave();  // A worker may begin a node at this very moment.
  port.run_until([&] {
    while (!one.gates().empty() || !two.gates().empty()) (chance(random, 0.5) ? one : two).open_a_gate(random);
    return one.peer().replies() > 0 && two.peer().replies() > 0;
  });

  one.judge(leaves, false);
  two.judge(false, false);
  return one.mistake() + two.mistake();
}

TEST(RandomThreads, KeepEveryPromise) {
  ThreadPool pool{{.threads = 3}};

  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const std::uint64_t seed = 20'261'122 + i;
    ASSERT_EQ(play_on_threads(seed, pool), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace umbel::test
