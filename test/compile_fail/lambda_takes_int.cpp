// SPDX-License-Identifier: MIT
// The same in a lambda that the App keeps.
// words: this node takes a parameter that nothing provides
// words: CheckParameter<int, umbel::detail::HandlerNamed<
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void add_routes(App& app) {
#ifdef MUST_FAIL
  app.get("/items/{id}", [](int id) { return Response{200 + id}; });  // here
#else
  app.get("/items/{id}", [](Path<"id", int> id) { return Response{200 + *id}; });
#endif
}
