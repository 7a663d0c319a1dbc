// SPDX-License-Identifier: MIT
// A reference has no owner in the request.
// words: a node returns its value, which the request then owns: return a pointer in place of a reference
// words: ProviderNamed<load_config>
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

struct Config {};
#ifdef MUST_FAIL
Config& load_config(State<Config> config) { return *config; }
#else
Config* load_config(State<Config> config) { return &*config; }
#endif
Response show(Depends<load_config>) { return Response{200}; }  // here

void add_routes(App& app) { app.get("/config", show); }
