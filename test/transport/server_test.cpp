// SPDX-License-Identifier: MIT
#include "umbel/http1/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "umbel/http1/serve.hpp"

namespace umbel::http1 {
namespace {

using namespace std::chrono_literals;
using std::string;
using std::string_view;

/// A socket that waits for its answers, but not for ever.
class Client {
public:
  explicit Client(int port) : fd_(open_socket(AF_INET)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  explicit Client(const string& path) : fd_(open_socket(AF_UNIX)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  void send(string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  /// Until `end` has come `count` times, or the connection is closed.
  string receive(string_view end, int count = 1) {
    std::size_t seen = 0;
    while (count > 0) {
      const std::size_t at = received_.find(end, seen);
      if (at != string::npos) seen = at + end.size(), --count;
      else if (!receive_some()) break;
    }
    return take(count == 0 ? seen : received_.size());
  }
  string receive_all() {
    while (receive_some()) {
    }
    return take(received_.size());
  }
  /// Asks, and takes the reply that ends with `end`.
  string ask(string_view request, string_view end) {
    send(request);
    return receive(end);
  }
  /// What comes within `limit`.
  string receive_for(std::chrono::milliseconds limit) {
    const timeval brief{0, static_cast<suseconds_t>(limit.count() * 1000)};
    const timeval usual{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
    string received = receive_all();
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &usual, sizeof usual);
    return received;
  }
  bool is_closed() { return receive_all().empty() && !timed_out_; }
  bool timed_out() const { return timed_out_; }

  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger none{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }

private:
  static int open_socket(int family) {
    const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }
  void connect(const sockaddr* address, socklen_t size) {
    if (::connect(fd_, address, size) < 0) close();
  }
  bool receive_some() {
    char bytes[65536];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EAGAIN) timed_out_ = true;
    if (size > 0) received_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }
  string take(std::size_t size) {
    string result = received_.substr(0, size);
    received_.erase(0, size);
    return result;
  }

  int fd_;
  string received_;
  bool timed_out_ = false;
};

/// /hello is answered at once, /big with a body of 8 MiB, /echo with its body, /late when the test says so.
class TestService : public Service {
public:
  void start(Context&) override { ++starts; }
  void open(Context& context, Notice& opened) noexcept override {
    if (opens == Opens::at_once) return opened.tell();
    if (opens == Opens::never) return tell_broken(opened);
    const std::lock_guard lock{mutex_};
    opened_on = &context;
    opening_ = &opened;
    arrived_.notify_all();
  }
  void draining(Context&) noexcept override { ++drains; }
  void close(Context& context, Notice& closed) noexcept override {
    ++closes;
    not_over_at_close += served_and_not_over;
    // Takes a turn of the loop.
    context.post([&closed]() noexcept { closed.tell(); });
  }

  void serve(Exchange& exchange) noexcept override {
    ++served;
    const string_view path = exchange.request().path();
    if (path == "/late") return keep(exchange);
    if (path == "/stream") return exchange.reply(Response::stream("text/plain", BodySourcePtr{new Kibibytes{20'480}}));
    if (path == "/sum") return (new Sum{exchange})->read();
    if (path == "/big") return exchange.reply(Response::text(string(8 << 20, 'x') + "end"));
    if (path != "/echo") return exchange.reply(Response::text("hello!"));
    auto* const collector = new Collector{exchange};
    if (exchange.collect_body(*collector)) Collector::run(*collector);
  }

  /// Waits for the next exchange of /late.
  Exchange& take_late() {
    std::unique_lock lock{mutex_};
    if (!arrived_.wait_for(lock, 10s, [&] { return !late_.empty(); })) std::abort();
    Exchange& first = *late_.front();
    late_.erase(late_.begin());
    return first;
  }

  /// Waits until it is asked to open; for Opens::when_told.
  Notice& take_opening() {
    std::unique_lock lock{mutex_};
    if (!arrived_.wait_for(lock, 10s, [&] { return opening_ != nullptr; })) std::abort();
    return *std::exchange(opening_, nullptr);
  }
  static void tell_broken(Notice& opened) noexcept {
    const Error error{HttpError{500, "no database"}};
    opened.tell(&error);
  }

  enum class Opens { at_once, when_told, never } opens = Opens::at_once;
  Context* opened_on = nullptr;  // The last, for Opens::when_told.
  std::atomic<int> starts{0};
  std::atomic<int> drains{0};
  std::atomic<int> served{0};
  std::atomic<int> closes{0};
  std::atomic<int> served_and_not_over{0};  // Of /late; the test counts down.
  std::atomic<int> not_over_at_close{0};

private:
  struct Collector : Work {
    explicit Collector(Exchange& e) : Work(run), exchange(e) {}
    static void run(Work& work) noexcept {
      auto* const self = static_cast<Collector*>(&work);
      const int error = self->exchange.body_error();
      self->exchange.reply(Response::text(error ? "failed" : self->exchange.request().body(), error ? error : 200));
      delete self;
    }
    Exchange& exchange;
  };

  /// A body of so many KiB.
  struct Kibibytes final : BodySource {
    explicit Kibibytes(int n) : left(n) {}
    Pulled pull(Context&, string_view& chunk, Work&) noexcept override {
      chunk = text;
      return left-- > 0 ? Pulled::chunk : Pulled::end;
    }
    void drop() noexcept override { delete this; }
    const string text = string(1024, 'k');
    int left;
  };
  /// Reads a body of any size in pieces, and answers with their sum.
  struct Sum : Work {
    explicit Sum(Exchange& e) : Work([](Work& work) noexcept { static_cast<Sum&>(work).read(); }), exchange(e) {
      exchange.limit_body(~std::uint64_t{0});
    }
    void read() {
      string_view chunk;
      Pulled pulled;
      while ((pulled = exchange.read_body(chunk, *this)) == Pulled::chunk) sum += chunk.size();
      if (pulled == Pulled::pending) return;
      Response response = Response::text(std::to_string(sum) + "!", pulled == Pulled::end ? 200 : 500);
      for (const HeaderField& field : exchange.trailers()) response.append_header(field.name, field.value);
      exchange.reply(std::move(response));
      delete this;
    }
    Exchange& exchange;
    std::size_t sum = 0;
  };

  void keep(Exchange& exchange) {
    const std::lock_guard lock{mutex_};
    ++served_and_not_over;
    late_.push_back(&exchange);
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Exchange*> late_;
  Notice* opening_ = nullptr;
};

/// Notes that it ran.
struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  std::atomic<int> runs{0};
};

/// A promise that is kept from a loop.
struct Done : Work {
  Done() : Work([](Work& work) noexcept { static_cast<Done&>(work).promise.set_value(); }) {}
  bool is_done() { return future.wait_for(10s) == std::future_status::ready; }
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
};

/// Hears how a service has opened.
struct Heard : Notice {
  Heard()
      : Notice([](Notice& notice, const Error* error) noexcept {
          static_cast<Heard&>(notice).promise.set_value(error ? error->message() : "open");
        }) {}
  std::promise<string> promise;
};

/// A server on a thread of its own.
class Running {
public:
  explicit Running(TestService& service, const ServerOptions& options = {}, int port = 0) {
    std::promise<void> started;
    thread_ = std::thread{[&, port] { run(service, options, port, started); }};
    started.get_future().get();
  }
  ~Running() {
    loop_->stop();
    thread_.join();
  }

  int port() const { return port_; }
  Loop& loop() { return *loop_; }
  Server& server() { return *server_; }

  /// Runs `f()` on the server's thread, and waits for it.
  template <class F>
  auto on_loop(F f) {
    std::promise<decltype(f())> done;
    loop_->context().post([&]() noexcept {
      if constexpr (std::is_void_v<decltype(f())>) f(), done.set_value();
      else done.set_value(f());
    });
    return done.get_future().get();
  }
  std::size_t connections() {
    return on_loop([&] { return server_->connections(); });
  }
  void wait_for_connections(std::size_t count) {
    while (connections() != count) std::this_thread::yield();
  }

private:
  void run(TestService& service, const ServerOptions& options, int port, std::promise<void>& started) {
    Loop loop;
    Server server{service, loop, options};
    server.listen("127.0.0.1", port);
    port_ = server.port();
    loop_ = &loop;
    server_ = &server;
    started.set_value();
    loop.run();
  }

  Loop* loop_ = nullptr;
  Server* server_ = nullptr;
  int port_ = 0;
  std::thread thread_;
};

string get(string_view target, string_view more = {}) {
  return "GET " + string{target} + " HTTP/1.1\r\nHost: a\r\n" + string{more} + "\r\n";
}
string post(string_view body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + string{body};
}
int status_of(const string& reply) { return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3)); }
int count_of(string_view text, string_view part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Server, KeepsAConnection) {
  TestService service;
  Running running{service};
  Client client{running.port()};

  for (int i = 0; i < 10; ++i) EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);

  EXPECT_EQ(running.connections(), 1U);
  EXPECT_EQ(service.starts, 1);
}

TEST(Server, AnswersAllPipelinedRequests) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  string input;
  for (int i = 0; i < 1000; ++i) input += get("/hello");

  std::thread sender{[&] { client.send(input); }};
  const string replies = client.receive("hello!", 1000);
  sender.join();

  EXPECT_EQ(count_of(replies, "HTTP/1.1 200 OK"), 1000);
}

TEST(Server, SendsAStream) {
  TestService service;
  Running running{service};
  Client client{running.port()};

  client.send(get("/stream") + get("/hello"));
  const string replies = client.receive("hello!");

  EXPECT_EQ(count_of(replies, "400\r\nkkkk"), 20'480);
  EXPECT_EQ(count_of(replies, "\r\n0\r\n\r\nHTTP/1.1 200 OK"), 1);
}

TEST(Server, ReadsABodyInPieces) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  const string body(20 << 20, 'b');

  for (int i = 0; i < 2; ++i) {
    client.send("POST /sum HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    client.send(body);
    EXPECT_EQ(count_of(client.receive("!"), std::to_string(body.size()) + "!"), 1);
  }
}

TEST(Server, GivesTheTrailersBehindABody) {
  TestService service;
  Running running{service};
  Client client{running.port()};

  client.send("POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("0\r\nX-Checksum: 900150\r\n\r\n");
  const string reply = client.receive("3!");

  EXPECT_EQ(status_of(reply), 200);
  EXPECT_EQ(count_of(reply, "X-Checksum: 900150\r\n"), 1);
}

// Tests here and in test/net show what it claims. What it does not: nobody has agreed on a field for a deadline.
TEST(Server, SaysWhatItCanDo) {
  TestService service;
  Loop loop;
  const Capabilities can = Server{service, loop}.capabilities();

  EXPECT_TRUE(can.stream_in && can.stream_out && can.trailers && can.half_close);
  EXPECT_TRUE(can.disconnect && can.keep_alive && can.early_refusal && can.several_peers);
  EXPECT_FALSE(can.deadline);
}

TEST(Server, SendsWhatThePeerTakesSlowly) {
  TestService service;
  Running running{service};
  Client client{running.port()};

  client.send(get("/big") + get("/hello"));
  const string replies = client.receive("hello!");

  EXPECT_GT(replies.size(), std::size_t{8} << 20);
  EXPECT_EQ(count_of(replies, "HTTP/1.1 200 OK"), 2);
}

TEST(Server, TakesLargeBodies) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  const string body = string(1'000'000, 'b') + "end";

  client.send(post(body));
  const string reply = client.receive("end");

  EXPECT_EQ(reply.substr(reply.find("\r\n\r\n") + 4), body);
}

TEST(Server, ClosesAfterAnErrorReplyThatArrives) {
  TestService service;
  Running running{service};
  Client client{running.port()};

  client.send("BAD\r\n\r\n" + string(100'000, 'x'));

  EXPECT_EQ(status_of(client.receive_all()), 400);
  EXPECT_FALSE(client.timed_out());
  client.close();
  running.wait_for_connections(0);
}

TEST(Server, ClosesWhenThePeerDoes) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send("GET / HT");

  client.half_close();

  EXPECT_TRUE(client.is_closed());
  running.wait_for_connections(0);
}

TEST(Server, AnswersAPeerThatClosedItsHalf) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();

  client.half_close();
  while (!late.stop_token().stop_requested()) std::this_thread::yield();
  running.on_loop([&] { late.reply(Response::text("here")); });

  EXPECT_EQ(status_of(client.receive_all()), 200);
  running.wait_for_connections(0);
}

TEST(Server, KeepsAConnectionThatIsResetUntilItsRequestIsOver) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();

  client.reset();
  while (!late.stop_token().stop_requested()) std::this_thread::yield();
  EXPECT_EQ(running.connections(), 1U);
  running.on_loop([&] { late.reply(Response::text("too late")); });

  running.wait_for_connections(0);
}

TEST(Server, SurvivesResetsWhileItWrites) {
  std::signal(SIGPIPE, SIG_DFL);  // It would kill us.
  TestService service;
  Running running{service};

  for (int i = 0; i < 20; ++i) {
    Client client{running.port()};
    client.send(get("/big") + get("/big"));
    client.receive("HTTP/1.1");
    client.reset();
  }

  EXPECT_EQ(std::signal(SIGPIPE, SIG_DFL), SIG_DFL) << "and is still what it was";

  Client client{running.port()};
  EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
}

TEST(Server, ClosesAnIdleConnectionWithoutAWord) {
  TestService service;
  Running running{service, {.idle_timeout = 30ms}};
  Client client{running.port()};
  client.ask(get("/hello"), "hello!");

  EXPECT_TRUE(client.is_closed());
  running.wait_for_connections(0);
}

TEST(Server, RepliesTooSlowToAHeadThatDoesNotCome) {
  TestService service;
  Running running{service, {.header_timeout = 30ms}};
  Client client{running.port()};

  client.send("GET / HT");

  EXPECT_EQ(status_of(client.receive_all()), 408);
  EXPECT_FALSE(client.timed_out());
}

TEST(Server, RepliesTooSlowToABodyThatDoesNotCome) {
  TestService service;
  Running running{service, {.body_timeout = 30ms}};
  Client client{running.port()};

  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");

  EXPECT_EQ(status_of(client.receive_all()), 408);
  EXPECT_FALSE(client.timed_out());
}

TEST(Server, RepliesTooSlowToABodyThatDrips) {
  TestService service;
  Running running{service, {.body_timeout = 50ms, .body_rate = 1'000'000'000}};
  Client client{running.port()};
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");

  std::atomic<bool> done{false};
  std::thread dripper{[&] {
    while (!done) client.send("x"), std::this_thread::yield();
  }};
  const string reply = client.receive("\r\n\r\n");
  done = true;
  dripper.join();

  EXPECT_EQ(status_of(reply), 408);
}

TEST(Server, GivesUpAPeerThatDoesNotRead) {
  TestService service;
  Running running{service, {.output_timeout = 30ms}};
  Client client{running.port()};

  client.send(get("/big"));
  while (service.served == 0) std::this_thread::yield();

  running.wait_for_connections(0);
}

TEST(Server, ClosesAPeerThatLingers) {
  TestService service;
  Running running{service, {.linger_timeout = 30ms}};
  Client client{running.port()};

  client.ask(get("/hello", "Connection: close\r\n"), "hello!");

  running.wait_for_connections(0);
}

TEST(Server, AcceptsNoMoreThanItsLimit) {
  TestService service;
  Running running{service, {.connections = 2}};
  std::optional<Client> first{std::in_place, running.port()};
  Client second{running.port()};
  first->ask(get("/hello"), "hello!");
  second.ask(get("/hello"), "hello!");
  Client third{running.port()};
  third.send(get("/hello"));

  EXPECT_EQ(status_of(second.ask(get("/hello"), "hello!")), 200);
  EXPECT_EQ(service.served, 3) << "the third connection waits";
  first.reset();

  EXPECT_EQ(status_of(third.receive("hello!")), 200);
}

int next_descriptor() {
  const int next = ::dup(0);
  ::close(next);
  return next;
}

/// While it lives, the process has no more descriptors than these.
class DescriptorLimit {
public:
  explicit DescriptorLimit(int count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limit{static_cast<rlim_t>(count), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

TEST(Server, LeavesTheLastDescriptorsToTheApplication) {
  const int count = next_descriptor() + 64;
  const DescriptorLimit limit{count};
  TestService service;
  Running running{service};
  std::list<Client> clients;

  running.on_loop([&] {
    for (int i = 0; i < 16; ++i) clients.emplace_back(running.port());
  });
  clients.front().ask(get("/hello"), "hello!");
  EXPECT_EQ(next_descriptor(), count - 32);
  clients.pop_front();
  clients.front().ask(get("/hello"), "hello!");

  EXPECT_LT(running.connections(), clients.size()) << "some wait";
  EXPECT_LE(next_descriptor(), count - 32);
}

TEST(Server, DoesNotSpinWithoutDescriptors) {
  const DescriptorLimit limit{next_descriptor() + 48};
  TestService service;
  Running running{service};
  std::list<Client> clients;
  running.on_loop([&] {
    for (int i = 0; i < 12; ++i) clients.emplace_back(running.port());
  });
  std::list<int> rest;  // All that are left.
  for (int fd = 0; (fd = ::dup(0)) >= 0;) rest.push_back(fd);
  Client& last = clients.back();
  last.send(get("/hello"));
  uv_prepare_t turns;
  static std::atomic<int> count;
  count = 0;
  running.on_loop([&] {
    uv_prepare_init(running.loop().native(), &turns);
    uv_prepare_start(&turns, [](uv_prepare_t*) { ++count; });
  });

  EXPECT_EQ(last.receive_for(200ms), "");
  EXPECT_LT(count, 50) << "turns, while somebody waits to be accepted";

  for (const int fd : rest) ::close(fd);
  while (clients.size() > 1) clients.pop_front();
  EXPECT_EQ(status_of(last.receive("hello!")), 200);
  running.on_loop([&] { uv_close(reinterpret_cast<uv_handle_t*>(&turns), nullptr); });
}

TEST(Server, IsBusyBeyondItsLimitOfRequests) {
  TestService service;
  Running running{service, {.limits = {.in_flight = 1}}};
  Client first{running.port()};
  Client second{running.port()};
  first.send(get("/late"));
  Exchange& late = service.take_late();

  const string busy = second.ask(get("/hello"), "}");
  EXPECT_EQ(status_of(busy), 503);
  EXPECT_NE(busy.find("retry-after"), string::npos);
  running.on_loop([&] { late.reply(Response::text("done")); });

  EXPECT_EQ(status_of(first.receive("done")), 200);
  EXPECT_EQ(status_of(second.ask(get("/hello"), "hello!")), 200) << "the connection was kept";
}

TEST(Server, DrainsWhatIsInFlight) {
  TestService service;
  Running running{service};
  Client idle{running.port()};
  idle.ask(get("/hello"), "hello!");
  Client busy{running.port()};
  busy.send(get("/late"));
  Exchange& late = service.take_late();

  Done done;
  running.on_loop([&] { running.server().drain({.limit = 10s}, done); });
  EXPECT_TRUE(idle.is_closed());
  running.on_loop([&] { late.reply(Response::text("last")); });
  const string reply = busy.receive_all();
  busy.close();

  EXPECT_NE(reply.find("connection: close"), string::npos);
  EXPECT_TRUE(done.is_done());
  Client refused{running.port()};
  EXPECT_EQ(refused.ask(get("/hello"), "hello!"), "");
}

TEST(Server, DrainsWhatHasComeInAndIsNotReadYet) {
  TestService service;
  Running running{service};
  Client idle{running.port()};
  idle.ask(get("/hello"), "hello!");
  std::optional<Client> fresh;

  running.on_loop([&] {
    idle.send(get("/hello"));
    fresh.emplace(running.port());
    fresh->send(get("/hello"));
    running.server().drain({.limit = 10s});
  });

  for (Client* const client : {&idle, &*fresh}) {
    const string reply = client->receive_all();
    EXPECT_EQ(status_of(reply), 200);
    EXPECT_NE(reply.find("connection: close"), string::npos);
    client->close();
  }
  running.wait_for_connections(0);
}

TEST(Server, CutsOffWhatDoesNotDrain) {
  TestService service;
  Running running{service};
  Client busy{running.port()};
  busy.send(get("/late"));
  Exchange& late = service.take_late();

  running.on_loop([&] { running.server().drain({.limit = 10ms}); });

  EXPECT_TRUE(busy.is_closed());
  EXPECT_TRUE(late.stop_token().stop_requested());
  EXPECT_EQ(running.on_loop([&] { return late.stop_reason(); }), CancelReason::shutdown);
  running.on_loop([&] { late.reply(Response{204}); });
  running.wait_for_connections(0);
}

TEST(Server, HoldsARequestAfterItsReply) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send(get("/late") + get("/hello"));
  Exchange& late = service.take_late();

  Done sent;
  running.on_loop([&] { late.reply_and_hold(Response::text("held"), sent); });
  EXPECT_EQ(status_of(client.receive("held")), 200);
  EXPECT_TRUE(sent.is_done());
  EXPECT_EQ(service.served, 1);
  running.on_loop([&] { late.release(); });

  EXPECT_EQ(status_of(client.receive("hello!")), 200);
}

TEST(Server, KeepsAHeldRequestWhosePeerHasGone) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();

  Done sent;
  running.on_loop([&] { late.reply_and_hold(Response::text("held"), sent); });
  client.receive("held");
  EXPECT_TRUE(sent.is_done());
  client.close();
  EXPECT_EQ(running.connections(), 1U);
  Done done;
  running.on_loop([&] { running.server().drain({.limit = 0ms}, done); });
  while (!late.stop_token().stop_requested()) std::this_thread::yield();
  EXPECT_EQ(running.on_loop([&] { return late.stop_reason(); }), CancelReason::shutdown)
      << "although the connection may be closed already";
  running.on_loop([&] { late.release(); });

  EXPECT_TRUE(done.is_done());
}

// The service's opening and closing.

TEST(Server, AcceptsWhileTheServiceOpens) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Running running{service};
  Heard heard;
  running.on_loop([&] { running.server().when_open(heard); });
  Client client{running.port()};

  EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
  running.on_loop([&] { service.take_opening().tell(); });

  EXPECT_EQ(heard.promise.get_future().get(), "open");
}

TEST(Server, StopsWhenTheServiceDoesNotOpen) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Running running{service};
  Heard heard;
  Heard later;
  running.on_loop([&] { running.server().when_open(heard); });
  Client client{running.port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();

  running.on_loop([&] { TestService::tell_broken(service.take_opening()); });

  EXPECT_EQ(heard.promise.get_future().get(), "no database");
  running.on_loop([&] { running.server().when_open(later); });
  EXPECT_EQ(later.promise.get_future().get(), "no database");
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(running.on_loop([&] { return late.stop_reason(); }), CancelReason::shutdown);
  running.on_loop([&] { late.reply(Response{503}); });
  running.wait_for_connections(0);
  Client refused{running.port()};
  EXPECT_EQ(refused.ask(get("/hello"), "hello!"), "");
  EXPECT_EQ(service.closes, 0);
}

TEST(Server, ThrowsWhenTheServiceCannotOpenAtOnce) {
  TestService service;
  service.opens = TestService::Opens::never;
  Loop loop;
  Server server{service, loop};

  EXPECT_THROW(server.listen("127.0.0.1", 0), StartError);
  EXPECT_EQ(server.port(), 0);
}

TEST(Server, ClosesTheServiceAfterTheLastExchangeAndBeforeItIsDrained) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();
  Flag sent;
  Done done;

  running.on_loop([&] { running.server().drain({.limit = 10s}, done); });
  running.on_loop([&] { late.reply_and_hold(Response::text("last"), sent); });
  client.receive_all();
  client.close();
  while (sent.runs == 0) std::this_thread::yield();
  EXPECT_EQ(service.closes, 0);
  running.on_loop([&] {
    --service.served_and_not_over;
    late.release();
  });

  EXPECT_TRUE(done.is_done());
  EXPECT_EQ(service.closes, 1);
  EXPECT_EQ(service.not_over_at_close, 0);
}

TEST(Server, ClosesTheServiceWhenItIsDestroyed) {
  TestService service;
  {
    const Running running{service};
  }

  EXPECT_EQ(service.closes, 1);
}

TEST(Server, ThatHasEndedMayBeginAgain) {
  TestService service;
  Running running{service};
  Done done;
  running.on_loop([&] { running.server().drain({.limit = 0ms}, done); });
  EXPECT_TRUE(done.is_done());

  running.on_loop([&] { running.server().listen("127.0.0.1", 0); });
  Client client{running.on_loop([&] { return running.server().port(); })};

  EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
  EXPECT_EQ(service.starts, 2);
}

TEST(Server, ClosesAServiceThatWasStillOpening) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Running running{service};
  Done done;

  running.on_loop([&] { running.server().drain({.limit = 0ms}, done); });
  EXPECT_EQ(service.closes, 0);
  EXPECT_FALSE(running.on_loop([&] {
    try {
      running.server().listen("127.0.0.1", 0);
      return true;
    } catch (const StartError&) {
      return false;
    }
  }));
  running.on_loop([&] { service.take_opening().tell(); });

  EXPECT_TRUE(done.is_done());
  EXPECT_EQ(service.closes, 1);
}

TEST(Server, WaitsForItsRequestsWhenItIsDestroyed) {
  TestService service;
  std::optional<Running> running{std::in_place, service};
  Client client{running->port()};
  client.send(get("/late"));
  Exchange& late = service.take_late();
  Context& context = late.context();
  const StopToken stop = late.stop_token();

  std::thread replier{[&] {
    while (!stop.stop_requested()) std::this_thread::yield();
    context.post([&]() noexcept { late.reply(Response::text("too late")); });
  }};
  running.reset();

  replier.join();
  EXPECT_TRUE(client.is_closed());
}

TEST(Server, SharesItsServiceAndItsPortWithAnother) {
  TestService service;
  Running first{service, {.reuse_port = true}};
  Running second{service, {.reuse_port = true}, first.port()};
  EXPECT_EQ(service.starts, 2);

  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 25; ++j) {
        Client client{first.port()};
        EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
      }
    });
  }
  for (std::thread& client : clients) client.join();

