// SPDX-License-Identifier: MIT
// Two engines in one process: each an App, a loop and a thread of its own. Nothing of umbel is shared between them.
//
//     two_engines [PORT]      0: any free one
//
// Tier      T3 and T4: a server on each loop, and both listen on one port; the kernel deals out the connections.
// Threads   Each engine on its own; main only waits for the signal. Plain functions of both on libuv's workers.
// Ends      SIGTERM: each server drains on its own thread, then its loop stops, and the threads are joined.

#include <pthread.h>

#include <umbel/umbel.hpp>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "app.hpp"

namespace {

// [engine]
/// An App that is served on a thread of its own.
class Half {
public:
  Half(hosts::Sessions& sessions, int port) : server_(app_, loop_, {.reuse_port = true}) {
    hosts::add_to(app_, sessions);
    server_.listen("127.0.0.1", port);  // The loop is ours until the thread runs it.
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~Half() {
    loop_.context().post([this]() noexcept { server_.drain({.limit = hosts::patience}, drained_); });
    thread_.join();
  }

  int port() const noexcept { return server_.port(); }

private:
  struct Drained : umbel::Work {
    explicit Drained(umbel::Loop& l) noexcept : Work(run), loop(l) {}
    static void run(Work& work) noexcept { static_cast<Drained&>(work).loop.stop(); }
    umbel::Loop& loop;
  };

  umbel::App app_;
  umbel::Loop loop_;
  umbel::http1::Server server_;
  Drained drained_{loop_};
  std::thread thread_;
};
// [engine]

}  // namespace

int main(int argc, char** argv) {
  sigset_t end_signals;
  sigemptyset(&end_signals);
  sigaddset(&end_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end_signals, nullptr);  // In all threads: main waits for it.

  hosts::Sessions sessions;
  {
    // [main]
    Half first{sessions, argc > 1 ? std::atoi(argv[1]) : 8000};
    Half second{sessions, first.port()};
    // [main]
    hosts::announce(second.port());
    int signal = 0;
    sigwait(&end_signals, &signal);
  }
  return hosts::sum_up(sessions);
}
