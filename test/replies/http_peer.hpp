// SPDX-License-Identifier: MIT
#pragma once
// What a peer of an http1::Server sees, byte by byte.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "umbel/core/service.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::test {

/// Serves on a thread of its own, on a port of the kernel's choice.
class Served {
public:
  explicit Served(Service& service) {
    std::promise<void> started;
    thread_ = std::thread{[&] {
      Loop loop;
      http1::Server server{service, loop};
      server.listen("127.0.0.1", 0);
      port_ = server.port();
      loop_ = &loop;
      started.set_value();
      loop.run();
    }};
    started.get_future().get();
  }
  ~Served() {
    loop_->stop();
    thread_.join();
  }

  int port() const noexcept { return port_; }

private:
  Loop* loop_ = nullptr;
  int port_ = 0;
  std::thread thread_;
};

/// A connection that waits for its answers, but not for ever.
class Connection {
public:
  /// Takes over a socket that is connected.
  enum class Descriptor : int {};
  explicit Connection(Descriptor connected) : fd_(static_cast<int>(connected)) { limit_waiting(); }
  explicit Connection(const Served& served, int receive_buffer = 0) : Connection(served.port(), receive_buffer) {}
  explicit Connection(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    limit_waiting();
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(); }

  void send(std::string_view bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// Some bytes; none at the end.
  std::string receive_some() {
    char bytes[65536];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    return std::string(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  std::string receive_until(std::string_view end) {
    std::string all;
    while (all.find(end) == std::string::npos) {
      const std::string some = receive_some();
      if (some.empty()) break;
      all += some;
    }
    return all;
  }
  std::string receive_all() {
    std::string all;
    for (std::string some = receive_some(); !some.empty(); some = receive_some()) all += some;
    return all;
  }

  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger none{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }

private:
  void limit_waiting() {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  int fd_;
};

/// One request, `GET / HTTP/1.1` and fields each with CR LF, and all that comes back, without the date.
inline std::string ask_http(const Served& served, std::string_view head) {
  Connection connection{served};
  connection.send(std::string{head} + "host: x\r\nconnection: close\r\n\r\n");
  std::string reply = connection.receive_all();
  if (const std::size_t date = reply.find("date: "); date != std::string::npos)
    reply.erase(date, reply.find("\r\n", date) + 2 - date);
  return reply;
}

}  // namespace umbel::test
