// SPDX-License-Identifier: MIT
#include <functional>

#include "tiny_task.hpp"

Task<int> call(std::function<int()> function);
template <class F>
Task<int> call_any(const F& function) {
  co_return function();
}

Task<int> broken(std::string name) {
  int sum = co_await call([name] { return static_cast<int>(name.size()); });  // LINT: capturing-lambda-temporary
  sum += co_await call_any([=] { return name.empty() ? 1 : 2; });             // LINT: capturing-lambda-temporary
  sum += co_await call_any([x = std::string("x")] { return x.empty(); });     // LINT: capturing-lambda-temporary
  sum += [name] { return name.empty(); }() + co_await number();               // LINT: capturing-lambda-temporary
  co_return sum;
}

Task<int> right(std::string name, int count) {
  auto size = [name] { return static_cast<int>(name.size()); };
  int sum = co_await call(size);
  sum += co_await call(std::move(size));
  sum += co_await call([&name] { return static_cast<int>(name.size()); });
  sum += co_await call_any([count] { return count; });
  sum += co_await call_any([point = Point{1, 2}] { return point.x; });
  sum += [name] { return name.empty(); }();
  auto task = call([name] { return static_cast<int>(name.size()); });
  co_return sum + co_await std::move(task);
}
