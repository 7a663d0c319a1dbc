// SPDX-License-Identifier: MIT
// umbel behind cpp-httplib, which has a thread for each connection.
//
//     httplib [PORT]      0: any free one
//
// Tier      T1: `engine.post` gives the thread of a connection a future, and it waits. No loop, no HTTP of umbel's.
// Threads   The App runs on a thread of its own, plain functions on the ThreadPool's; cpp-httplib's threads only wait.
// Ends      SIGTERM: cpp-httplib lets nobody in and waits for its threads. When patience is over the engine stops: what
//           is in flight is asked to stop, and who waits for a future gets a 503. Then the engine's thread ends.

#include <httplib.h>
#include <pthread.h>
#include <sys/socket.h>

#include <umbel/core/blocking_port.hpp>
#include <umbel/core/work_pool.hpp>
#include <umbel/di/engine.hpp>

#include <csignal>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "app.hpp"

namespace {

// [thread]
/// umbel on a thread of its own.
class EngineThread {
public:
  explicit EngineThread(umbel::App& app)
      : engine_(app, port_.context()), thread_([this] { port_.run_until([this] { return is_over_; }); }) {}
  ~EngineThread() {
    port_.context().post([this]() noexcept { is_over_ = true; });
    thread_.join();
  }

  umbel::Engine& engine() noexcept { return engine_; }
  /// What is in flight is asked to stop.
  void stop() {
    port_.context().post([this]() noexcept { engine_.stop(); });
  }

private:
  umbel::ThreadPool pool_;
  umbel::BlockingPort port_{pool_};
  umbel::Engine engine_;
  bool is_over_ = false;  // Of the thread's.
  std::thread thread_;
};
// [thread]

// [translate]
umbel::OwnedRequest to_umbel(const httplib::Request& request) {
  umbel::OwnedRequest asked{umbel::method_from(request.method), request.target};
  for (const auto& [name, value] : request.headers) asked.header(name, value);
  asked.body(request.body);
  return asked;
}

void answer(umbel::Engine& engine, const httplib::Request& request, httplib::Response& response) {
  const umbel::Response reply = engine.post(to_umbel(request)).get();  // On the connection's thread.
  response.status = reply.status();
  reply.for_each_field([&](std::string_view name, std::string_view value) {
    if (name != "content-type") response.set_header(std::string{name}, std::string{value});
  });
  if (!reply.body().empty()) response.set_content(std::string{reply.body()}, std::string{reply.content_type()});
}
// [translate]

}  // namespace

int main(int argc, char** argv) {
  sigset_t end_signals;
  sigemptyset(&end_signals);
  sigaddset(&end_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end_signals, nullptr);  // In all threads: main waits for it.

  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);
  {
    // [main]
    EngineThread umbel{app};
    httplib::Server server;
    server.new_task_queue = [] { return new httplib::ThreadPool(64); };
    server.set_keep_alive_max_count(1'000'000);
    server.set_keep_alive_timeout(1);
    const auto handler = [&](const httplib::Request& request, httplib::Response& response) {
      answer(umbel.engine(), request, response);
    };
    server.Get(".*", handler).Post(".*", handler).Put(".*", handler).Patch(".*", handler).Delete(".*", handler);
    // [main]

    // It lets 5 connections wait to be accepted; 200 clients that come at once need more.
    socket_t listening = -1;
    server.set_socket_options([&](socket_t socket) { listening = socket; });
    const int wanted = argc > 1 ? std::atoi(argv[1]) : 8000;
    const int port = wanted == 0 ? server.bind_to_any_port("127.0.0.1") : wanted;
    if (wanted != 0 && !server.bind_to_port("127.0.0.1", port)) return 1;
    ::listen(listening, 1024);
    auto served = std::async(std::launch::async, [&] { server.listen_after_bind(); });
    hosts::announce(port);

    // [end]
    int signal = 0;
    sigwait(&end_signals, &signal);
    server.stop();
    if (served.wait_for(hosts::patience) == std::future_status::timeout) umbel.stop();
    served.wait();  // cpp-httplib has joined its threads: nobody posts any more.
    // [end]
  }
  return hosts::sum_up(sessions);
}
