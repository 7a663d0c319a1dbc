// SPDX-License-Identifier: MIT
// Guard, Exclusive and their like take the options that Depends takes.
// words: umbel: what may follow the provider is `uncached`, a Lifetime and scopes
// words: Guard<require_login, 20>
#include "umbel/di/app.hpp"

using namespace umbel;

void require_login() {}
#ifdef MUST_FAIL
Response list(Guard<require_login, 20>) { return Response{200}; }
#else
Response list(Guard<require_login, uncached>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
