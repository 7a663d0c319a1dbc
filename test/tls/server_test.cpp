// SPDX-License-Identifier: MIT
// TLS on sockets: a Server with a Layer, on a thread of its own.

#include "umbel/http1/server.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client.hpp"
#include "service.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/peer.hpp"
#include "umbel/tls/layer.hpp"

namespace umbel::tls {
namespace {

using namespace std::chrono_literals;
using std::string;
using std::string_view;
using test::Authority;
using test::ClientOptions;
using test::count_of;
using test::get;
using test::KeyKind;
using test::TestService;
using ::testing::HasSubstr;

Certificate to_certificate(const test::Identity& identity) {
  return Certificate{Pem::text(identity.certificate), Pem::text(identity.key)};
}
const Authority& authority() {
  static const Authority one;
  return one;
}
Config config() {
  static const test::Identity one = authority().sign_server({"a.example"});
  return Config{to_certificate(one)};
}
ClientOptions trusting() { return {.trusts = authority().pem()}; }

/// A socket.
class Socket {
public:
  explicit Socket(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  void send(string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  /// Empty if the server has closed.
  string receive() {
    char bytes[65536];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    timed_out_ |= size < 0 && errno == EAGAIN;
    return size > 0 ? string(bytes, static_cast<std::size_t>(size)) : string{};
  }
  string receive_all() {
    string all;
    for (string some = receive(); !some.empty(); some = receive()) all += some;
    return all;
  }
  bool timed_out() const noexcept { return timed_out_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger none{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }

private:
  int fd_;
  bool timed_out_ = false;
};

/// A TLS client on a socket.
struct Remote {
  explicit Remote(int port, const ClientOptions& options = trusting()) : socket(port), client(options) {}

  bool shake_hands() {
    while (!client.is_open() && turn()) {
    }
    return client.is_open();
  }
  /// Until `end` has come `count` times, or nothing comes any more.
  string ask(string_view request, string_view end, int count = 1) {
    client.send(request);
    std::size_t seen = 0;
    for (bool goes_on = true; goes_on && count > 0;) {
      const std::size_t at = client.received.find(end, seen);
      if (at == string::npos) goes_on = turn();
      else seen = at + end.size(), --count;
    }
    return std::exchange(client.received, {});
  }
  bool turn() {
    client.step();
    socket.send(client.take());
    return receive();
  }
  bool receive() {
    const string bytes = socket.receive();
    client.give(bytes);
    client.step();
    return !bytes.empty() && client.failure().empty();
  }

  Socket socket;
  test::Client client;
};

/// A server on a thread of its own, on a plain and on a TLS port.
class Running {
public:
  explicit Running(Service& service, Layer& layer, const http1::ServerOptions& options = {}) {
    std::promise<void> started;
    thread_ = std::thread{[&] { run(service, layer, options, started); }};
    started.get_future().get();
  }
  ~Running() {
    loop_->stop();
    thread_.join();
  }

  int port() const noexcept { return port_; }
  int plain_port() const noexcept { return plain_port_; }

  template <class F>
  auto on_loop(F f) {
    std::promise<decltype(f(*server_))> done;
    loop_->context().post([&]() noexcept {
      if constexpr (std::is_void_v<decltype(f(*server_))>) f(*server_), done.set_value();
      else done.set_value(f(*server_));
    });
    return done.get_future().get();
  }
  std::size_t connections() {
    return on_loop([](http1::Server& server) { return server.connections(); });
  }
  void wait_for_connections(std::size_t count) {
    while (connections() != count) std::this_thread::yield();
  }

private:
  void run(Service& service, Layer& layer, const http1::ServerOptions& options, std::promise<void>& started) {
    Loop loop;
    http1::Server server{service, loop, options};
    server.listen("127.0.0.1", 0);
    plain_port_ = server.port();
    server.listen("127.0.0.1", 0, &layer);
    port_ = server.port();
    loop_ = &loop;
    server_ = &server;
    started.set_value();
    loop.run();
  }

  Loop* loop_ = nullptr;
  http1::Server* server_ = nullptr;
  int port_ = 0;
  int plain_port_ = 0;
  std::thread thread_;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

TEST(TlsServer, KeepsConnectionsAndPipelines) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  Remote remote{running.port()};

  for (int i = 0; i < 10; ++i) EXPECT_TRUE(remote.ask(get("/hello"), "hello!").ends_with("hello!"));
  EXPECT_EQ(count_of(remote.ask(get("/hello") + get("/hello") + get("/hello"), "hello!", 3), "200 OK"), 3);

  EXPECT_EQ(running.connections(), 1U);
  EXPECT_EQ(layer.counts().handshakes, 1U);
}

TEST(TlsServer, SpeaksPlainHttpOnItsOtherPort) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  Socket plain{running.plain_port()};

  plain.send(get("/peer"));

  EXPECT_THAT(plain.receive(), HasSubstr("nobody."));
}

TEST(TlsServer, SendsALongReplyToASlowReader) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  Remote slow{running.port()};
  Remote quick{running.port()};
  ASSERT_TRUE(slow.shake_hands());
  string input;
  for (int i = 0; i < 16; ++i) input += get("/big");

  slow.client.send(input);
  slow.socket.send(slow.client.take());

  EXPECT_TRUE(quick.ask(get("/hello"), "hello!").ends_with("hello!"));
  EXPECT_EQ(count_of(slow.ask("", "xend", 16), "200 OK"), 16);
}

TEST(TlsServer, ServesAHundredConnections) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  std::vector<std::unique_ptr<Remote>> remotes;
  for (int i = 0; i < 100; ++i) remotes.push_back(std::make_unique<Remote>(running.port()));
  for (auto& remote : remotes) {
    remote->client.step();
    remote->socket.send(remote->client.take());
  }

