// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

Task<bool> check(std::string name, int limit = 1);

Task<int> broken(bool first) {
  bool both = first && co_await check(std::string("a"));  // LINT: await-in-logical
  both = first || co_await check("a");                    // LINT: await-in-logical
  both = first && !co_await check("a");                   // LINT: await-in-logical
  both = first && co_await mark(Label("a")) > 1;          // LINT: await-in-logical
  if (first && co_await check("a")) co_return 1;          // LINT: await-in-condition, await-in-logical
  co_return both;
}

Task<int> right(bool first) {
  bool both = first && co_await ask();
  both = co_await check("a") && first;
  if (first) both = co_await check("a");
  const bool other = co_await check("a");
  co_return first&& both&& other;
}
