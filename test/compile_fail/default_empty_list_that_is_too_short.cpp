// SPDX-License-Identifier: MIT
// An empty list has no elements.
// words: this default breaks the parameter's own constraints: change the one or the others
// words: FixedString<4>{"tag"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"tag", std::vector<int>, or_empty, min_length<1>>) { return Response{200}; }  // here
#else
Response list(Query<"tag", std::vector<int>, min_length<1>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
