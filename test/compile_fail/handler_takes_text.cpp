// SPDX-License-Identifier: MIT
// What the client sends has a place in the request.
// words: umbel: this node takes a parameter that nothing provides
// words: [here]
// names parameter g++: has_a_place_in_the_request<std::__cxx11::basic_string<char>,
// names parameter clang: has_a_place_in_the_request<std::basic_string<char
// names function g++: HandlerNamed<umbel::Response (*)(std::__cxx11::basic_string<char>)>
// names function clang: HandlerNamed<umbel::Response (*)(std::basic_string<char
// names remedy: What the client sends has a place and a name: write Path<"name", T>, Query<"name", T>
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Response search(std::string q) { return Response::text(q); }
#else
Response search(Query<"q", std::string> q) { return Response::text(*q); }
#endif

void add_routes(App& app) { app.get("/items", search); }  // here
