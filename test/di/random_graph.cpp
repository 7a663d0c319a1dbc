// SPDX-License-Identifier: MIT
#include "random_graph.hpp"

#include <algorithm>
#include <utility>

#include "../../di/src/limits.hpp"
#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/handler.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/resource.hpp"

namespace umbel::test {

/// What a hand-made node takes: its own place in the run.
class Place {
public:
  Place(detail::Resolver& resolver, const detail::Step& step) noexcept : resolver_(&resolver), step_(&step) {}
  detail::Resolver& resolver() const noexcept { return *resolver_; }
  const detail::Step& step() const noexcept { return *step_; }
  std::size_t index() const noexcept { return step_->index; }
  Account& account() const { return Account::of(resolver_->request()); }
  const Behaviour& behaviour() const { return account().graph().of(index()); }

private:
  detail::Resolver* resolver_;
  const detail::Step* step_;
};

}  // namespace umbel::test

namespace umbel {

template <>
struct ParameterTraits<test::Place> {
  static constexpr detail::Source source = detail::Source::request;
  template <class Where>
  static constexpr detail::Need need() {
    return {source};
  }
  static test::Place get(detail::Resolver& resolver, const detail::Step& step, detail::Input) noexcept {
    return {resolver, step};
  }
};

}  // namespace umbel

namespace umbel::test {

// --- nodes ----------------------------------------------------------------------------------------------------------

/// What every node makes. Tells of its life.
class Token {
public:
  explicit Token(const Place& place) : account_(&place.account()), step_(place.index()) { account_->made(step_); }
  Token(const Token&) = delete;
  ~Token() { account_->died(step_); }

private:
  Account* account_;
  std::size_t step_;
};

namespace {

constexpr int status_of(std::size_t step) { return 400 + static_cast<int>(step % 100); }

/// Suspends, and hears nothing.
class Deaf : Work {
public:
  explicit Deaf(Account& account) noexcept : Work(go_on), account_(account) {}
  void enter(Env& env) noexcept { env_ = &env; }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    account_.later([this] { env_->context->enqueue(*this); });
  }
  void await_resume() const noexcept {}

private:
  static void go_on(Work& work) noexcept { static_cast<Deaf&>(work).waiting_.resume(); }

