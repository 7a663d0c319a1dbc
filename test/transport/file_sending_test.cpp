// SPDX-License-Identifier: MIT
// Files that the kernel sends: transport/http1/src/file_sending.hpp, as a peer of a Server sees it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "../replies/http_peer.hpp"
#include "../replies/temporary_folder.hpp"
#include "umbel/core/file.hpp"
#include "umbel/http1/filter.hpp"
#include "umbel/http1/server.hpp"

namespace umbel::http1 {
namespace {

using namespace std::chrono_literals;
using std::string;
using std::string_view;

/// So large that no socket takes it at once, and different everywhere.
string large_text(std::size_t size = 8'000'003) {
  string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  return text.substr(0, size);
}

/// Answers with the files of a folder, and counts what becomes of their sources. /scarce/... leaves the process without
/// a descriptor more.
class FileService : public Service {
public:
  explicit FileService(string folder) : folder_(std::move(folder)) {}
  ~FileService() override { EXPECT_EQ(begun, drops) << "each source is dropped once"; }

  void serve(Exchange& exchange) noexcept override {
    string_view path = exchange.request().path();
    if (path == "/hello") return exchange.reply(Response::text("hello!"));
    const bool is_scarce = path.substr(0, 8) == "/scarce/";
    if (is_scarce) path.remove_prefix(7);
    Response response = File{folder_ + string{path}}.respond(exchange.request());
    response.body(BodySourcePtr{new Watched{*this, response.take_source()}});
    if (is_scarce) {
      rlimit none{};
      ::getrlimit(RLIMIT_NOFILE, &none);
      none.rlim_cur = 0;
      ::setrlimit(RLIMIT_NOFILE, &none);
    }
    exchange.reply(std::move(response));
  }

  std::atomic<int> begun{0};
  std::atomic<int> pulls{0};
  std::atomic<int> drops{0};

private:
  struct Watched final : BodySource {
    Watched(FileService& s, BodySourcePtr of) noexcept : service(s), source(std::move(of)) { ++service.begun; }
    Pulled pull(Context& context, string_view& chunk, Work& ready) noexcept override {
      ++service.pulls;
      return source->pull(context, chunk, ready);
    }
    void drop() noexcept override {
      ++service.drops;
      delete this;
    }
    std::optional<std::uint64_t> size() const noexcept override { return source->size(); }
    FileStretch stretch() const noexcept override { return source->stretch(); }
    FileService& service;
    BodySourcePtr source;
  };

  string folder_;
};

/// Changes nothing.
class Plain final : public Filter {
public:
  State state() const noexcept override { return State::open; }
  std::span<char> prepare() noexcept override { return in_.empty() ? std::span<char>{room_} : std::span<char>{}; }
  void commit(std::size_t bytes) noexcept override { in_.assign(room_.data(), bytes); }
  std::size_t read(std::span<char> room) noexcept override {
    const std::size_t size = in_.copy(room.data(), room.size());
    in_.erase(0, size);
    return size;
  }
  bool readable() const noexcept override { return !in_.empty(); }
  bool in_piece() const noexcept override { return false; }
  std::size_t write(string_view bytes) noexcept override {
    if (!out_.empty()) return 0;
    out_ = bytes;
    return bytes.size();
  }
  void close() noexcept override {}
  string_view output() const noexcept override { return out_; }
  void consumed(std::size_t bytes) noexcept override { out_.erase(0, bytes); }
  void abort() noexcept override { out_.clear(); }

private:
  std::array<char, 4096> room_;
  string in_;
  string out_;
};
struct PlainLayer : Layer {
  std::unique_ptr<Filter> make(Context&, Session::Host&) noexcept override { return std::make_unique<Plain>(); }
};

class FileSending : public ::testing::Test {
protected:
  FileSending() {
    folder.write("large.txt", large);
    folder.write("other.txt", large.substr(1'000'000));
  }
  ~FileSending() override {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
  }

