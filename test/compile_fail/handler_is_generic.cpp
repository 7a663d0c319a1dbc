// SPDX-License-Identifier: MIT
// A template has no parameter types to go by.
// words: one call operator that is no template: write out its parameter types
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void add_routes(App& app) {
#ifdef MUST_FAIL
  app.get("/items", [](auto page) { return Response{*page}; });  // here
#else
  app.get("/items", [](Query<"page", int> page) { return Response{*page}; });
#endif
}
