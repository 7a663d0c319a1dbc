// SPDX-License-Identifier: MIT
// A path parameter of the handler itself.
// words: the_route_template_lacks_this_path_parameter
// words g++: parameter = umbel::FixedString<8>{"item_id"}
// words clang: the_route_template_lacks_this_path_parameter<FixedString<8>{"item_id"}
// words: write_it_into_the_template_in_braces
// words: "/items/{id}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response read_item(Path<"item_id", int>) { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/items/{id}", read_item); }
#else
void add_routes(App& app) { app.get("/items/{item_id}", read_item); }
#endif