  Account& account_;
  Env* env_ = nullptr;
  std::coroutine_handle<> waiting_;
};

Task<> wait(Place place, Waits how) {
  Account& account = place.account();
  if (how == Waits::deaf) {
    Deaf deaf{account};
    co_await deaf;
  } else if (how == Waits::hearing) {
    Completion<> answer;
    std::function<void()> set = [setter = answer.setter()]() mutable { setter.value(); };
    account.later(std::move(set));
    co_await answer;
  } else {
    co_await sleep(std::chrono::milliseconds{1 + place.index() % 3});
  }
}

/// Says what became of it when it is asked to stop.
void be_stopped(const Behaviour& behaviour) {
  if (behaviour.stopped == WhenStopped::passes) throw;
  if (behaviour.stopped == WhenStopped::fails) throw HttpError{599};
}

Token lazy_target(Place place);
using AnyLazy = Lazy<lazy_target>;

/// Awaits what another node takes by Lazy.
class AwaitLazy {
public:
  AwaitLazy(Place place, std::size_t need) noexcept : place_(place), input_(place.step().inputs[need]) {}
  void enter(Env& env) noexcept { awaiter_.emplace(env, place_.resolver(), place_.step(), input_); }
  bool await_ready() noexcept {
    place_.account().waits_for_lazy(true);
    return awaiter_->await_ready();
  }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { awaiter_->await_suspend(waiting); }
  void await_resume() {
    place_.account().waits_for_lazy(false);
    awaiter_->await_resume();
    place_.account().used(place_.index(), input_.at.step);
  }

private:
  Place place_;
  detail::Input input_;
  std::optional<AnyLazy::Awaiter> awaiter_;
};

bool is_lazy(const detail::Need& need) {
  return need.source == detail::Source::node && need.take == detail::Take::lazy;
}

Task<> await_lazies(Place place) {
  const Behaviour& behaviour = place.behaviour();
  const detail::NodeInfo& info = *place.step().info;
  for (std::size_t i = 0; i < info.need_count; ++i) {
    if (!is_lazy(info.needs[i])) continue;
    try {
      AwaitLazy lazy{place, i};
      co_await lazy;
    } catch (const Cancelled&) {
      be_stopped(behaviour);
    } catch (const HttpError&) {
      if (!behaviour.catches_lazy) throw;
    }
    place.account().goes_on(place.index());
  }
}

/// It is too late: what has not run will not.
Task<> await_lazies_at_end(Place place) {
  const detail::NodeInfo& info = *place.step().info;
  for (std::size_t i = 0; i < info.need_count; ++i) {
    if (!is_lazy(info.needs[i])) continue;
    try {
      AwaitLazy lazy{place, i};
      co_await lazy;
    } catch (const std::exception&) {
    }
    place.account().close_goes_on(place.index());
  }
}

Task<> live(Place place) {
  const Behaviour& behaviour = place.behaviour();
  for (const Waits how : behaviour.set_up) {
    try {
      co_await wait(place, how);
    } catch (const Cancelled&) {
      be_stopped(behaviour);
    }
    place.account().goes_on(place.index());
  }
  if (behaviour.awaits_lazy) co_await await_lazies(place);
}

// A node's time, from its start to its end.
class Activity {
public:
  explicit Activity(const Place& place) : account_(place.account()), step_(place.index()) {
    account_.began(step_, place.resolver());
  }
  Activity(const Activity&) = delete;
  ~Activity() { account_.ended(step_); }

private:
  Account& account_;
  std::size_t step_;
};

class CloseActivity {
public:
  CloseActivity(const Place& place, const Outcome& outcome) : account_(place.account()), step_(place.index()) {
    account_.closing(step_, outcome);
  }
  CloseActivity(const CloseActivity&) = delete;
  ~CloseActivity() { account_.close_ended(step_); }

private:
  Account& account_;
  std::size_t step_;
};

void fail_if_it_must(const Place& place) {
  if (place.behaviour().fails) throw HttpError{status_of(place.index())};
}

void end_as_it_must(const Place& place) {
  const Behaviour::End end = place.behaviour().end;
  if (end == Behaviour::End::fails) throw HttpError{500 + static_cast<int>(place.index() % 50)};
  if (end == Behaviour::End::replaces) throw Replace{HttpError{550 + static_cast<int>(place.index() % 40)}};
}

Task<Token> coroutine_node(Place place) {
  const Activity activity{place};
  co_await live(place);
  fail_if_it_must(place);
  co_return place;
}

Token plain_node(Place place) {
  const Activity activity{place};
  fail_if_it_must(place);
  return Token{place};
}

Token lazy_target(Place place) { return plain_node(place); }

Task<> set_up(Place place) {
  const Activity activity{place};
  co_await live(place);
  fail_if_it_must(place);
}

Resource<Token> resource_node(Place place) {
  co_await set_up(place);
  Token token{place};
  const Outcome& outcome = co_yield token;
  const CloseActivity activity{place, outcome};
  for (const Waits how : place.behaviour().tear_down) {
    try {
      co_await wait(place, how);
    } catch (const Cancelled&) {
      be_stopped(place.behaviour());
    }
    place.account().close_goes_on(place.index());
  }
  if (place.behaviour().lazy_at_end) co_await await_lazies_at_end(place);
  end_as_it_must(place);
}

void sync_set_up(const Place& place) {
  const Activity activity{place};
  fail_if_it_must(place);
}

SyncResource<Token> sync_resource_node(Place place) {
  sync_set_up(place);
  Token token{place};
  const Outcome& outcome = co_yield token;
  const CloseActivity activity{place, outcome};
  end_as_it_must(place);
}

template <auto& function>
detail::NodeInfo info_as(NodeKind kind, const char* name) {
  detail::NodeInfo info = detail::make_node<detail::CallProvider<function>>(name, nullptr);
  info.kind = kind;
  return info;
}

detail::NodeInfo info_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::coroutine:
      return info_as<coroutine_node>(kind, "coroutine");
    case NodeKind::plain:
      return info_as<plain_node>(kind, "plain");
    case NodeKind::on_loop:
      return info_as<plain_node>(kind, "on_loop");
    case NodeKind::resource:
      return info_as<resource_node>(kind, "resource");
    case NodeKind::sync_resource:
      return info_as<sync_resource_node>(kind, "sync_resource");
  }
  return {};
}

