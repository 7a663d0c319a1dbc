// SPDX-License-Identifier: MIT
// A place in a pool is given back by a tear-down.
// words: umbel: a capacity belongs to a Resource or a SyncResource: nothing else is given back
// words g++: with auto& provider = connect
// words clang: ProviderOf<connect
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Task<int> connect() { co_return 1; }
#else
Resource<int> connect() {
  int number = 1;
  co_yield number;
}
#endif
inline constexpr auto connection = provider<connect>.capacity(5);  // here
Response list(Depends<connection>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
