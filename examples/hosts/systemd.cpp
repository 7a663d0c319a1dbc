// SPDX-License-Identifier: MIT
// A service that systemd starts when its first peer comes, with the socket that it listens on.
//
//     systemd [PORT]      without systemd: a socket of its own; 0: any free port
//
//     # hosts.socket                        # hosts.service
//     [Socket]                              [Service]
//     ListenStream=8000                     ExecStart=/usr/bin/hosts
//
// Tier      T4: umbel's server, on sockets that somebody else has opened.
// Threads   All on the main thread, whose loop `serve` makes; plain functions on libuv's workers.
// Ends      SIGTERM, as systemctl stop sends it. Who connects between this process and the next waits in the socket.

#include <umbel/umbel.hpp>

#include <cstdlib>

#include "app.hpp"

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  // [main]
  umbel::App app;
  hosts::add_to(app, sessions);
  const int status = umbel::http1::serve(app, {.port = argc > 1 ? std::atoi(argv[1]) : 8000,
                                               .systemd = true,
                                               .drain_limit = hosts::patience,
                                               .on_listening = hosts::announce});
  // [main]
  return hosts::sum_up(sessions) == 0 ? status : 1;
}