  EXPECT_EQ(service.served, 100);
}

TEST(Server, ListensOnAUnixSocketAndRemovesAStaleFile) {
  TestService service;
  const string path = ::testing::TempDir() + "umbel-server-test-" + std::to_string(::getpid());
  {
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(stale);
  }
  Running running{service};
  running.on_loop([&] { running.server().listen_unix(path); });
  const bool refused = running.on_loop([&] {
    try {
      running.server().listen_unix(path);
      return false;
    } catch (const std::system_error&) {
      return true;
    }
  });
  EXPECT_TRUE(refused) << "somebody listens there";

  Client client{path};

  EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
}

TEST(Server, AdoptsAConnection) {
  TestService service;
  Running running{service};
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

  running.on_loop([&] { running.server().adopt(pair[0]); });
  const string request = get("/", "Connection: close\r\n");
  ::send(pair[1], request.data(), request.size(), 0);
  string reply;
  char bytes[1000];
  for (ssize_t size = 0; (size = ::recv(pair[1], bytes, sizeof bytes, 0)) > 0;)
    reply.append(bytes, static_cast<std::size_t>(size));
  ::close(pair[1]);

  EXPECT_EQ(status_of(reply), 200);
}

TEST(Server, OpensItsServiceForAConnectionThatItAdopts) {
  TestService service;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  {
    Loop loop;
    Server server{service, loop};
    server.adopt(pair[0]);
    EXPECT_EQ(service.starts, 1);
    EXPECT_EQ(server.connections(), 1U);
  }
  ::close(pair[1]);

  EXPECT_EQ(service.closes, 1);
}

