// SPDX-License-Identifier: MIT
#pragma once
// The transport in process: a Service is asked and answers through the whole pipeline, without a socket.

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/body_source.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/service.hpp"
#include "umbel/core/task.hpp"

namespace umbel {
class ServiceCall;
}

namespace umbel::loopback {

/// What a client got. Owns its text.
class Reply {
public:
  explicit Reply(Response&& response, Method method);

  int status() const noexcept { return status_; }
  const std::string& body() const noexcept { return body_; }
  /// False if the body was made while it was sent, and broke off: then `body()` is what had come.
  bool is_complete() const noexcept { return is_complete_; }
  std::optional<std::string_view> header(std::string_view name) const noexcept { return response_.header(name); }
  std::string_view content_type() const noexcept { return response_.content_type(); }

private:
  friend class Client;
  int status_;
  bool is_complete_ = true;
  std::string body_;  // As a peer would see it: empty for HEAD, 204 and 304.
  Response response_;
};

/// A reply whose body is read piece by piece, as it is made. Dropping it before the end is a peer that leaves. Gone
/// before its Client.
///
///     loopback::Incoming reply = co_await client.open(OwnedRequest{Method::get, "/events"});
///     const std::string first = co_await reply.read();
class Incoming {
public:
  Incoming(Incoming&&) noexcept = default;
  Incoming& operator=(Incoming&&) noexcept = default;

  int status() const noexcept;
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::string_view content_type() const noexcept;

  /// The next piece, when the service has made it: until then it makes no more. Empty when no more will come. What is
  /// left when the reading task is asked to stop is not waited for. One at a time.
  Task<std::string> read();
  /// Nothing is left, and nothing is missing.
  bool is_complete() const noexcept;

private:
  friend class Client;
  class Receiver;
  struct Leave {
    void operator()(Receiver* receiver) const noexcept;
  };
  explicit Incoming(Receiver& receiver) noexcept : receiver_(&receiver) {}

  std::unique_ptr<Receiver, Leave> receiver_;
};

/// The body of a request, sent piece by piece:
///
///     loopback::Outgoing body{client.context()};
///     body.send("first");
///     auto reply = client.open(OwnedRequest{Method::post, "/upload"}, body.source());
///
/// On the Context's thread. Outlives the request that it belongs to.
class Outgoing final : private BodySource {
public:
  explicit Outgoing(Context& context) noexcept : context_(context) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// For `Client::open`, once.
  BodySourcePtr source() noexcept { return BodySourcePtr{this}; }
  /// Sends a piece. It waits here until the service takes it.
  void send(std::string piece);
  /// There is no more.
  void end() noexcept { finish(Pulled::end); }
  /// What is missing will not come: 400.
  void fail() noexcept { finish(Pulled::failed); }

  /// How many pieces the service has not taken.
  std::size_t untaken() const noexcept { return pieces_.size(); }
  /// The service wants no more.
  bool is_dropped() const noexcept { return is_dropped_; }

private:
  Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept override;
  void drop() noexcept override;
  void finish(Pulled how) noexcept;
  void wake() noexcept;

  Context& context_;
  std::deque<std::string> pieces_;
  std::string taken_;
  Pulled end_ = Pulled::pending;
  bool is_dropped_ = false;
  Work* ready_ = nullptr;
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
  /// The same, with a body that is read while it is made. Ends when the head of the reply is there.
  Task<Incoming> open(OwnedRequest request) { return open(std::move(request), nullptr); }
  /// And with a body of the request that is sent while it is read; null: the request's own.
  Task<Incoming> open(OwnedRequest request, BodySourcePtr body);

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
  friend class Incoming::Receiver;
  void open_service();
  ServiceCall call(OwnedRequest&& request) const;
  Task<Reply> receive(ServiceCall asked, Method method);

  Service& service_;
  Options options_;
  std::unique_ptr<WorkPool> pool_;
  std::unique_ptr<BlockingPort> port_;
  std::size_t under_way_ = 0;  // Replies that were left, and requests of which the service is not done with.
};

}  // namespace umbel::loopback
