// SPDX-License-Identifier: MIT
// Bounds are for numbers.
// words: ge, gt, le, lt and multiple_of are for numbers, and this parameter is none
// words: FixedString<2>{"q"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"q", std::string_view, ge<1>>) { return Response{200}; }  // here
#else
Response list(Query<"q", std::string_view, min_length<1>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
