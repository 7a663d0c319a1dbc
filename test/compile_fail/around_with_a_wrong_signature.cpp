// SPDX-License-Identifier: MIT
// What wraps an answer takes the request and what is next.
// words: app.around takes a function, const, of the form Task<Response>(const Request&, Next)
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

void add_routes(App& app) {
#ifdef MUST_FAIL
  app.around([](const Request& request) -> Task<Response> { co_return Response::text(request.target()); });  // here
#else
  app.around([](const Request& request, Next next) -> Task<Response> { co_return co_await next(request); });
#endif
}
