// SPDX-License-Identifier: MIT
// A template has no parameter types to go by.
// words: one call operator that is no template: write out its parameter types
// words: ProviderNamed<page_of>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
inline constexpr auto page_of = [](auto page) { return *page; };
#else
inline constexpr auto page_of = [](Query<"page", int> page) { return *page; };
#endif
Response list(Depends<page_of>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
