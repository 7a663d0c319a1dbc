// SPDX-License-Identifier: MIT
// A provider needs a name.
// words g++: cannot bind non-const lvalue reference of type
// words clang: no viable conversion from
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Depends<[] { return 1; }>) { return Response{200}; }  // here
#else
inline constexpr auto first_page = [] { return 1; };
Response list(Depends<first_page>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
