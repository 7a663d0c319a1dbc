// SPDX-License-Identifier: MIT
// What answers an error takes the error first.
// words: umbel: app.on_error<E>(f) takes a function whose first parameter is `const E&`
// words: MapperOf<DatabaseDown
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct DatabaseDown {};
#ifdef MUST_FAIL
Response try_later(DatabaseDown) { return Response{503}; }
#else
Response try_later(const DatabaseDown&) { return Response{503}; }
#endif
void set_up(App& app) { app.on_error<DatabaseDown>(try_later); }  // here
