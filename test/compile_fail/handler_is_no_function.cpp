// SPDX-License-Identifier: MIT
// What answers a route must be something that can be called.
// words: one call operator that is no template: write out its parameter types
// words: CheckCallable<umbel::Response,
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void add_routes(App& app) {
#ifdef MUST_FAIL
  app.get("/item", Response::text("7"));  // here
#else
  app.get("/item", [] { return Response::text("7"); });
#endif
}
