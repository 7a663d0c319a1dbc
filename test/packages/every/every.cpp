// SPDX-License-Identifier: MIT
// Calls into every component that is no test's.
#include <iostream>
#include <umbel/json/json_reader.hpp>
#include <umbel/loopback/client.hpp>
#include <umbel/testing/manual_port.hpp>
#include <umbel/umbel.hpp>

using namespace umbel;

Response twice(Body<> text) {
  const JsonReader json{*text};
  JsonWriter reply;
  reply.value(2 * json.root().as_int());
  return Response::json(std::move(reply));
}

// What the library knows by the address of a template's variable.
Response ready(State<Readiness> readiness) { return Response::text(readiness->is_ready() ? "ready" : "not ready"); }

int main() {
  Loop loop;
  App app;
  app.post("/", twice);
  app.get("/ready", ready);
  loopback::Client client{app};
  std::cout << client.post("/", "21").body() << ' ' << client.get("/ready").body() << '\n';
}
