// SPDX-License-Identifier: MIT
// That is a decorator.
// words: umbel: what takes Original<f> decorates it: write app.decorate<f>(g)
// words: CheckStandIn<current_user,
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
User current_user() { return {}; }
User checked_user(Original<current_user> user) { return *user; }
#ifdef MUST_FAIL
Override install(App& app) { return app.override<current_user>(checked_user); }  // here
#else
Override install(App& app) { return app.decorate<current_user>(checked_user); }
#endif
