// SPDX-License-Identifier: MIT
// One of several equal servers behind a load balancer. Each reply says which process made it.
//
//   replica PORT THREADS DRAIN_DELAY_MS      PORT 0: any free one; "systemd": the sockets that it is passed

#include <umbel/umbel.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace umbel;
using namespace std::chrono_literals;

// Takes its time, so that a replica is not ready when its process is there.
Resource<int> open_pool() {
  co_await sleep(300ms);
  int pool = 1;
  co_yield pool;
}
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);

Task<Response> work(Depends<pool>) {
  co_await sleep(5ms);
  co_return Response::text(std::to_string(::getpid()));
}

Task<std::string> echo(Depends<pool>, Body<> body) {
  co_await sleep(5ms);
  co_return std::to_string(::getpid()) + " " + std::string{*body};
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view port = argv[1];
  App app;
  app.get("/livez", livez);
  app.get("/readyz", readyz);
  app.get("/work", work);
  app.post("/echo", echo);
  return http1::serve(app, {.port = std::atoi(argv[1]),
                            .systemd = port == "systemd",
                            .threads = static_cast<unsigned>(std::atoi(argv[2])),
                            .deal = http1::Deal::least_connections,
                            .drain_delay = std::chrono::milliseconds{std::atoi(argv[3])},
                            .on_listening = [](int listening) {
                              std::printf("listening on http://127.0.0.1:%d\n", listening);
                              std::fflush(stdout);
                            }});
}
