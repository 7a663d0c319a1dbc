// SPDX-License-Identifier: MIT
// A provider that returns void has made nothing to take.
// words: umbel: this provider returns void, so there is nothing to take exclusively: write After<f>
// words: Exclusive<migrate>
#include "umbel/di/app.hpp"

using namespace umbel;

void migrate() {}
#ifdef MUST_FAIL
Response list(Exclusive<migrate>) { return Response{200}; }
#else
Response list(After<migrate>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
