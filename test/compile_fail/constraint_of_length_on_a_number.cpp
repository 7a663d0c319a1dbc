// SPDX-License-Identifier: MIT
// Lengths are for text and lists.
// words: min_length and max_length are for text and lists, and this parameter is neither
// words: FixedString<5>{"page"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int, max_length<3>>) { return Response{200}; }  // here
#else
Response list(Query<"page", int, le<999>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
