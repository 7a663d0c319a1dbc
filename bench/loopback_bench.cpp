// SPDX-License-Identifier: MIT
// Asks an App a number of times, in process: `loopback_bench handle|ask COUNT`. The script `loopback` counts.
#include <cstdlib>
#include <string_view>
#include <utility>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/loopback/client.hpp"

using namespace umbel;

namespace {

std::string_view hello() { return "hello"; }

/// By the engine itself.
Task<int> handle(Engine& engine, int count) {
  int good = 0;
  for (int i = 0; i < count; ++i) {
    OwnedRequest request{Method::get, "/"};
    const Response response = co_await engine.handle(std::move(request));
    good += response.status() == 200;
  }
  co_return good;
}

/// By the transport.
Task<int> ask(loopback::Client& client, int count) {
  int good = 0;
  for (int i = 0; i < count; ++i) {
    OwnedRequest request{Method::get, "/"};
    const loopback::Reply reply = co_await client.ask(std::move(request));
    good += reply.status() == 200;
  }
  co_return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int count = std::atoi(argv[2]);
  App app;
  app.get("/", on_loop<hello>);
  loopback::Client client{app};
  Engine engine{app, client.context()};
  const bool direct = std::string_view{argv[1]} == "handle";
  const int good = client.run(direct ? handle(engine, count) : ask(client, count));
  return good == count ? 0 : 1;
}
