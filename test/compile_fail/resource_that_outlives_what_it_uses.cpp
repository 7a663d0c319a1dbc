// SPDX-License-Identifier: MIT
// A resource can use what it depends on until its own end.
// words: umbel: this resource outlives what it uses
// words: session (request)
// words: -> connection (handler)
// words: provider<f>.lifetime(Lifetime::request)
// names parameter: "-> connection (handler)"
// names function: "session (request)"
// names remedy: Give it a shorter Lifetime, or what it uses a longer one
#include "umbel/di/app.hpp"

using namespace umbel;

Resource<int> connection() {
  int number = 1;
  co_yield number;
}
Resource<int> session(Depends<connection> c) {
  int number = *c;
  co_yield number;
}
#ifdef MUST_FAIL
Response list(Depends<session, Lifetime::request>) { return Response{200}; }
#else
Response list(Depends<session, Lifetime::handler>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
