// SPDX-License-Identifier: MIT
// A server on Boost.Asio: the program reads and writes, umbel gets bytes and gives bytes.
//
//     asio [PORT]      0: any free one
//
// Tier      T2: http1::Session (asio_server.hpp), and umbel's AsioPort on the program's io_context. No libuv.
// Threads   All on the one thread that runs the io_context; plain functions on the ThreadPool's.
// Ends      SIGTERM: the server drains, and closes what it had; then nothing is left to do, and io.run() returns. Then
//           server, port and pool go, in this order, before the io_context.

#include <boost/asio/signal_set.hpp>

#include <umbel/asio/asio_port.hpp>
#include <umbel/core/work_pool.hpp>

#include <csignal>
#include <cstdlib>

#include "app.hpp"
#include "asio_server.hpp"

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);

  // [main]
  boost::asio::io_context io{1};
  boost::asio::signal_set signals{io, SIGTERM};
  {
    umbel::ThreadPool pool;
    umbel::AsioPort port{io, pool};
    hosts::AsioServer server{app, port.context(), io};
    server.listen(argc > 1 ? std::atoi(argv[1]) : 8000);
    hosts::announce(server.port());

    hosts::Drained drained;
    signals.async_wait([&](boost::system::error_code, int) { server.drain({.limit = hosts::patience}, drained); });
    io.run();
  }
  // [main]
  return hosts::sum_up(sessions);
}
