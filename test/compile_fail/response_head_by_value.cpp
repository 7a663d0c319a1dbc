// SPDX-License-Identifier: MIT
// A node writes into the request's head, not into a copy.
// words: a node takes this parameter by reference: write `ResponseHead&`, `Background&`
// words: CheckParameter<umbel::ResponseHead,
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/response_head.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void create(ResponseHead head) { head.status(201); }
#else
void create(ResponseHead& head) { head.status(201); }
#endif

void add_routes(App& app) { app.post("/items", create); }  // here
