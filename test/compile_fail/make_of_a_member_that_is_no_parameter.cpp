// SPDX-License-Identifier: MIT
// Every member of a made aggregate is a parameter.
// words: this node takes a parameter that nothing provides
// words g++: CheckParameter<int, umbel::detail::ProviderNamed<umbel::make<Paging> > >
// words clang: CheckParameter<int, umbel::detail::ProviderNamed<umbel::make>>
// words: MakeFrom<Paging,
#include "umbel/di/app.hpp"

using namespace umbel;

struct Paging {
#ifdef MUST_FAIL
  int size;
#endif
  Query<"page", int> page;
};
Response list(Depends<make<Paging>>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
