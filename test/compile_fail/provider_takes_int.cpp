// SPDX-License-Identifier: MIT
// A provider's parameter that nothing provides.
// words: this node takes a parameter that nothing provides
// words g++: CheckParameter<int, umbel::detail::ProviderNamed<page_of> >
// words clang: CheckParameter<int, umbel::detail::ProviderNamed<page_of>>
// words: To pass what another function returns, write Depends<that_function>
// words: [here]
// names parameter: has_a_place_in_the_request<int,
// names function: ProviderNamed<page_of>
// names remedy: What the client sends has a place and a name: write Path<"name", T>, Query<"name", T>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
int page_of(int page) { return page; }
#else
int page_of(Query<"page", int> page) { return *page; }
#endif
Response list(Depends<page_of>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
