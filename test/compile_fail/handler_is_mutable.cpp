// SPDX-License-Identifier: MIT
// Requests of several threads share a handler.
// words: the call operator of a provider or handler must be const, since requests share it: drop `mutable`
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void add_routes(App& app) {
  int count = 200;
#ifdef MUST_FAIL
  app.get("/count", [count]() mutable { return Response{++count}; });  // here
#else
  app.get("/count", [count] { return Response{count}; });
#endif
}