std::vector<Waits> draw_waits(Dice& dice, std::size_t most) {
  std::vector<Waits> waits(dice.below(most + 1));
  for (Waits& how : waits) how = static_cast<Waits>(dice.below(3));
  return waits;
}

bool can_await(NodeKind kind) { return kind == NodeKind::coroutine || kind == NodeKind::resource; }

}  // namespace

// --- the graph ------------------------------------------------------------------------------------------------------

RandomGraph::RandomGraph(Dice& dice, const GraphShape& shape, Observer* observer) {
  while (!draw(dice, shape, observer)) {
    nodes_.clear();
    needed_.clear();
    layers_.clear();
    request_ = {};
  }
  look_at_plan();
}

RandomGraph::~RandomGraph() = default;

/// False if the plan says that it is no graph.
bool RandomGraph::draw(Dice& dice, const GraphShape& shape, Observer* observer) {
  GraphShape drawn = shape;
  drawn.has_lazy = shape.has_lazy && dice.percent(40);
  drawn.has_exclusive = shape.has_exclusive && dice.percent(drawn.has_lazy ? 10 : 50);
  drawn.has_failures = shape.has_failures && dice.percent(50);
  limits_ = std::make_unique<detail::Limits>();
  const std::size_t queue = dice.percent(10) ? 0 : 100;
  refuses_ = queue == 0;
  if (dice.percent(30)) limits_->add_lane("lane", {1 + dice.below(2), queue});
  drawn.has_failing_ends = shape.has_failing_ends && dice.percent(25);
  const std::size_t count = 1 + dice.below(dice.percent(25) ? shape.largest : std::min<std::size_t>(shape.largest, 9));
  const std::size_t density = dice.below(300) / count;
  for (std::size_t i = 0; i < count; ++i) add(dice, drawn, i + 1 == count, density);
  request_.root = &nodes_.back()->info;
  request_.title = "random";
  request_.root_name = "root";
  request_.states = &states_;
  request_.limits = limits_.get();
  request_.observer = observer;
  request_.policy = dice.percent(15) ? Policy::sequential : Policy::concurrent;
  replies_badly_ = drawn.has_failures && dice.percent(5);
  request_.respond = [](const detail::Resolver&, void*, void* room) { return ::new (room) Response{200}; };
  if (replies_badly_)
    request_.respond = [](const detail::Resolver&, void*, void*) -> Response* { throw HttpError{bad_reply}; };
  if (dice.percent(10)) request_.deadline = std::chrono::milliseconds{1 + dice.below(5)};
  if (dice.percent(20)) request_.on_disconnect = dice.percent(50) ? OnDisconnect::finish : OnDisconnect::cancel;
  cancels_ = request_.on_disconnect.value_or(OnDisconnect::cancel) == OnDisconnect::cancel;
  add_layers(dice);
  std::vector<std::string> problems;
  plan_ = detail::Plan::compile(request_, problems);
  return problems.empty();
}

