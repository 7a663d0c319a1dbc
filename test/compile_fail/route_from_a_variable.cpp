// SPDX-License-Identifier: MIT
// A template is checked by the compiler, so it is a literal.
// words g++: 'text' is not a constant expression
// words clang: function parameter 'text' with unknown value cannot be used in a constant expression
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app, const char* text) { app.get(text, answer); }  // here
#else
void add_routes(App& app, const char* text) { app.get(runtime_route(text), answer); }
#endif
