// SPDX-License-Identifier: MIT
// An App and its transports, from the first request to the last: over real sockets.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/health.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/loopback/client.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
using std::string;

/// What happened, in order. Any thread.
class Journal {
public:
  void write(string word) {
    const std::lock_guard lock{mutex_};
    words_.push_back(std::move(word));
  }
  string take() {
    const std::lock_guard lock{mutex_};
    string all;
    for (const string& word : std::exchange(words_, {})) all += (all.empty() ? "" : " ") + word;
    return all;
  }
  std::size_t count(std::string_view word) {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(std::count(words_.begin(), words_.end(), word));
  }

private:
  std::mutex mutex_;
  std::vector<string> words_;
};

Journal& journal() {
  static Journal all;
  return all;
}

Resource<int> open_pool() {
  journal().write("pool+");
  int pool = 7;
  co_yield pool;
  journal().write("pool-");
}
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);

Resource<string> open_session(Path<"name"> name, Depends<pool>) {
  string session{*name};
  const Outcome& outcome = co_yield session;
  journal().write(session + (outcome.cancelled() ? "!cancelled" : "-"));
}

/// What /finish waits for.
using Go = Completion<int>;

Task<string> finish(Depends<open_session> session, State<Go> go) {
  journal().write(*session + "+");
  co_await *go;
  co_return "finished";
}
Task<string> stay(Depends<open_session> session) {
  journal().write(*session + "+");
  co_await sleep(1h);
  co_return "never";
}

/// A connection, and what it is told.
class Client {
public:
  explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    is_connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  bool is_connected() const { return is_connected_; }
  void send(const string& target) {
    const string request = "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  /// A whole reply, with its head; what has come of it if the connection is closed.
  string receive() {
    while (!is_whole() && receive_some()) {
    }
    return std::exchange(received_, {});
  }
  /// "200 body"
  string ask(const string& target) {
    send(target);
    return brief(receive());
  }
  static string brief(const string& reply) {
    if (reply.size() < 12) return reply;
    return reply.substr(9, 3) + " " + reply.substr(reply.find("\r\n\r\n") + 4);
  }
  bool is_closed() { return receive().empty(); }

private:
  bool is_whole() const {
    const std::size_t end = received_.find("\r\n\r\n");
    const std::size_t at = received_.find("content-length: ");
    return end != string::npos && at != string::npos &&
           received_.size() >= end + 4 + std::stoul(received_.substr(at + 16));
  }
  bool receive_some() {
    char bytes[4096];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size > 0) received_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }

  int fd_;
  bool is_connected_ = false;
  string received_;
};

struct Done : Work {
  Done() : Work([](Work& work) noexcept { static_cast<Done&>(work).promise.set_value(); }) {}
  bool is_done() { return future.wait_for(10s) == std::future_status::ready; }
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
};

