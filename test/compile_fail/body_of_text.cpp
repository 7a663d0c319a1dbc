// SPDX-License-Identifier: MIT
// A body is a document or bytes; text would be either.
// words: Body<T> is JSON that is read into T, and T is no document
// words: Take Body<> for the bytes that came
// words: [here]
// names parameter: can_be_a_body<std::
// names function: [here]
// names remedy: Take Body<> for the bytes that came
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response add_item(Body<std::string>) { return Response{201}; }  // here
#else
Response add_item(Body<>) { return Response{201}; }
#endif

void add_routes(App& app) { app.post("/items", add_item); }
