// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "tiny_task.hpp"

Task<int> broken(bool first) {
  if (first) throw std::runtime_error(co_await text());  // LINT: await-in-throw
  throw co_await text();                                 // LINT: await-in-throw
}

template <class T>
Task<T> broken_and_never_instantiated() {
  throw T(co_await text());  // LINT: await-in-throw
}

Task<int> right() {
  std::string what = co_await text();
  if (what.empty()) throw std::runtime_error("empty");
  throw std::runtime_error(what);
}
