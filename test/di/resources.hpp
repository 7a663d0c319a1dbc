// SPDX-License-Identifier: MIT
#pragma once
// Resources that write down their life: `x+` set-up, `x-` tear-down, `x!404` or `x!cancelled` what they are shown.

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "journal.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/resource.hpp"

namespace umbel::test {

inline void write_outcome(std::string_view name, const Outcome& outcome) {
  if (outcome.ok()) return;
  const std::string end = outcome.cancelled() ? "cancelled" : std::to_string(outcome.error()->status());
  journal().write(std::string{name} + "!" + end);
}

// Writes down its end.
struct Speaks {
  explicit Speaks(std::string n) : name(std::move(n)) {}
  Speaks(Speaks&& other) noexcept : name(std::exchange(other.name, {})) {}
  ~Speaks() {
    if (!name.empty()) journal().write("~" + name);
  }
  std::string name;
};

// Awaits nothing.
template <FixedString name, auto&... needs>
Resource<int> resource(Depends<needs>...) {
  journal().write(std::string{name.view()} + "+");
  int value = 7;
  const Outcome& outcome = co_yield value;
  write_outcome(name.view(), outcome);
  journal().write(std::string{name.view()} + "-");
}

// Takes time for both halves.
template <FixedString name, int milliseconds, auto&... needs>
Resource<int> slow_resource(Depends<needs>...) {
  co_await sleep(std::chrono::milliseconds{milliseconds});
  journal().write(std::string{name.view()} + "+");
  int value = 7;
  const Outcome& outcome = co_yield value;
  co_await sleep(std::chrono::milliseconds{milliseconds});
  write_outcome(name.view(), outcome);
  journal().write(std::string{name.view()} + "-");
}

// On the work queue.
template <FixedString name, auto&... needs>
SyncResource<int> sync_resource(Depends<needs>...) {
  journal().write(std::string{name.view()} + "+");
  int value = 7;
  const Outcome& outcome = co_yield value;
  write_outcome(name.view(), outcome);
  journal().write(std::string{name.view()} + "-");
}

// Fails with `status` when it is set up.
template <FixedString name, int status, auto&... needs>
Resource<int> failing_resource(Depends<needs>...) {
  journal().write(std::string{name.view()} + "+");
  if (status != 0) throw HttpError{status, std::string{name.view()}};
  int value = 7;
  co_yield value;
}

// Fails with `status` when it is torn down.
template <FixedString name, int status, auto&... needs>
Resource<int> failing_after(Depends<needs>...) {
  journal().write(std::string{name.view()} + "+");
  int value = 7;
  const Outcome& outcome = co_yield value;
  write_outcome(name.view(), outcome);
  journal().write(std::string{name.view()} + "-");
  throw HttpError{status, std::string{name.view()}};
}

}  // namespace umbel::test
