// SPDX-License-Identifier: MIT
#include <umbel/umbel.hpp>
using namespace umbel;

std::string current_user(Header<"x-token"> token) {  // a plain function: runs on a worker, so it may block
  if (*token != "fennel") throw HttpError{401, "Not authenticated"};
  return "Ada";
}

Task<Response> read_item(Path<"item_id", int> id, Depends<current_user> user) {  // a coroutine: runs on the loop
  JsonWriter json;
  json.begin_object().field("item_id", *id).field("user", *user).end_object();
  co_return Response::json(std::move(json));
}

int main() {
  App app;
  app.get("/items/{item_id}", read_item);  // a path parameter that the template lacks does not compile
  return http1::serve(app, {.port = 8000});
}
