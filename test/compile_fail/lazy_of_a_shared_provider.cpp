// SPDX-License-Identifier: MIT
// What the App made at its start does not wait to be wanted.
// words: umbel: what lives as long as the App or its Context is there already: write Depends<f>
// words: Lazy<database>
#include "umbel/di/app.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

int open_database() { return 1; }
#ifdef MUST_FAIL
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
#else
inline constexpr auto database = provider<open_database>.lane("db");
#endif
Task<Response> list(Lazy<database> wanted) {
  const int& number = co_await wanted;
  co_return Response{200 + number};
}

void add_routes(App& app) { app.get("/items", list); }
