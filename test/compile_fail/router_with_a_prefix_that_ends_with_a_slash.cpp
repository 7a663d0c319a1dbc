// SPDX-License-Identifier: MIT
// Templates begin with the slash, so a prefix does not end with one.
// words: umbel: a Router's prefix starts with a slash and does not end with one
// words g++: Router<umbel::FixedString<8>{"/users/"}>
// words clang: Router<FixedString<8>{"/users/"}>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Router<"/users/"> users;  // here
#else
Router<"/users"> users;
#endif
