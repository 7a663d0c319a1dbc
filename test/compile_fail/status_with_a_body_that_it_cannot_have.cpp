// SPDX-License-Identifier: MIT
// RFC 9110 section 15.3.5: 204 ends with its head.
// words: umbel: 204 and 304 have no body: NoContent, Status<304>
#include "umbel/di/app.hpp"

using namespace umbel;

struct Item {
  int id;
};
#ifdef MUST_FAIL
Status<204, Item> remove_item() { return Item{7}; }
#else
NoContent remove_item() { return {}; }
#endif

void add_routes(App& app) { app.get("/item", remove_item); }
