// SPDX-License-Identifier: MIT
// What is yielded is handed out by reference, so it stays in the coroutine.
// words: umbel: co_yield takes an object with a name
// words: write `Session session = ...; co_yield session;`
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

Resource<std::string> open_session() {
#ifdef MUST_FAIL
  co_yield std::string{"session"};  // here
#else
  std::string session{"session"};
  co_yield session;
#endif
}
Response list(Depends<open_session>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
