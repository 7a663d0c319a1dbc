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
/// InjectedFailure. With `for_each_step` every node fails once.
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
/// The schedule is not owned.
class Faults : public Observer {
public:
  /// The schedule says which node fails. It is not owned.
  explicit Faults(Schedule& schedule) noexcept : schedule_(schedule) {}

  std::unique_ptr<Error> fail_instead(const NodeEvent& event) noexcept override;

private:
  Schedule& schedule_;
};

}  // namespace umbel::testing
