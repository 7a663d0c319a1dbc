// SPDX-License-Identifier: MIT
// JSON has no pointers.
// words: umbel: this type is no part of a model
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
