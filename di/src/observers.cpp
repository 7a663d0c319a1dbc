// SPDX-License-Identifier: MIT
#include "umbel/di/observers.hpp"

#include <algorithm>
#include <utility>

namespace umbel {

void Observers::request_started(const RequestEvent& event) noexcept {
  for (Observer* const observer : observers_) observer->request_started(event);
}

void Observers::node(const NodeEvent& event) noexcept {
  for (Observer* const observer : observers_) observer->node(event);
}

std::unique_ptr<Error> Observers::fail_instead(const NodeEvent& event) noexcept {
  std::unique_ptr<Error> first;
  for (Observer* const observer : observers_) {
    std::unique_ptr<Error> error = observer->fail_instead(event);
    if (!first) first = std::move(error);
  }
  return first;
}

void Observers::node_failed(const Failure& failure) noexcept {
  for (Observer* const observer : observers_) observer->node_failed(failure);
}

void Observers::replied(const ReplyEvent& event) noexcept {
  for (Observer* const observer : observers_) observer->replied(event);
}

void Observers::late_error(const LateError& error) noexcept {
  for (Observer* const observer : observers_) observer->late_error(error);
}

void Observers::request_ended(const void* id, Time time) noexcept {
  for (Observer* const observer : observers_) observer->request_ended(id, time);
}

Duration Observers::blocked_after() const noexcept {
  Duration shortest = Duration::zero();
  for (const Observer* const observer : observers_) {
    const Duration one = observer->blocked_after();
    if (one > Duration::zero()) shortest = shortest == Duration::zero() ? one : std::min(shortest, one);
  }
  return shortest;
}

void Observers::loop_blocked(const BlockedEvent& event) noexcept {
  for (Observer* const observer : observers_) {
    const Duration least = observer->blocked_after();
    if (least > Duration::zero() && event.duration >= least) observer->loop_blocked(event);
  }
}

}  // namespace umbel
