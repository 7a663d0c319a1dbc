// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace umbel;

enum class Sort { name, price };

Response list_items(Query<"limit", int, 20, ge<1>, le<100>> limit,                // a default, and bounds
                    Query<"sort", Sort, Sort::name> sort,                         // by its enumerators' names
                    Query<"tag", std::vector<std::string>, or_empty> tags,        // ?tag=a&tag=b
                    Header<"user-agent", std::optional<std::string_view>> who) {  // may be missing
  JsonWriter json;
  json.begin_object().field("limit", *limit).field("by_price", *sort == Sort::price);
  json.field("tags", tags->size()).field("browser", who->has_value()).end_object();
  return Response::json(std::move(json));
}

std::string read_item(Path<"item_id", int, ge<1>> id, Query<"lang", std::string_view, default_to<"en">> lang) {
  return "item " + std::to_string(*id) + " in " + std::string{*lang};
}

struct Paging {
  Query<"page", int, 1, ge<1>> page;
  Query<"size", int, 20, le<100>> size;
};

std::string list_orders(Depends<make<Paging>> paging) {
  return std::to_string((*paging->page - 1) * *paging->size) + ".." + std::to_string(*paging->page * *paging->size);
}

int main() {
  App app;
  app.get("/items", list_items);
  app.get("/items/{item_id}", read_item);
  app.get("/orders", list_orders);

  loopback::Client client{app};
  tutorial::show(client, "/items?sort=price&tag=fresh&tag=green");
  tutorial::show(client, "/items/7?lang=la");
  tutorial::show(client, "/items/0");
  tutorial::show(client, "/items?limit=500&sort=colour");
  tutorial::show(client, "/orders?page=3");
}
