// SPDX-License-Identifier: MIT
// A handler's parameter that nothing provides.
// words: this node takes a parameter that nothing provides
// words: CheckParameter<int, umbel::detail::HandlerNamed<umbel::Response (*)(int)>
// words: Path<"name", T>
// words: [here]
// names parameter: has_a_place_in_the_request<int,
// names function: HandlerNamed<umbel::Response (*)(int)>
// names remedy: What the client sends has a place and a name: write Path<"name", T>, Query<"name", T>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response read_item(int id) { return Response{200 + id}; }
#else
Response read_item(Path<"id", int> id) { return Response{200 + *id}; }
#endif

void add_routes(App& app) { app.get("/items/{id}", read_item); }  // here
