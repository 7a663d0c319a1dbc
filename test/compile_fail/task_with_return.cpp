// SPDX-License-Identifier: MIT
// What returns a Task is a coroutine, or calls one.
// words: write_co_return_in_place_of_return
// words: [here]
// names parameter g++: umbel::Task<T>::Task(U&&) [with U = umbel::Response
// names parameter clang: from 'Response' to 'Task<Response>'
// names function: [here]
// names remedy: write_co_return_in_place_of_return
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Task<Response> hello() { return Response::text("hello"); }  // here
#else
Task<Response> hello() { co_return Response::text("hello"); }
#endif

void add_routes(App& app) { app.get("/", hello); }