TEST(Server, RefusesADescriptorThatDoesNotListen) {
  TestService service;
  Loop loop;
  Server server{service, loop};
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);

  EXPECT_THROW(server.listen_fd(socket), std::invalid_argument);
  EXPECT_THROW(server.listen_fd(0x7fffffff), std::invalid_argument);
  EXPECT_EQ(::close(socket), 0) << "it stays the caller's";
}

TEST(Server, SaysWhereItCannotListen) {
  TestService service;
  Loop loop;
  Server server{service, loop};
  server.listen("127.0.0.1", 0);
  Server second{service, loop};

  EXPECT_THROW(second.listen("127.0.0.1", server.port()), std::system_error);
  EXPECT_THROW(second.listen("localhost", 0), std::invalid_argument);
  EXPECT_THROW(second.listen("127.0.0.1", 65536), std::invalid_argument);
}

// States, and a drain with a delay.

TEST(ServerStates, FollowTheService) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Loop loop;
  Server server{service, loop};
  Transport& transport = server;
  EXPECT_EQ(transport.state(), TransportState::stopped);

  server.listen("127.0.0.1", 0);
  EXPECT_EQ(transport.state(), TransportState::starting);
  service.take_opening().tell();
  EXPECT_EQ(transport.state(), TransportState::ready);
  Flag first, second;
  transport.drain({.delay = 1h}, first);
  EXPECT_EQ(transport.state(), TransportState::draining);
  transport.drain({}, second);
  EXPECT_EQ(transport.state(), TransportState::draining);
  while (second.runs == 0) uv_run(loop.native(), UV_RUN_ONCE);

  EXPECT_EQ(first.runs, 1) << "whoever waits is told";
  EXPECT_EQ(transport.state(), TransportState::stopped);
  EXPECT_EQ(service.drains, 1);
  EXPECT_EQ(service.closes, 1);
}

