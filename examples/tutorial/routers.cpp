// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <chrono>
#include <string>

using namespace umbel;
using namespace std::chrono_literals;

void require_login(Header<"x-token", std::string_view, default_to<"">> token) {
  if (*token != "fennel") throw HttpError{401, "Not authenticated"};
}
void require_staff(Query<"staff", bool, false> staff) {
  if (!*staff) throw HttpError{403, "For staff only"};
}

std::string list_items() { return "all items"; }
std::string read_item(Path<"item_id", int> id) { return "item " + std::to_string(*id); }
std::string list_orders(Path<"user_id", int> id) { return "orders of " + std::to_string(*id); }
std::string health() { return "well"; }

int main() {
  App app;

  Router items;
  items.guard<require_login>().deadline(2s);
  items.get("", list_items);
  items.get("/{item_id}", read_item, {.guards = guards<require_staff>});
  app.include("/items", items);  // GET /items, GET /items/{item_id}

  Router<"/users/{user_id}"> of_user;  // Handlers are checked against the prefix while they compile.
  of_user.get("/orders", list_orders);
  app.include(of_user);

  App admin;  // State, guards and observer of its own.
  admin.get("/health", on_loop<health>);
  app.mount("/admin", admin);

  app.around([](const Request& request, Next next) -> Task<Response> {
    Response response = co_await next(request);
    response.header("x-served-by", "umbel");
    co_return response;
  });

  loopback::Client client{app};
  tutorial::show(client, "/items");
  tutorial::show(client, "/items", "x-token", "fennel");
  tutorial::show(client, "/items/7", "x-token", "fennel");
  tutorial::show(client, "/users/7/orders");
  tutorial::show(client, "/admin/health");
  tutorial::show(client, "/nowhere");
}
