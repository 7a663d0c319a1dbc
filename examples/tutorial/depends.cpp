// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

using namespace umbel;
using namespace std::chrono_literals;

struct User {
  std::string name;
  bool is_member;
};

class Users {  // Shared by all requests of all threads, so it takes care of itself: here it never changes.
public:
  const User* find(std::string_view token) const {
    if (token == "fennel") return &ada_;
    return token == "dill" ? &ben_ : nullptr;
  }

private:
  User ada_{"Ada", true};
  User ben_{"Ben", false};
};

User current_user(Header<"x-token"> token, State<Users> users) {  // plain: on a worker, so it may block
  if (const User* user = users->find(*token)) return *user;
  throw HttpError{401, "Not authenticated"};
}

Task<int> price_of(Path<"item_id", int> id, Depends<current_user> user) {
  co_await sleep(1ms);  // Stands for another service.
  co_return user->is_member ? *id * 90 : *id * 100;
}

std::string name_of(Path<"item_id", int> id) { return "item " + std::to_string(*id); }

std::string read_item(Depends<current_user> user, Depends<name_of> name, Depends<price_of> cents) {
  return *name + " for " + user->name + ": " + std::to_string(*cents);
}

Result<int> stock_of(Path<"item_id", int> id) {
  if (*id == 13) return HttpError{404, "We do not keep that"};
  return *id * 2;
}

std::string read_stock(Depends<on_loop<stock_of>> stock) { return std::to_string(*stock); }

int main() {
  App app;
  app.state(Users{});
  app.get("/items/{item_id}", on_loop<read_item>);  // It only puts together what is there: not worth a worker.
  app.get("/stock/{item_id}", on_loop<read_stock>);

  loopback::Client client{app};
  tutorial::show(client, "/items/7", "x-token", "fennel");
  tutorial::show(client, "/items/7", "x-token", "dill");
  tutorial::show(client, "/items/7", "x-token", "parsley");
  tutorial::show(client, "/stock/13");
  tutorial::print(app.graph().text());
}
