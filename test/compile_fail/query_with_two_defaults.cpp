// SPDX-License-Identifier: MIT
// One default is enough.
// words: a parameter has one default at the most
// words: FixedString<5>{"page"}, int, 1, 2>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int, 1, 2>) { return Response{200}; }  // here
#else
Response list(Query<"page", int, 1>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
