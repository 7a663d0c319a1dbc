// SPDX-License-Identifier: MIT
// A segment is one value.
// words: a path parameter or a cookie is one value, no list: std::vector is for Query and Header
// words: FixedString<3>{"id"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response show(Path<"id", std::vector<int>>) { return Response{200}; }  // here
#else
Response show(Path<"id", int>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items/{id}", show); }
