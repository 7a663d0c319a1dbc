// SPDX-License-Identifier: MIT
// An object that cannot be called provides nothing.
// words: a provider or handler must be something that can be called
// words: ProviderNamed<page_size>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
inline constexpr int page_size = 20;
#else
inline constexpr auto page_size = [] { return 20; };
#endif
Response list(Depends<page_size>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
