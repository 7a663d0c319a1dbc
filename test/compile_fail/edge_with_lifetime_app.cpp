// SPDX-License-Identifier: MIT
// What lives longer than a request is a property of the provider.
// words: umbel: `app` and `loop` belong to the provider, not to one who takes it
// words: inline constexpr auto db = provider<open_db>.lifetime(Lifetime::app);
// words: CheckEdge<open_database
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

int open_database() { return 1; }
#ifdef MUST_FAIL
Response list(Depends<open_database, Lifetime::app>) { return Response{200}; }
#else
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
Response list(Depends<database>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
