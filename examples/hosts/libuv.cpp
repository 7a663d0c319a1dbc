// SPDX-License-Identifier: MIT
// umbel on the loop of a libuv program.
//
//     libuv [PORT]      0: any free one
//
// Tier      T3: umbel's server on the program's own loop. (../embed_libuv.cpp shares an object with it, too.)
// Threads   All on the one thread that calls uv_run; plain functions on libuv's workers.
// Ends      SIGTERM: the program closes its handles and drains the server. uv_run returns when nothing is left to do,
//           and again when libuv has closed what umbel had on the loop.

#include <uv.h>

#include <umbel/umbel.hpp>

#include <csignal>
#include <cstdlib>

#include "app.hpp"

namespace {

// [program]
/// The program as it was: a loop, and what ends it.
struct Program {
  Program() {
    uv_loop_init(&loop);
    uv_signal_init(&loop, &terminate);
    terminate.data = this;
    uv_signal_start(&terminate, [](uv_signal_t* signal, int) { static_cast<Program*>(signal->data)->stop(); }, SIGTERM);
  }
  void stop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&terminate), nullptr);
    server->drain({.limit = hosts::patience});
  }

  uv_loop_t loop{};
  uv_signal_t terminate{};
  umbel::http1::Server* server = nullptr;  // New.
};
// [program]

}  // namespace

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);

  // [main]
  Program program;
  {
    umbel::Loop loop{&program.loop};
    umbel::http1::Server server{app, loop};
    server.listen("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 8000);
    program.server = &server;
    hosts::announce(server.port());

    uv_run(&program.loop, UV_RUN_DEFAULT);  // Until the signal's handle is closed, and the server has ended.
  }
  uv_run(&program.loop, UV_RUN_DEFAULT);  // libuv closes handles in a later turn.
  // [main]
  const bool is_clean = uv_loop_close(&program.loop) == 0;
  return hosts::sum_up(sessions) == 0 && is_clean ? 0 : 1;
}
