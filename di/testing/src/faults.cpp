// SPDX-License-Identifier: MIT
#include "umbel/testing/faults.hpp"

#include <exception>
#include <string>

namespace umbel::testing {

std::unique_ptr<Error> Faults::fail_instead(const NodeEvent& event) noexcept {
  if (!schedule_.node_fails()) return next_ ? next_->fail_instead(event) : nullptr;
  InjectedFailure failure{"injected in place of " + std::string{event.node}};
  return std::make_unique<Error>(std::make_exception_ptr(std::move(failure)));
}

void Faults::request_started(const RequestEvent& event) noexcept {
  if (next_) next_->request_started(event);
}
void Faults::node(const NodeEvent& event) noexcept {
  if (next_) next_->node(event);
}
void Faults::node_failed(const Failure& failure) noexcept {
  if (next_) next_->node_failed(failure);
}
void Faults::replied(const ReplyEvent& event) noexcept {
  if (next_) next_->replied(event);
}
void Faults::late_error(const LateError& error) noexcept {
  if (next_) next_->late_error(error);
}
void Faults::request_ended(const void* id, Time time) noexcept {
  if (next_) next_->request_ended(id, time);
}
Duration Faults::blocked_after() const noexcept { return next_ ? next_->blocked_after() : Duration::zero(); }
void Faults::loop_blocked(const BlockedEvent& event) noexcept {
  if (next_) next_->loop_blocked(event);
}

}  // namespace umbel::testing
