// SPDX-License-Identifier: MIT
#pragma once
// The transport in process: a Service is asked and answers through the whole pipeline, without a socket.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/service.hpp"
#include "umbel/core/task.hpp"

namespace umbel::loopback {

/// What a client got. Owns its text.
class Reply {
public:
  explicit Reply(Response&& response, Method method);

  int status() const noexcept { return status_; }
  const std::string& body() const noexcept { return body_; }
  std::optional<std::string_view> header(std::string_view name) const noexcept { return response_.header(name); }
  std::string_view content_type() const noexcept { return response_.content_type(); }

private:
  int status_;
  std::string body_;  // As a peer would see it: empty for HEAD, 204 and 304.
  Response response_;
};

/// Asks a Service, for tests and for programs that talk to themselves. A real transport: what is asked goes through
/// routing, validation, the graph and its workers, and what comes back is what a peer would see.
///
///     loopback::Client client{app};
///     EXPECT_EQ(client.get("/items/7").status(), 200);
///
/// One thread. A request is handled on the client's own Context while the client waits; plain nodes run on its pool.
class Client {
public:
  struct Options {
    std::size_t threads = 2;           // Of the pool that plain nodes run on.
    std::size_t queue_limit = 1024;    // Jobs that wait for it.
    std::size_t body_limit = 1 << 20;  // Bytes; more is 413, as over HTTP.
  };

  /// Starts the service, and waits until it has opened: throws StartError. It is not owned, and closed when the client
  /// goes, which it outlives.
  explicit Client(Service& service) : Client(service, Options{}) {}
  Client(Service& service, Options options);
  ~Client();

  Reply get(std::string target) { return send(OwnedRequest{Method::get, std::move(target)}); }
  Reply post(std::string target, std::string body);
  /// Waits for the reply; and for the release of one that is held, since nobody turns the Context afterwards.
  Reply send(OwnedRequest request) { return run(ask(std::move(request))); }

  /// The same as a task, so that several can be under way: `client.run(when_all(client.ask(a), client.ask(b)))`.
  /// Asking the task to stop tells the service that the peer has left.
  Task<Reply> ask(OwnedRequest request);

  template <class T>
  T run(Task<T> task) {
    return port_->run(std::move(task));
  }
  template <class Awaitable>
  auto run(Awaitable awaitable) {
    return port_->run(std::move(awaitable));
  }
  Context& context() noexcept { return port_->context(); }

private:
  void open();

  Service& service_;
  Options options_;
  std::unique_ptr<WorkPool> pool_;
  std::unique_ptr<BlockingPort> port_;
};

}  // namespace umbel::loopback
