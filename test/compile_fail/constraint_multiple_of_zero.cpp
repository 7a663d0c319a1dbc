// SPDX-License-Identifier: MIT
// Nothing is a multiple of 0.
// words: multiple_of a number greater than 0
// words: FixedString<5>{"page"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int, multiple_of<0>>) { return Response{200}; }  // here
#else
Response list(Query<"page", int, multiple_of<5>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
