// SPDX-License-Identifier: MIT
// A resource hands out what stays in it.
// words: write_co_yield_of_a_named_object_in_place_of_return
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Resource<std::string> open_session() { return std::string{"session"}; }  // here
#else
Resource<std::string> open_session() {
  std::string session{"session"};
  co_yield session;
}
#endif
Response list(Depends<open_session>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
