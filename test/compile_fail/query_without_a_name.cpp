// SPDX-License-Identifier: MIT
// A text parameter has a name.
// words: a parameter needs a name: Query<"q">
// words: FixedString<1>{""}, int>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"", int>) { return Response{200}; }  // here
#else
Response list(Query<"page", int>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