TEST(ServerStates, OfOneThatIsToldToEndWhileItStartsIsDraining) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Loop loop;
  Server server{service, loop};
  server.start();
  Flag done;

  server.drain({}, done);
  EXPECT_EQ(server.state(), TransportState::draining);
  EXPECT_EQ(service.drains, 0) << "it is not open";
  service.take_opening().tell();
  EXPECT_EQ(service.drains, 1);
  while (done.runs == 0) uv_run(loop.native(), UV_RUN_ONCE);

  EXPECT_EQ(server.state(), TransportState::stopped);
}

TEST(ServerStates, OfOneWhoseServiceDoesNotOpenIsStopped) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  Loop loop;
  Server server{service, loop};
  server.start();

  TestService::tell_broken(service.take_opening());

  EXPECT_EQ(server.state(), TransportState::stopped);
  EXPECT_EQ(service.drains + service.closes, 0);
}

TEST(ServerStates, BeginAnewAsOftenAsOneLikes) {
  TestService service;
  Running running{service};
  for (int i = 0; i < 5; ++i) {
    Client client{running.on_loop([&] { return running.server().port(); })};
    EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
    Done done;
    if (i % 2) running.on_loop([&] { running.server().stop(); });
    running.on_loop([&] { running.server().drain({}, done); });
    EXPECT_TRUE(done.is_done());
    EXPECT_EQ(running.on_loop([&] { return running.server().state(); }), TransportState::stopped);
    running.on_loop([&] { running.server().listen("127.0.0.1", 0); });
  }

  EXPECT_EQ(service.starts, 6);
  EXPECT_EQ(service.drains, 5);
  EXPECT_EQ(service.closes, 5);
}

