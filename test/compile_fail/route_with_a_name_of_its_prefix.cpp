// SPDX-License-Identifier: MIT
// Prefix and template together name a parameter once.
// words: the_route_template_has_the_same_parameter_twice
// words: "/orders/{id}"
#include "umbel/di/app.hpp"

using namespace umbel;

Response read_order() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(Router<"/users/{id}">& of_user) { of_user.get("/orders/{id}", read_order); }
#else
void add_routes(Router<"/users/{id}">& of_user) { of_user.get("/orders/{order_id}", read_order); }
#endif
