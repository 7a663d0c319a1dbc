// SPDX-License-Identifier: MIT
#include "umbel/di/plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "limits.hpp"
#include "run_state.hpp"
#include "shared_nodes.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/provider.hpp"

namespace umbel::detail {

void StateTable::add(const StateInfo& info, void* object) { entries_.push_back({info.key, object}); }

void* StateTable::find(const StateInfo& info) const noexcept {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == info.key; });
  return found == entries_.end() ? nullptr : found->object;
}

void OverrideTable::set(const NodeInfo& original, const NodeInfo& replacement) {
  remove(original);
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), &original,
                                      [](const Entry& e, const NodeInfo* o) { return e.original < o; });
  entries_.insert(place, {&original, &replacement});
}

void OverrideTable::remove(const NodeInfo& original) noexcept {
  std::erase_if(entries_, [&](const Entry& e) { return e.original == &original; });
}

const NodeInfo& OverrideTable::find(const NodeInfo& node) const noexcept {
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), &node,
                                      [](const Entry& e, const NodeInfo* o) { return e.original < o; });
  return place != entries_.end() && place->original == &node ? *place->replacement : node;
}

bool OverrideTable::has_replacement(const NodeInfo& replacement) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.replacement == &replacement; });
}

namespace {

using Mask = std::vector<std::uint64_t>;

bool test(const Mask& mask, std::size_t bit) { return (mask[bit / 64] >> (bit % 64)) & 1; }
void set(Mask& mask, std::size_t bit) { mask[bit / 64] |= std::uint64_t{1} << (bit % 64); }
void unite(Mask& mask, const Mask& other) {
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] |= other[i];
}

constexpr std::size_t largest_plan = 4096;

bool find_shared(Resolver& resolver, std::uint32_t number, void* slot) {
  *static_cast<const void**>(slot) = resolver.shared(number);
  return true;
}
constexpr ValueInfo shared_value{Source::node, {}, {}, sizeof(void*), alignof(void*), find_shared, nullptr};

}  // namespace

class PlanBuilder {
public:
  PlanBuilder(const PlanRequest& request, std::vector<std::string>& problems)
      : request_(request), problems_(problems), plan_(std::make_unique<Plan>()) {}

  std::unique_ptr<const Plan> build() {
    plan_->title_ = request_.title;
    plan_->root_name_ = request_.root_name;
    plan_->policy_ = request_.policy;
    plan_->observer_ = request_.observer;
    if (request_.observer) plan_->blocked_after_ = request_.observer->blocked_after();
    plan_->respond_ = request_.respond;
    plan_->returns_response_ = request_.returns_response;
    plan_->deadline_ = request_.deadline;
    plan_->on_disconnect_ = request_.on_disconnect;
    plan_->body_limit_ = request_.body_limit;
    plan_->on_wrong_type_ = request_.on_wrong_type;
    plan_->streams_ = request_.streams;
    plan_->tear_down_limit_ = request_.tear_down_limit;
    plan_->shared_ = request_.shared;
    plan_->mappers_ = request_.mappers;
    plan_->calls_ = request_.calls;
    plan_->number_ = request_.number;
    bytes_ = sizeof(Resolver);
    plan_->capture_count_ = static_cast<std::uint32_t>(request_.path_names.size());
    plan_->captures_ = place(sizeof(Capture) * request_.path_names.size(), alignof(Capture));
    visit_guards();
    visit(*request_.root, Lifetime::automatic);
    if (streams_body_ && plan_->reads_body_) problem("it takes the body piece by piece, and as a whole, too");
    if (plan_->streams_) lengthen_for_stream();
    add_bodies();
    if (plan_->steps_.size() >= largest_plan) problem("the graph has more than 4095 nodes");
    finish_steps();
    find_held_and_soft();
    make_masks();
    make_regions();
    find_admissions();
    find_permits();
    place_records();
    list_closed();
    list_last_uses();
    list_destroyed_values();
    note_shortcuts();
    check_wrappers();
    plan_->guards_ = std::move(guards_);
    plan_->lifetimes_ = std::move(lifetimes_);
    return std::move(plan_);
  }

private:
  using Index = std::uint16_t;
  using Names = std::vector<std::string_view>;

  struct Edge {
    Index step;
    Take take;
  };
  // A node in its place, while the plan is being made.
  struct Visited {
    const NodeInfo* info;
    Lifetime lifetime;  // Two edges may want a resource for different times.
    Names scopes;       // Two ways to it may ask for different scopes.
    Index index;
  };
  // A Guard<f>, and what the way to it asks for.
  struct GuardEdge {
    const Need* need;
    Names scopes;
  };
  // The step of an edge Guard<f, uncached>.
  struct UncachedGuard {
    const Need* need;
    Names scopes;
    Index index;
  };
  // The shortest-lived of what a step uses, itself or through what has no lifetime of its own.
  struct Shortest {
    Lifetime lifetime = Lifetime::app;
    const NodeInfo* node = nullptr;
  };

