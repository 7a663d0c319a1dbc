// SPDX-License-Identifier: MIT
// make<T> counts the members of an aggregate.
// words: make<T> takes an aggregate whose members are parameters; for a constructor write make<T(Depends<db>,
// State<Pool>)> words: MakeOf<Paging>
#include "umbel/di/app.hpp"

using namespace umbel;

struct Paging {
#ifdef MUST_FAIL
  explicit Paging(Query<"page", int> from) : page(from) {}
#endif
  Query<"page", int> page;
};
Response list(Depends<make<Paging>>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
