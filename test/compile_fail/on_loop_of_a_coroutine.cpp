// SPDX-License-Identifier: MIT
// A coroutine runs on the loop anyway.
// words: on_loop<f> is for plain functions; a coroutine runs on the loop anyway: name it without on_loop
// words: OnLoop<page_of, umbel::Task<int>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Task<int> page_of(Query<"page", int> page) { co_return *page; }
#else
int page_of(Query<"page", int> page) { return *page; }
#endif
Response list(Depends<on_loop<page_of>>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
