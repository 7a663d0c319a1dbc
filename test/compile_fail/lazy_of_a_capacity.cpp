// SPDX-License-Identifier: MIT
// Places of a pool are taken before the request runs, in one order for all.
// words: umbel: this provider has a capacity, and its places are given out before the request runs
// words: write Depends<f>
// words: Lazy<connection>
#include "umbel/di/app.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

Resource<int> connect() {
  int number = 1;
  co_yield number;
}
#ifdef MUST_FAIL
inline constexpr auto connection = provider<connect>.capacity(5);
#else
inline constexpr auto connection = provider<connect>.lifetime(Lifetime::request);
#endif
Task<Response> list(Lazy<connection> wanted) {
  const int& number = co_await wanted;
  co_return Response{200 + number};
}

void add_routes(App& app) { app.get("/items", list); }
