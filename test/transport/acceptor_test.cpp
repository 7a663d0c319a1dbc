// SPDX-License-Identifier: MIT
#include "umbel/http1/acceptor.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace umbel::http1 {
namespace {

using namespace std::chrono_literals;
using std::string;

/// A connection that asks one thing: who serves it?
class Client {
public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  explicit Client(const string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  void send() {
    constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  /// The server's number; -1 if there is no answer, or none that can be read.
  int receive() {
    string reply;
    char bytes[1000];
    for (ssize_t size = 1; size > 0 && reply.find("server ") == string::npos;) {
      size = ::recv(fd_, bytes, sizeof bytes, 0);
      if (size > 0) reply.append(bytes, static_cast<std::size_t>(size));
    }
    const std::size_t at = reply.find("server ");
    return at == string::npos ? -1 : reply[at + 7] - '0';
  }
  int ask() { return send(), receive(); }

private:
  void connect(const sockaddr* address, socklen_t size) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd_, address, size) < 0) ADD_FAILURE() << std::strerror(errno);
  }
  int fd_;
};

struct Numbered : Service {
  explicit Numbered(int n) : number(n) {}
  void serve(Exchange& exchange) noexcept override {
    exchange.reply(Response::text("server " + std::to_string(number)));
  }
  const int number;
};

/// A loop on a thread of its own, and a server on it.
class Running {
public:
  explicit Running(int number, const ServerOptions& options = {}) : service_(number) {
    std::promise<void> started;
    thread_ = std::thread{[&] {
      Loop loop;
      Server server{service_, loop, options};
      loop_ = &loop;
      server_ = &server;
      started.set_value();
      loop.run();
    }};
    started.get_future().get();
  }
  ~Running() {
    loop_->stop();
    thread_.join();
  }

  Server& server() { return *server_; }
  Loop& loop() { return *loop_; }

  /// Runs `f()` on the loop's thread, and waits for it.
  template <class F>
  auto on_loop(F f) {
    std::promise<decltype(f())> done;
    loop_->context().post([&]() noexcept {
      if constexpr (std::is_void_v<decltype(f())>) f(), done.set_value();
      else done.set_value(f());
    });
    return done.get_future().get();
  }

private:
  Numbered service_;
  Loop* loop_ = nullptr;
  Server* server_ = nullptr;
  std::thread thread_;
};

/// Three servers, and an acceptor on the loop of the first.
class AcceptorOf : public ::testing::Test {
protected:
  template <class F>
  auto on_loop(F f) {
    return running_.front().on_loop(f);
  }
  void begin(Acceptor::Options options = {}, const ServerOptions& server = {}) {
    std::vector<Server*> servers;
    for (int i = 0; i < 3; ++i) servers.push_back(&running_.emplace_back(i, server).server());
    port_ = on_loop([&] {
      acceptor_.emplace(running_.front().loop(), servers, options);
      acceptor_->listen("127.0.0.1", 0);
      return acceptor_->port();
    });
  }
  ~AcceptorOf() override {
    on_loop([&] { acceptor_.reset(); });
  }

  Client& connect() { return clients_.emplace_back(port_); }
  /// Which server has the next connection.
  int next() { return connect().ask(); }
  /// How many of them each server has.
  std::vector<int> ask_all() {
    std::vector<int> counts(3);
    for (Client& client : clients_) ++counts.at(static_cast<std::size_t>(client.ask()));
    return counts;
  }

  std::list<Running> running_;
  std::optional<Acceptor> acceptor_;
  std::list<Client> clients_;
  int port_ = 0;
};

TEST_F(AcceptorOf, ManyServersDealsInTurn) {
  begin();

  std::vector<int> order;
  for (int i = 0; i < 6; ++i) order.push_back(next());

  EXPECT_EQ(order, (std::vector{0, 1, 2, 0, 1, 2}));
}

TEST_F(AcceptorOf, FewConnectionsIsFairToAll) {
  for (const Deal deal : {Deal::in_turn, Deal::least_connections}) {
    running_.clear();
    clients_.clear();
    begin({.deal = deal});

    for (int i = 0; i < 30; ++i) next();

    EXPECT_EQ(ask_all(), (std::vector{10, 10, 10}));
    on_loop([&] { acceptor_.reset(); });
  }
}

TEST_F(AcceptorOf, ConnectionsThatStayGivesToWhoHasTheFewest) {
  begin({.deal = Deal::least_connections});
  for (int i = 0; i < 9; ++i) connect();
  ASSERT_EQ(ask_all(), (std::vector{3, 3, 3}));

  clients_.remove_if([](Client& client) { return client.ask() == 1; });
  while (running_.back().server().connections() + std::next(running_.begin())->server().connections() != 3)
    std::this_thread::yield();

  EXPECT_EQ(next(), 1);
  EXPECT_EQ(next(), 1);
  EXPECT_EQ(next(), 1);
  EXPECT_EQ(ask_all(), (std::vector{3, 3, 3}));
}

TEST_F(AcceptorOf, FullServersLetsTheRestWait) {
  begin({}, {.connections = 1});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next(), i);
  Client& fourth = connect();
  fourth.send();

  clients_.erase(std::next(clients_.begin()));

  EXPECT_EQ(fourth.receive(), 1) << "the one that has room";
}

TEST_F(AcceptorOf, ConnectionsThatAreThereAlreadyLosesNone) {
  begin();
  for (Running& running : running_) {
    running.on_loop([&] { running.server().drain({.delay = std::chrono::milliseconds::max()}); });
  }

  on_loop([&] {
    for (int i = 0; i < 30; ++i) connect().send();
    acceptor_->close();
    for (Running& running : running_) running.loop().context().post([&]() noexcept { running.server().drain(); });
  });

  for (Client& client : clients_) EXPECT_GE(client.receive(), 0);
}

TEST_F(AcceptorOf, PathsListensThere) {
  begin();
  const string path = ::testing::TempDir() + "umbel-acceptor-" + std::to_string(::getpid());
  on_loop([&] { acceptor_->listen_unix(path); });

  for (int i = 0; i < 3; ++i) {
    Client client{path};
    EXPECT_EQ(client.ask(), i);
  }
}

TEST_F(AcceptorOf, DescriptorsListensOnThem) {
  begin();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THROW(acceptor_->listen_fd(fd), std::invalid_argument);
  ASSERT_EQ(::listen(fd, 16), 0);

  port_ = on_loop([&] {
    acceptor_->listen_fd(fd);
    return acceptor_->port();
  });

  EXPECT_EQ(next(), 0);
}

}  // namespace
}  // namespace umbel::http1
