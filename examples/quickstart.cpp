// SPDX-License-Identifier: MIT
// A small shop over a SQLite file. What blocks is a plain function and runs on workers; what waits for the network is a
// coroutine and runs on the loop; umbel joins them as the handlers' signatures say.
//
//     quickstart [--port N] [--db FILE]      port 0: any free one; the file is made and filled if it is not there
//
// try: curl -s 'localhost:8000/items?limit=3'
// try: curl -s localhost:8000/items/2 -H 'x-token: ada-token'
// try: curl -s localhost:8000/orders -H 'x-token: ada-token' --json '{"item_id": 2, "quantity": 3}'
// try: curl -s localhost:8000/graph
// try: curl -s localhost:8000/openapi.json

#include <umbel/umbel.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database.hpp"
#include "price_client.hpp"
#include "price_service.hpp"

using namespace umbel;
using shop::Database, shop::PriceClient, shop::Rows;

struct User {
  std::int64_t id;
  std::string name;
  std::string price_group;
};

struct Item {
  std::int64_t id;
  std::string name;
  std::string latin;
};

struct PricedItem {
  std::int64_t id;
  std::string name;
  std::string latin;
  std::int64_t cents;
};

struct ListedItem {
  std::int64_t id;
  std::string name;
};

struct NewOrder {
  std::int64_t item_id;
  Bounded<int, ge<1>, le<1000>> quantity;
};

struct PlacedOrder {
  std::int64_t id;
  std::int64_t cents;
};

struct Order {
  std::int64_t id;
  std::int64_t item_id;
  std::int64_t quantity;
  std::int64_t cents;
};

// --- who asks: everything below that names current_user is for customers only, and shares one look-up

User current_user(Header<"x-token", std::optional<std::string_view>> token, State<Database> db) {
  Rows rows = db->query("select id, name, price_group from users where token = ?", token->value_or(""));
  if (!rows.next()) throw HttpError{401, "Not authenticated"}.header("www-authenticate", "Token");
  return {rows.integer(0), rows.text(1), rows.text(2)};
}

// --- GET /items/{item_id}: find_item on a worker and quote on the loop, at the same time

Item find_item(Depends<current_user>, Path<"item_id", std::int64_t> id, State<Database> db) {
  Rows rows = db->query("select id, name, latin from items where id = ?", *id);
  if (!rows.next()) throw HttpError{404, "No such item"};
  return {rows.integer(0), rows.text(1), rows.text(2)};
}

Task<std::int64_t> quote(Depends<current_user> user, Path<"item_id", std::int64_t> id, State<PriceClient> prices) {
  const auto cents = co_await prices->price_of(*id, user->price_group);
  if (!cents) throw HttpError{503, "This item has no price today"};  // For an unknown item, find_item's 404 wins.
  co_return *cents;
}

PricedItem read_item(Depends<find_item> item, Depends<quote> cents) {
  return {item->id, item->name, item->latin, *cents};
}

// --- GET /items?limit=

std::vector<ListedItem> list_items(Query<"limit", int, 20, ge<0>, le<100>> limit, State<Database> db) {
  Rows rows = db->query("select id, name from items order by id limit ?", *limit);
  std::vector<ListedItem> items;
  while (rows.next()) items.push_back({rows.integer(0), rows.text(1)});
  return items;
}

// --- POST /orders and GET /orders/{order_id}: the body is read once, and is right before any node runs

Task<std::int64_t> order_total(Depends<current_user> user, Body<NewOrder> order, State<PriceClient> prices) {
  const auto cents = co_await prices->price_of(order->item_id, user->price_group);
  if (!cents) throw HttpError{404, "No such item"};
  const std::int64_t total = *cents * *order->quantity;
  co_return total;
}

Created<PlacedOrder> place_order(Depends<current_user> user, Body<NewOrder> order, Depends<order_total> cents,
                                 State<Database> db) {
  Rows rows = db->query("insert into orders (user_id, item_id, quantity, cents) values (?, ?, ?, ?) returning id",
                        user->id, order->item_id, *order->quantity, *cents);
  rows.next();
  const std::int64_t id = rows.integer(0);
  return Created<PlacedOrder>{{id, *cents}}.header("location", "/orders/" + std::to_string(id));
}

Order read_order(Depends<current_user> user, Path<"order_id", std::int64_t> id, State<Database> db) {
  Rows rows = db->query("select item_id, quantity, cents from orders where id = ? and user_id = ?", *id, user->id);
  if (!rows.next()) throw HttpError{404, "No such order"};
  return {*id, rows.integer(0), rows.integer(1), rows.integer(2)};
}

// --- the program

/// A client is told "Internal Server Error", and nothing else. Here is what it was.
class Log : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override {
    if (failure.error.http()) return;  // What the client was told.
    const std::string route{failure.route}, node{failure.node};
    std::fprintf(stderr, "%s: %s: %s\n", route.c_str(), node.c_str(), failure.error.message().c_str());
  }
};

struct Options {
  int port = 8000;
  const char* file = "shop.db";
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && !std::strcmp(argv[i], "--port")) options.port = std::atoi(argv[i + 1]);
    else if (i + 1 < argc && !std::strcmp(argv[i], "--db")) options.file = argv[i + 1];
    else std::fprintf(stderr, "usage: quickstart [--port N] [--db FILE]\n"), std::exit(2);
  }
  return options;
}

void announce(int port) {
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

int run(const Options& options) {
  Loop loop;
  shop::PriceService upstream{loop};  // Would be another machine's.
  PriceClient prices{loop, upstream.port()};
  Database database{options.file};
  Log log;

  App app;
  app.borrow(database).borrow(prices).observe(log);
  app.get("/items", list_items);
  app.get("/items/{item_id}", on_loop<read_item>);  // It only writes what is there: not worth a worker.
  app.post("/orders", place_order);
  app.get("/orders/{order_id}", read_order);
  openapi_route(app, {.title = "Shop"});
  app.get("/graph", [&app] { return app.graph().text(); });  // What runs where, as umbel sees it.

  return http1::serve(app, loop,
                      {.port = options.port, .server = {.limits = {.body = 16 * 1024}}, .on_listening = announce});
}

int main(int argc, char** argv) {
  try {
    return run(read_options(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quickstart: %s\n", error.what());
    return 1;
  }
}
