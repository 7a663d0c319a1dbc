// SPDX-License-Identifier: MIT
// A class with a constructor has no members that anybody could tell.
// words: a handler returns a Response, text, a model
// words: with a status, Created<T>, nothing (204), a File, a Redirect
// words: Make a struct of it, or a Response
// words: umbel::Task<Item>
// words: [here]
// names parameter: can_be_a_reply<Item,
// names function: HandlerNamed<umbel::Task<Item> (*)()>
// names remedy: Make a struct of it, or a Response
#include "umbel/di/app.hpp"

using namespace umbel;

struct Item {
#ifdef MUST_FAIL
  explicit Item(int number) : id(number) {}
#endif
  int id;
};
Task<Item> read_item() {
  Item item{7};
  co_return item;
}

void add_routes(App& app) { app.get("/item", read_item); }  // here
