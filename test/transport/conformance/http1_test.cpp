// SPDX-License-Identifier: MIT
// The conformance kit against http1: over TCP, over a unix socket, and with connections that somebody else accepts.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "../../support/http1_client.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/testing/transport_conformance.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel {
namespace {

/// What all ways to connect have in common.
class Http1Harness : public testing::TransportHarness {
public:
  Http1Harness(Service& service, const Limits& limits)
      : server_(service, loop_, {.limits = {.body = limits.body, .in_flight = limits.in_flight}}) {}

  http1::Server& transport() override { return server_; }
  Context& context() override { return loop_.context(); }
  void turn() override { uv_run(loop_.native(), UV_RUN_NOWAIT); }

protected:
  /// -1 if nobody lets it in. With small buffers: a few of the kit's pieces fill them.
  static int connect_to(int family, const sockaddr& address, socklen_t size) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, &address, size) != 0) return ::close(fd), -1;
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }

  Loop loop_;
  http1::Server server_;
};

class OverTcp final : public Http1Harness {
public:
  using Http1Harness::Http1Harness;
  void start() override { server_.listen("127.0.0.1", 0); }
  std::unique_ptr<Peer> connect() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server_.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return std::make_unique<test::Http1Client<>>(
        connect_to(AF_INET, reinterpret_cast<const sockaddr&>(address), sizeof address));
  }
};

class OverUnix final : public Http1Harness {
public:
  OverUnix(Service& service, const Limits& limits) : Http1Harness(service, limits) {
    static int number = 0;
    path_ = "/tmp/umbel-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  }
  void start() override { server_.listen_unix(path_); }
  std::unique_ptr<Peer> connect() override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    return std::make_unique<test::Http1Client<>>(
        connect_to(AF_UNIX, reinterpret_cast<const sockaddr&>(address), sizeof address));
  }

private:
  std::string path_;
};

class Adopted final : public Http1Harness {
public:
  using Http1Harness::Http1Harness;
  void start() override { server_.start(); }
  std::unique_ptr<Peer> connect() override {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return nullptr;
    try {
      server_.adopt(pair[0]);
    } catch (const StartError&) {
      ::close(pair[0]);
    }
    return std::make_unique<test::Http1Client<>>(pair[1]);
  }
};

const bool tcp_conforms = testing::check_transport<OverTcp>("Http1OverTcp");
const bool unix_conforms = testing::check_transport<OverUnix>("Http1OverUnix");
const bool adopted_conforms = testing::check_transport<Adopted>("Http1Adopted");

}  // namespace
}  // namespace umbel
