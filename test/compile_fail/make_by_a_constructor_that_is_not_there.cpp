// SPDX-License-Identifier: MIT
// make<T(...)> names a constructor.
// words: make<T(Parameters...)> names a constructor of T, and T has none that takes these
// words: is_constructible_v<Paging, umbel::Header<
#include "umbel/di/app.hpp"

using namespace umbel;

struct Paging {
  explicit Paging(Query<"page", int> from) : page(*from) {}
  int page;
};
#ifdef MUST_FAIL
Response list(Depends<make<Paging(Header<"x-page", int>)>>) { return Response{200}; }
#else
Response list(Depends<make<Paging(Query<"page", int>)>>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
