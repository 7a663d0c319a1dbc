// SPDX-License-Identifier: MIT
// A struct is no reply.
// words: a handler returns a Response, text, or nothing (204)
// words: Response::json(...), Response::text(...)
// words: umbel::Task<Item>
// words: [here]
// names parameter: can_be_a_reply<Item,
// names function: HandlerNamed<umbel::Task<Item> (*)()>
// names remedy: Make a Response of it: Response::json(...), Response::text(...)
#include "umbel/di/app.hpp"

using namespace umbel;

struct Item {
  int id;
};
#ifdef MUST_FAIL
Task<Item> read_item() { co_return Item{7}; }
#else
Task<Response> read_item() { co_return Response::text("7"); }
#endif

void add_routes(App& app) { app.get("/item", read_item); }  // here
