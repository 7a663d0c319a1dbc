// SPDX-License-Identifier: MIT
// A provider object that somebody could change.
// words: a provider object must be const: declare it `inline constexpr`
// words: CheckProvider<check_limit>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct Checker {
  int limit;
  int operator()() const { return limit; }
};
#ifdef MUST_FAIL
inline Checker check_limit{20};
#else
inline constexpr Checker check_limit{20};
#endif
Response list(Depends<check_limit>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
