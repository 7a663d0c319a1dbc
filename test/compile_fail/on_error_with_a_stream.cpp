// SPDX-License-Identifier: MIT
// An error is answered by a whole reply.
// words: an error is answered by a whole reply: return a Response, not a Stream
#include <stdexcept>

#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
Stream explain(const std::runtime_error&) { co_yield "sorry"; }
#else
std::string explain(const std::runtime_error&) { return "sorry"; }
#endif

void add_mappers(App& app) { app.on_error<std::runtime_error>(explain); }