TEST(ServerStates, AreDoneAtOnceWhenItIsStopped) {
  TestService service;
  Loop loop;
  Server server{service, loop};
  Flag done;

  server.drain({.delay = 1h}, done);
  while (done.runs == 0) uv_run(loop.native(), UV_RUN_ONCE);

  EXPECT_EQ(service.starts + service.drains + service.closes, 0);
}

TEST(ServerDrain, ServesOnUntilItsDelayIsOver) {  // Rule 28.
  TestService service;
  Running running{service};
  Client old{running.port()};
  old.ask(get("/hello"), "hello!");

  Done done;
  running.on_loop([&] { running.server().drain({.delay = std::chrono::milliseconds::max()}, done); });
  EXPECT_EQ(service.drains, 1) << "the readiness fails at once";
  Client late{running.port()};
  for (Client* const client : {&old, &late}) {
    const string reply = client->ask(get("/hello"), "hello!");
    EXPECT_EQ(status_of(reply), 200);
    EXPECT_EQ(reply.find("connection: close"), string::npos);
  }
  running.on_loop([&] { running.server().drain({.delay = 1ms}); });

  EXPECT_TRUE(old.is_closed());
  EXPECT_TRUE(late.is_closed());
  EXPECT_TRUE(done.is_done());
  EXPECT_EQ(service.drains, 1);
  Client refused{running.port()};
  EXPECT_EQ(refused.ask(get("/hello"), "hello!"), "");
}

