// SPDX-License-Identifier: MIT
// The request is the one thing that is taken by reference.
// words: a node takes this parameter by const reference: write `const Request&`
// words: CheckParameter<umbel::Request,
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response echo(Request request) { return Response::text(request.target()); }
#else
Response echo(const Request& request) { return Response::text(request.target()); }
#endif

void add_routes(App& app) { app.get("/echo", echo); }  // here