  std::uint32_t place(std::size_t size, std::size_t align) {
    bytes_ = (bytes_ + align - 1) / align * align;
    const std::size_t at = bytes_;
    bytes_ += size;
    return static_cast<std::uint32_t>(at);
  }

  /// A sentence that starts with the path from the route to the node that is being visited.
  void problem(std::string_view what, const std::string& end = {}) {
    std::string text{request_.title};
    for (const NodeInfo* node : path_)
      text.append(" -> ").append(node == request_.root ? request_.root_name : node->name);
    problems_.push_back(text.append(end).append(": ").append(what));
  }

  /// Layer by layer: those of the App, of routers, of the route; then Guard<f> parameters, in the order of a walk; then
  /// what checks the body.
  void visit_guards() {
    for (const GuardLayer& layer : request_.guard_layers) visit_layer(layer);
    std::vector<GuardEdge> parameters;
    std::vector<std::pair<const NodeInfo*, Names>> seen;
    find_guards(*request_.root, parameters, seen);
    layer_start_ = plan_->steps_.size();
    for (GuardEdge& guard : parameters) guards_.push_back(visit_guard(guard));
    in_guard_stage_ = false;
    layer_start_ = plan_->steps_.size();
    for (GuardEdge& check : checks_) guards_.push_back(visit_guard(check));
    plan_->checks_body_ = !checks_.empty();
    plan_->guard_count_ = static_cast<std::uint32_t>(plan_->steps_.size());
  }

  void visit_layer(const GuardLayer& layer) {
    layer_start_ = plan_->steps_.size();
    for (const NodeInfo* guard : layer) {
      Need need{Source::node};
      need.node = guard;
      const NodeInfo& node = substitute(*guard);
      guards_.push_back(visit_once(node, lifetime_in_plan(need, node)));
    }
  }

  /// As the edge will take it.
  Index visit_guard(GuardEdge& guard) {
    const Need& need = *guard.need;
    const NodeInfo& node = need.original ? *need.node : substitute(*need.node);
    const Names outside = std::exchange(scopes_, std::move(guard.scopes));
    const Lifetime lifetime = lifetime_in_plan(need, node);
    const Index index = need.uncached ? visit_uncached(need, node, lifetime) : visit_once(node, lifetime);
    scopes_ = outside;
    return index;
  }

  void find_guards(const NodeInfo& node, std::vector<GuardEdge>& found,
                   std::vector<std::pair<const NodeInfo*, Names>>& seen) {
    const std::pair<const NodeInfo*, Names> here{&node, scopes_of(node)};
    if (std::find(seen.begin(), seen.end(), here) != seen.end()) return;
    seen.push_back(here);
    for (std::size_t i = 0; i < node.need_count; ++i) {
      const Need& need = node.needs[i];
      if (need.source != Source::node) continue;
      const NodeInfo& needed = need.original ? *need.node : substitute(*need.node);
      if (needed.is_shared()) continue;
      const Names outside = with_scopes(need.scopes);
      find_guards(needed, found, seen);
      if (need.take == Take::guard) found.push_back({&need, scopes_});
      if (need.take == Take::check) checks_.push_back({&need, scopes_});
      scopes_ = outside;
    }
  }

  /// Adds what an edge asks for. Returns what was asked for before.
  Names with_scopes(const ScopeList& more) {
    Names outside = scopes_;
    for (std::size_t i = 0; i < more.count; ++i) {
      if (std::find(scopes_.begin(), scopes_.end(), more.names[i]) == scopes_.end()) scopes_.push_back(more.names[i]);
    }
    return outside;
  }

  /// What tells one node of a provider from another: a set, of those who look at it.
  Names scopes_of(const NodeInfo& node) const {
    if (!node.reads_scopes) return {};
    Names names = scopes_;
    std::sort(names.begin(), names.end());
    return names;
  }

  const NodeInfo& substitute(const NodeInfo& node) const {
    return request_.overrides ? request_.overrides->find(node) : node;
  }

  /// Depth first, dependencies before dependents, each node once. Returns the node's step.
  Index visit(const NodeInfo& node, Lifetime lifetime) {
    // Uncached edges multiply: a graph that is refused anyway is not walked to its end.
    if (plan_->steps_.size() >= largest_plan) return 0;
    path_.push_back(&node);
    std::vector<Edge> edges;
    std::vector<Input> inputs(node.need_count);
    for (std::size_t i = 0; i < node.need_count; ++i) {
      if (node.needs[i].source == Source::node) inputs[i] = meet_node(node.needs[i], edges);
    }
    std::vector<Index> values;
    for (const std::size_t i : values_in_order(node)) inputs[i] = meet(node.needs[i], values);
    check_lifetime(node, lifetime, edges);
    const Index index = static_cast<Index>(plan_->steps_.size());
    const void* const object = &node == request_.root && request_.callable ? request_.callable : node.object;
    plan_->steps_.push_back(
        Step{node.run, nullptr, object, place(node.size, node.align), 0, 0, node.kind, index, &node});
    edges_.push_back(std::move(edges));
    inputs_.push_back(std::move(inputs));
    lifetimes_.push_back(node.is_resource() ? lifetime : Lifetime::automatic);
    layer_starts_.push_back(layer_start_);
    for (const Index value : values) plan_->guard_takes_.push_back({value, index});
    path_.pop_back();
    return index;
  }

