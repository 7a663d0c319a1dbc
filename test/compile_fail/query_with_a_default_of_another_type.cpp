// SPDX-License-Identifier: MIT
// A default must become what the parameter is.
// words: this default cannot become a value of the parameter's type
// words: DefaultText<
// words: FixedString<4>{"one"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"page", int, default_to<"one">>) { return Response{200}; }  // here
#else
Response list(Query<"page", int, 1>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
