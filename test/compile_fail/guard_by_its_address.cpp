// SPDX-License-Identifier: MIT
// A guard is named, without `&`.
// words g++: could not convert 'require_login' from 'void (*)()' to 'void (*&)()'
// words clang: value of type 'void (*)()' is not implicitly convertible to 'void (*&)()'
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void require_login() {}
Response admin() { return Response{200}; }

#ifdef MUST_FAIL
void add_routes(App& app) { app.get("/admin", admin, {.guards = guards<&require_login>}); }  // here
#else
void add_routes(App& app) { app.get("/admin", admin, {.guards = guards<require_login>}); }
#endif
