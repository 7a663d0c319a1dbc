// SPDX-License-Identifier: MIT
// A pattern is read when the program is compiled.
// words: this pattern is no regular expression: a bracket or group that does not close
// words: PatternConstraint<
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"q", std::string_view, pattern<"^(a|b$">>) { return Response{200}; }  // here
#else
Response list(Query<"q", std::string_view, pattern<"^(a|b)$">>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
