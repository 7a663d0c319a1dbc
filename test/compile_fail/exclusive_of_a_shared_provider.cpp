// SPDX-License-Identifier: MIT
// No request has for itself what all requests share.
// words: umbel: what lives as long as the App or its Context is shared by requests, so no node can have it for itself
// words: write Depends<f>, and let the object see to its own locking
// words: Exclusive<database>
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

int open_database() { return 1; }
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
#ifdef MUST_FAIL
Response list(Exclusive<database>) { return Response{200}; }
#else
Response list(Depends<database>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
