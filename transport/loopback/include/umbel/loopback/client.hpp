// SPDX-License-Identifier: MIT
#pragma once
// The transport in process for who has no loop: the test client.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/service.hpp"
#include "umbel/core/task.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/loopback/server.hpp"

namespace umbel::loopback {

/// Asks a Service, for tests and for programs that talk to themselves. A real transport: what is asked goes through
/// routing, validation, the graph and its workers, and what comes back is what a peer would see.
///
///     loopback::Client client{app};
///     EXPECT_EQ(client.get("/items/7").status(), 200);
///
/// One thread. A request is handled on the client's own Context while the client waits; plain nodes run on its pool.
class Client {
public:
  /// What it takes to run plain nodes, and what a request may have.
  struct Options {
    std::size_t threads = 2;           // Of the pool that plain nodes run on.
    std::size_t queue_limit = 1024;    // Jobs that wait for it.
    std::size_t body_limit = 1 << 20;  // Bytes; more is 413, as over HTTP.
  };

  /// Starts the service, and waits until it has opened: throws StartError. It is not owned, and closed when the client
  /// goes, which it outlives.
  explicit Client(Service& service) : Client(service, Options{}) {}
  /// The same with options.
  Client(Service& service, Options options);
  ~Client();

  /// A GET of that target; waits for the reply.
  Reply get(std::string target) { return send(OwnedRequest{Method::get, std::move(target)}); }
  /// A POST of that body; waits for the reply.
  Reply post(std::string target, std::string body);
  /// Waits for the reply; and for the release of one that is held, since nobody turns the Context afterwards.
  Reply send(OwnedRequest request) { return run(ask(std::move(request))); }

  /// The same as a task, so that several can be under way: `client.run(when_all(client.ask(a), client.ask(b)))`.
  /// Asking the task to stop tells the service that the peer has left.
  Task<Reply> ask(OwnedRequest request) { return server_->ask(std::move(request)); }
  /// The same, with a body that is read while it is made. Ends when the head of the reply is there.
  Task<Incoming> open(OwnedRequest request) { return server_->open(std::move(request)); }
  /// And with a body of the request that is sent while it is read; null: the request's own.
  Task<Incoming> open(OwnedRequest request, BodySourcePtr body) {
    return server_->open(std::move(request), std::move(body));
  }

  /// Turns the Context until the task has ended; throws what it threw.
  template <class T>
  T run(Task<T> task) {
    return port_->run(std::move(task));
  }
  /// The same, of anything that can be awaited.
  template <class Awaitable>
  auto run(Awaitable awaitable) {
    return port_->run(std::move(awaitable));
  }
  Context& context() noexcept { return port_->context(); }
  /// The transport behind it.
  Server& server() noexcept { return *server_; }

private:
  std::unique_ptr<WorkPool> pool_;
  std::unique_ptr<BlockingPort> port_;
  std::unique_ptr<Server> server_;
};

}  // namespace umbel::loopback