TEST(ServerDrain, CancelsWhatIsLeftAfterItsLimit) {  // Rule 28.
  TestService service;
  Running running{service};
  Client busy{running.port()};
  busy.send(get("/late"));
  Exchange& late = service.take_late();
  Done done;

  running.on_loop([&] { running.server().drain({.delay = 1ms, .limit = 1ms}, done); });
  while (!late.stop_token().stop_requested()) std::this_thread::yield();
  EXPECT_EQ(running.on_loop([&] { return running.server().state(); }), TransportState::draining);
  EXPECT_EQ(service.closes, 0) << "its tear-down still runs";
  running.on_loop([&] { late.reply(Response{204}); });

  EXPECT_TRUE(done.is_done());
  EXPECT_EQ(service.closes, 1);
}

TEST(ServerDrain, IsCutShortByAStop) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.ask(get("/hello"), "hello!");
  Done done;

  running.on_loop([&] { running.server().drain({.delay = 1h}, done); });
  running.on_loop([&] { running.server().stop(); });

  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(done.is_done());
}

TEST(Server, SharesItsLoopAndItsServiceWithAnother) {
  TestService service;
  Running running{service};
  std::optional<Server> other;
  running.on_loop([&] { other.emplace(service, running.loop()).listen("127.0.0.1", 0); });
  Client first{running.port()};
  Client second{running.on_loop([&] { return other->port(); })};
  EXPECT_EQ(status_of(first.ask(get("/hello"), "hello!")), 200);
  EXPECT_EQ(status_of(second.ask(get("/hello"), "hello!")), 200);

  Done done;
  running.on_loop([&] { other->drain({}, done); });
  EXPECT_TRUE(second.is_closed());
  EXPECT_TRUE(done.is_done());

  EXPECT_EQ(status_of(first.ask(get("/hello"), "hello!")), 200) << "the first one serves on";
  running.on_loop([&] { other.reset(); });
  EXPECT_EQ(service.starts, 2);
  EXPECT_EQ(service.closes, 1);
}

TEST(Server, MayBeOneOfManyInAProcess) {
  std::list<TestService> services(4);
  std::list<Running> servers;
  for (TestService& service : services) servers.emplace_back(service);

  for (Running& server : servers) {
    Client client{server.port()};
    EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
  }
  servers.clear();

  for (const TestService& service : services) {
    EXPECT_EQ(service.served, 1);
    EXPECT_EQ(service.closes, 1);
  }
}

// Sockets.

TEST(ServerSockets, ListenOnIPv6) {
  TestService service;
  Loop loop;
  Server server{service, loop};
  try {
    server.listen("::1", 0);
  } catch (const std::system_error&) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  EXPECT_GT(server.port(), 0);
}

TEST(ServerSockets, HaveTheModeThatIsAskedForAndGoWithTheServer) {
  TestService service;
  const string path = ::testing::TempDir() + "umbel-server-mode-" + std::to_string(::getpid());
  struct stat status{};
  {
    Loop loop;
    Server server{service, loop};
    server.listen_unix(path, 0660);
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
  }
  EXPECT_LT(::lstat(path.c_str(), &status), 0);
}