/// A loop on a thread of its own, with a server.
class Running {
public:
  explicit Running(Service& service) {
    std::promise<void> started;
    thread_ = std::thread{[&] {
      Loop loop;
      http1::Server server{service, loop};
      server.listen("127.0.0.1", 0);
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

  Loop& loop() { return *loop_; }
  http1::Server& server() { return *server_; }
  template <class F>
  auto on_loop(F f) {
    std::promise<decltype(f())> done;
    loop_->context().post([&]() noexcept {
      if constexpr (std::is_void_v<decltype(f())>) f(), done.set_value();
      else done.set_value(f());
    });
    return done.get_future().get();
  }
  int port() {
    return on_loop([&] { return server_->port(); });
  }

private:
  Loop* loop_ = nullptr;
  http1::Server* server_ = nullptr;
  std::thread thread_;
};

class Drain : public ::testing::Test {
protected:
  Drain() {
    journal().take();
    app.borrow(go);
    app.get("/livez", livez);
    app.get("/readyz", readyz);
    app.get("/finish/{name}", finish);
    app.get("/stay/{name}", stay);
    app.get("/", [](Depends<pool> p) -> Task<string> { co_return std::to_string(*p); });
  }
  static void wait_for(std::string_view word) {
    while (journal().count(word) == 0) std::this_thread::yield();
  }

  Go go;
  App app;
};

TEST_F(Drain, FailsTheReadinessFirstThenLetsRequestsFinishThenCancelsAndTearsDown) {  // Rule 28.
  Running running{app};
  Client a{running.port()};
  Client b{running.port()};
  Client idle{running.port()};
  a.send("/finish/a");
  b.send("/stay/b");
  wait_for("a+");
  wait_for("b+");
  EXPECT_EQ(idle.ask("/readyz"), R"(200 {"status":"ready"})");

  Done done;
  running.on_loop([&] { running.server().drain({.delay = std::chrono::milliseconds::max()}, done); });
  Client late{running.port()};
  EXPECT_EQ(late.ask("/readyz"), R"(503 {"status":"draining"})");
  EXPECT_EQ(late.ask("/livez"), R"(200 {"status":"alive"})");
  EXPECT_EQ(idle.ask("/"), "200 7") << "nobody is refused who has not noticed";

  const int port = running.port();
  running.on_loop([&] { running.server().drain({.limit = 1h}); });
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(late.is_closed());
  EXPECT_FALSE(Client{port}.is_connected());
  go.setter().value(1);
  const string last = a.receive();
  EXPECT_EQ(Client::brief(last), "200 finished");
  EXPECT_NE(last.find("connection: close"), string::npos);
  wait_for("a-");

  running.on_loop([&] { running.server().drain({.limit = 0ms}); });
  EXPECT_TRUE(b.is_closed());
  EXPECT_TRUE(done.is_done());
  EXPECT_EQ(journal().take().substr(string{"pool+ a+ b+ "}.size()), "a- b!cancelled pool-");
}

TEST_F(Drain, IsFollowedByAnotherStart) {
  Running running{app};
  for (int i = 0; i < 3; ++i) {
    Client client{running.port()};
    EXPECT_EQ(client.ask("/"), "200 7");
    EXPECT_EQ(client.ask("/readyz"), R"(200 {"status":"ready"})");

    Done done;
    running.on_loop([&] { running.server().drain({}, done); });
    EXPECT_TRUE(client.is_closed());
    EXPECT_TRUE(done.is_done());
    EXPECT_EQ(journal().take(), "pool+ pool-");
    running.on_loop([&] { running.server().listen("127.0.0.1", 0); });
  }
}

TEST_F(Drain, OfOneTransportLeavesTheOthersServing) {
  Running first{app};
  Running second{app};
  std::optional<loopback::Client> inside{app};
  Client a{first.port()};
  Client b{second.port()};
  EXPECT_EQ(a.ask("/"), "200 7");
  EXPECT_EQ(b.ask("/"), "200 7");
  EXPECT_EQ(inside->get("/").body(), "7");
  EXPECT_EQ(journal().take(), "pool+") << "they share what lives as long as the App";

  Done done;
  first.on_loop([&] { first.server().drain({.delay = std::chrono::milliseconds::max()}, done); });
  EXPECT_EQ(b.ask("/readyz"), R"(503 {"status":"draining"})") << "the program is about to end, as far as anybody knows";
  first.on_loop([&] { first.server().drain(); });
  EXPECT_TRUE(done.is_done());

  EXPECT_EQ(b.ask("/"), "200 7");
  EXPECT_EQ(b.ask("/readyz"), R"(200 {"status":"ready"})");
  inside.reset();
  EXPECT_EQ(b.ask("/readyz"), R"(200 {"status":"ready"})");
  EXPECT_EQ(journal().take(), "");
}

TEST_F(Drain, OfOneOfTwoOnTheSameLoopLeavesTheOtherServing) {
  Running running{app};
  std::optional<http1::Server> admin;
  running.on_loop([&] { admin.emplace(app, running.loop()).listen("127.0.0.1", 0); });
  Client probe{running.on_loop([&] { return admin->port(); })};
  Client client{running.port()};
  EXPECT_EQ(client.ask("/"), "200 7");

  Done done;
  running.on_loop([&] { running.server().drain({.delay = std::chrono::milliseconds::max()}, done); });
  EXPECT_EQ(probe.ask("/readyz"), R"(503 {"status":"draining"})");
  EXPECT_EQ(probe.ask("/livez"), R"(200 {"status":"alive"})");
  running.on_loop([&] { running.server().drain(); });
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(done.is_done());

  EXPECT_EQ(probe.ask("/"), "200 7");
  Done over;
  running.on_loop([&] { admin->drain({}, over); });
  EXPECT_TRUE(over.is_done());
  running.on_loop([&] { admin.reset(); });
  EXPECT_EQ(journal().take(), "pool+ pool-");
}

TEST(ManyEngines, LiveInOneProcess) {
  journal().take();
  struct Program {
    Program() {
      app.get("/", [](Depends<pool> p) -> Task<string> { co_return std::to_string(*p); });
      running.emplace(app);
    }
    App app;
    std::optional<Running> running;
  };
  std::list<Program> programs(4);

  for (Program& program : programs) EXPECT_EQ(Client{program.running->port()}.ask("/"), "200 7");
  EXPECT_EQ(journal().count("pool+"), 4U) << "an App's own";
  programs.clear();

  EXPECT_EQ(journal().count("pool-"), 4U);
}

}  // namespace
}  // namespace umbel
