// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 on a program's own sockets and its own epoll: umbel gets bytes and gives bytes (T2).

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <umbel/core/transport_course.hpp>
#include <umbel/http1/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string_view>

#include "epoll_loop.hpp"

namespace hosts {

namespace http1 = umbel::http1;

/// Serves connections of a loop that somebody else turns. A Transport like umbel's own: its states, its drain and the
/// service's start and end are TransportCourse's, for which a connection is what is in flight.
class EpollServer final : public umbel::TransportCourse, private Watched {
public:
  /// All outlive it.
  EpollServer(umbel::Service& service, umbel::Context& context, EpollLoop& loop, const http1::Limits& limits = {})
      : TransportCourse(service, context), loop_(loop), endpoint_(service, context, limits) {}
  ~EpollServer() { finish(); }

  /// On 127.0.0.1; 0: any free one, which `port` tells.
  void listen(int port);
  int port() const;

  umbel::Capabilities capabilities() const noexcept override {
    return {.stream_in = true,
            .stream_out = true,
            .trailers = true,
            .disconnect = true,
            .half_close = true,
            .keep_alive = true,
            .early_refusal = true,
            .several_peers = true};
  }
  std::size_t in_flight() const noexcept override { return connections_.size(); }

private:
  class Connection;

  void on_events(std::uint32_t) noexcept override { accept_all(); }
  void accept_all() noexcept;
  void close_entrance() noexcept override;
  void cancel_all() noexcept override;
  void look_at_all() noexcept;

  struct Watch : umbel::Timer {
    explicit Watch(EpollServer& s) noexcept
        : Timer([](umbel::Timer& timer) noexcept { static_cast<Watch&>(timer).server.look_at_all(); }), server(s) {}
    EpollServer& server;
  };

  EpollLoop& loop_;
  http1::Endpoint endpoint_;
  std::optional<Descriptor> listener_;
  std::list<Connection> connections_;
  Watch watch_{*this};
};

// [connection]
/// A socket and its session. The session says what to do about the socket: `update` does it.
class EpollServer::Connection final : public Watched, private http1::Session::Host, private umbel::Work {
public:
  Connection(EpollServer& server, int fd)
      : Work(reap), server_(server), fd_(fd, "accept4"), session_(server.endpoint_, *this) {
    server.loop_.watch(fd, EPOLLIN, *this);
  }
  void set_place(std::list<Connection>::iterator place) noexcept { place_ = place; }

  // The Turn's end runs what has become ready, a handler that was read a request for, without a trip round the loop.
  void on_events(std::uint32_t events) noexcept override {
    const umbel::Context::Turn turn{server_.context()};
    is_blocked_ = is_blocked_ && !(events & (EPOLLOUT | EPOLLERR));
    is_told_later_ = true;
    const bool is_gone = (events & EPOLLERR) || ((events & EPOLLHUP) && !(watched_ & EPOLLIN));
    if (is_gone) session_.abort();
    else if (events & (EPOLLIN | EPOLLHUP)) read();
    is_told_later_ = false;
    update();
  }

  // A request that has come in already, and waits to be read, is not lost.
  void drain() noexcept {
    if (is_closed()) return;
    const std::span<char> room = session_.is_idle() ? session_.prepare() : std::span<char>{};
    const ssize_t size = room.empty() ? 0 : ::recv(fd_.get(), room.data(), room.size(), 0);
    session_.drain();
    if (!room.empty()) session_.commit(size > 0 ? static_cast<std::size_t>(size) : 0);
    update();
  }

  void close(umbel::CancelReason reason) noexcept {
    session_.abort(reason);
    if (is_closed()) return;
    server_.loop_.forget(fd_.get(), *this);
    fd_.close();
    reap_if_done();
  }

  // Now and then: does it still wait for the same as the last time?
  void look(umbel::Time now) noexcept {
    if (is_closed()) return;
    const Stage stage{session_.wait(), session_.requests(), session_.body_received() + sent_};
    if (stage != stage_) {
      stage_ = stage;
      stage_began_ = now;
    } else if (now - stage_began_ > limit(stage.wait)) {
      session_.expire();
      update();
    }
  }

private:
  struct Stage {
    http1::Wait wait = http1::Wait::idle;
    std::uint64_t requests = 0;
    std::uint64_t moved = 0;
    bool operator==(const Stage&) const = default;
  };

  static umbel::Duration limit(http1::Wait wait) noexcept {
    if (wait == http1::Wait::idle) return std::chrono::seconds{75};
    if (wait == http1::Wait::lingering) return std::chrono::seconds{2};
    return std::chrono::seconds{15};
  }

