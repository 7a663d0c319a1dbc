// SPDX-License-Identifier: MIT
#pragma once
// SIGINT and SIGTERM, for a main that wants to end in order.

#include <memory>

#include "umbel/uv/loop.hpp"

namespace umbel {

/// While it lives, SIGINT and SIGTERM call a function on the loop instead of killing the program: the first of them,
/// and the second; a third kills. Their handlers are those of before when it is gone. Signals belong to the whole
/// process: one at a time.
class EndSignals {
public:
  /// `count` is 1 or 2. On the loop's thread, in a callback of the loop's; must not throw.
  using Function = void (*)(void* state, int count);
  /// Neither the loop nor what `state` points to is owned; both outlive it.
  EndSignals(Loop& loop, Function function, void* state);
  /// Runs the loop until it has let go of the signals: not from one of its callbacks.
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel
