// SPDX-License-Identifier: MIT
// A request's memory is aligned to 64.
// words: a parameter's value is aligned to 64 at the most
// words: Query<
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct alignas(128) Wide {
  int value = 0;
};
struct alignas(64) Fitting {
  int value = 0;
};
template <class T>
  requires std::is_same_v<T, Wide> || std::is_same_v<T, Fitting>
struct umbel::FromText<T> {
  static ConvertError convert(std::string_view, std::optional<T>& out) {
    out.emplace();
    return {};
  }
};

#ifdef MUST_FAIL
Response list(Query<"page", Wide>) { return Response{200}; }  // here
#else
Response list(Query<"page", Fitting>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
