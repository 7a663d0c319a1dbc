// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

struct Point3 {
  Point point;
  int z = 0;
};
struct Box {
  Item item = {"inside", 1};
};

Task<int> keep(const Item& item);
Task<int> keep_maybe(std::optional<Item> item);
Task<int> keep_default(Item item = {});
Task<int> keep_default_reference(const Item& item = {"a", 1});
Task<int> draw(Point point, Point3 deep = {});
Item make_item();
int count(const Item& item);
int run(Item item, Task<int> task);
int each(Item item, Task<int> (*function)());

Task<int> broken() {
  int sum = co_await save(Item{"a", 1});            // LINT: aggregate-temporary
  sum += co_await save(Item("a", 1));               // LINT: aggregate-temporary
  sum += co_await save({.name = "a", .count = 1});  // LINT: aggregate-temporary
  sum += co_await save({});                         // LINT: aggregate-temporary
  sum += co_await keep(Item{"a", 1});               // LINT: aggregate-temporary
  sum += co_await keep_maybe(Item{"a", 1});         // LINT: aggregate-temporary
  sum += co_await keep_default();                   // LINT: aggregate-temporary
  sum += co_await keep_default_reference();         // LINT: aggregate-temporary
  sum += count(Item{"a", 1}) + co_await number();   // LINT: aggregate-temporary
  const Box& box = (co_await number(), Box{});      // LINT: aggregate-temporary
  sum += static_cast<int>(box.item.name.size());
  co_return co_await save(  //
      Item{"a", sum});      // LINT: aggregate-temporary
}

template <class T>
Task<T> broken_if_instantiated(T value) {
  co_await save({"a", value});  // LINT: aggregate-temporary
  co_return value;
}
template Task<int> broken_if_instantiated(int);

Task<int> right() {
  Item item{"a", 1};
  int sum = co_await keep(item);
  sum += co_await save(item);
  sum += co_await save(std::move(item));
  sum += co_await save(make_item());
  sum += co_await save(Item());
  sum += co_await mark(Label("a"));
  sum += co_await mark(Label{"a"});
  sum += co_await draw(Point{1, 2});
  sum += co_await draw({1, 2}, {{1, 2}, 3});
  Item given = {"a", co_await number() > 0 ? 1 : 2};  // LINT: await-in-braces
  sum += count(Item{"a", 1});
  co_return sum + given.count;
}

Task<Item> right_return() { co_return Item{"a", 1}; }

int outside_a_coroutine() {
  return run(Item{"a", 1}, []() -> Task<int> { co_return co_await number(); }());
}

Task<int> awaited_by_a_lambda_only() {
  co_return each(Item{"a", 1}, []() -> Task<int> { co_return co_await number(); });
}
