// SPDX-License-Identifier: MIT
// Requests of several threads share a provider.
// words: the call operator of a provider or handler must be const, since requests share it: drop `mutable`
// words: CheckCallable<Counter, umbel::detail::ProviderNamed<count_up>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct Counter {
  int count = 0;
#ifdef MUST_FAIL
  int operator()() { return ++count; }
#else
  int operator()() const { return count; }
#endif
};
inline constexpr Counter count_up{};
Response show(Depends<count_up>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/count", show); }
