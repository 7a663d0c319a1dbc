// SPDX-License-Identifier: MIT
#pragma once
// What the conformance kit needs of http1, however one connects.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cstdint>
#include <memory>

#include "../../support/http1_client.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/testing/transport_conformance.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::test {

/// What all ways to connect have in common.
class Http1Harness : public testing::TransportHarness {
public:
  Http1Harness(Service& service, const Limits& limits)
      : server_(service, loop_, {.limits = {.body = limits.body, .in_flight = limits.in_flight}}) {}

  http1::Server& transport() override { return server_; }
  Context& context() override { return loop_.context(); }
  void turn() override { uv_run(loop_.native(), UV_RUN_NOWAIT); }

protected:
  /// -1 if nobody lets it in.
  static int connect_to(int family, const sockaddr& address, socklen_t size) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, &address, size) != 0) return ::close(fd), -1;
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  Loop loop_;
  http1::Server server_;
};

template <class Wire = PlainWire>
class OverTcp : public Http1Harness {
public:
  using Http1Harness::Http1Harness;
  void start() override { server_.listen("127.0.0.1", 0, layer()); }
  std::unique_ptr<Peer> connect() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server_.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return std::make_unique<Http1Client<Wire>>(
        connect_to(AF_INET, reinterpret_cast<const sockaddr&>(address), sizeof address));
  }

protected:
  /// Before each connection.
  virtual http1::Layer* layer() { return nullptr; }
};

}  // namespace umbel::test
