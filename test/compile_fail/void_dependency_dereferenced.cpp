// SPDX-License-Identifier: MIT
// A provider that returns nothing has no value to give.
// words: this provider returns void, so there is no value to use. Keep the parameter to run it first, and drop the `*`
// words g++: provider = check_token
// words clang: DependsOn<check_token, void>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void check_token(Header<"x-token">) {}
#ifdef MUST_FAIL
Response greet(Depends<check_token> token) { return *token, Response{200}; }  // here
#else
Response greet(Depends<check_token>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/me", greet); }
