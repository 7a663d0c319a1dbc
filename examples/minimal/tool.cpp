// SPDX-License-Identifier: MIT
// The graph alone, for a program that has HTTP of its own, or none: `tool greet Ada`. It wants umbel-di, and with that
// neither libuv nor llhttp nor simdjson.
#include <iostream>
#include <umbel/core/blocking_port.hpp>
#include <umbel/core/command_line.hpp>
#include <umbel/core/work_pool.hpp>
#include <umbel/di/app.hpp>
#include <umbel/di/engine.hpp>

using namespace umbel;

std::string greeting(Path<"name"> name) { return "Hello, " + std::string{*name} + "!"; }
Response greet(Depends<greeting> text) { return Response::text(*text); }

int main(int argc, char** argv) {
  App app;
  app.get("/greet/{name}", greet);

  ThreadPool workers;
  BlockingPort port{workers};
  Engine engine{app, port.context()};
  const Response response = port.run(engine.handle(command_line(argc, argv)));
  std::cout << response.body() << '\n';
  return response.status() < 400 ? 0 : 1;
}
