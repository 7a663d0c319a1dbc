// SPDX-License-Identifier: MIT
// Parameters are handles: by value.
// words: a node takes this parameter by value: write it without the `&`
// words g++: CheckParameter<umbel::State<Pool>&, umbel::detail::ProviderNamed<open_session> >
// words clang: CheckParameter<umbel::State<Pool> &, umbel::detail::ProviderNamed<open_session>>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct Pool {};
#ifdef MUST_FAIL
int open_session(State<Pool>&) { return 1; }
#else
int open_session(State<Pool>) { return 1; }
#endif
Response list(Depends<open_session>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
