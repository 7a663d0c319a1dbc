// SPDX-License-Identifier: MIT
#pragma once
// Accepts connections on one loop, for the servers of several.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "umbel/http1/server.hpp"

namespace umbel::http1 {

/// Which of several servers gets the next connection. Of those that have room, see ServerOptions::connections.
enum class Deal : std::uint8_t {
  by_kernel,         // By a hash of the addresses: ServerOptions::reuse_port. To an Acceptor it means in_turn.
  in_turn,           // One after the other.
  least_connections  // The one with the fewest, counted when it is dealt; of several, in turn.
};

/// Listens on a loop and hands what it accepts over to Servers, each on a loop of its own: evenly, where the kernel's
/// dealing (ServerOptions::reuse_port) goes by a hash of the addresses and leaves some of few connections together; and
/// for sockets that cannot be shared like that, those of systemd or with a path. Costs a post to another thread per
/// connection, nothing per request.
///
///     http1::Acceptor acceptor{loop, {&first, &second}};
///     acceptor.listen("127.0.0.1", 8000);
///
/// On its loop's thread, all of it. One of the servers may be on the same loop. A server starts with the first
/// connection that it gets, if it has not been started before: see `Server::start`. One that cannot has its
/// connections closed.
class Acceptor {
public:
  /// How connections are dealt, and how many wait in the kernel.
  struct Options {
    /// To whom the next connection goes.
    Deal deal = Deal::in_turn;
    /// Of each socket that it listens on, in connections.
    int backlog = 1024;
  };

  /// The servers are not owned, at least one. They outlive the acceptor, and their loops turn as long as it lives.
  Acceptor(Loop& loop, std::vector<Server*> servers) : Acceptor(loop, std::move(servers), Options{}) {}
  /// The same with options.
  Acceptor(Loop& loop, std::vector<Server*> servers, Options options);
  /// Closes, without what waits in the kernel, and waits until what it has handed over has arrived.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// As Server's, but that no service is started.
  void listen(std::string_view address, int port, Layer* layer = nullptr);
  /// The same, on a path; `mode` is the socket's.
  void listen_unix(std::string_view path, unsigned mode = 0600, Layer* layer = nullptr);
  /// The same, on a descriptor that listens already, which is taken over.
  void listen_fd(int fd, Layer* layer = nullptr);
  /// The same, on what systemd has handed over; returns how many there were.
  std::size_t listen_systemd(std::string_view name = {}, Layer* layer = nullptr);
  /// Of the last TCP socket that it listens on; 0 if there was none.
  int port() const noexcept;

  /// Listens no more, once those are dealt out who are connected already. What is posted to a server's Context behind
  /// that, on this thread, finds them there. So a drain that loses nobody is: `Server::drain` of all servers with a
  /// delay without end; after the delay, `close`; then `Server::drain` of all again, without one.
  void close() noexcept;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel::http1
