// SPDX-License-Identifier: MIT
// Depends takes `uncached`, a Lifetime and scopes.
// words: umbel: what may follow the provider is `uncached`, a Lifetime and scopes
// words: Depends<page_of, 20>
#include "umbel/di/app.hpp"

using namespace umbel;

int page_of() { return 1; }
#ifdef MUST_FAIL
Response list(Depends<page_of, 20>) { return Response{200}; }
#else
Response list(Depends<page_of, uncached>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
