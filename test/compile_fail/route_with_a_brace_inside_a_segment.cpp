// SPDX-License-Identifier: MIT
// A parameter fills a whole segment.
// words: a_parameter_of_the_route_template_must_fill_a_whole_segment
// words: "/items/v{id}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/items/v{id}", answer); }
#else
void add_routes(App& app) { app.get("/items/{id}", answer); }
#endif
