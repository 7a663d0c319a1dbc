// SPDX-License-Identifier: MIT
// Two functions of one name.
// words g++: unable to deduce 'auto&' from 'page_of'
// words clang: non-type template parameter 'provider' with type 'auto &' has incompatible initializer of type
// '<overloaded function type>' words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

int page_of(Query<"page", int> page) { return *page; }
#ifdef MUST_FAIL
int page_of(Header<"x-page", int> page) { return *page; }
#endif
Response list(Depends<page_of>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
