// SPDX-License-Identifier: MIT
// A small shop over a SQLite file. What blocks is a plain function and runs on workers; what waits for the network is a
// coroutine and runs on the loop; umbel joins them as the handlers' signatures say.
//
//     quickstart [--port N] [--db FILE]      port 0: any free one; the file is made and filled if it is not there
//
// try: curl -s 'localhost:8000/items?limit=3'
// try: curl -s localhost:8000/items/2 -H 'x-token: ada-token'
// try: curl -s localhost:8000/orders -H 'x-token: ada-token' -d '{"item_id": 2, "quantity": 3}'
// try: curl -s localhost:8000/graph

#include <umbel/umbel.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

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

struct Order {
  std::int64_t item_id;
  std::int64_t quantity;
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

Response read_item(Depends<find_item> item, Depends<quote> cents) {
  JsonWriter json;
  json.begin_object().field("id", item->id).field("name", item->name).field("latin", item->latin);
  json.field("cents", *cents).end_object();
  return Response::json(std::move(json));
}

// --- GET /items?limit=

Response list_items(Query<"limit", int, 20> limit, State<Database> db) {
  Rows rows = db->query("select id, name from items order by id limit ?", std::clamp<std::int64_t>(*limit, 0, 100));
  JsonWriter json;
  json.begin_array();
  while (rows.next()) json.begin_object().field("id", rows.integer(0)).field("name", rows.text(1)).end_object();
  json.end_array();
  return Response::json(std::move(json));
}

// --- POST /orders and GET /orders/{order_id}

Order parse_order(Body<> body) {
  try {
    const JsonReader reader{*body};
    const Order order{reader.root()["item_id"].as_int(), reader.root()["quantity"].as_int()};
    if (order.quantity < 1 || order.quantity > 1000) throw HttpError{422, "/quantity is not from 1 to 1000"};
    return order;
  } catch (const JsonError& error) {
    throw HttpError{422, error.what()};
  }
}

Task<std::int64_t> order_total(Depends<current_user> user, Depends<on_loop<parse_order>> order,
                               State<PriceClient> prices) {
  const auto cents = co_await prices->price_of(order->item_id, user->price_group);
  if (!cents) throw HttpError{404, "No such item"};
  co_return *cents * order->quantity;
}

Response place_order(Depends<current_user> user, Depends<on_loop<parse_order>> order, Depends<order_total> cents,
                     State<Database> db) {
  Rows rows = db->query("insert into orders (user_id, item_id, quantity, cents) values (?, ?, ?, ?) returning id",
                        user->id, order->item_id, order->quantity, *cents);
  rows.next();
  const std::int64_t id = rows.integer(0);
  JsonWriter json;
  json.begin_object().field("id", id).field("cents", *cents).end_object();
  return Response::json(std::move(json), 201).header("location", "/orders/" + std::to_string(id));
}

Response read_order(Depends<current_user> user, Path<"order_id", std::int64_t> id, State<Database> db) {
  Rows rows = db->query("select item_id, quantity, cents from orders where id = ? and user_id = ?", *id, user->id);
  if (!rows.next()) throw HttpError{404, "No such order"};
  JsonWriter json;
  json.begin_object().field("id", *id).field("item_id", rows.integer(0)).field("quantity", rows.integer(1));
  json.field("cents", rows.integer(2)).end_object();
  return Response::json(std::move(json));
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