  void start(const ServerOptions& options = {}, Layer* layer = nullptr) {
    std::promise<void> started;
    thread_ = std::thread{[&, options, layer] {
      Loop loop;
      Server server{service, loop, options};
      server.listen("127.0.0.1", 0, layer);
      port = server.port();
      loop_ = &loop;
      server_ = &server;
      started.set_value();
      loop.run();
    }};
    started.get_future().get();
  }
  /// Runs `f(server)` on the server's thread, and waits for it.
  template <class F>
  auto on_server(F f) {
    std::promise<decltype(f(*server_))> done;
    loop_->context().post([&]() noexcept {
      if constexpr (std::is_void_v<decltype(f(*server_))>) f(*server_), done.set_value();
      else done.set_value(f(*server_));
    });
    return done.get_future().get();
  }
  void wait_for_connections(std::size_t count) {
    while (on_server([](Server& server) { return server.connections(); }) != count) std::this_thread::yield();
  }

  test::TemporaryFolder folder;
  const string large = large_text();
  FileService service{folder.path()};
  int port = 0;

private:
  Loop* loop_ = nullptr;
  Server* server_ = nullptr;
  std::thread thread_;
};

string get(string_view target, string_view more = {}) {
  return "GET " + string{target} + " HTTP/1.1\r\nhost: a\r\n" + string{more} + "\r\n";
}
constexpr string_view last = "connection: close\r\n";
string after_head(string reply) { return reply.erase(0, reply.find("\r\n\r\n") + 4); }

TEST_F(FileSending, SendsAllOfItAndPullsNothing) {
  start();
  test::Connection peer{port};

  peer.send(get("/large.txt", last));

  const string reply = peer.receive_all();
  EXPECT_NE(reply.find("content-length: 8000003\r\n"), string::npos);
  EXPECT_EQ(after_head(reply), large);
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, SendsARange) {
  start();
  test::Connection peer{port};

  peer.send(get("/large.txt", "range: bytes=1234567-7654321\r\nconnection: close\r\n"));

  const string reply = peer.receive_all();
  EXPECT_EQ(reply.substr(9, 3), "206");
  EXPECT_EQ(after_head(reply), large.substr(1'234'567, 7'654'322 - 1'234'567));
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, KeepsItsPlaceAmongPipelinedRequests) {
  start();
  test::Connection peer{port};

  peer.send(get("/hello") + get("/large.txt") + get("/hello") + get("/other.txt") + get("/large.txt") +
            get("/hello", last));

  string replies = peer.receive_all();
  for (const string& body :
       {string{"hello!"}, large, string{"hello!"}, large.substr(1'000'000), large, string{"hello!"}}) {
    const std::size_t head = replies.find("\r\n\r\n") + 4;
    EXPECT_NE(replies.substr(0, head).find("content-length: " + std::to_string(body.size())), string::npos);
    EXPECT_TRUE(replies.substr(head, body.size()) == body) << body.size();
    replies.erase(0, head + body.size());
  }
  EXPECT_EQ(replies, "");
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, SendsNothingToHead) {
  start();
  test::Connection peer{port};

  peer.send("HEAD /large.txt HTTP/1.1\r\nhost: a\r\n\r\n" + get("/hello", last));

  const string replies = peer.receive_all();
  EXPECT_NE(replies.find("content-length: 8000003\r\n"), string::npos);
  EXPECT_EQ(after_head(after_head(replies)), "hello!");
}

TEST_F(FileSending, GoesOnWheneverASlowReaderHasRead) {
  start();
  test::Connection peer{port, 4096};

  peer.send(get("/large.txt") + get("/hello", last));

  const string replies = after_head(peer.receive_all());
  EXPECT_TRUE(replies.substr(0, large.size()) == large);
  EXPECT_EQ(after_head(replies.substr(large.size())), "hello!");
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, EndsWhenItsPeerLeavesInTheMiddle) {
  start();

  for (int i = 0; i < 30; ++i) {
    test::Connection peer{port};
    peer.send(get("/large.txt"));
    for (int pieces = 0; pieces < i; ++pieces) peer.receive_some();
    if (i % 2 == 0) peer.reset();
  }

  wait_for_connections(0);
  test::Connection peer{port};
  peer.send(get("/large.txt", last));
  EXPECT_EQ(after_head(peer.receive_all()), large);
}

TEST_F(FileSending, EndsWhenItsPeerClosesItsHalf) {
  start();

  for (int i = 0; i < 30; ++i) {
    test::Connection peer{port};
    peer.send(get("/large.txt"));
    for (int pieces = 0; pieces < i / 2; ++pieces) peer.receive_some();
    peer.half_close();
    peer.receive_all();
  }

  wait_for_connections(0);
}

TEST_F(FileSending, RaisesNoSigpipe) {
  start();
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

  on_server([&](Server& server) { server.adopt(pair[0]); });
  test::Connection peer{test::Connection::Descriptor{pair[1]}};
  peer.send(get("/large.txt"));
  peer.receive_until("\r\n\r\n");
  ::shutdown(pair[1], SHUT_RD);  // What is there can be read; whoever writes more gets EPIPE.
  peer.receive_all();

  wait_for_connections(0);
}

TEST_F(FileSending, GivesUpAPeerThatDoesNotRead) {
  start({.output_timeout = 30ms});
  test::Connection peer{port, 4096};

  peer.send(get("/large.txt"));
  peer.receive_until("\r\n\r\n");

  wait_for_connections(0);
}

TEST_F(FileSending, IsCompletedByADrain) {
  start();
  test::Connection peer{port, 4096};
  peer.send(get("/large.txt"));
  const string begin = peer.receive_until("\r\n\r\n");

  on_server([](Server& server) { server.drain({}); });

  EXPECT_EQ(after_head(begin + peer.receive_all()), large);
  wait_for_connections(0);
}

TEST_F(FileSending, IsCutOffByAStop) {
  start();
  std::list<test::Connection> peers;
  for (int i = 0; i < 10; ++i) {
    peers.emplace_back(port, 4096).send(get("/large.txt"));
    peers.back().receive_until("\r\n\r\n");
  }

  on_server([](Server& server) { server.stop(); });

  for (test::Connection& peer : peers) EXPECT_LT(peer.receive_all().size(), large.size());
  wait_for_connections(0);
}

TEST_F(FileSending, BreaksOffAFileThatShrinks) {
  start();
  test::Connection peer{port, 4096};
  peer.send(get("/large.txt"));
  const string begin = peer.receive_until("\r\n\r\n");

  std::filesystem::resize_file(folder.path_of("large.txt"), 7'000'000);

  EXPECT_EQ(after_head(begin + peer.receive_all()), large.substr(0, 7'000'000));
  wait_for_connections(0);
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, SendsMoreFilesThanThereAreWorkers) {
  start();
  std::list<test::Connection> peers;
  for (int i = 0; i < 10; ++i) {
    folder.write(std::to_string(i), large.substr(static_cast<std::size_t>(i) * 1000));
    peers.emplace_back(port).send(get("/" + std::to_string(i), last));
  }

  std::size_t skipped = 0;
  for (test::Connection& peer : peers) {
    EXPECT_TRUE(after_head(peer.receive_all()) == large.substr(skipped)) << skipped;
    skipped += 1000;
  }
  EXPECT_EQ(service.pulls, 0);
}

TEST_F(FileSending, IsReadingWhereTheKernelCannotSend) {
  start();
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ::fcntl(pair[0], F_SETFL, O_APPEND);  // EINVAL, says sendfile(2).

  on_server([&](Server& server) { server.adopt(pair[0]); });
  test::Connection peer{test::Connection::Descriptor{pair[1]}};
  peer.send(get("/large.txt", last));

  EXPECT_EQ(after_head(peer.receive_all()), large);
  EXPECT_GT(service.pulls, 0);
}

TEST_F(FileSending, IsReadingWhereNoDescriptorsAreLeft) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  start();
  test::Connection peer{port};

  peer.send(get("/scarce/large.txt", last));

  EXPECT_EQ(after_head(peer.receive_all()), large);
  EXPECT_GT(service.pulls, 0);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(FileSending, IsReadingBehindAFilter) {
  PlainLayer layer;
  start({}, &layer);
  test::Connection peer{port};

  peer.send(get("/large.txt", last));

  EXPECT_EQ(after_head(peer.receive_all()), large);
  EXPECT_GT(service.pulls, 0);
}

}  // namespace
}  // namespace umbel::http1
