// SPDX-License-Identifier: MIT
// A provider is known to the compiler, so what it works with comes by its parameters.
// words: umbel: a provider object must be const
// words: [here]
// names parameter: is_const<page_size>
// names function: page_size
// names remedy: declare it `inline constexpr`; what a lambda would capture it takes as a parameter, State<T>
#include "umbel/di/app.hpp"

using namespace umbel;

struct Pool {
  int size = 1;
};
#ifdef MUST_FAIL
auto page_size = [pool = Pool{}] { return pool.size; };
#else
inline constexpr auto page_size = [](State<Pool> pool) { return pool->size; };
#endif
Response list(Depends<page_size>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/items", list); }
