// SPDX-License-Identifier: MIT
// A path without the parameter is another route's.
// words: a path parameter is always there, so it takes no default
// words: FixedString<3>{"id"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response show(Path<"id", int, 1>) { return Response{200}; }  // here
#else
Response show(Path<"id", int, ge<1>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items/{id}", show); }
