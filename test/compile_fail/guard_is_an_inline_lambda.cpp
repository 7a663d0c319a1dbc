// SPDX-License-Identifier: MIT
// A guard needs a name.
// words g++: cannot bind non-const lvalue reference of type
// words clang: no matching member function for call to 'guard'
// words: named_provider
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void add_guard(App& app) {
  app.guard<[] {}>();  // here
}
#else
inline constexpr auto require_login = [] {};
void add_guard(App& app) { app.guard<require_login>(); }
#endif
