// SPDX-License-Identifier: MIT
// The characters would be gone.
// words: umbel: a std::string_view in a model has nobody to keep its characters once the model is read
#include <string>
#include <string_view>

#include "umbel/json/model_reader.hpp"

struct Item {
#ifdef MUST_FAIL
  std::string_view name;
#else
  std::string name;
#endif
};
void read(std::string_view text, Item& item) { umbel::read_model(text, item); }