// Whatever nobody needs is needed by the root, so that every node is in the plan.
void RandomGraph::add(Dice& dice, const GraphShape& shape, bool is_root, std::size_t density) {
  static const std::vector<NodeKind> kinds = {NodeKind::coroutine, NodeKind::coroutine,    NodeKind::plain,
                                              NodeKind::plain,     NodeKind::on_loop,      NodeKind::resource,
                                              NodeKind::resource,  NodeKind::sync_resource};
  auto node = std::make_unique<Node>();
  Behaviour& behaviour = node->behaviour;
  behaviour.kind = kinds[dice.below(is_root ? 5 : kinds.size())];
  if (can_await(behaviour.kind)) behaviour.set_up = draw_waits(dice, 2);
  if (behaviour.kind == NodeKind::resource) behaviour.tear_down = draw_waits(dice, 2);
  behaviour.stopped = static_cast<WhenStopped>(dice.percent(70) ? 0 : dice.below(3));
  behaviour.fails = shape.has_failures && dice.percent(15);
  behaviour.awaits_lazy = dice.percent(80);
  behaviour.catches_lazy = dice.percent(50);
  behaviour.lazy_at_end = !behaviour.awaits_lazy && dice.percent(50);
  if (shape.has_failing_ends && dice.percent(30))
    behaviour.end = dice.percent(50) ? Behaviour::End::fails : Behaviour::End::replaces;
  node->info = info_of(behaviour.kind);
  if (limits_->lane("lane") && node->info.runs_on_worker() && dice.percent(50)) node->info.options.lane = "lane";
  if (node->info.is_resource() && dice.percent(10)) node->info.options.capacity = 1 + dice.below(2);
  node->needs.push_back(detail::Need{detail::Source::request});  // Its Place.
  const bool chained = dice.percent(40);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const bool is_last = i + 1 == nodes_.size();
    const bool is_lonely = is_root && !needed_[i];
    if (!is_lonely && !dice.percent(density) && !(chained && is_last)) continue;
    if (add_need(dice, shape, *node, *nodes_[i])) needed_[i] = true;
  }
  for (std::size_t i = node->needs.size(); i > 2; --i)
    std::swap(node->needs[i - 1], node->needs[1 + dice.below(i - 1)]);
  if (is_root && dice.percent(20)) node->needs.push_back(detail::Need{detail::Source::body});
  node->info.needs = node->needs.data();
  node->info.need_count = node->needs.size();
  node->info.shortest = {};
  detail::add_needs(node->info);
  nodes_.push_back(std::move(node));
  needed_.push_back(false);
}

bool RandomGraph::add_need(Dice& dice, const GraphShape& shape, Node& node, const Node& other) {
  using detail::Take;
  detail::Need need{detail::Source::node, dice.percent(3)};
  need.node = &other.info;
  const std::size_t way = dice.below(100);
  if (way < 35 && shape.has_exclusive) need.take = Take::exclusive;
  else if (way < 55 && shape.has_lazy && can_await(node.behaviour.kind) && !other.info.options.capacity)
    need.take = Take::lazy;
  else if (way < 63) need.take = Take::attempt;
  else if (way < 68) need.take = Take::order;
  else if (way < 71) need.take = Take::guard;
  if (other.info.is_resource()) {
    std::vector<Lifetime> lifetimes;
    for (const Lifetime life : {Lifetime::last_use, Lifetime::handler, Lifetime::request}) {
      if (life <= other.info.shortest.lifetime) lifetimes.push_back(life);
    }
    need.lifetime = dice.one_of(lifetimes);
  }
  node.needs.push_back(need);
  return true;
}

void RandomGraph::add_layers(Dice& dice) {
  if (nodes_.size() < 2 || !dice.percent(25)) return;
  for (std::size_t layers = 1 + dice.below(3); layers > 0; --layers) {
    detail::GuardLayer layer;
    for (std::size_t guards = 1 + dice.below(3); guards > 0; --guards) {
      const detail::NodeInfo& guard = nodes_[dice.below(nodes_.size() - 1)]->info;
      if (!guard.is_resource()) layer.push_back(&guard);
    }
    if (!layer.empty()) layers_.push_back(std::move(layer));
  }
  request_.guard_layers = layers_;
}

