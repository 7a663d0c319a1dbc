// SPDX-License-Identifier: MIT
// A parameter that handlers could not be checked against.
// words: a_prefix_given_here_has_no_parameters_write_them_into_the_type_Router_of_prefix
// words: "/users/{id}"
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void add_routes(App& app, Router<>& orders) { app.include("/users/{id}", orders); }  // here
#else
void add_routes(App& app, Router<"/users/{id}">& orders) { app.include(orders); }
#endif
