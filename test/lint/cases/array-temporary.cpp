// SPDX-License-Identifier: MIT
#include <array>

#include "tiny_task.hpp"

Task<int> join(std::array<std::string, 2> words);
Task<int> join_default(const std::array<std::string, 2>& words = {"a", "b"});
Task<int> add(std::array<int, 2> numbers);

Task<int> broken() {
  int sum = co_await join({"a", "b"});                         // LINT: array-temporary
  sum += co_await join(std::array<std::string, 2>{"a", "b"});  // LINT: array-temporary
  sum += co_await join_default();                              // LINT: array-temporary
  co_return sum;
}

Task<int> right() {
  std::array<std::string, 2> words{"a", "b"};
  int sum = co_await join(words);
  sum += co_await join(std::move(words));
  sum += co_await add({1, 2});
  co_return sum;
}