  bool is_closed() const noexcept { return fd_.get() < 0; }

  void on_change() noexcept override {
    if (!is_told_later_) update();
  }

  // [bytes]
  void read() noexcept {
    const std::span<char> room = session_.prepare();
    if (room.empty()) return;
    const ssize_t size = ::recv(fd_.get(), room.data(), room.size(), 0);
    session_.commit(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size == 0) session_.eof();
    else if (size < 0 && errno != EAGAIN && errno != EINTR) session_.abort();
  }

  void update() noexcept {
    if (is_closed()) return reap_if_done();
    write();
    switch (session_.advice()) {
      case http1::Advice::read:
        return watch(EPOLLIN);
      case http1::Advice::pause:
        return watch(0);
      case http1::Advice::finish:
        if (!is_blocked_) ::shutdown(fd_.get(), SHUT_WR);
        return watch(EPOLLIN);
      case http1::Advice::close:
        if (is_blocked_) return watch(0);
        return close(umbel::CancelReason::disconnected);
      case http1::Advice::reset:
        const linger at_once{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        return close(umbel::CancelReason::disconnected);
    }
  }

  void write() noexcept {
    if (is_blocked_) return;
    for (std::string_view output = session_.output(); !output.empty();) {
      const ssize_t size = ::send(fd_.get(), output.data(), output.size(), MSG_NOSIGNAL);
      if (size >= 0) {
        sent_ += static_cast<std::uint64_t>(size);
        output = session_.consumed(static_cast<std::size_t>(size));
      } else if (errno == EAGAIN) {
        is_blocked_ = true;
        return;
      } else if (errno != EINTR) {
        return session_.abort();
      }
    }
  }
  // [bytes]

  void watch(std::uint32_t events) noexcept {
    if (is_blocked_) events |= EPOLLOUT;
    if (events == watched_) return;
    watched_ = events;
    server_.loop_.change(fd_.get(), events, *this);
  }

  // A closed connection stays until its request is over. It goes from the Context's queue, never in a call of its own.
  void reap_if_done() noexcept {
    if (is_reaped_ || session_.busy()) return;
    is_reaped_ = true;
    server_.context().enqueue(*this);
  }
  static void reap(umbel::Work& work) noexcept {
    Connection& self = static_cast<Connection&>(work);
    EpollServer& server = self.server_;
    server.connections_.erase(self.place_);
    server.exchange_is_over();
  }

  EpollServer& server_;
  Descriptor fd_;
  http1::Session session_;
  std::list<Connection>::iterator place_{};
  std::uint32_t watched_ = EPOLLIN;
  bool is_blocked_ = false;     // The socket takes nothing more for now.
  bool is_told_later_ = false;  // An update follows anyway.
  bool is_reaped_ = false;
  std::uint64_t sent_ = 0;
  Stage stage_;
  umbel::Time stage_began_{};
};
// [connection]

// [server]
inline void EpollServer::listen(int port) {
  listener_.emplace(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int yes = 1;
  ::setsockopt(listener_->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener_->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail("bind");
  if (::listen(listener_->get(), 1024) < 0) fail("listen");
  begin();  // The service starts and opens.
  loop_.watch(listener_->get(), EPOLLIN, *this);
  watch_.start(context(), context().now() + std::chrono::seconds{1});
}

inline void EpollServer::accept_all() noexcept {
  for (;;) {
    const int fd = ::accept4(listener_->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connections_.emplace_back(*this, fd).set_place(std::prev(connections_.end()));
  }
}

inline void EpollServer::look_at_all() noexcept {
  const umbel::Time now = context().now();
  for (Connection& connection : connections_) connection.look(now);
  watch_.start(context(), now + std::chrono::seconds{1});
}

// What the drain calls: nobody new, and each peer goes with the reply that it waits for.
inline void EpollServer::close_entrance() noexcept {
  if (listener_) {
    accept_all();  // Those who are connected already.
    loop_.forget(listener_->get(), *this);
    listener_.reset();
  }
  watch_.cancel();
  for (Connection& connection : connections_) connection.drain();
}

// And when their time is up.
inline void EpollServer::cancel_all() noexcept {
  for (Connection& connection : connections_) connection.close(umbel::CancelReason::shutdown);
}
// [server]

inline int EpollServer::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener_->get(), reinterpret_cast<sockaddr*>(&address), &size) < 0) fail("getsockname");
  return ntohs(address.sin_port);
}

}  // namespace hosts
