// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

Item make_item();

Task<Item> broken() {
  co_yield Item{"a", 1};  // LINT: yield-aggregate
  co_yield {"a", 1};      // LINT: yield-aggregate
  co_yield Item("a", 1);  // LINT: yield-aggregate
  co_return Item();
}

Task<Item> right() {
  Item item{"a", 1};
  co_yield item;
  co_yield std::move(item);
  co_yield make_item();
  co_return item;
}

Task<Label> right_class() {
  co_yield Label("a");
  co_return Label("a");
}

Task<Point> right_trivial() {
  co_yield {1, 2};
  co_return Point();
}
