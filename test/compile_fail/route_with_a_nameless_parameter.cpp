// SPDX-License-Identifier: MIT
// A parameter has a name.
// words: a_parameter_of_the_route_template_has_no_name
// words: "/items/{}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/items/{}", answer); }
#else
void add_routes(App& app) { app.get("/items/{id}", answer); }
#endif
