// SPDX-License-Identifier: MIT
// Nor has a list of them a place in it.
// words: umbel: this type is no part of a model
// words g++: [with T = int*]
// words clang: is_part_of_a_model<int *>
#include <string_view>
#include <vector>

#include "umbel/json/model_reader.hpp"

struct Item {
#ifdef MUST_FAIL
  std::vector<int*> prices;
#else
  std::vector<int> prices;
#endif
};
void read(std::string_view text, Item& item) { umbel::read_model(text, item); }
