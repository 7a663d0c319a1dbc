// SPDX-License-Identifier: MIT
// Guard<f>, as a parameter: nothing under it takes the body.
// words: umbel: a guard, or what it depends on, takes the body, which is read only when all guards have passed
// words: take the provider by Depends
// words: CheckEdge<require_signature
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
int signature_of(Body<>) { return 1; }
#else
int signature_of(Header<"x-signature">) { return 1; }
#endif
void require_signature(Depends<signature_of>) {}
Response add(Guard<require_signature>) { return Response{201}; }

void add_routes(App& app) { app.post("/items", add); }
