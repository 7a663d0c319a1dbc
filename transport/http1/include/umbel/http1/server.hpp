// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 on sockets of a libuv loop.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "umbel/http1/endpoint.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::http1 {

class Layer;

/// What a Server allows. A time that runs out ends the connection, as http1::Wait says.
struct ServerOptions {
  Limits limits = {};
  std::size_t connections = 16 * 1024;               // At the same time. Further ones wait in the kernel's queue.
  std::chrono::milliseconds idle_timeout{75'000};    // Between two requests.
  std::chrono::milliseconds header_timeout{10'000};  // From a head's first byte to its last.
  std::chrono::milliseconds body_timeout{15'000};    // Without a byte of a body; and before `body_rate` counts.
  std::chrono::milliseconds output_timeout{30'000};  // Without a byte of a reply being taken.
  std::chrono::milliseconds linger_timeout{2'000};   // From our last byte to the peer's.
  std::size_t body_rate = 500;                       // Bytes per second, on the average, that a body must come with.
  int backlog = 1024;
  bool reuse_port = false;  // Several loops listen on the same port, and the kernel deals out the connections.
};

/// Answers HTTP/1.1 on a loop, by a Service. On the loop's thread, all of it.
///
///     Loop loop;
///     http1::Server server{app, loop};
///     server.listen("127.0.0.1", 8000);
///     loop.run();
///
/// One Service may be shared by Servers on several loops, each on a thread of its own.
class Server {
public:
  /// Neither is owned; both outlive the server.
  Server(Service& service, Loop& loop, const ServerOptions& options = {});
  /// Closes everything. Requests in flight are asked to stop, and the loop is run until the service has replied to
  /// them and has closed: not to be called from one of the loop's callbacks.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens on an IPv4 or IPv6 address in digits; port 0 is any free one, which `port` then tells. The first call, of
  /// whichever listens or adopts, calls `service.start` and `service.open` for the loop's Context; see `when_open`. May
  /// be called again for further addresses, and when the server has ended.
  /// `layer` stands before each connection's session, as TLS does (filter.hpp); it outlives the server. Null: none.
  /// Throws StartError, std::invalid_argument for what is no address, or std::system_error.
  void listen(std::string_view address, int port, Layer* layer = nullptr);
  /// Listens on a unix socket. A file that was left behind there is removed, if nobody listens on it.
  void listen_unix(std::string_view path, unsigned mode = 0600, Layer* layer = nullptr);
  /// Listens on an inherited descriptor, which becomes ours. Throws std::invalid_argument if it is not a listening
  /// stream socket; then it stays the caller's.
  void listen_fd(int fd, Layer* layer = nullptr);
  /// Serves an accepted connection, whose descriptor becomes ours. Throws as `listen` does; then it stays the caller's.
  void adopt(int fd, Layer* layer = nullptr);

  /// `opened` is told when the service has opened, or why it cannot; at once if that is known. In the latter case the
  /// server stops. Lives until it is told, or the server is gone.
  void when_open(Notice& opened) noexcept;

  /// Of the last TCP `listen`; 0 if there was none.
  int port() const noexcept;
  /// Connections that are open, or whose request is still in flight.
  std::size_t connections() const noexcept;
  /// Requests that were not replied to yet, or whose replies are held.
  std::size_t in_flight() const noexcept;

  /// Stops to listen, closes idle connections, and the others after the reply that is in flight. What is left after
  /// `limit` is closed as by `stop`.
  void drain(std::chrono::milliseconds limit);
  /// The same; `done` is enqueued when no connection is left and the service has closed. Lives until then.
  void drain(std::chrono::milliseconds limit, Work& done);
  /// Stops to listen and closes all connections. Requests in flight are asked to stop, for CancelReason::shutdown; when
  /// the last is over, `service.close` is called. See `connections`.
  void stop() noexcept;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel::http1
