// SPDX-License-Identifier: MIT
#pragma once
// How often, how long, and what each request waited for: counts per node and route, kept in bounded memory.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "umbel/di/observer.hpp"

namespace umbel {

/// A node of a route, since the start.
struct NodeStatistics {
  std::size_t number = 0;       // As NodeEvent::number has it.
  std::string name;             // With an override in force, that of what stands in.
  std::uint64_t live = 0;       // Are running or waiting for a worker now; of a resource also: are not torn down.
  std::uint64_t total = 0;      // Have run, or are running.
  std::uint64_t failed = 0;     // Of their set-ups and tear-downs.
  std::uint64_t cancelled = 0;  // Were asked to stop, and have.
  /// From where its code starts to where its value is made, what it awaits included. Of those that did not fail.
  Duration p50{};
  Duration p99{};              // The same.
  std::uint64_t critical = 0;  // Requests on whose critical path it was.
  Duration critical_time{};    // By how much it made these later, all of them together.
};

/// A route, since the start.
struct RouteStatistics {
  std::string title;         // "GET /items/{item_id}"; "app" and "loop" for what requests share.
  std::uint64_t live = 0;    // Are in flight now: not all torn down.
  std::uint64_t total = 0;   // Have come.
  std::uint64_t failed = 0;  // Were answered with a status from 500 on.
  Duration p50{};            // From the head to the reply, as ReplyEvent::took.
  Duration p99{};            // The same.
  /// Nodes that ran, by number and name.
  std::vector<NodeStatistics> nodes;
  /// Of all chains in which a request's nodes waited for one another, the one that took the most time in all: places in
  /// `nodes`, the first node first. A chain is found from the end of each request: the node that ended last, then, of
  /// those that it had to wait for, the one that ended last, and so on.
  std::vector<std::size_t> critical_path;
  /// How many requests it was of.
  std::uint64_t critical_count = 0;
};

/// Counts what happens.
///
///     Statistics statistics;
///     app.observe(statistics);
///     ...
///     for (const RouteStatistics& route : statistics.routes()) ...
///
/// Percentiles come out of histograms of 8 buckets per power of two: they are within 7 % of the duration that they
/// stand for; from 18 minutes on all are one. A route costs memory when its first request comes, 2.5 KB and as much for
/// each node, once per thread that serves (for threads beyond 16: those share). A request in flight costs 48 bytes per
/// node, which are used again: after the first ones nothing is allocated. Of more than 16384 in flight on a thread
/// those that come last only count as `total`.
///
/// Eight chains per route are told apart; when there are more, the one that took the least time makes room.
///
/// One Statistics for one App: an App that is mounted has observers, and so Statistics, of its own. Any number of
/// Contexts; each call takes a mutex for which only readers contend.
class Statistics : public Observer {
public:
  Statistics();
  ~Statistics() override;
  Statistics(const Statistics&) = delete;
  Statistics& operator=(const Statistics&) = delete;

  /// What was counted, by title. Any thread.
  std::vector<RouteStatistics> routes() const;
  /// The same as JSON, durations in nanoseconds:
  ///
  ///     {"routes": [{"title", "live", "total", "failed", "p50_ns", "p99_ns", "critical_count", "critical_path",
  ///                  "nodes": [{"number", "name", "live", "total", "failed", "cancelled", "p50_ns", "p99_ns",
  ///                             "critical", "critical_ns"}]}]}
  std::string json() const;

  /// Counts it, and remembers when it came.
  void request_started(const RequestEvent& event) noexcept override;
  /// Counts it, and measures.
  void node(const NodeEvent& event) noexcept override;
  /// Measures, and finds out what the reply had to wait for.
  void replied(const ReplyEvent& event) noexcept override;
  void request_ended(const void* id, Time time) noexcept override;

private:
  class Shard;
  static constexpr std::size_t shard_count = 17;  // The first is for what lives as long as the App.

  Shard& own_shard() const noexcept;
  Shard& shard_of(std::string_view route) const noexcept;

  std::unique_ptr<Shard[]> shards_;
};

}  // namespace umbel