  /// The needs that are no nodes: as FastAPI reports them, path, query, header, cookie, then the rest.
  static std::vector<std::size_t> values_in_order(const NodeInfo& node) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < node.need_count; ++i) {
      if (node.needs[i].source != Source::node) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::pair{node.needs[a].source, a} < std::pair{node.needs[b].source, b};
    });
    return order;
  }

  Index visit_once(const NodeInfo& node, Lifetime lifetime) {
    const Lifetime key = node.is_resource() ? lifetime : Lifetime::automatic;
    Names scopes = scopes_of(node);
    const auto known = std::find_if(visited_.begin(), visited_.end(), [&](const Visited& v) {
      return v.info == &node && v.lifetime == key && v.scopes == scopes;
    });
    if (known != visited_.end()) return known->index;
    const Index index = visit(node, key);
    visited_.push_back({&node, key, std::move(scopes), index});
    return index;
  }

  Index visit_uncached(const Need& need, const NodeInfo& node, Lifetime lifetime) {
    const Names scopes = scopes_of(node);
    const auto known = std::find_if(uncached_guards_.begin(), uncached_guards_.end(), [&](const UncachedGuard& guard) {
      return guard.need == &need && guard.scopes == scopes;
    });
    if (known != uncached_guards_.end()) return known->index;
    const Index index = visit(node, lifetime);
    if (need.take == Take::guard) uncached_guards_.push_back({&need, scopes, index});
    return index;
  }

  Input meet_node(const Need& need, std::vector<Edge>& edges) {
    const NodeInfo& node = need.original ? *need.node : substitute(*need.node);
    if (node.is_shared() && node.options.lifetime > request_.level) return shared_input(node);
    if (node.is_shared() && request_.shared) request_.shared->number_of(node);
    if (std::find(path_.begin(), path_.end(), &node) != path_.end()) {
      problem("it stands in for what it needs itself, here or further down; a decorator takes Original<f>",
              " -> " + std::string{node.name});
      return {};
    }
    const Lifetime lifetime = node.is_resource() ? lifetime_in_plan(need, node) : Lifetime::automatic;
    Names outside = with_scopes(need.scopes);
    const Index index = need.uncached ? visit_uncached(need, node, lifetime) : visit_once(node, lifetime);
    scopes_ = std::move(outside);
    edges.push_back({index, need.take});
    Input input{};
    input.at.offset = plan_->steps_[index].slot;
    input.at.step = index;
    input.at.view = node.is_pointer ? View::pointer : node.view ? View::by_node : View::direct;
    return input;
  }

  /// What others have made, and requests share, is taken like a parameter.
  Input shared_input(const NodeInfo& node) {
    Input input{};
    input.at.view = View::pointer;
    if (!request_.shared) return input;
    const std::optional<std::uint32_t> known = request_.shared->number_of(node);
    if (!known)
      problem("no route takes it, so it is not there: app.keep<" + std::string{node.name} + ">()",
              " -> " + std::string{node.name});
    const std::uint32_t number = known.value_or(0);
    for (const PlannedValue& value : plan_->values_) {
      if (value.info == &shared_value && value.index == number) {
        input.at.offset = value.slot;
        return input;
      }
    }
    input.at.offset = place(shared_value.size, shared_value.align);
    plan_->values_.push_back({&shared_value, input.at.offset, number});
    return input;
  }

  /// Of a resource in this plan.
  Lifetime lifetime_in_plan(const Need& need, const NodeInfo& node) const {
    const Lifetime said = need.lifetime != Lifetime::automatic ? need.lifetime : node.options.lifetime;
    if (said != Lifetime::automatic) return said;
    return request_.streams ? Lifetime::request : Lifetime::handler;
  }

  /// What types cannot show: below the node stands something with needs of its own in place of what it names.
  void check_lifetime(const NodeInfo& node, Lifetime lifetime, const std::vector<Edge>& edges) {
    Shortest shortest;
    for (const Edge& edge : edges) {
      const NodeInfo& needed = *plan_->steps_[edge.step].info;
      Shortest life = shortest_[edge.step];
      if (needed.is_resource()) life = {lifetimes_[edge.step], &needed};
      if (needed.is_shared()) life = {needed.options.lifetime, &needed};
      if (life.lifetime < shortest.lifetime) shortest = life;
    }
    shortest_.push_back(shortest);
    const Lifetime own = node.is_shared() ? node.options.lifetime : lifetime;
    const bool has_life = node.is_shared() || node.is_resource();
    if (has_life && shortest.lifetime < own) problem("it outlives what it uses: " + std::string{shortest.node->name});
  }

  /// For the plan a stream is done when it has begun: what ends with its last use must not end under it, nor must what
  /// that uses.
  void lengthen_for_stream() {
    const std::size_t root = plan_->steps_.size() - 1;
    std::vector<bool> is_wanted(root);
    for (const Edge& edge : edges_[root]) is_wanted[edge.step] = lifetimes_[edge.step] == Lifetime::last_use;
    for (std::size_t i = root; i-- > 0;) {
      if (!is_wanted[i]) continue;
      if (plan_->steps_[i].info->is_resource()) lifetimes_[i] = Lifetime::request;
      for (const Edge& edge : edges_[i]) is_wanted[edge.step] = true;
    }
  }

  /// The same of what requests share, and of guards.
  void check_moment(const Need& need) {
    const bool is_shared = request_.level >= Lifetime::loop;
    if (is_shared && comes_with_the_request(need.source))
      problem("requests share what it is part of, so that it cannot take what only a request brings");
    if (in_guard_stage_ && (need.source == Source::body || need.source == Source::body_stream))
      problem("guards run before the body is read, and it takes the body");
  }

  Input meet(const Need& need, std::vector<Index>& values) {
    Input input{};
    check_moment(need);
    switch (need.source) {
      case Source::path:
      case Source::query:
      case Source::header:
      case Source::cookie: {
        const Index index = value_index(*need.value);
        values.push_back(index);
        input.at.offset = plan_->values_[index].slot;
        break;
      }
      case Source::state:
        input.object = state_of(*need.state);
        break;
      case Source::body:
        plan_->reads_body_ = true;
        if (need.value) input.at.offset = body_slot(*need.value);
        break;
      case Source::body_stream:
        if (std::exchange(streams_body_, true)) problem("it takes the body piece by piece, and so does another node");
        input.at.offset = own_value(*need.value);
        break;
      case Source::scopes:
        input.object = plan_->scope_sets_.emplace_back(std::make_unique<ScopeSet>(ScopeSet{scopes_})).get();
        break;
      case Source::response_head:
        plan_->takes_head_ = true;
        input.at.offset = own_value(*need.value);
        break;
      case Source::background:
        plan_->takes_background_ = true;
        input.at.offset = own_value(*need.value);
        break;
      default:
        break;
    }
    return input;
  }

  Index value_index(const ValueInfo& info) {
    for (std::size_t i = 0; i < plan_->values_.size(); ++i) {
      if (plan_->values_[i].info == &info) return static_cast<Index>(i);
    }
    std::uint32_t index = 0;
    if (info.source == Source::path) {
      const auto& names = request_.path_names;
      const auto found = std::find(names.begin(), names.end(), info.name);
      if (found == names.end())
        problem("it takes " + std::string{info.title} + ", which the route's template does not have");
      index = static_cast<std::uint32_t>(found - names.begin());
    }
    const std::uint32_t slot = place(info.size, info.align);
    plan_->values_.push_back({&info, slot, index});
    return static_cast<Index>(plan_->values_.size() - 1);
  }

  std::uint32_t body_slot(const ValueInfo& info) {
    for (const PlannedValue& body : bodies_) {
      if (body.info == &info) return body.slot;
    }
    return bodies_.emplace_back(PlannedValue{&info, place(info.size, info.align), 0}).slot;
  }

  /// Behind all other values, since they are made later.
  void add_bodies() {
    plan_->first_body_ = static_cast<std::uint32_t>(plan_->values_.size());
    for (const PlannedValue& body : bodies_) plan_->has_named_bodies_ |= body.info->name != bodies_[0].info->name;
    for (const PlannedValue& body : bodies_) {
      if (plan_->has_named_bodies_ && body.info->name.empty())
        problem("it takes several bodies, and " + std::string{body.info->title} +
                " has no name that would make it a member of the body: Body<T, \"name\">");
    }
    plan_->values_.insert(plan_->values_.end(), bodies_.begin(), bodies_.end());
  }

  /// What the step that is about to be added has to itself.
  std::uint32_t own_value(const ValueInfo& info) {
    const std::uint32_t slot = place(info.size, info.align);
    plan_->values_.push_back({&info, slot, static_cast<std::uint32_t>(plan_->steps_.size())});
    return slot;
  }

  void* state_of(const StateInfo& info) {
    void* const object = request_.states->find(info);
    if (!object)
      problem("the application has no such state; give it with app.state(...)", " -> " + std::string{info.title});
    return object;
  }

  void finish_steps() {
    std::size_t count = 0;
    for (const auto& inputs : inputs_) count += inputs.size();
    plan_->inputs_.reserve(count);  // Steps point into it.
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      plan_->steps_[i].inputs = plan_->inputs_.data() + plan_->inputs_.size();
      plan_->inputs_.insert(plan_->inputs_.end(), inputs_[i].begin(), inputs_[i].end());
    }
  }

  /// Which steps run only when they are awaited, and which may fail without failing the request: those to which no
  /// way leads from the root or a guard but through a Lazy, or through a Lazy or a Try.
  void find_held_and_soft() {
    const std::size_t count = plan_->steps_.size();
    std::vector<bool> eager(count), hard(count);
    for (std::size_t i = 0; i < count; ++i) eager[i] = hard[i] = is_start(i);
    for (std::size_t i = count; i-- > 0;) {
      for (const Edge& edge : edges_[i]) {
        if (edge.take == Take::lazy) continue;
        if (eager[i]) eager[edge.step] = true;
        if (hard[i] && edge.take != Take::attempt) hard[edge.step] = true;
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!eager[i]) plan_->held_.push_back(static_cast<Index>(i));
    }
    if (std::find(hard.begin(), hard.end(), false) == hard.end()) return;
    hard.flip();
    plan_->soft_ = std::move(hard);
  }

  /// The root, and each guard itself, whoever else takes it.
  bool is_start(std::size_t step) const {
    return step + 1 == plan_->steps_.size() || std::find(guards_.begin(), guards_.end(), step) != guards_.end();
  }

  void make_masks() {
    const std::size_t words = plan_->words();
    const auto orders = exclusive_orders();
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      Mask needs(words);
      std::vector<Index> taken;
      for (const Edge& edge : edges_[i]) {
        if (edge.take == Take::lazy) continue;
        set(needs, edge.step);
        taken.push_back(edge.step);
      }
      for (const Index before : orders[i]) set(needs, before);
      // A layer of guards is a barrier, and so is the guard stage.
      const std::size_t barrier = i < plan_->guard_count_ ? layer_starts_[i] : plan_->guard_count_;
      for (std::size_t before = 0; before < barrier; ++before) {
        if (!is_held(before)) set(needs, before);
      }
      Mask ancestors = needs;
      for (std::size_t before = 0; before < i; ++before) {
        if (test(needs, before)) unite(ancestors, ancestors_[before]);
      }
      plan_->need_masks_.insert(plan_->need_masks_.end(), needs.begin(), needs.end());
      ancestors_.push_back(std::move(ancestors));
      plan_->edges_.push_back(std::move(taken));
    }
  }

  /// For each step, those before it that must not run at the same time: one of the two takes a third exclusively.
  std::vector<std::vector<Index>> exclusive_orders() {
    std::vector<std::vector<Index>> orders(edges_.size());
    if (!takes(Take::exclusive)) return orders;
    for (std::size_t later = 0; later < edges_.size(); ++later) {
      for (std::size_t before = 0; before < later; ++before) {
        if (excludes(before, later)) orders[later].push_back(static_cast<Index>(before));
      }
    }
    return orders;
  }

  /// Whether anybody takes anything like that.
  bool takes(Take take) const {
    return std::any_of(edges_.begin(), edges_.end(), [&](const std::vector<Edge>& edges) {
      return std::any_of(edges.begin(), edges.end(), [&](const Edge& e) { return e.take == take; });
    });
  }

  bool excludes(std::size_t one, std::size_t other) {
    for (const Edge& a : edges_[one]) {
      for (const Edge& b : edges_[other]) {
        if (a.step != b.step || (a.take != Take::exclusive && b.take != Take::exclusive)) continue;
        if (a.take == Take::order || b.take == Take::order) continue;
        if (is_held(one) || is_held(other) || a.take == Take::lazy || b.take == Take::lazy)
          problem("it takes " + std::string{plan_->steps_[a.step].info->name} +
                  " exclusively, and is reached through a Lazy: nobody could say when its turn is");
        return true;
      }
    }
    return false;
  }

  bool is_held(std::size_t step) const {
    return std::binary_search(plan_->held_.begin(), plan_->held_.end(), static_cast<Index>(step));
  }

  Mask needs_of(std::size_t step) const {
    const std::uint64_t* const mask = plan_->need_mask(step);
    return {mask, mask + plan_->words()};
  }

  /// A plain node joins the chain that ends in one of its needs, if nothing is lost by it: whatever else it needs is
  /// done when the chain starts, and nobody but its own dependents waits for what the chain has made so far.
  void make_regions() {
    plan_->region_of_.assign(plan_->steps_.size(), Plan::no_region);
    for (const Step& step : plan_->steps_) {
      if (!step.info->runs_on_worker()) continue;
      if (!join_region(step.index)) open_region(step.index);
    }
  }

  void open_region(Index step) {
    plan_->region_of_[step] = static_cast<Index>(plan_->regions_.size());
    plan_->regions_.push_back(Region{{step}, needs_of(step), 0});
  }

  bool join_region(Index step) {
    for (const Edge& edge : edges_[step]) {
      const Index number = plan_->region_of_[edge.step];
      if (number == Plan::no_region || edge.take == Take::lazy) continue;
      Region& region = plan_->regions_[number];
      if (region.steps.back() != edge.step || !may_share_a_hop(edge.step, step)) continue;
      if (!is_done_before(region, step) || somebody_else_waits(edge.step, step)) continue;
      if (plan_->policy_ == Policy::sequential && edge.step + 1 != step) continue;
      region.steps.push_back(step);
      plan_->region_of_[step] = number;
      return true;
    }
    return false;
  }

  /// Between guards and the rest lies the validation; a failure that is only a value is noticed on the loop.
  bool may_share_a_hop(Index before, Index step) const {
    const bool both_guards = (before < plan_->guard_count_) == (step < plan_->guard_count_);
    const NodeInfo& a = *plan_->steps_[before].info;
    const NodeInfo& b = *plan_->steps_[step].info;
    return both_guards && !plan_->is_soft(before) && !plan_->is_soft(step) && a.options.lane == b.options.lane &&
           lifetimes_[before] != Lifetime::last_use;
  }

  // --- what is limited ---

  void find_admissions() {
    for (Region& region : plan_->regions_) {
      const std::string_view name = plan_->steps_[region.steps.front()].info->options.lane;
      region.lane = lane_of(plan_->steps_[region.steps.front()]);
      const auto same = [&](const Admission& a) { return a.lane == region.lane; };
      if (std::none_of(plan_->admissions_.begin(), plan_->admissions_.end(), same))
        plan_->admissions_.push_back({region.lane, width_of(name)});
    }
  }

  Lane* lane_of(const Step& step) {
    const std::string_view name = step.info->options.lane;
    if (name.empty()) return nullptr;
    Lane* const lane = request_.limits ? request_.limits->lane(name) : nullptr;
    if (!lane)
      problems_.push_back(std::string{request_.title} + " -> " + std::string{step.info->name} +
                          ": the application has no lane \"" + std::string{name} + "\"; give it with app.lane(...)");
    return lane;
  }

  /// How many regions of a lane can be away at once: the largest set in which none comes before another. By Dilworth's
  /// theorem that is how many there are, less the edges of a largest matching in the order.
  std::size_t width_of(std::string_view lane) const {
    std::vector<const Region*> regions;
    for (const Region& region : plan_->regions_) {
      if (plan_->steps_[region.steps.front()].info->options.lane == lane) regions.push_back(&region);
    }
    constexpr std::size_t unmatched = ~std::size_t{0};
    std::vector<std::size_t> match(regions.size(), unmatched);
    std::size_t matched = 0;
    if (regions.size() > 256) return regions.size();  // Not worth the time: a bound.
    for (std::size_t i = 0; i < regions.size(); ++i) {
      std::vector<bool> tried(regions.size());
      matched += find_match(regions, i, match, tried);
    }
    return regions.size() - matched;
  }

  bool find_match(const std::vector<const Region*>& regions, std::size_t before, std::vector<std::size_t>& match,
                  std::vector<bool>& tried) const {
    for (std::size_t after = 0; after < regions.size(); ++after) {
      if (tried[after] || !comes_before(*regions[before], *regions[after])) continue;
      tried[after] = true;
      if (match[after] == ~std::size_t{0} || find_match(regions, match[after], match, tried)) {
        match[after] = before;
        return true;
      }
    }
    return false;
  }

  bool comes_before(const Region& a, const Region& b) const {
    return &a != &b && std::any_of(a.steps.begin(), a.steps.end(),
                                   [&](Index step) { return test(ancestors_[b.steps.front()], step); });
  }

  void find_permits() {
    for (const Step& step : plan_->steps_) {
      if (step.info->options.capacity == 0 || !request_.limits) continue;
      const std::size_t number = request_.limits->number_of(*step.info);
      for (const Permit& other : plan_->permits_) {
        if (other.number == number)
          problems_.push_back(std::string{request_.title} + ": it takes " + std::string{step.info->name} +
                              " twice, which has a capacity: requests could wait for one another");
      }
      plan_->permits_.push_back({&request_.limits->permits(number), number, step.index});
      plan_->guards_need_permits_ |= step.index < plan_->guard_count_;
    }
    std::sort(plan_->permits_.begin(), plan_->permits_.end(),
              [](const Permit& a, const Permit& b) { return a.number < b.number; });
    if (plan_->permits_.size() > 64) problem("it takes more than 64 resources that have a capacity");
  }

  bool is_in(const Region& region, Index step) const {
    return std::find(region.steps.begin(), region.steps.end(), step) != region.steps.end();
  }

  bool is_done_before(const Region& region, Index step) const {
    Mask before = region.needs;
    for (std::size_t i = 0; i < plan_->steps_.size(); ++i) {
      if (test(region.needs, i)) unite(before, ancestors_[i]);
    }
    const Mask needs = needs_of(step);
    for (Index need = 0; need < step; ++need) {
      if (test(needs, need) && !is_in(region, need) && !test(before, need)) return false;
    }
    return true;
  }

  /// Whether a node that needs `made` could start before `step` is done.
  bool somebody_else_waits(Index made, Index step) const {
    for (Index other = 0; other < plan_->steps_.size(); ++other) {
      if (other == step || test(ancestors_[other], step)) continue;
      if (AsyncState::test(plan_->need_mask(other), made)) return true;
    }
    return false;
  }

  void place_records() {
    for (Step& step : plan_->steps_) {
      step.env = Resolver::env_offset();
      const bool waits = step.kind == NodeKind::coroutine || step.kind == NodeKind::resource;
      if (waits) step.env = place(sizeof(NodeRun), alignof(NodeRun));
      if (step.info->is_resource())
        step.record = place(sizeof(ResourceRun) + sizeof(Closing), std::max(alignof(ResourceRun), alignof(Closing)));
    }
    for (Region& region : plan_->regions_) {
      region.record = place(sizeof(RegionRun), alignof(RegionRun));
      for (const Index step : region.steps) plan_->steps_[step].env = region.record;
    }
    plan_->response_ = place(sizeof(Response), alignof(Response));
    plan_->async_ = place(AsyncState::bytes(plan_->steps_.size()), alignof(AsyncState));
    if (plan_->takes_background_) plan_->task_run_ = place(sizeof(TaskRun), alignof(TaskRun));
    if (bytes_ > std::numeric_limits<std::uint32_t>::max() / 2) problem("its values take more than 2 GiB");
    plan_->bytes_ = static_cast<std::uint32_t>(bytes_);
  }

  /// What is made is ended in reverse order of making: a resource when its lifetime is over, every other value before
  /// the resources that it may refer to.
  void list_closed() {
    std::vector<bool> uses_handler_resource(plan_->steps_.size());
    for (const Step& step : plan_->steps_) {
      const Lifetime lifetime = lifetimes_[step.index];
      const bool is_short = step.info->is_resource() && lifetime != Lifetime::request;
      bool uses = is_short;
      for (const Edge& edge : edges_[step.index]) {
        uses |= uses_handler_resource[edge.step] && !(step.info->is_resource() && lifetime == Lifetime::request);
      }
      uses_handler_resource[step.index] = uses;
      Closes closes = Closes::never;
      const bool is_stream = plan_->streams_ && step.index + 1u == plan_->steps_.size();
      if (step.info->is_resource() || step.info->destroy)
        closes = uses && !is_stream ? Closes::handler : Closes::request;
      plan_->closes_.push_back(closes);
      if (closes != Closes::never) plan_->closed_.push_back(step.index);
    }
  }

  void list_last_uses() {
    for (std::size_t i = plan_->steps_.size(); i-- > 0;) {
      if (lifetimes_[i] != Lifetime::last_use) continue;
      LastUse use{static_cast<Index>(i), Mask(plan_->words()), {}};
      for (std::size_t user = i + 1; user < plan_->steps_.size(); ++user) {
        // A tear-down uses what the resource uses: it must not overlap with others if one of them wants it alone.
        if (!takes(user, i) && !excludes(i, user)) continue;
        set(use.users, user);
        if (lifetimes_[user] == Lifetime::last_use) use.dependents.push_back(static_cast<Index>(user));
      }
      plan_->last_uses_.push_back(std::move(use));
    }
  }

  bool takes(std::size_t user, std::size_t step) const {
    const auto& edges = edges_[user];
    return std::any_of(edges.begin(), edges.end(), [&](const Edge& e) { return e.step == step; });
  }

  void list_destroyed_values() {
    for (std::size_t i = 0; i < plan_->values_.size(); ++i) {
      if (plan_->values_[i].info->destroy) plan_->values_destroyed_.push_back(static_cast<Index>(i));
    }
    std::erase_if(plan_->guard_takes_, [&](const ValueTaker& taker) { return taker.step >= plan_->guard_count_; });
  }

  void note_shortcuts() {
    const auto& steps = plan_->steps_;
    plan_->step_count_ = static_cast<std::uint32_t>(steps.size());
    const auto worker =
        std::find_if(steps.begin(), steps.end(), [](const Step& s) { return s.info->runs_on_worker(); });
    plan_->sweep_end_ = static_cast<std::uint32_t>(worker - steps.begin());
    plan_->is_tracked_ = plan_->observer_ || takes(Take::lazy) || !plan_->soft_.empty() || !plan_->last_uses_.empty() ||
                         plan_->checks_body_ || (plan_->guard_count_ > 0 && plan_->reads_body_);
    plan_->starts_specially_ = plan_->is_tracked_ || plan_->deadline_ > Duration::zero() ||
                               !plan_->admissions_.empty() || !plan_->permits_.empty();
    plan_->ends_in_turns_ = plan_->streams_ || plan_->takes_head_ || plan_->takes_background_ ||
                            std::any_of(steps.begin(), steps.end(), [this](const Step& s) {
                              return s.info->is_resource() && plan_->closes_[s.index] != Closes::handler;
                            });
    const auto& closed = plan_->closed_;
    const bool only_root =
        closed.empty() || (closed.size() == 1 && closed[0] + 1u == steps.size() && !steps.back().info->is_resource());
    plan_->ends_simply_ = only_root && plan_->values_destroyed_.empty() && !plan_->streams_;
    const bool runs_through =
        std::all_of(steps.begin(), steps.end(), [](const Step& s) { return s.kind == NodeKind::on_loop; });
    plan_->fits_stack_ = runs_through && !plan_->reads_body_ && !plan_->starts_specially_ &&
                         !plan_->takes_background_ && !plan_->mappers_ && bytes_ <= Plan::stack_block;
  }

  void check_wrappers() {
    for (const Step& wrapper : plan_->steps_) {
      if (!wrapper.info->wraps) continue;
      for (const Step& step : plan_->steps_) {
        if (step.info == wrapper.info->wraps)
          problem("it names both " + std::string{step.info->name} + " and " + wrapper_name(*wrapper.info) +
                  ", which would run it twice: name one of them everywhere");
      }
    }
  }

  static std::string wrapper_name(const NodeInfo& wrapper) {
    if (wrapper.name != wrapper.wraps->name) return std::string{wrapper.name};
    return "on_loop<" + std::string{wrapper.name} + ">";
  }

  const PlanRequest& request_;
  std::vector<std::string>& problems_;
  std::unique_ptr<Plan> plan_;
  std::size_t bytes_ = 0;
  std::vector<const NodeInfo*> path_;  // From the root to the node that is being visited.
  std::vector<Visited> visited_;
  Names scopes_;  // That the way from the root asks for.
  std::vector<std::vector<Edge>> edges_;
  std::vector<std::vector<Input>> inputs_;
  std::vector<Lifetime> lifetimes_;  // Of each step that is a resource.
  std::vector<Shortest> shortest_;   // Of each step.
  std::vector<Index> guards_;
  std::vector<GuardEdge> checks_;  // What reads the body behind them: a last layer.
  std::vector<UncachedGuard> uncached_guards_;
  std::vector<std::size_t> layer_starts_;  // For each step, where its layer of guards starts.
  std::size_t layer_start_ = 0;
  bool in_guard_stage_ = true;
  bool streams_body_ = false;  // Somebody reads it piece by piece.
  std::vector<PlannedValue> bodies_;
  std::vector<Mask> ancestors_;  // All that is done before a step starts.
};