void RandomGraph::look_at_plan() {
  const auto& steps = plan_->steps();
  edges_.resize(steps.size());
  last_use_.resize(steps.size());
  uncached_.resize(steps.size());
  for (const detail::Step& step : steps) {
    for (std::size_t i = 0; i < step.info->need_count; ++i) {
      const detail::Need& need = step.info->needs[i];
      if (need.source != detail::Source::node) continue;
      const std::size_t needed = step.inputs[i].at.step;
      edges_[step.index].push_back({needed, need.take});
      if (need.uncached) uncached_[needed] = true;
      if (need.lifetime == Lifetime::last_use) last_use_[needed] = true;
    }
  }
}

const Behaviour& RandomGraph::of(std::size_t step) const {
  return reinterpret_cast<const Node*>(plan_->steps()[step].info)->behaviour;
}

bool RandomGraph::has_failing_ends() const noexcept {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const auto& node) { return node->behaviour.end != Behaviour::End::good; });
}

// Every node as if nothing were ever stopped; of those whose failure nobody tries or awaits, the first wins.
std::optional<RandomGraph::Winner> RandomGraph::winner() const {
  using detail::Take;
  const std::size_t count = edges_.size();
  std::vector<int> failed(count);  // The status; 0 if it has made its value.
  for (std::size_t i = 0; i < count; ++i) {
    for (const Edge& edge : edges_[i]) {
      if (edge.take != Take::lazy && edge.take != Take::attempt && failed[edge.step] && !failed[i])
        failed[i] = failed[edge.step];
    }
    if (failed[i]) continue;
    for (const Edge& edge : edges_[i]) {
      if (edge.take == Take::lazy && of(i).awaits_lazy && !of(i).catches_lazy && failed[edge.step] && !failed[i])
        failed[i] = failed[edge.step];
    }
    if (!failed[i] && of(i).fails) failed[i] = status_of(i);
  }
  const std::vector<bool> guard = guards();
  std::vector<bool> hard = guard;
  hard.back() = true;
  for (std::size_t i = count; i-- > 0;) {
    if (!hard[i]) continue;
    for (const Edge& edge : edges_[i]) {
      if (edge.take != Take::lazy && edge.take != Take::attempt) hard[edge.step] = true;
    }
  }
  const std::size_t stage =
      static_cast<std::size_t>(std::find(guard.rbegin(), guard.rend(), true).base() - guard.begin());
  for (std::size_t i = 0; i < count; ++i) {
    if (hard[i] && failed[i]) return Winner{i, failed[i], i < stage, std::move(hard)};
  }
  return std::nullopt;
}

/// Which steps are guards themselves.
std::vector<bool> RandomGraph::guards() const {
  std::vector<bool> guards(edges_.size());
  for (const auto& layer : layers_) {
    for (const detail::NodeInfo* guard : layer) {
      const auto& steps = plan_->steps();
      const auto step = std::find_if(steps.begin(), steps.end(),
                                     [&](const auto& s) { return s.info == guard && !uncached_[s.index]; });
      guards[static_cast<std::size_t>(step - steps.begin())] = true;
    }
  }
  for (const auto& edges : edges_) {
    for (const Edge& edge : edges) {
      if (edge.take == detail::Take::guard) guards[edge.step] = true;
    }
  }
  return guards;
}

