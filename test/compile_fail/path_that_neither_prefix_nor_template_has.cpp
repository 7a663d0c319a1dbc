// SPDX-License-Identifier: MIT
// The parameters of a router's prefix count, and nothing else does.
// words: the_route_template_lacks_this_path_parameter_write_it_there_in_braces
// words g++: parameter = umbel::FixedString<3>{"id"}
// words clang: the_route_template_lacks_this_path_parameter_write_it_there_in_braces<FixedString<3>{"id"}
// words: "/orders"
#include "umbel/di/app.hpp"

using namespace umbel;

Response list_orders(Path<"id", int>) { return Response{200}; }

#ifdef MUST_FAIL
using OfUser = Router<"/users/{user_id}">;
#else
using OfUser = Router<"/users/{id}">;
#endif
void add_routes(OfUser& of_user) { of_user.get("/orders", list_orders); }
