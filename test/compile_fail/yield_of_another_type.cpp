// SPDX-License-Identifier: MIT
// A Resource<T> yields a T, or what is derived from one.
// words: umbel: what is yielded is not the T of this Resource<T>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

Resource<long> open_session() {
#ifdef MUST_FAIL
  int session = 1;
#else
  long session = 1;
#endif
  co_yield session;  // here
}
Response list(Depends<open_session>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
