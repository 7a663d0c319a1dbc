// SPDX-License-Identifier: MIT
// What a plain node makes may refer to the resource that it was made of.
// words: umbel: this resource outlives what it uses
// words: session (request)
// words: -> tenant_of
// words: -> account_of
// words: -> connection (last_use)
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
constexpr Lifetime lifetime = Lifetime::last_use;
#else
constexpr Lifetime lifetime = Lifetime::request;
#endif

Resource<int> connection() {
  int number = 1;
  co_yield number;
}
int account_of(Depends<connection, lifetime> c) { return *c; }
Task<int> tenant_of(Depends<account_of> account) { co_return *account; }
Resource<int> session(Depends<tenant_of> tenant) {
  int number = *tenant;
  co_yield number;
}
Response list(Depends<session, Lifetime::request>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
