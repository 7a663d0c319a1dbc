// SPDX-License-Identifier: MIT
// The conformance kit against http1: over TCP, over a unix socket, and with connections that somebody else accepts.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "http1_harness.hpp"

namespace umbel {
namespace {

using test::Http1Harness;

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

const bool tcp_conforms = testing::check_transport<test::OverTcp<>>("Http1OverTcp");
const bool unix_conforms = testing::check_transport<OverUnix>("Http1OverUnix");
const bool adopted_conforms = testing::check_transport<Adopted>("Http1Adopted");

}  // namespace
}  // namespace umbel
