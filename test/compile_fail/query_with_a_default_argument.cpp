// SPDX-License-Identifier: MIT
// A default is part of the parameter's type.
// words: deleted function
// words: [here]
// names parameter g++: Query<umbel::FixedString<5>{"page"}, int>
// names parameter clang: Query<"page", int>
// names function: [here]
// names remedy: a_default_stands_inside_the_brackets_as_in_Query_page_int_1
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int> page = 1) { return Response{200 + *page}; }  // here
#else
Response list(Query<"page", int, 1> page) { return Response{200 + *page}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
