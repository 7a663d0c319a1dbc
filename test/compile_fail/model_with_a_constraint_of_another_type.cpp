// SPDX-License-Identifier: MIT
// A text has no size that a number could bound.
// words: umbel: this constraint is none for a member of this type
#include "umbel/json/constrained.hpp"

struct Item {
#ifdef MUST_FAIL
  umbel::Text<umbel::ge<1>> name;
#else
  umbel::Text<umbel::min_length<1>> name;
#endif
};
Item item;
