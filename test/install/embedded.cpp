// SPDX-License-Identifier: MIT
// A program that wants the graph and a client, and neither libuv nor HTTP.
#include <iostream>
#include <umbel/di/app.hpp>
#include <umbel/loopback/client.hpp>

using namespace umbel;

int page_of(Query<"page", int, 1> page) { return *page; }
Response list(Depends<page_of> page) { return Response::text("page " + std::to_string(*page)); }

int main() {
  App app;
  app.get("/items", list);

  loopback::Client client{app};
  std::cout << client.get("/items?page=7").body() << '\n';
}