std::string RandomGraph::describe() const {
  static constexpr const char* takes[] = {"", "exclusive ", "after ", "guard ", "lazy ", "try "};
  static constexpr const char* kinds[] = {"coroutine", "plain", "on_loop", "resource", "sync_resource"};
  std::string text = plan_->policy() == Policy::sequential ? "sequential\n" : "";
  if (request_.observer) text += "observed\n";
  if (has_deadline()) text += "deadline\n";
  if (reads_body()) text += "body\n";
  const std::vector<bool> guard = guards();
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const Behaviour& behaviour = of(i);
    text += std::to_string(i) + (guard[i] ? " guard " : " ") + kinds[static_cast<int>(behaviour.kind)] +
            (last_use_[i] ? " last_use" : "") + (behaviour.fails ? " fails" : "") +
            (behaviour.end != Behaviour::End::good ? " ends badly" : "") + " set_up";
    for (const Waits how : behaviour.set_up) text += std::to_string(static_cast<int>(how));
    text += " tear_down";
    for (const Waits how : behaviour.tear_down) text += std::to_string(static_cast<int>(how));
    text += " (";
    for (const Edge& edge : edges_[i]) text += takes[static_cast<int>(edge.take)] + std::to_string(edge.step) + ", ";
    text += ")\n";
  }
  return text;
}

// --- the account ----------------------------------------------------------------------------------------------------

namespace {

std::vector<Account*>& accounts() {
  static std::vector<Account*> all;
  return all;
}

}  // namespace

Account::Account(const RandomGraph& graph, Exchange& exchange, testing::Schedule& schedule, Later later)
    : graph_(graph),
      request_(&exchange.request()),
      stop_(exchange.stop_token()),
      schedule_(schedule),
      later_(std::move(later)),
      steps_(graph.plan().steps().size()),
      readers_(steps_.size()),
      owners_(steps_.size()) {
  accounts().push_back(this);
}

Account::~Account() { std::erase(accounts(), this); }

Account& Account::of(const Request& request) {
  return **std::find_if(accounts().begin(), accounts().end(),
                        [&](const Account* account) { return account->request_ == &request; });
}

std::string Account::name(std::size_t step) const { return " (node " + std::to_string(step) + ")"; }

void Account::began(std::size_t step, detail::Resolver& resolver) {
  StepState& state = steps_[step];
  check(++state.began == 1, "a node ran twice" + name(step));
  check(!stop_.stop_requested() || !graph_.cancels_on_disconnect(),
        "a node began after the peer had left" + name(step));
  if (graph_.plan().policy() == Policy::sequential)
    check(running_ == lazy_waiters_, "two nodes of a sequential plan ran at the same time" + name(step));
  const detail::Step& in_plan = graph_.plan().steps()[step];
  for (std::size_t i = 0; i < in_plan.info->need_count; ++i) {
    const detail::Need& need = in_plan.info->needs[i];
    if (need.source != detail::Source::node || need.take != detail::Take::attempt) continue;
    if (!resolver.failure(in_plan.inputs[i]))
      check(steps_[in_plan.inputs[i].at.step].is_alive, "what was tried is neither there nor failed" + name(step));
  }
  state.running = true;
  ++running_;
  check_inputs(step, "when it began");
  occupy(step);
}

void Account::goes_on(std::size_t step) { check_inputs(step, "when it went on"); }

void Account::ended(std::size_t step) {
  check_inputs(step, "when it ended");
  vacate(step);
  steps_[step].running = false;
  --running_;
}

void Account::check_inputs(std::size_t step, const char* when) {
  for (const RandomGraph::Edge& edge : graph_.edges(step)) {
    if (edge.take == detail::Take::lazy || edge.take == detail::Take::attempt) continue;
    check(steps_[edge.step].is_alive && steps_[edge.step].closing == 0,
          std::string{"a node's input was not there "} + when + name(step));
  }
  for (const std::size_t lazy : steps_[step].lazies)
    check(steps_[lazy].is_alive && steps_[lazy].closing == 0, std::string{"a Lazy was gone "} + when + name(step));
}

