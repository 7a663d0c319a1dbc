// SPDX-License-Identifier: MIT
#include "umbel/di/statistics.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

#include "histogram.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

using detail::Histogram;

/// What is counted of a node on one thread.
struct NodeCounts {
  std::size_t number;
  std::string name;
  std::size_t place;               // Among those of its route.
  NodeCounts* namesake = nullptr;  // Another one with the number, if overrides have given it several names.
  std::uint64_t total = 0, failed = 0, cancelled = 0, critical = 0;
  std::int64_t live = 0;
  Duration critical_time{};
  Histogram durations{};
};

/// Nodes in the order in which a request waited for them, as places among those of its route; of long ones the end.
class Chain {
public:
  static constexpr std::size_t most = 32;

  /// In front of those that are there.
  void prepend(std::size_t node) noexcept {
    if (size_ == most) return;
    ++size_;
    nodes_[most - size_] = static_cast<std::uint32_t>(node);
  }
  std::span<const std::uint32_t> nodes() const noexcept { return {nodes_.data() + most - size_, size_}; }
  bool operator==(const Chain& other) const noexcept { return std::ranges::equal(nodes(), other.nodes()); }

private:
  std::array<std::uint32_t, most> nodes_;  // The last `size_` of them.
  std::size_t size_ = 0;
};

struct ChainCounts {
  Chain chain;
  std::uint64_t count = 0;  // 0: the place is free.
  Duration time{};
};

struct RouteCounts {
  explicit RouteCounts(std::string_view t) : title(t) {}

  std::string title;
  std::uint64_t total = 0, failed = 0;
  std::int64_t live = 0;
  Histogram durations{};
  std::deque<NodeCounts> nodes{};  // They stay where they are.
  std::vector<NodeCounts*> by_number{};
  std::array<ChainCounts, 8> chains{};

  /// Null: there are too many.
  NodeCounts* node_of(std::size_t number, std::string_view name) {
    if (by_number.size() <= number) by_number.resize(number + 1);
    for (NodeCounts* node = by_number[number]; node; node = node->namesake) {
      if (node->name == name) return node;
    }
    constexpr std::size_t most_nodes = 8192;  // Twice as many as the largest plan has.
    if (nodes.size() == most_nodes) return nullptr;
    NodeCounts& node = nodes.emplace_back(NodeCounts{number, std::string{name}, nodes.size()});
    node.namesake = std::exchange(by_number[number], &node);
    return &node;
  }
  /// Of those that nobody can tell apart from newcomers the smallest goes, and leaves what it had.
  void add(const Chain& chain, Duration time) noexcept {
    const auto is_it = [&](const ChainCounts& one) { return one.count > 0 && one.chain == chain; };
    auto place = std::ranges::find_if(chains, is_it);
    if (place == chains.end()) {
      place = std::ranges::min_element(chains, {}, &ChainCounts::time);
      place->chain = chain;
    }
    ++place->count;
    place->time += time;
  }
};

/// A node of a request in flight.
struct Visit {
  NodeCounts* node = nullptr;  // Null: it was not requested.
  Time started{};
  Time ended{};  // If it has.
  std::span<const std::uint64_t> needs{};
  bool has_started = false;
  bool has_ended = false;
};

struct InFlight {
  const void* id = nullptr;
  InFlight* next = nullptr;  // In its bucket, or of the free ones.
  RouteCounts* route = nullptr;
  Time began{};
  std::vector<Visit> visits{};  // By number.
};

/// The last of those that have ended; null if none has.
const Visit* last_ended(const std::vector<Visit>& visits) noexcept {
  const Visit* last = nullptr;
  for (const Visit& visit : visits) {
    if (visit.has_ended && (!last || visit.ended >= last->ended)) last = &visit;
  }
  return last;
}

/// The same of those that `visit` had to wait for.
const Visit* last_needed(const std::vector<Visit>& visits, const Visit& visit) noexcept {
  const Visit* last = nullptr;
  for (std::size_t word = 0; word < visit.needs.size(); ++word) {
    for (std::uint64_t bits = visit.needs[word]; bits != 0; bits &= bits - 1) {
      const std::size_t number = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (number >= visits.size() || !visits[number].has_ended) continue;
      if (!last || visits[number].ended >= last->ended) last = &visits[number];
    }
  }
  return last;
}

}  // namespace

/// What the requests of one thread come to.
class Statistics::Shard {
public:
  void start(const RequestEvent& event) {
    const std::lock_guard lock{mutex_};
    RouteCounts& route = route_of(event.route);
    ++route.total;
    InFlight* const request = take();
    if (!request) return;
    ++route.live;
    request->id = event.id;
    request->route = &route;
    request->began = event.time;
    InFlight*& bucket = bucket_of(event.id);
    request->next = std::exchange(bucket, request);
  }

