// SPDX-License-Identifier: MIT
// A path parameter of what the handler depends on.
// words g++: parameter = umbel::FixedString<7>{"tenant"}; Where = ProviderNamed<tenant_of>
// words clang: write_it_there_in_braces<FixedString<7>{"tenant"}, umbel::detail::ProviderNamed<tenant_of>>
// words: the_route_template_lacks_this_path_parameter_write_it_there_in_braces
// words: "/orders"
#include "umbel/di/app.hpp"

using namespace umbel;

int tenant_of(Path<"tenant", int> id) { return *id; }
Task<int> database_of(Depends<tenant_of> id) { co_return *id; }
Response list(Depends<database_of>) { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/orders", list); }
#else
void add_routes(App& app) { app.get("/{tenant}/orders", list); }
#endif
