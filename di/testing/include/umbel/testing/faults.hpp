// SPDX-License-Identifier: MIT
#pragma once
// Makes a node of an App fail where a Schedule says so.

#include <memory>
#include <stdexcept>

#include "umbel/di/observer.hpp"
#include "umbel/testing/schedule.hpp"

namespace umbel::testing {

/// What a node throws in whose place Faults fails.
class InjectedFailure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Fails the n-th node that is about to run, after `schedule.fail_at(n)`: its code does not run, and its error is an
/// InjectedFailure. With `for_each_step` every node fails once. Hands everything on to another observer, if there is
/// one.
///
///     const auto steps = testing::for_each_step([](testing::Schedule& schedule) {
///       testing::Faults faults{schedule};
///       App app;
///       app.observe(faults);
///       app.post("/orders", place_order);
///       testing::Simulation sim{app, schedule};
///       sim.request(OwnedRequest{Method::post, "/orders"});
///       sim.run();
///       schedule.check(open_sessions() == 0, "a session was left open");
///     });
///     EXPECT_EQ(steps.mistake, "");
///
/// Neither is owned; both outlive us, and we the App.
class Faults : public Observer {
public:
  explicit Faults(Schedule& schedule) noexcept : schedule_(schedule) {}
  Faults(Schedule& schedule, Observer& next) noexcept : schedule_(schedule), next_(&next) {}

  std::unique_ptr<Error> fail_instead(const NodeEvent& event) noexcept override;
  void request_started(const RequestEvent& event) noexcept override;
  void node(const NodeEvent& event) noexcept override;
  void node_failed(const Failure& failure) noexcept override;
  void replied(const ReplyEvent& event) noexcept override;
  void late_error(const LateError& error) noexcept override;
  void request_ended(const void* id, Time time) noexcept override;
  Duration blocked_after() const noexcept override;
  void loop_blocked(const BlockedEvent& event) noexcept override;

private:
  Schedule& schedule_;
  Observer* next_ = nullptr;  // Null: nobody.
};

}  // namespace umbel::testing
