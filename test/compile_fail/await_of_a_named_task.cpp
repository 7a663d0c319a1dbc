// SPDX-License-Identifier: MIT
// A task is awaited once, and given away for it.
// words: a Task is awaited once, and given away for it: co_await std::move(task)
// words: [here]
#include <utility>

#include "umbel/core/task.hpp"

using namespace umbel;

Task<int> count() { co_return 7; }
Task<int> twice() {
  Task<int> counted = count();
#ifdef MUST_FAIL
  co_return 2 * co_await counted;  // here
#else
  co_return 2 * co_await std::move(counted);
#endif
}