namespace {

constexpr std::string_view kind_name(NodeKind kind) noexcept {
  switch (kind) {
    case NodeKind::coroutine:
      return "coroutine";
    case NodeKind::plain:
      return "plain";
    case NodeKind::on_loop:
      return "on_loop";
    case NodeKind::resource:
      return "resource";
    case NodeKind::sync_resource:
      return "sync_resource";
  }
  return {};
}

void add_take(std::vector<std::string>& takes, const Need& need) {
  switch (need.source) {
    case Source::node:
      return;
    case Source::path:
    case Source::query:
    case Source::header:
    case Source::cookie:
      return void(takes.emplace_back(need.value->title));
    case Source::state:
      return void(takes.emplace_back(need.state->title));
    case Source::body:
      return void(takes.emplace_back(need.value ? need.value->title : "Body"));
    case Source::body_stream:
      return void(takes.emplace_back("BodyStream"));
    case Source::request:
      return void(takes.emplace_back("Request"));
    case Source::stop_token:
      return void(takes.emplace_back("StopToken"));
    case Source::deadline:
      return void(takes.emplace_back("Deadline"));
    case Source::peer:
      return void(takes.emplace_back("Peer"));
    case Source::scopes:
      return void(takes.emplace_back("Scopes"));
    case Source::response_head:
      return void(takes.emplace_back("ResponseHead"));
    case Source::background:
      return void(takes.emplace_back("Background"));
    case Source::thrown:
      return void(takes.emplace_back("the exception"));
  }
}

}  // namespace

Response Plan::respond(const Resolver& resolver, void* slot) const {
  if (!respond_) return std::move(*static_cast<Response*>(slot));
  alignas(Response) std::byte room[sizeof(Response)];
  Response& made = *respond_(resolver, slot, room);
  Response response = std::move(made);
  made.~Response();
  return response;
}

GraphNode Plan::describe_step(const Step& step) const {
  GraphNode node{std::string{name_of(step.index)}, std::string{kind_name(step.kind)}, {}, {}};
  node.needs.assign(edges_[step.index].begin(), edges_[step.index].end());
  for (std::size_t i = 0; i < step.info->need_count; ++i) add_take(node.takes, step.info->needs[i]);
  if (step.info->runs_on_worker()) node.hop = region_of_[step.index] + 1u;
  return node;
}

std::unique_ptr<const Plan> Plan::compile(const PlanRequest& request, std::vector<std::string>& problems) {
  return PlanBuilder{request, problems}.build();
}

}  // namespace umbel::detail
