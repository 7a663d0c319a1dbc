// SPDX-License-Identifier: MIT
// A template starts with a slash.
// words: the_route_template_must_start_with_a_slash
// words: "items"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("items", answer); }
#else
void add_routes(App& app) { app.get("/items", answer); }
#endif
