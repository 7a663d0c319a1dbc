// SPDX-License-Identifier: MIT
// A server: it wants all of umbel.
#include <cstdlib>
#include <iostream>
#include <umbel/umbel.hpp>

using namespace umbel;

std::string greeting(Path<"name"> name) { return "Hello, " + std::string{*name} + "!"; }
Response greet(Depends<greeting> text) { return Response::text(*text); }

void announce(int port) { std::cout << "http://127.0.0.1:" << port << std::endl; }

int main(int argc, char** argv) {
  App app;
  app.get("/greet/{name}", greet);
  return http1::serve(app, {.port = argc > 1 ? std::atoi(argv[1]) : 8000, .on_listening = announce});
}
