// SPDX-License-Identifier: MIT
// A server on raw epoll: the program reads and writes, umbel gets bytes and gives bytes.
//
//     epoll [PORT]      0: any free one
//
// Tier      T2: http1::Session (epoll_server.hpp), and a Port of the program's own (epoll_port.hpp). No libuv.
// Threads   All on the one thread that turns the loop; plain functions on the ThreadPool's.
// Ends      SIGTERM: the server drains, and the loop turns until it has. Then server, port and pool go, in this order.

#include <umbel/core/work_pool.hpp>

#include <cstdlib>

#include "app.hpp"
#include "epoll_loop.hpp"
#include "epoll_port.hpp"
#include "epoll_server.hpp"

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);

  // [main]
  hosts::EpollLoop loop;
  hosts::Termination termination{loop};
  {
    umbel::ThreadPool pool;
    hosts::EpollPort port{loop, pool};
    hosts::EpollServer server{app, port.context(), loop};
    server.listen(argc > 1 ? std::atoi(argv[1]) : 8000);
    hosts::announce(server.port());
    while (!termination.has_come()) port.turn();

    hosts::Drained drained;
    server.drain({.limit = hosts::patience}, drained);
    while (!drained.is_over) port.turn();
  }
  // [main]
  return hosts::sum_up(sessions);
}
