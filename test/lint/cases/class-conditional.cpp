// SPDX-License-Identifier: MIT
#include "tiny_task.hpp"

Task<int> print(std::string line);
Task<int> print_reference(const std::string& line);

Task<int> broken(bool first) {
  std::string line = first ? co_await text() : std::string("x");             // LINT: class-conditional
  line = first ? "x" : co_await text();                                      // LINT: class-conditional
  std::string other = co_await ask() ? std::string("a") : std::string("b");  // LINT: class-conditional
  int sum = co_await (first ? number() : save(Item()));                      // LINT: class-conditional
  sum += co_await print(first ? line : std::string("b"));                    // LINT: class-conditional
  co_return sum + static_cast<int>(other.size());
}

Task<int> right(bool first) {
  int sum = first ? co_await number() : 2;
  std::string line, other;
  if (first) line = co_await text();
  sum += co_await print(first ? line : other);
  sum += co_await print_reference(first ? line : other);
  sum += co_await print(first ? "a" : "b");
  Point point = first ? Point{co_await number(), 1} : Point{};
  other = first ? std::string("a") : std::string("b");
  co_return sum + point.x;
}

Task<std::string> right_return(bool first) { co_return first ? std::string("a") : std::string("b"); }
