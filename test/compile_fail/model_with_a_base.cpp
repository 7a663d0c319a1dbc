// SPDX-License-Identifier: MIT
// A base's members cannot be told.
// words: umbel: a model has no base class
// words: has_no_base_class<Item>
#include "umbel/json/members.hpp"

struct Named {
  const char* name;
};
#ifdef MUST_FAIL
struct Item : Named {
  int price;
};
#else
struct Item {
  Named named;
  int price;
};
#endif
static_assert(umbel::member_names<Item>[1] == "price");
