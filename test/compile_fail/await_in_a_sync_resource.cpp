// SPDX-License-Identifier: MIT
// A SyncResource runs on a worker.
// words: umbel: a SyncResource runs on a worker, where nothing can be awaited: make it a Resource
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

Task<int> connect() { co_return 1; }
#ifdef MUST_FAIL
SyncResource<int> open_session() {
#else
Resource<int> open_session() {
#endif
  int session = 1;
  co_await connect();  // here
  co_yield session;
}
Response list(Depends<open_session>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
