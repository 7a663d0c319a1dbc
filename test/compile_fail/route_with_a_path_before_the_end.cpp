// SPDX-License-Identifier: MIT
// A path takes all that is left.
// words: a_path_parameter_must_be_the_last_segment_of_the_route_template
// words: "/{file:path}/raw"
#include "umbel/di/app.hpp"

using namespace umbel;

Response answer() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/{file:path}/raw", answer); }
#else
void add_routes(App& app) { app.get("/raw/{file:path}", answer); }
#endif
