// SPDX-License-Identifier: MIT
#pragma once
// The transport in process: a Service is asked and answers through the whole pipeline, without a socket.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "umbel/core/body_source.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/service_call.hpp"
#include "umbel/core/task.hpp"
#include "umbel/core/transport_course.hpp"

namespace umbel::loopback {

/// In order, with names in lower case.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// What a client got. Owns its text.
class Reply {
public:
  /// What a peer would see of a response without a source.
  explicit Reply(Response&& response) : body_(response.body()), response_(std::move(response)) {}

  /// Of the reply.
  int status() const noexcept { return response_.status(); }
  /// All of it, as a peer would see it: nothing for HEAD, 204 and 304.
  const std::string& body() const noexcept { return body_; }
  /// False if the body was made while it was sent, and broke off: then `body()` is what had come.
  bool is_complete() const noexcept { return is_complete_; }
  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const noexcept { return response_.header(name); }
  /// What the body is; empty if the reply does not say.
  std::string_view content_type() const noexcept { return response_.content_type(); }
  /// All of them, the content type, too.
  Fields headers() const;

private:
  friend class Server;
  bool is_complete_ = true;
  std::string body_;
  Response response_;
};

/// A reply whose body is read piece by piece, as it is made. Dropping it before the end is a peer that leaves. Gone
/// before its Server, or its Client.
///
///     loopback::Incoming reply = co_await client.open(OwnedRequest{Method::get, "/events"});
///     const std::string first = co_await reply.read();
class Incoming {
public:
  Incoming(Incoming&&) noexcept = default;
  Incoming& operator=(Incoming&&) noexcept = default;

  /// Of the reply.
  int status() const noexcept;
  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  /// What the body is; empty if the reply does not say.
  std::string_view content_type() const noexcept;
  /// All fields, in their order.
  Fields headers() const;

  /// The next piece, when the service has made it: until then it makes no more. Empty when no more will come. What is
  /// left when the reading task is asked to stop is not waited for. One at a time.
  Task<std::string> read();
  /// Nothing is left, and nothing is missing.
  bool is_complete() const noexcept;

private:
  friend class Server;
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
  /// Where the body is sent: the client's.
  explicit Outgoing(Context& context) noexcept : context_(context) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// For `open`, once.
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

/// Answers who asks in process, on a Context of yours:
///
///     loopback::Server server{app, loop.context()};
///     server.start();
///     loopback::Reply reply = co_await server.ask(OwnedRequest{Method::get, "/items/7"});
///
/// Whoever has no Context takes a Client, which has this inside. On the Context's thread, all of it.
class Server final : public TransportCourse, private detail::Call::Keeper {
public:
  /// What a request may have, and how many there may be at once.
  struct Options {
    std::size_t body_limit = 1 << 20;                                 // Bytes; more is 413, as over HTTP.
    std::size_t in_flight = std::numeric_limits<std::size_t>::max();  // One more is 503, with Retry-After.
  };

  /// Neither is owned; both outlive it.
  Server(Service& service, Context& context) : Server(service, context, Options{}) {}
  /// Neither the service nor the Context is owned; both outlive it.
  Server(Service& service, Context& context, Options options);
  /// Runs the Context until all is over: not from its own work.
  ~Server() override;

  /// Starts the service and opens it; again when it has stopped. Throws StartError if it cannot start. What is asked
  /// before, or when nobody is let in any more, is answered with 503.
  void start() { begin(); }

  /// Asks. Asking the task to stop tells the service that the peer has left.
  Task<Reply> ask(OwnedRequest request) {
    const Method method = request.method();
    return ask(ServiceCall{service(), std::move(request)}, method);
  }
  /// The same, with a body that is read while it is made. Ends when the head of the reply is there.
  Task<Incoming> open(OwnedRequest request) { return open(std::move(request), nullptr); }
  /// And with a body of the request that is sent while it is read; null: the request's own.
  Task<Incoming> open(OwnedRequest request, BodySourcePtr body);

  Capabilities capabilities() const noexcept override;
  std::size_t in_flight() const noexcept override { return in_flight_; }
  using TransportCourse::context;
  /// Every reply that was left before its end is done with.
  bool is_left() const noexcept { return under_way_ == 0; }

private:
  friend class Incoming::Receiver;
  struct Refusal final : Service {
    void serve(Exchange& exchange) noexcept override;
  };

  Task<Reply> ask(ServiceCall asked, Method method);
  Task<Incoming> open(ServiceCall asked, Method method);
  void let_in(detail::Call& call);
  void on_over(detail::Call& call) noexcept override;
  void cancel_all() noexcept override;

  Options options_;
  Refusal refusal_;
  detail::IntrusiveList<detail::Call, &detail::Call::kept_link> calls_;
  std::size_t in_flight_ = 0;
  std::size_t under_way_ = 0;  // Replies that were left, and requests that the service is not done with.
};

}  // namespace umbel::loopback
