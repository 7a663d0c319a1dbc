// SPDX-License-Identifier: MIT
// A program on epoll whose loop is as it is: umbel is one descriptor more in it.
//
//     epoll_fd_port [PORT]      0: any free one
//
// Tier      T3: the foreign loop is umbel's, by FdPort. Its connections are the loop's as well (epoll_server.hpp); a
//           program that has requests of its own would give them to an Engine on the same Context.
// Threads   All on the one thread that turns the loop; plain functions on the ThreadPool's.
// Ends      SIGTERM: the server drains, and the loop turns until it has. Then server, port and pool go, in this order.

#include <umbel/core/fd_port.hpp>
#include <umbel/core/work_pool.hpp>

#include <cstdlib>

#include "app.hpp"
#include "epoll_loop.hpp"
#include "epoll_server.hpp"

namespace {

// [watch]
/// umbel, as the loop sees it.
class WatchedPort : private hosts::Watched {
public:
  WatchedPort(hosts::EpollLoop& loop, umbel::WorkPool& pool) : loop_(loop), port_(pool) {
    loop.watch(port_.fd(), EPOLLIN, *this);
  }
  ~WatchedPort() { loop_.forget(port_.fd(), *this); }

  umbel::Context& context() noexcept { return port_.context(); }

private:
  void on_events(std::uint32_t) noexcept override { port_.on_readable(); }

  hosts::EpollLoop& loop_;
  umbel::FdPort port_;
};
// [watch]

}  // namespace

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);

  // [main]
  hosts::EpollLoop loop;
  hosts::Termination termination{loop};
  {
    umbel::ThreadPool pool;
    WatchedPort port{loop, pool};
    hosts::EpollServer server{app, port.context(), loop};
    server.listen(argc > 1 ? std::atoi(argv[1]) : 8000);
    hosts::announce(server.port());
    while (!termination.has_come()) loop.turn(-1);

    hosts::Drained drained;
    server.drain({.limit = hosts::patience}, drained);
    while (!drained.is_over) loop.turn(-1);
  }
  // [main]
  return hosts::sum_up(sessions);
}
