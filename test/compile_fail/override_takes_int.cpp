// SPDX-License-Identifier: MIT
// What a replacement takes must be provided, as for every node.
// words: this node takes a parameter that nothing provides
// words: To pass what another function returns, write Depends<that_function>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct User {};
User current_user() { return {}; }
#ifdef MUST_FAIL
User fake_user(int) { return {}; }
#else
User fake_user(Query<"id", int>) { return {}; }
#endif
Override install(App& app) { return app.override<current_user>(fake_user); }  // here
