// SPDX-License-Identifier: MIT
// The benchmark's endpoints on the epoll host of examples/hosts: http1_bench.cpp has them on umbel's own server.

#include <cstdlib>
#include <string_view>

#include "../examples/hosts/app.hpp"
#include "../examples/hosts/epoll_loop.hpp"
#include "../examples/hosts/epoll_port.hpp"
#include "../examples/hosts/epoll_server.hpp"
#include "endpoints.hpp"
#include "umbel/core/work_pool.hpp"

namespace {

int port_of(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view{argv[i]} == "--port") return std::atoi(argv[i + 1]);
  }
  return 8000;
}

}  // namespace

int main(int argc, char** argv) {
  umbel::App app;
  endpoints::add_to(app);
  hosts::EpollLoop loop;
  hosts::Termination termination{loop};
  umbel::ThreadPool pool;
  hosts::EpollPort port{loop, pool};
  hosts::EpollServer server{app, port.context(), loop};
  server.listen(port_of(argc, argv));
  hosts::announce(server.port());
  while (!termination.has_come()) port.turn();

  hosts::Drained drained;
  server.drain({.limit = hosts::patience}, drained);
  while (!drained.is_over) port.turn();
}
