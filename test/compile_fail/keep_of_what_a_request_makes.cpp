// SPDX-License-Identifier: MIT
// App::keep is for what outlives requests.
// words: umbel: only what lives as long as the App or its Context can be kept
// words: provider<f>.lifetime(Lifetime::app)
// words: [here]
#include "umbel/di/app.hpp"
#include "umbel/di/provide.hpp"

using namespace umbel;

int open_database() { return 1; }
inline constexpr auto database = provider<open_database>.lifetime(Lifetime::app);
#ifdef MUST_FAIL
void set_up(App& app) { app.keep<open_database>(); }  // here
#else
void set_up(App& app) { app.keep<database>(); }
#endif
