// SPDX-License-Identifier: MIT
// A default is what it says.
// words: this default cannot become a value of the parameter's type
// words: FixedString<6>{"limit"}
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response list(Query<"limit", std::uint8_t, 300>) { return Response{200}; }  // here
#else
Response list(Query<"limit", std::uint8_t, 200>, Query<"x", float, 0.1>, Query<"y", double, 20>,
              Query<"z", std::optional<int>, 7u>) {
  return Response{200};
}
#endif

void add_routes(App& app) { app.get("/items", list); }
