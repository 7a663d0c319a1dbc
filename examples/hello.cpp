// SPDX-License-Identifier: MIT
#include <umbel/umbel.hpp>
using namespace umbel;

struct Item {
  int item_id;
  std::string owner;
};

struct Offer {
  Bounded<int, ge<1>> cents;
  std::optional<std::string> note;
};

std::string current_user(Header<"x-token"> token) {  // a plain function: runs on a worker, so it may block
  if (*token != "fennel") throw HttpError{401, "Not authenticated"};
  return "Ada";
}

Task<Item> read_item(Path<"item_id", int> id, Depends<current_user> user) {  // a coroutine: runs on the loop
  co_return Item{*id, *user};
}

Created<Offer> make_offer(Depends<read_item>, Body<Offer> offer) { return {*offer}; }

int main() {
  App app;
  app.get("/items/{item_id}", read_item);  // a path parameter that the template lacks does not compile
  app.post("/items/{item_id}/offers", make_offer);
  return http1::serve(app, {.port = 8000});
}
