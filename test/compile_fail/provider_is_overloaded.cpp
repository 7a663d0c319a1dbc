// SPDX-License-Identifier: MIT
// Two call operators are two signatures.
// words: one call operator that is no template: write out its parameter types
// words: CheckCallable<PageOf, umbel::detail::ProviderNamed<page_of>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct PageOf {
  int operator()(Query<"page", int> page) const { return *page; }
#ifdef MUST_FAIL
  int operator()(Header<"x-page", int> page) const { return *page; }
#endif
};
inline constexpr PageOf page_of{};
Response list(Depends<page_of>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