TEST(ServerSockets, AreNotPutInThePlaceOfAnOrdinaryFile) {
  TestService service;
  const string path = ::testing::TempDir() + "umbel-server-file-" + std::to_string(::getpid());
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ::close(file);
  Loop loop;
  Server server{service, loop};

  EXPECT_THROW(server.listen_unix(path), std::system_error);
  EXPECT_THROW(server.listen_unix(string(200, 'x')), std::invalid_argument);

  EXPECT_EQ(::unlink(path.c_str()), 0) << "it is still there";
}

/// A TCP socket on a port that the kernel picks; not yet listening.
int bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return fd;
}

TEST(ServerSockets, MayBeInherited) {
  TestService service;
  const int fd = bound_socket();
  ASSERT_EQ(::listen(fd, 16), 0);
  Running running{service};

  running.on_loop([&] { running.server().listen_fd(fd); });
  Client client{running.on_loop([&] { return running.server().port(); })};
  EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
  Done done;
  running.on_loop([&] { running.server().drain({}, done); });
  EXPECT_TRUE(done.is_done());

  EXPECT_LT(::fcntl(fd, F_GETFD), 0) << "it was the server's, and is closed";
}

/// Ours that are bound to this port; the client's are not.
std::vector<int> descriptors_of(int port) {
  std::vector<int> found;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    const bool is_socket = ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (is_socket && address.sin_family == AF_INET && ntohs(address.sin_port) == port) found.push_back(fd);
  }
  return found;
}

TEST(ServerSockets, HaveNoDelayAndALongQueue) {
  TestService service;
  Running running{service};
  Client client{running.port()};
  client.ask(get("/hello"), "hello!");
  const std::vector<int> ours = descriptors_of(running.port());
  ASSERT_EQ(ours.size(), 2U);

  for (const int fd : ours) {
    int listens = 0;
    int no_delay = 0;
    tcp_info info{};
    socklen_t size = sizeof listens;
    ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    ::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    size = sizeof info;
    ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    if (listens) EXPECT_GE(info.tcpi_sacked, 128U) << "the queue's limit, which the system may lower";
    else EXPECT_NE(no_delay, 0);
  }
}

TEST(ServerSockets, ReuseTheirAddress) {
  TestService service;
  int port = 0;
  for (int i = 0; i < 2; ++i) {
    Running running{service, {}, port};
    port = running.port();
    Client client{port};
    client.ask(get("/hello", "Connection: close\r\n"), "hello!");
    EXPECT_TRUE(client.is_closed()) << "the server's half is closed first, and its port is in TIME-WAIT";
  }
}

// As systemd would have started us. In a child: the descriptors that it passes begin with 3.

/// Becomes a process that has sockets passed, of these descriptors.
void be_passed(const std::vector<int>& sockets, const char* names = nullptr, int pid_off_by = 0) {
  std::vector<int> kept;
  for (const int socket : sockets) kept.push_back(::fcntl(socket, F_DUPFD, 50));
  for (std::size_t i = 0; i < kept.size(); ++i) ::dup2(kept[i], static_cast<int>(3 + i));
  ::setenv("LISTEN_PID", std::to_string(::getpid() + pid_off_by).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(kept.size()).c_str(), 1);
  if (names) ::setenv("LISTEN_FDNAMES", names, 1);
}

int listening_socket() {
  const int fd = bound_socket();
  ::listen(fd, 16);
  return fd;
}
int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// What `claim` changes in its process, nobody else sees.
void expect_in_child(bool (*claim)()) { EXPECT_EXIT(std::_Exit(claim() ? 0 : 1), ::testing::ExitedWithCode(0), ""); }

TEST(SystemdDeathTest, PassesSocketsThatAreListenedOn) {
  expect_in_child([] {
    const int socket = listening_socket();
    be_passed({socket});
    TestService service;
    bool well = true;
    for (int i = 0; i < 2; ++i) {  // They stay open, so that a server may begin again.
      Loop loop;
      Server server{service, loop};
      well = well && server.listen_systemd() == 1 && server.port() == port_of(3);
      Client client{server.port()};
      client.send(get("/hello"));
      while (service.served <= i) uv_run(loop.native(), UV_RUN_ONCE);
      well = well && status_of(client.receive("hello!")) == 200;
    }
    return well && (::fcntl(3, F_GETFD) & FD_CLOEXEC) && string{std::getenv("LISTEN_FDS")} == "1";
  });
}

TEST(SystemdDeathTest, NamesSockets) {
  expect_in_child([] {
    const int http = listening_socket();
    const int admin = listening_socket();
    be_passed({http, admin}, "http:admin");
    TestService service;
    Loop loop;
    Server first{service, loop};
    Server second{service, loop};
    Server third{service, loop};
    const bool none = third.listen_systemd("metrics") == 0 && third.state() == TransportState::stopped;
    return none && first.listen_systemd("http") == 1 && second.listen_systemd("admin") == 1 &&
           first.port() == port_of(http) && second.port() == port_of(admin) && third.listen_systemd() == 2;
  });
}

TEST(SystemdDeathTest, MeansOnlyTheProcessThatItStarted) {
  expect_in_child([] {
    be_passed({listening_socket()}, nullptr, 1);
    TestService service;
    Loop loop;
    Server server{service, loop};
    const bool others = server.listen_systemd() == 0;
    ::unsetenv("LISTEN_PID");
    return others && server.listen_systemd() == 0 && service.starts == 0;
  });
}

