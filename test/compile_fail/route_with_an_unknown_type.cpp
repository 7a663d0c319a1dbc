// SPDX-License-Identifier: MIT
// A parameter is text, int or path.
// words: a_parameter_of_the_route_template_has_an_unknown_type_write_int_or_path
// words: "/items/{id:uuid}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/items/{id:uuid}", answer); }
#else
void add_routes(App& app) { app.get("/items/{id:int}", answer); }
#endif
