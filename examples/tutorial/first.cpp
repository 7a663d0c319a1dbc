// SPDX-License-Identifier: MIT
#include <umbel/umbel.hpp>
using namespace umbel;

std::string greet(Path<"name"> name) { return "Hello " + std::string{*name}; }

int main() {
  App app;
  app.get("/greet/{name}", greet);
  return http1::serve(app, {.port = 8000});
}