/// What `listen_systemd` throws.
string refusal_of_systemd() {
  TestService service;
  Loop loop;
  Server server{service, loop};
  try {
    server.listen_systemd();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(SystemdDeathTest, IsRefusedInPlainWords) {
  expect_in_child([] {
    be_passed({bound_socket()});
    bool well = refusal_of_systemd() == "umbel: descriptor 3 does not listen";
    be_passed({listening_socket()}, "a:b");
    well = well && refusal_of_systemd() == "umbel: LISTEN_FDNAMES has 2 names for LISTEN_FDS = 1";
    ::setenv("LISTEN_FDS", "some", 1);
    well = well && refusal_of_systemd() == "umbel: LISTEN_FDS is 'some', which is no number";
    return well;
  });
}

std::promise<int> listening;

TEST(Serve, DrainsOnASignalAndReturns) {
  TestService service;
  listening = {};
  std::thread killer{[&] {
    Client client{listening.get_future().get()};
    EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
    ::kill(::getpid(), SIGTERM);
    EXPECT_TRUE(client.is_closed());
  }};

  EXPECT_EQ(serve(service, {.port = 0, .threads = 3, .on_listening = [](int port) { listening.set_value(port); }}), 0);

  killer.join();
  EXPECT_EQ(service.starts, 3);
  EXPECT_EQ(service.closes, 3);
}

TEST(Serve, ServesOnForADelayAndThenDrains) {  // Rule 28.
  for (const Deal deal : {Deal::by_kernel, Deal::in_turn, Deal::least_connections}) {
    TestService service;
    listening = {};
    std::thread killer{[&] {
      const int port = listening.get_future().get();
      Client old{port};
      old.ask(get("/hello"), "hello!");
      ::kill(::getpid(), SIGTERM);
      while (service.drains < 3) std::this_thread::yield();
      Client late{port};
      const string reply = late.ask(get("/hello"), "hello!");
      EXPECT_EQ(status_of(reply), 200);
      EXPECT_EQ(reply.find("connection: close"), string::npos);
      EXPECT_TRUE(old.is_closed());
      EXPECT_TRUE(late.is_closed());
    }};

    EXPECT_EQ(serve(service, {.port = 0,
                              .threads = 3,
                              .deal = deal,
                              .drain_delay = 500ms,
                              .on_listening = [](int port) { listening.set_value(port); }}),
              0);

    killer.join();
    EXPECT_EQ(service.starts, 3);
    EXPECT_EQ(service.drains, 3);
    EXPECT_EQ(service.closes, 3);
  }
}

TEST(Serve, CutsADelayShortOnASecondSignal) {
  TestService service;
  listening = {};
  std::thread killer{[&] {
    Client client{listening.get_future().get()};
    client.ask(get("/hello"), "hello!");
    ::kill(::getpid(), SIGINT);
    while (service.drains == 0) std::this_thread::yield();
    ::kill(::getpid(), SIGTERM);
    EXPECT_TRUE(client.is_closed());
  }};

  EXPECT_EQ(serve(service, {.port = 0, .drain_delay = 1h, .on_listening = [](int port) { listening.set_value(port); }}),
            0);

  killer.join();
}

TEST(Serve, SaysThatItListensWhenTheServiceHasOpened) {
  TestService service;
  service.opens = TestService::Opens::when_told;
  listening = {};
  std::future<int> port = listening.get_future();
  std::thread opener{[&] {
    Notice& opening = service.take_opening();
    std::promise<void> told;
    service.opened_on->post([&]() noexcept {
      EXPECT_NE(port.wait_for(0s), std::future_status::ready);
      opening.tell();
      told.set_value();
    });
    told.get_future().get();
    EXPECT_GT(port.get(), 0);
    ::kill(::getpid(), SIGTERM);
  }};

  EXPECT_EQ(serve(service, {.port = 0, .on_listening = [](int p) { listening.set_value(p); }}), 0);

  opener.join();
}

TEST(Serve, ListensOnAPathWithSeveralThreads) {
  TestService service;
  listening = {};
  static string path;
  path = ::testing::TempDir() + "umbel-serve-" + std::to_string(::getpid());
  std::thread killer{[&] {
    EXPECT_EQ(listening.get_future().get(), 0) << "it has no port";
    for (int i = 0; i < 4; ++i) {
      Client client{path};
      EXPECT_EQ(status_of(client.ask(get("/hello"), "hello!")), 200);
    }
    ::kill(::getpid(), SIGTERM);
  }};

  EXPECT_EQ(
      serve(service, {.unix_path = path, .threads = 2, .on_listening = [](int port) { listening.set_value(port); }}),
      0);

  killer.join();
}

TEST(Serve, CutsOffOnASecondSignal) {
  TestService service;
  listening = {};
  std::thread killer{[&] {
    Client client{listening.get_future().get()};
    client.send(get("/late"));
    Exchange& late = service.take_late();
    const StopToken stop = late.stop_token();
    Context& context = late.context();
    ::kill(::getpid(), SIGINT);
    ::kill(::getpid(), SIGTERM);
    while (!stop.stop_requested()) std::this_thread::yield();
    context.post([&]() noexcept { late.reply(Response{204}); });
    EXPECT_TRUE(client.is_closed());
  }};

  EXPECT_EQ(serve(service, {.port = 0, .on_listening = [](int port) { listening.set_value(port); }}), 0);

  killer.join();
}

TEST(Serve, SaysWhyItCannotStart) {
  TestService service;
  ::testing::internal::CaptureStderr();

  EXPECT_EQ(serve(service, {.port = 0, .address = "nowhere"}), 1);

  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "umbel: 'nowhere' is not an IP address in digits\n");
}

TEST(Serve, SaysWhyItsServiceDoesNotOpen) {
  TestService service;
  service.opens = TestService::Opens::never;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(serve(service, {.port = 0}), 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "no database\n");

  service.opens = TestService::Opens::when_told;
  std::thread opener{[&] {
    Notice& opening = service.take_opening();
    service.opened_on->post([&]() noexcept { TestService::tell_broken(opening); });
  }};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(serve(service, {.port = 0, .on_listening = [](int) { ADD_FAILURE() << "it is not open"; }}), 1);

  opener.join();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "no database\n");
}

TEST(Serve, OfSeveralThreadsSharesNoPortWithAnotherProgram) {
  TestService service;
  TestService taken;
  Running other{taken, {.reuse_port = true}};
  ::testing::internal::CaptureStderr();

  EXPECT_EQ(serve(service, {.port = other.port(), .threads = 2}), 1);

  EXPECT_NE(::testing::internal::GetCapturedStderr().find("cannot bind"), string::npos);
}

}  // namespace
}  // namespace umbel::http1
