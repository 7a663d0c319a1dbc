// SPDX-License-Identifier: MIT
#pragma once
// Several observers as one. App::observe makes use of it; so may an observer that passes on what it hears.

#include <cstddef>
#include <memory>
#include <vector>

#include "umbel/di/observer.hpp"

namespace umbel {

/// Tells each of its observers everything, in the order in which they were added.
class Observers : public Observer {
public:
  /// Not owned. Before anything is heard.
  void add(Observer& observer) { observers_.push_back(&observer); }
  std::size_t size() const noexcept { return observers_.size(); }

  /// Tells all of them, as the others below do.
  void request_started(const RequestEvent& event) noexcept override;
  /// Tells all of them.
  void node(const NodeEvent& event) noexcept override;
  /// The first error that one of them gives; all are asked.
  std::unique_ptr<Error> fail_instead(const NodeEvent& event) noexcept override;
  /// Tells all of them.
  void node_failed(const Failure& failure) noexcept override;
  /// Tells all of them.
  void replied(const ReplyEvent& event) noexcept override;
  /// Tells all of them.
  void late_error(const LateError& error) noexcept override;
  void request_ended(const void* id, Time time) noexcept override;

  /// The shortest that one of them asks for. Each hears only of what lasted as long as it asked.
  Duration blocked_after() const noexcept override;
  /// Tells those that asked for less.
  void loop_blocked(const BlockedEvent& event) noexcept override;

private:
  std::vector<Observer*> observers_;
};

}  // namespace umbel