  void node(const NodeEvent& event) {
    const std::lock_guard lock{mutex_};
    InFlight* const request = find(event.id);
    if (!request) return;
    if (request->visits.size() <= event.number) request->visits.resize(event.number + 1);
    Visit& visit = request->visits[event.number];
    if (!visit.node) visit.node = request->route->node_of(event.number, event.node);
    if (visit.node) note(visit, *visit.node, event);
  }

  void reply(const ReplyEvent& event) {
    const std::lock_guard lock{mutex_};
    InFlight* const request = find(event.id);
    if (!request) return;
    request->route->durations.add(event.took);
    request->route->failed += event.status >= 500;
    add_chain(*request, event.took);
  }

  /// Whether it was one of ours.
  bool end(const void* id) noexcept {
    const std::lock_guard lock{mutex_};
    for (InFlight** link = &bucket_of(id); *link; link = &(*link)->next) {
      InFlight& request = **link;
      if (request.id != id) continue;
      *link = request.next;
      --request.route->live;
      request.visits.clear();
      request.next = std::exchange(free_, &request);
      return true;
    }
    return false;
  }

  /// Calls `f` for each route, while nothing changes.
  template <class F>
  void for_each_route(F f) const {
    const std::lock_guard lock{mutex_};
    for (const RouteCounts& route : routes_) f(route);
  }

private:
  static constexpr std::size_t most_in_flight = 16384;
  static constexpr std::size_t bucket_count = 4096;

  static void note(Visit& visit, NodeCounts& node, const NodeEvent& event) noexcept {
    switch (event.moment) {
      case Moment::requested:
        ++node.live;
        visit.needs = event.needs;
        return;
      case Moment::started:
        ++node.total;
        visit.started = event.time;
        visit.has_started = true;
        return;
      case Moment::suspended:
      case Moment::closing:
        return;
      case Moment::finished:
        node.durations.add(event.time - visit.started);
        if (!event.is_resource) --node.live;
        break;
      case Moment::failed:
        ++node.failed;
        --node.live;
        break;
      case Moment::cancelled:
        ++node.cancelled;
        --node.live;
        break;
      case Moment::closed:
        --node.live;
        node.failed += event.error != nullptr;
        return;
    }
    visit.ended = event.time;
    visit.has_ended = visit.has_started;
  }

  static void add_chain(const InFlight& request, Duration took) noexcept {
    Chain chain;
    const Visit* visit = last_ended(request.visits);
    if (!visit) return;
    while (visit) {
      const Visit* const before = last_needed(request.visits, *visit);
      const Time from = before ? before->ended : request.began;
      ++visit->node->critical;
      visit->node->critical_time += std::max(Duration::zero(), Duration{visit->ended - from});
      chain.prepend(visit->node->place);
      visit = before;
    }
    request.route->add(chain, took);
  }

  RouteCounts& route_of(std::string_view title) {
    const auto known = by_title_.find(title);
    if (known != by_title_.end()) return *known->second;
    RouteCounts& route = routes_.emplace_back(title);
    by_title_.emplace(route.title, &route);
    return route;
  }

  /// Null: there are too many.
  InFlight* take() {
    if (free_) return std::exchange(free_, free_->next);
    return requests_.size() < most_in_flight ? &requests_.emplace_back() : nullptr;
  }

  InFlight*& bucket_of(const void* id) noexcept {
    if (buckets_.empty()) buckets_.resize(bucket_count);
    // Blocks of memory: their addresses differ in the bits above.
    const auto number = reinterpret_cast<std::uintptr_t>(id) * 0x9e3779b97f4a7c15u;
    return buckets_[(number >> 32) % bucket_count];
  }
  InFlight* find(const void* id) noexcept {
    InFlight* request = bucket_of(id);
    while (request && request->id != id) request = request->next;
    return request;
  }

  mutable std::mutex mutex_;
  std::deque<RouteCounts> routes_;  // They stay where they are.
  std::unordered_map<std::string_view, RouteCounts*> by_title_;
  std::deque<InFlight> requests_;
  InFlight* free_ = nullptr;
  std::vector<InFlight*> buckets_;
};

namespace {

/// What all threads have counted, put together.
class Sum {
public:
  void add(const RouteCounts& more) {
    Route& route = routes_[more.title];
    route.live += more.live;
    route.total += more.total;
    route.failed += more.failed;
    route.durations.add(more.durations);
    for (const NodeCounts& node : more.nodes) add(route.nodes, node);
    for (const ChainCounts& one : more.chains) {
      if (one.count == 0) continue;
      std::vector<Key> keys;
      for (const std::uint32_t node : one.chain.nodes()) keys.push_back(key_of(more.nodes[node]));
      auto& [count, time] = route.chains[keys];
      count += one.count;
      time += one.time;
    }
  }

