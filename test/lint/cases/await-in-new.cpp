// SPDX-License-Identifier: MIT
#include <memory>

#include "tiny_task.hpp"

Task<int> broken() {
  std::unique_ptr<std::string> name(new std::string(co_await text()));  // LINT: await-in-new
  std::unique_ptr<Label> label(new Label{co_await text()});             // LINT: await-in-new
  co_return static_cast<int>(name->size());
}

template <class T>
Task<T*> broken_and_never_instantiated() {
  co_return new T(co_await text());  // LINT: await-in-new
}

Task<int> right() {
  auto name = std::make_unique<std::string>(co_await text());
  std::string given = co_await text();
  std::unique_ptr<Label> label(new Label(given));
  co_return static_cast<int>(name->size());
}
