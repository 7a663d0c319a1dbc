// SPDX-License-Identifier: MIT
// What lives as long as the App is made when there is no request yet.
// words: umbel: what lives as long as the App or its Context is made before any request
// words: cannot take parameters of a request, nor depend on what does
// words: CheckEdge<database
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

#ifdef MUST_FAIL
int shard_of(Query<"shard", int> shard) { return *shard; }
#else
int shard_of() { return 1; }
#endif
int open_database(Depends<shard_of> shard) { return *shard; }
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
Response list(Depends<database>) { return Response{200}; }

void add_routes(App& app) { app.get("/items", list); }
