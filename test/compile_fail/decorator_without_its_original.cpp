// SPDX-License-Identifier: MIT
// A decorator takes what it decorates.
// words: umbel: what decorates f takes f: give it a parameter Original<f>, or write app.override<f>(g)
// words: CheckStandIn<current_user,
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
User current_user() { return {}; }
User checked_user() { return {}; }
#ifdef MUST_FAIL
Override install(App& app) { return app.decorate<current_user>(checked_user); }  // here
#else
Override install(App& app) { return app.override<current_user>(checked_user); }
#endif
