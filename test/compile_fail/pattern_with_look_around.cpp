// SPDX-License-Identifier: MIT
// Patterns are read once, from front to back.
// words: look-around, back references, flags and
// words: PatternConstraint<
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"q", std::string_view, pattern<"^(?!x)">>) { return Response{200}; }  // here
#else
Response list(Query<"q", std::string_view, pattern<"^[^x]">>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
