// SPDX-License-Identifier: MIT
#include "show.hpp"

#include <string>

using namespace umbel;

std::string render() { return "a picture"; }
inline constexpr auto rendering = provider<render>.lane("images");

std::string picture(Depends<rendering> image) { return *image; }

struct Connection {
  int number;
};

SyncResource<Connection> connect() {
  Connection connection{1};
  co_yield connection;
}
inline constexpr auto connection = provider<connect>.capacity(5).lane("db");

std::string query(Exclusive<connection> db) { return "by connection " + std::to_string(db->number); }

int main() {
  App app;
  app.lane("images", {.limit = 4, .queue_limit = 100}).lane("db", {.limit = 10});
  app.get("/picture", on_loop<picture>);
  app.get("/query", query);

  loopback::Client client{app};
  tutorial::show(client, "/picture");
  tutorial::show(client, "/query");
}
