// SPDX-License-Identifier: MIT
// It would take itself.
// words: umbel: this takes by Depends the provider that it stands in for, and so itself
// words: CheckStandIn<current_user,
// words: write app.decorate<f>(g), and take Original<f>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
User current_user() { return {}; }
#ifdef MUST_FAIL
User fake_user(Depends<current_user> user) { return *user; }
#else
User fake_user() { return {}; }
#endif
Override install(App& app) { return app.override<current_user>(fake_user); }  // here
