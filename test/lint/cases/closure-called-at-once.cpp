// SPDX-License-Identifier: MIT
#include <functional>

#include "tiny_task.hpp"

struct Routes {
  void get(const char* path, std::function<Task<int>()> handler);
};

Task<int> broken(int n) {
  return [n]() -> Task<int> { co_return n; }();  // LINT: closure-called-at-once
}

Task<int> broken_reference(int n) {
  return ([&]() -> Task<int> { co_return n; })();  // LINT: closure-called-at-once
}

Task<int> broken_generic(int n) {
  return [n](auto m) mutable -> Task<int> { co_return n + m; }(1);  // LINT: closure-called-at-once
}

Task<int> broken_invoke(int n) {
  return std::invoke([n]() -> Task<int> { co_return n; });  // LINT: closure-called-at-once
}

Task<int> broken_function(int n) {
  return std::function<Task<int>()>([n]() -> Task<int> { co_return n; })();  // LINT: closure-called-at-once
}

template <class T>
Task<T> broken_if_instantiated(T n) {
  return [n]() -> Task<T> { co_return n; }();  // LINT: closure-called-at-once
}
template Task<int> broken_if_instantiated(int);

Task<int> broken_awaited(std::string s) {
  const int n = co_await [&s]() -> Task<int> { co_return s.size(); }();  // LINT: closure-called-at-once
  co_return n + co_await [s]() -> Task<int> {  // LINT: closure-called-at-once, capturing-lambda-temporary
    co_return s.size();
  }();
}

Task<int> right(int n) {
  return [](int m) -> Task<int> { co_return m; }(n);
}

Task<int> right_no_coroutine(int n) {
  return [n] { return [](int m) -> Task<int> { co_return m; }(n); }();
}

Task<int> right_named(int n) {
  auto add = [n]() -> Task<int> { co_return n; };
  co_return co_await add();
}

void right_kept(Routes& routes, int n) {
  routes.get("/", [n]() -> Task<int> { co_return n; });
}
