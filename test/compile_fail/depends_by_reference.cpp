// SPDX-License-Identifier: MIT
// Parameters are handles: by value.
// words: a node takes this parameter by value: write it without the `&`
// words g++: CheckParameter<const umbel::Depends<page_of>&
// words clang: CheckParameter<const umbel::Depends<page_of> &
// words: [here]
// names parameter g++: is_taken_by_value<const umbel::Depends<page_of>&
// names parameter clang: is_taken_by_value<const umbel::Depends<page_of> &
// names function g++: HandlerNamed<umbel::Response (*)(const umbel::Depends<page_of>&)>
// names function clang: HandlerNamed<umbel::Response (*)(const umbel::Depends<page_of> &)>
// names remedy: write it without the `&`
#include "umbel/di/app.hpp"

using namespace umbel;

int page_of() { return 1; }
#ifdef MUST_FAIL
Response list(const Depends<page_of>&) { return Response{200}; }
#else
Response list(Depends<page_of>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }  // here
