// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

struct Named {
  Named(std::string text, int value);
  std::string name;
};
int count(const Item& item);

Task<int> broken() {
  Item item{co_await text(), co_await number()};  // LINT: await-in-braces
  Item parens(co_await text(), 1);                // LINT: await-in-braces
  Item only_a_number{"a", co_await number()};     // LINT: await-in-braces
  std::string words[] = {co_await text(), "b"};   // LINT: await-in-braces
  item = Item{co_await text(), 2};                // LINT: await-in-braces
  int sum = count({co_await text(), 2});          // LINT: await-in-braces
  co_return sum + item.count + parens.count + only_a_number.count + static_cast<int>(words[0].size());
}

Task<Item> broken_return() {
  co_return Item{co_await text(), 1};  // LINT: await-in-braces
}

Task<Item> broken_short_return() {
  co_return {co_await text(), 1};  // LINT: await-in-braces
}

Task<int> right() {
  std::string name = co_await text();
  Item item{std::move(name), 1};
  Point point{co_await number(), co_await number()};
  int numbers[] = {co_await number(), 2};
  Named named{co_await text(), 1};
  std::pair<std::string, int> pair{co_await text(), 1};
  co_return item.count + point.x + numbers[0] + static_cast<int>(named.name.size()) + pair.second;
}
