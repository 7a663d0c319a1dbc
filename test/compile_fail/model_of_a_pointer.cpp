// SPDX-License-Identifier: MIT
// JSON has no pointers.
// words: umbel: this member's type is no part of a model: take one that is
// words g++: is_part_of_a_model<int*,
// words clang: is_part_of_a_model<int *,
// words: price
#include <optional>
#include <string_view>

#include "umbel/json/model_reader.hpp"

struct Item {
#ifdef MUST_FAIL
  int* price;
#else
  std::optional<int> price;
#endif
};
void read(std::string_view text, Item& item) { umbel::read_model(text, item); }
