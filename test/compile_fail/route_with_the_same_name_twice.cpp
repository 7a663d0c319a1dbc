// SPDX-License-Identifier: MIT
// A name stands for one value.
// words: the_route_template_has_the_same_parameter_twice
// words: "/{id}/items/{id}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/{id}/items/{id}", answer); }
#else
void add_routes(App& app) { app.get("/{id}/items", answer); }
#endif