  for (auto& remote : remotes) EXPECT_TRUE(remote->shake_hands());
  for (auto& remote : remotes) EXPECT_TRUE(remote->ask(get("/hello"), "hello!").ends_with("hello!"));

  EXPECT_EQ(running.connections(), 100U);
  EXPECT_EQ(layer.counts().handshakes, 100U);
}

TEST(TlsServer, OutlivesPeersThatLeaveAnywhere) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 30; ++i) {
    Remote in_handshake{running.port()};
    in_handshake.client.step();
    const string hello = in_handshake.client.take();
    in_handshake.socket.send(string_view{hello}.substr(0, hello.size() - static_cast<std::size_t>(i % 2)));
    Remote in_request{running.port()};
    ASSERT_TRUE(in_request.shake_hands());
    in_request.client.send("GET /hello HT");
    in_request.socket.send(in_request.client.take());
    Remote in_reply{running.port()};
    in_reply.client.send(get("/big") + get("/big") + get("/big"));
    ASSERT_TRUE(in_reply.shake_hands());
    in_reply.client.step();
    in_reply.socket.send(in_reply.client.take());
    in_reply.socket.receive();
    for (Remote* const remote : {&in_handshake, &in_request, &in_reply}) {
      if (i % 3 == 0) remote->socket.reset();
      else remote->socket.close();
    }
  }

  Remote remote{running.port()};
  EXPECT_TRUE(remote.ask(get("/hello"), "hello!").ends_with("hello!"));
  running.wait_for_connections(1);
  EXPECT_EQ(open_descriptors(), before + 2);
}

TEST(TlsServer, ClosesWhoDoesNotFinishAHandshakeInTime) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer, {.header_timeout = 50ms}};
  Socket silent{running.port()};
  Socket slow{running.port()};
  slow.send(string("\x16\x03\x01\x02", 4));

  EXPECT_EQ(silent.receive_all(), "");
  EXPECT_EQ(slow.receive_all(), "");

  EXPECT_FALSE(silent.timed_out() || slow.timed_out());
  running.wait_for_connections(0);
}

TEST(TlsServer, ClosesIdleConnectionsWithCloseNotify) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer, {.idle_timeout = 50ms}};
  Remote remote{running.port()};
  remote.ask(get("/hello"), "hello!");

  while (remote.receive()) {
  }

  EXPECT_TRUE(remote.client.is_closed());
  running.wait_for_connections(0);
}

TEST(TlsServer, DrainsWithCloseNotify) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  Remote idle{running.port()};
  idle.ask(get("/hello"), "hello!");
  Socket opening{running.port()};
  running.wait_for_connections(2);

  running.on_loop([](http1::Server& server) { server.drain({.limit = 100ms}); });
  while (idle.receive()) {
  }

  EXPECT_TRUE(idle.client.is_closed());
  EXPECT_EQ(opening.receive_all(), "");
  running.wait_for_connections(0);
}

TEST(TlsServer, StopsInTheMiddleOfHandshakes) {
  TestService service;
  Layer layer{config()};
  std::vector<std::unique_ptr<Remote>> remotes;
  Running running{service, layer};
  for (int i = 0; i < 50; ++i) {
    remotes.push_back(std::make_unique<Remote>(running.port()));
    remotes.back()->client.step();
    remotes.back()->socket.send(remotes.back()->client.take());
  }

  running.on_loop([](http1::Server& server) { server.stop(); });

  running.wait_for_connections(0);
}

TEST(TlsServer, ReloadsUnderTraffic) {
  TestService service;
  Layer layer{config()};
  Running running{service, layer};
  std::atomic<bool> going_on{true};
  std::atomic<int> answered{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (going_on) {
        Remote remote{running.port()};
        for (int k = 0; k < 3; ++k) ++(remote.ask(get("/hello"), "hello!").ends_with("hello!") ? answered : failed);
      }
    });
  }

  for (int i = 0; i < 50; ++i) {
    layer.reload(Config{to_certificate(authority().sign_server({"a.example"}))});
    EXPECT_THROW(layer.reload(Config{Certificate{"/nowhere", "/nowhere"}}), ConfigError);
  }
  while (answered < 100) std::this_thread::yield();
  going_on = false;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(failed, 0);
  EXPECT_EQ(layer.counts().failed, 0U);
}

// --- who asks, as handlers see it

string show_peer(Peer peer) { return string{peer.subject} + " by " + string{peer.protocol} + "."; }

Task<Response> hand_on(const Request& request, Next next) { co_return co_await next(request); }

TEST(TlsPeer, IsAParameterOfNodesThroughWhateverIsAround) {
  App app;
  app.get("/peer", on_loop<show_peer>);
  app.around(hand_on);
  const test::Identity alice = authority().sign_client("Alice");
  Layer layer{config().clients(Clients::optional, Pem::text(authority().pem()))};
  Running running{app, layer};
  ClientOptions options = trusting();
  options.identity = &alice;
  Remote remote{running.port(), options};
  Socket plain{running.plain_port()};
  plain.send(get("/peer"));

  EXPECT_TRUE(remote.ask(get("/peer"), "1.3.").ends_with("CN=Alice,O=Umbel by TLSv1.3."));
  EXPECT_TRUE(plain.receive().ends_with("\r\n\r\n by ."));
}

}  // namespace
}  // namespace umbel::tls
