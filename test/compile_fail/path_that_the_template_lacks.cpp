// SPDX-License-Identifier: MIT
// A path parameter of the handler itself.
// words: the_route_template_lacks_this_path_parameter_write_it_there_in_braces
// words g++: parameter = umbel::FixedString<8>{"item_id"}
// words clang: the_route_template_lacks_this_path_parameter_write_it_there_in_braces<FixedString<8>{"item_id"}
// words: "/items/{id}"
// names parameter: FixedString<8>{"item_id"}
// names function g++: HandlerNamed<umbel::Response (*)(umbel::Path<umbel::FixedString<8>{"item_id"}
// names function clang: HandlerNamed<umbel::Response (*)(umbel::Path<FixedString<8>{"item_id"}
// names remedy: the_route_template_lacks_this_path_parameter_write_it_there_in_braces
#include "umbel/di/app.hpp"

using namespace umbel;

Response read_item(Path<"item_id", int>) { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/items/{id}", read_item); }
#else
void add_routes(App& app) { app.get("/items/{item_id}", read_item); }
#endif
