// SPDX-License-Identifier: MIT
// Repetitions are written out.
// words: this pattern is too large: with its repetitions written out it has more than 1000 steps
// words: PatternConstraint<
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"q", std::string_view, pattern<"^(a{50}b){50}$">>) { return Response{200}; }  // here
#else
Response list(Query<"q", std::string_view, pattern<"^(a{50}b){5}$">>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
