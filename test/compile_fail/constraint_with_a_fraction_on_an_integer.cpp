// SPDX-License-Identifier: MIT
// A whole number's bound is a whole number.
// words: this parameter is a whole number, so its bound is one, too: write ge<1>, not ge<0.5>
// words: FixedString<5>{"page"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int, ge<0.5>>) { return Response{200}; }  // here
#else
Response list(Query<"page", int, ge<1>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
