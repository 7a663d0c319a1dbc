// SPDX-License-Identifier: MIT
// A default is a value that a client might send.
// words: this default breaks the parameter's own constraints: change the one or the others
// words: FixedString<5>{"sort"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"sort", std::string, default_to<"Name">, pattern<"^[a-z]+$">>) { return Response{200}; }  // here
#else
Response list(Query<"sort", std::string, default_to<"name">, pattern<"^[a-z]+$">>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
