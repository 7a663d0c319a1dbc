// SPDX-License-Identifier: MIT
// Patterns are for text.
// words: pattern is for text, and this parameter is none
// words: FixedString<5>{"page"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Header<"page", int, pattern<"^1">>) { return Response{200}; }  // here
#else
Response list(Header<"page", std::string_view, pattern<"^1">>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
