// SPDX-License-Identifier: MIT
// A resource is a coroutine, and runs where its type says.
// words: umbel: on_loop<f> is for plain functions
// words: OnLoop<open_session, umbel::Resource<int>
#include "umbel/di/app.hpp"

using namespace umbel;

Resource<int> open_session() {
  int number = 1;
  co_yield number;
}
#ifdef MUST_FAIL
Response list(Depends<on_loop<open_session>>) { return Response{200}; }
#else
Response list(Depends<open_session>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
