// SPDX-License-Identifier: MIT
// A default is a value that a client might send.
// words: this default breaks the parameter's own constraints: change the one or the others
// words: FixedString<6>{"limit"}
// words: [here]
// names parameter: FixedString<6>{"limit"}
// names function: [here]
// names remedy: this default breaks the parameter's own constraints: change the one or the others
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"limit", int, le<100>, 200>) { return Response{200}; }  // here
#else
Response list(Query<"limit", int, le<100>, 100>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
