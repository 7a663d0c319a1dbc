// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 on a program's own Asio sockets: umbel gets bytes and gives bytes (T2).

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <umbel/core/transport_course.hpp>
#include <umbel/http1/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string_view>
#include <utility>

namespace hosts {

namespace asio = boost::asio;
namespace http1 = umbel::http1;
using asio::ip::tcp;
using boost::system::error_code;

/// Serves connections of an io_context that somebody else runs. A Transport like umbel's own: its states, its drain and
/// the service's start and end are TransportCourse's, for which a connection is what is in flight.
class AsioServer final : public umbel::TransportCourse {
public:
  /// All outlive it. The Context is that of an AsioPort on the same io_context.
  AsioServer(umbel::Service& service, umbel::Context& context, asio::io_context& io)
      : TransportCourse(service, context), acceptor_(io), endpoint_(service, context) {}
  /// When it has ended: `state()` is `stopped`.
  ~AsioServer() { finish(); }

  /// On 127.0.0.1; 0: any free one, which `port` tells.
  void listen(int port) {
    const tcp::endpoint address{asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)};
    acceptor_.open(address.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address{true});
    acceptor_.bind(address);
    acceptor_.listen();
    begin();  // The service starts and opens.
    accept();
    watch_.start(context(), context().now() + std::chrono::seconds{1});
  }
  int port() const { return acceptor_.local_endpoint().port(); }

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

  void accept();
  void close_entrance() noexcept override;
  void cancel_all() noexcept override;
  void look_at_all() noexcept;

  struct Watch : umbel::Timer {
    explicit Watch(AsioServer& s) noexcept
        : Timer([](umbel::Timer& timer) noexcept { static_cast<Watch&>(timer).server.look_at_all(); }), server(s) {}
    AsioServer& server;
  };

  tcp::acceptor acceptor_;
  http1::Endpoint endpoint_;
  std::list<Connection> connections_;
  Watch watch_{*this};
};

// [connection]
/// A socket and its session. The session says what to do about the socket: `update` does it. At most one read and one
/// write are under way.
class AsioServer::Connection final : private http1::Session::Host, private umbel::Work {
public:
  Connection(AsioServer& server, tcp::socket&& socket)
      : Work(reap), server_(server), socket_(std::move(socket)), session_(server.endpoint_, *this) {}

  void begin(std::list<Connection>::iterator place) noexcept {
    place_ = place;
    error_code ignored;
    socket_.set_option(tcp::no_delay{true}, ignored);
    socket_.non_blocking(true, ignored);
    update();
  }

  // A request that has come in already, and waits to be read, is not lost: the read that is under way gives it.
  void drain() noexcept {
    if (!socket_.is_open()) return;
    error_code nothing_there;
    const std::span<char> room = session_.is_idle() && is_reading_ ? session_.prepare() : std::span<char>{};
    const std::size_t size =
        room.empty() ? 0 : socket_.read_some(asio::buffer(room.data(), room.size()), nothing_there);
    session_.drain();
    if (!room.empty()) session_.commit(size);
    update();
  }

  void close(umbel::CancelReason reason) noexcept {
    session_.abort(reason);
    error_code ignored;
    if (socket_.is_open()) socket_.close(ignored);  // What is under way ends with an error, in a later turn.
    reap_if_done();
  }

  // Now and then: does it still wait for the same as the last time?
  void look(umbel::Time now) noexcept {
    const Stage stage{session_.wait(), session_.requests(), session_.body_received() + sent_};
    if (stage != stage_) {
      stage_ = stage;
      stage_began_ = now;
    } else if (socket_.is_open() && now - stage_began_ > limit(stage.wait)) {
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

  void on_change() noexcept override {
    if (!is_told_later_) update();
  }

  void update() noexcept {
    if (!socket_.is_open()) return reap_if_done();
    write();
    error_code ignored;
    switch (session_.advice()) {
      case http1::Advice::read:
        return read();
      case http1::Advice::pause:
        return;
      case http1::Advice::finish:
        if (!is_writing_) socket_.shutdown(tcp::socket::shutdown_send, ignored);
        return read();
      case http1::Advice::close:
        if (is_writing_) return;
        return close(umbel::CancelReason::disconnected);
      case http1::Advice::reset:
        socket_.set_option(tcp::socket::linger{true, 0}, ignored);
        return close(umbel::CancelReason::disconnected);
    }
  }

  // Waits for input without a buffer: an idle session needs none.
  void read() noexcept {
    if (is_reading_) return;
    is_reading_ = true;
    socket_.async_wait(tcp::socket::wait_read, [this](error_code error) noexcept {
      is_reading_ = false;
      // The Turn's end runs what has become ready, a handler that was read a request for, without a trip round the
      // loop.
      const umbel::Context::Turn turn{server_.context()};
      is_told_later_ = true;
      take_input(error);
      is_told_later_ = false;
      update();
    });
  }

  void take_input(error_code error) noexcept {
    if (!socket_.is_open()) return;
    const std::span<char> room = session_.prepare();
    if (!error && room.empty()) return;  // It has changed its mind meanwhile.
    const std::size_t size = error ? 0 : socket_.read_some(asio::buffer(room.data(), room.size()), error);
    session_.commit(size);
    if (error == asio::error::eof) session_.eof();
    else if (error && error != asio::error::would_block) session_.abort();
  }

  void write() noexcept {
    const std::string_view output = session_.output();
    if (is_writing_ || output.empty()) return;
    is_writing_ = true;
    socket_.async_write_some(asio::buffer(output), [this](error_code error, std::size_t size) noexcept {
      is_writing_ = false;
      const umbel::Context::Turn turn{server_.context()};
      is_told_later_ = true;
      sent_ += size;
      session_.consumed(size);
      if (error) session_.abort();
      is_told_later_ = false;
      update();
    });
  }

  // A closed connection stays until its request is over and Asio has let go of it. It goes from the Context's queue,
  // never in a call of its own.
  void reap_if_done() noexcept {
    if (is_reaped_ || is_reading_ || is_writing_ || session_.busy()) return;
    is_reaped_ = true;
    server_.context().enqueue(*this);
  }
  static void reap(umbel::Work& work) noexcept {
    Connection& self = static_cast<Connection&>(work);
    AsioServer& server = self.server_;
    server.connections_.erase(self.place_);
    server.exchange_is_over();
  }

  AsioServer& server_;
  tcp::socket socket_;
  http1::Session session_;
  std::list<Connection>::iterator place_{};
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool is_told_later_ = false;  // An update follows anyway.
  bool is_reaped_ = false;
  std::uint64_t sent_ = 0;
  Stage stage_;
  umbel::Time stage_began_{};
};
// [connection]

// [server]
inline void AsioServer::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error) return;  // It is closed.
    connections_.emplace_back(*this, std::move(socket)).begin(std::prev(connections_.end()));
    accept();
  });
}

inline void AsioServer::look_at_all() noexcept {
  const umbel::Time now = context().now();
  for (Connection& connection : connections_) connection.look(now);
  watch_.start(context(), now + std::chrono::seconds{1});
}

// What the drain calls: nobody new, and each peer goes with the reply that it waits for.
inline void AsioServer::close_entrance() noexcept {
  error_code ignored;
  acceptor_.close(ignored);
  watch_.cancel();
  for (Connection& connection : connections_) connection.drain();
}

// And when their time is up.
inline void AsioServer::cancel_all() noexcept {
  for (Connection& connection : connections_) connection.close(umbel::CancelReason::shutdown);
}
// [server]

}  // namespace hosts
