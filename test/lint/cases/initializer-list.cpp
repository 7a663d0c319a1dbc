// SPDX-License-Identifier: MIT
#include <initializer_list>
#include <vector>

#include "tiny_task.hpp"

Task<int> add(std::initializer_list<int> numbers);
Task<int> add_all(std::vector<int> numbers);
Task<int> add_default(std::vector<int> numbers = {1, 2});
int sum_of(std::initializer_list<int> numbers);

Task<int> broken() {
  int sum = co_await add({1, 2, 3});                   // LINT: initializer-list
  sum += co_await add_all({1, 2, 3});                  // LINT: initializer-list
  sum += co_await add_all(std::vector<int>{1, 2, 3});  // LINT: initializer-list
  sum += sum_of({1, co_await number()});               // LINT: initializer-list
  sum += co_await add_default();                       // LINT: initializer-list
  co_return sum;
}

Task<int> right() {
  std::vector<int> numbers = {1, 2, 3};
  int sum = co_await add_all(numbers);
  sum += co_await add_all(std::vector<int>(3, 1));
  sum += co_await add_all({});
  sum += sum_of({1, 2, 3});
  co_return sum;
}
