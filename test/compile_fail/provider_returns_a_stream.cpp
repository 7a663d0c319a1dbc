// SPDX-License-Identifier: MIT
// A stream is a reply: nobody can depend on it.
// words: a Stream is a reply, and nothing that another node could take
// words: Response::stream("text/csv", rows())
// words: rows
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Stream rows() { co_yield "a,b\n"; }
#else
std::string rows() { return "a,b\n"; }
#endif

Response table(Depends<rows>) { return Response{200}; }

void add_routes(App& app) { app.get("/table", table); }
