// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 on sockets of a libuv loop.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "umbel/core/transport.hpp"
#include "umbel/http1/endpoint.hpp"
#include "umbel/http1/filter.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::http1 {

/// What a Server allows. A time that runs out ends the connection, as http1::Wait says.
struct ServerOptions {
  /// What a request may have.
  Limits limits = {};
  std::size_t connections = 16 * 1024;               // At the same time. Further ones wait in the kernel's queue.
  std::chrono::milliseconds idle_timeout{75'000};    // Between two requests.
  std::chrono::milliseconds header_timeout{10'000};  // From a head's first byte to its last.
  std::chrono::milliseconds body_timeout{15'000};    // Without a byte of a body; and before `body_rate` counts.
  std::chrono::milliseconds output_timeout{30'000};  // Without a byte of a reply being taken.
  std::chrono::milliseconds linger_timeout{2'000};   // From our last byte to the peer's.
  std::size_t body_rate = 500;                       // Bytes per second, on the average, that a body must come with.
  /// Connections that wait in the kernel, of each socket that it listens on.
  int backlog = 1024;
  bool reuse_port = false;  // Several loops listen on the same port, and the kernel deals out the connections.
};

/// Answers HTTP/1.1 on a loop, by a Service. On the loop's thread, all of it: from another one `listen...`, `start` and
/// `adopt` throw std::logic_error, `drain` and `stop` are posted, the destructor waits for the loop's thread; and each
/// of them is an assertion in debug builds of the library.
///
///     Loop loop;
///     http1::Server server{app, loop};
///     server.listen("127.0.0.1", 8000);
///     loop.run();
///
/// One Service may be shared by Servers on several loops, each on a thread of its own, and by several on one loop.
///
/// It starts with the first call of whichever starts, listens or adopts, which calls `service.start` and `service.open`
/// for the loop's Context. Connections are accepted from then on; what they ask waits in the service until that is
/// open. These throw StartError if the service cannot start, or if the server is draining and lets nobody in;
/// std::system_error if the system refuses. They may be called again, for further addresses, and when the server has
/// stopped.
class Server final : public Transport {
public:
  /// Neither is owned; both outlive the server.
  Server(Service& service, Loop& loop, const ServerOptions& options = {});
  /// Closes everything. Requests in flight are asked to stop, and the loop is run until the service has replied to
  /// them and has closed: not to be called from one of the loop's callbacks.
  ~Server() override;

  /// Starts without listening, for connections that will be adopted. Does nothing if it has started.
  void start();
  /// Listens on an IPv4 or IPv6 address in digits; port 0 is any free one, which `port` then tells. Throws
  /// std::invalid_argument, too, for what is no address.
  /// `layer` stands before each connection's session, as TLS does (filter.hpp); it outlives the server. Null: none.
  void listen(std::string_view address, int port, Layer* layer = nullptr);
  /// Listens on a unix socket. A file that was left behind there is removed, if nobody listens on it. Ours is removed
  /// with the end.
  void listen_unix(std::string_view path, unsigned mode = 0600, Layer* layer = nullptr);
  /// Listens on an inherited descriptor, which becomes ours. Throws std::invalid_argument if it is not a listening
  /// stream socket; then it stays the caller's.
  void listen_fd(int fd, Layer* layer = nullptr);
  /// Listens on the sockets that systemd has opened for this process (sd_listen_fds(3); `Accept=no`), without its
  /// library: on those whose `FileDescriptorName=` is `name`, or on all. Returns how many there are: 0, and nothing
  /// has started, if it was not systemd that started this process, or it has no such socket for us.
  ///
  /// Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and leaves them: a child that inherits them sees from LISTEN_PID
  /// that they are not meant for it. No other thread changes the environment meanwhile. The descriptors themselves,
  /// from 3 on, stay open as long as the process, so that a server that has stopped may begin again, and those of
  /// several loops share them; they are only marked to be closed in the programs that we start. A peer that comes while
  /// nobody accepts waits, for us or for the process after us.
  ///
  /// Throws std::invalid_argument if one is not a listening stream socket, or the variables make no sense.
  std::size_t listen_systemd(std::string_view name = {}, Layer* layer = nullptr);
  /// Serves an accepted connection, whose descriptor becomes ours. If this throws it stays the caller's. Counts as a
  /// connection; the limit of ServerOptions is the caller's affair.
  void adopt(int fd, Layer* layer = nullptr);

  /// Of the last TCP socket that it listens on; 0 if there was none.
  int port() const noexcept;
  /// Connections that are open, or whose request is still in flight. Any thread.
  std::size_t connections() const noexcept;
  /// As they were given.
  const ServerOptions& options() const noexcept;
  /// Where requests are answered: the loop's.
  Context& context() const noexcept;

  Capabilities capabilities() const noexcept override;
  /// What it does now.
  TransportState state() const noexcept override;
  std::size_t in_flight() const noexcept override;
  void when_open(Notice& opened) noexcept override;

  /// After the delay: listens no more, once it has accepted those who are connected already; closes connections that
  /// are idle; says `Connection: close` with the replies that are in flight, and closes the others behind them. What is
  /// left after the limit is closed as by `stop`.
  void drain(const DrainOptions& options, Work& done) override;
  /// The same, without being told.
  void drain(const DrainOptions& options = {});
  /// Listens no more and closes all connections.
  void stop() noexcept override;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel::http1