void Account::occupy(std::size_t step) {
  for (const RandomGraph::Edge& edge : graph_.edges(step)) {
    if (edge.take == detail::Take::order || edge.take == detail::Take::lazy) continue;
    const bool alone = edge.take == detail::Take::exclusive;
    check(owners_[edge.step] == 0 && (!alone || readers_[edge.step] == 0),
          "what is exclusive was used by two at the same time" + name(step) + name(edge.step));
  }
  for (const RandomGraph::Edge& edge : graph_.edges(step)) {
    if (edge.take == detail::Take::exclusive) ++owners_[edge.step];
    else if (edge.take != detail::Take::order && edge.take != detail::Take::lazy) ++readers_[edge.step];
  }
}

void Account::vacate(std::size_t step) {
  for (const RandomGraph::Edge& edge : graph_.edges(step)) {
    if (edge.take == detail::Take::exclusive) --owners_[edge.step];
    else if (edge.take != detail::Take::order && edge.take != detail::Take::lazy) --readers_[edge.step];
  }
}

void Account::made(std::size_t step) {
  check(++steps_[step].made == 1, "a value was made twice" + name(step));
  steps_[step].is_alive = true;
}

void Account::died(std::size_t step) {
  check(steps_[step].is_alive, "a value died twice" + name(step));
  steps_[step].is_alive = false;
  const bool early = graph_.is_last_use(step);
  if (!early) check(running_ == 0, "a value died before all were joined" + name(step));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const StepState& state = steps_[i];
    if (!state.is_alive || (early && !graph_.is_resource(i))) continue;
    for (const RandomGraph::Edge& edge : graph_.edges(i)) {
      if (edge.step == step && edge.take != detail::Take::lazy)
        check(false, "a value died before its dependents" + name(step) + name(i));
    }
    if (std::find(state.lazies.begin(), state.lazies.end(), step) != state.lazies.end())
      check(false, "a value died before those who awaited it" + name(step) + name(i));
  }
}

void Account::closing(std::size_t step, const Outcome&) {
  StepState& state = steps_[step];
  check(++state.closing == 1, "a resource was torn down twice" + name(step));
  check(state.is_alive, "what was never set up was torn down" + name(step));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const bool uses = steps_[i].running || (graph_.is_resource(i) && steps_[i].is_alive);
    if (!uses) continue;
    for (const RandomGraph::Edge& edge : graph_.edges(i)) {
      if (edge.step == step && edge.take != detail::Take::lazy)
        check(false, "a resource was torn down while it was used" + name(step) + name(i));
    }
  }
  check_inputs(step, "when its tear-down began");
  occupy(step);
}

void Account::close_goes_on(std::size_t step) { check_inputs(step, "when its tear-down went on"); }

void Account::close_ended(std::size_t step) {
  check_inputs(step, "when its tear-down ended");
  vacate(step);
  ++steps_[step].closed;
}

void Account::used(std::size_t step, std::size_t lazy) {
  check(steps_[lazy].is_alive, "a Lazy gave what is not there" + name(step) + name(lazy));
  steps_[step].lazies.push_back(lazy);
}

void Account::judge(int status, bool is_exact, std::optional<int> body) {
  check(running_ == 0, "something is still in flight");
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const StepState& state = steps_[i];
    check(!state.is_alive, "a value was never destroyed" + name(i));
    if (graph_.is_resource(i))
      check(state.made == state.closed && state.closing == state.closed,
            "a set-up has not exactly one tear-down" + name(i));
  }
  if (!is_exact) return;
  const std::optional<RandomGraph::Winner> winner = graph_.winner();
  if (body.value_or(0) && graph_.reads_body() && !(winner && winner->is_guard)) {
    return check(status == *body, "a body that did not come was not the reply");
  }
  const int expected = winner ? winner->status : body && graph_.replies_badly() ? RandomGraph::bad_reply : 200;
  for (std::size_t i = 0; winner && i < winner->step; ++i)
    check(!winner->hard[i] || steps_[i].made == 1, "a node declared before the failure did not run" + name(i));
  check(status == expected,
        "the wrong failure won: " + std::to_string(status) + " in place of " + std::to_string(expected));
}

}  // namespace umbel::test
