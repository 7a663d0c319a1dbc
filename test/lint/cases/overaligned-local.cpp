// SPDX-License-Identifier: MIT
#include <memory>

#include "tiny_task.hpp"

constexpr int cache_line = 64;
struct alignas(64) Line {
  int x = 0;
};
struct Lines {
  Line line;
};
struct Padded {
  alignas(cache_line) int x = 0;
};
struct alignas(16) Narrow {
  char bytes[64] = {};
};
typedef float __m256 __attribute__((__vector_size__(32)));

Task<int> broken(Line parameter) {           // LINT: overaligned-local
  alignas(32) int number = 1;                // LINT: overaligned-local
  alignas(cache_line) char buffer[16] = {};  // LINT: overaligned-local
  Line line;                                 // LINT: overaligned-local
  Lines lines;                               // LINT: overaligned-local
  Padded padded;                             // LINT: overaligned-local
  __m256 vector{};                           // LINT: overaligned-local
  co_return number + buffer[0] + line.x + lines.line.x + padded.x + static_cast<int>(vector[0]) + parameter.x;
}

Task<int> right(const Line& parameter) {
  alignas(16) char buffer[64] = {};
  Narrow narrow;
  static Line line;
  auto kept = std::make_unique<Line>();
  auto not_in_the_frame = [] {
    alignas(64) int number = 1;
    return number;
  };
  co_return buffer[0] + narrow.bytes[0] + line.x + kept->x + parameter.x + not_in_the_frame();
}

int no_coroutine() {
  alignas(64) int number = 1;
  return number;
}
