// SPDX-License-Identifier: MIT
// A coroutine runs on the loop, in no lane.
// words: umbel: a lane is for what runs on the work queue: plain functions and SyncResources
// words g++: with auto& provider = load
// words clang: ProviderOf<load
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Task<int> load() { co_return 1; }
#else
int load() { return 1; }
#endif
inline constexpr auto loaded = provider<load>.lane("db");  // here
Response list(Depends<loaded>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