  std::vector<RouteStatistics> take() const {
    std::vector<RouteStatistics> all;
    for (const auto& [title, route] : routes_) all.push_back(finish(title, route));
    return all;
  }

private:
  using Key = std::pair<std::size_t, std::string>;
  using Nodes = std::map<Key, NodeCounts>;
  struct Route {
    std::uint64_t total = 0, failed = 0;
    std::int64_t live = 0;
    Histogram durations;
    Nodes nodes;
    std::map<std::vector<Key>, std::pair<std::uint64_t, Duration>> chains;
  };

  static Key key_of(const NodeCounts& node) { return {node.number, node.name}; }
  // What is torn down by another thread than it was made by is less than nothing there.
  static std::uint64_t positive(std::int64_t count) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
  }

  static void add(Nodes& nodes, const NodeCounts& more) {
    const auto [place, is_new] = nodes.try_emplace(key_of(more), more);
    if (is_new) return;
    NodeCounts& node = place->second;
    node.live += more.live;
    node.total += more.total;
    node.failed += more.failed;
    node.cancelled += more.cancelled;
    node.critical += more.critical;
    node.critical_time += more.critical_time;
    node.durations.add(more.durations);
  }

  static RouteStatistics finish(const std::string& title, const Route& from) {
    RouteStatistics route;
    route.title = title;
    route.live = positive(from.live);
    route.total = from.total;
    route.failed = from.failed;
    route.p50 = from.durations.quantile(0.5);
    route.p99 = from.durations.quantile(0.99);
    for (const auto& [key, node] : from.nodes) {
      route.nodes.push_back({node.number, node.name, positive(node.live), node.total, node.failed, node.cancelled,
                             node.durations.quantile(0.5), node.durations.quantile(0.99), node.critical,
                             node.critical_time});
    }
    const auto takes_less = [](const auto& a, const auto& b) { return a.second.second < b.second.second; };
    const auto longest = std::max_element(from.chains.begin(), from.chains.end(), takes_less);
    if (longest == from.chains.end()) return route;
    route.critical_count = longest->second.first;
    for (const Key& key : longest->first)
      route.critical_path.push_back(static_cast<std::size_t>(std::distance(from.nodes.begin(), from.nodes.find(key))));
    return route;
  }

  std::map<std::string, Route> routes_;
};

auto nanoseconds(Duration duration) { return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count(); }

void write_node(JsonWriter& json, const NodeStatistics& node) {
  json.begin_object().field("number", node.number).field("name", node.name).field("live", node.live);
  json.field("total", node.total).field("failed", node.failed).field("cancelled", node.cancelled);
  json.field("p50_ns", nanoseconds(node.p50)).field("p99_ns", nanoseconds(node.p99));
  json.field("critical", node.critical).field("critical_ns", nanoseconds(node.critical_time)).end_object();
}

void write_route(JsonWriter& json, const RouteStatistics& route) {
  json.begin_object().field("title", route.title).field("live", route.live).field("total", route.total);
  json.field("failed", route.failed).field("p50_ns", nanoseconds(route.p50)).field("p99_ns", nanoseconds(route.p99));
  json.field("critical_count", route.critical_count).key("critical_path").begin_array();
  for (const std::size_t place : route.critical_path) json.value(place);
  json.end_array().key("nodes").begin_array();
  for (const NodeStatistics& node : route.nodes) write_node(json, node);
  json.end_array().end_object();
}

}  // namespace

Statistics::Statistics() : shards_(std::make_unique<Shard[]>(shard_count)) {}
Statistics::~Statistics() = default;

Statistics::Shard& Statistics::own_shard() const noexcept {
  return shards_[1 + std::hash<std::thread::id>{}(std::this_thread::get_id()) % (shard_count - 1)];
}

/// What lives as long as the App may be made by one thread and torn down by another.
Statistics::Shard& Statistics::shard_of(std::string_view route) const noexcept {
  return route == "app" ? shards_[0] : own_shard();
}

void Statistics::request_started(const RequestEvent& event) noexcept {
  if (!event.route.empty()) shard_of(event.route).start(event);
}

void Statistics::node(const NodeEvent& event) noexcept { shard_of(event.route).node(event); }

void Statistics::replied(const ReplyEvent& event) noexcept {
  if (!event.route.empty()) shard_of(event.route).reply(event);
}

void Statistics::request_ended(const void* id, Time) noexcept {
  if (!own_shard().end(id)) shards_[0].end(id);
}

std::vector<RouteStatistics> Statistics::routes() const {
  Sum sum;
  for (std::size_t i = 0; i < shard_count; ++i)
    shards_[i].for_each_route([&](const RouteCounts& route) { sum.add(route); });
  return sum.take();
}

std::string Statistics::json() const {
  JsonWriter json;
  json.begin_object().key("routes").begin_array();
  for (const RouteStatistics& route : routes()) write_route(json, route);
  json.end_array().end_object();
  const Buffer out = std::move(json).take();
  return std::string{out.view()};
}

}  // namespace umbel
