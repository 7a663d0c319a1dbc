// SPDX-License-Identifier: MIT
#include <vector>

#include "tiny_task.hpp"

Task<std::vector<int>> numbers();

Task<int> broken() {
  if (co_await ask()) co_return 1;                       // LINT: await-in-condition
  if (1 + co_await number() > 2) co_return 1;            // LINT: await-in-condition
  if (int unused = 1; co_await ask()) co_return unused;  // LINT: await-in-condition
  while (co_await ask()) {                               // LINT: await-in-condition
  }
  do {  // LINT: await-in-condition
  } while (co_await ask());
  for (; co_await ask();) {  // LINT: await-in-condition
  }
  switch (co_await number()) {  // LINT: await-in-condition
    default:
      break;
  }
  co_return 0;
}

template <class T>
Task<T> broken_and_never_instantiated(T value) {
  if (co_await ask()) co_return value;  // LINT: await-in-condition
  co_return T();
}

auto broken_lambda = []() -> Task<int> {
  if (co_await ask()) co_return 1;  // LINT: await-in-condition
  co_return 0;
};

Task<int> right() {
  const bool found = co_await ask();
  if (found) co_return 1;
  if (bool ok = co_await ask(); ok) co_return 1;
  if (bool ok = co_await ask()) co_return ok;
  while (bool ok = co_await ask()) co_return ok;
  for (int each : co_await numbers()) co_return each;
  if (found) co_await ask();
  if ([]() -> Task<int> { co_return co_await number(); }; found) co_return 1;
  co_return 0;
}
