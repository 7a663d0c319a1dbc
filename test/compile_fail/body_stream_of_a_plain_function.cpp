// SPDX-License-Identifier: MIT
// A body that is read piece by piece is awaited, and a plain function cannot await.
// words: BodyStream is awaited on the loop, so whoever takes it is a coroutine
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/body_stream.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response upload(BodyStream&) { return Response{201}; }
#else
Task<Response> upload(BodyStream&) { co_return Response{201}; }
#endif

void add_routes(App& app) { app.post("/files", upload); }  // here
