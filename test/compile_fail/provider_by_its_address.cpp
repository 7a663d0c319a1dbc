// SPDX-License-Identifier: MIT
// A provider is named, without `&`.
// words g++: could not convert 'page_of' from 'int (*)()' to 'int (*&)()'
// words clang: value of type 'int (*)()' is not implicitly convertible to 'int (*&)()'
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

int page_of() { return 1; }
#ifdef MUST_FAIL
Response list(Depends<&page_of>) { return Response{200}; }  // here
#else
Response list(Depends<page_of>) { return Response{200}; }
#endif

void add_routes(App& app) { app.get("/items", list); }
