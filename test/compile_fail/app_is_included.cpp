// SPDX-License-Identifier: MIT
// What has state of its own is mounted.
// words: umbel: an App has state and guards of its own, so it is not included but mounted: app.mount("/v1", other)
// words: [here]
#include "umbel/di/app.hpp"

using namespace umbel;

#ifdef MUST_FAIL
void put_together(App& app, App& other) { app.include("/v1", other); }  // here
#else
void put_together(App& app, App& other) { app.mount("/v1", other); }
#endif
