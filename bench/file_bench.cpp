// SPDX-License-Identifier: MIT
// What a large file costs the server that sends it: by the kernel, and read and written. See docs/performance.md.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "umbel/core/file.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/uv/loop.hpp"

using namespace umbel;

namespace {

constexpr std::size_t size = 100'000'000;
constexpr int rounds = 25;

/// A File's source that does not say that it is a stretch of one.
class ReadAndWritten final : public BodySource {
public:
  explicit ReadAndWritten(BodySourcePtr source) noexcept : source_(std::move(source)) {}
  Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept override {
    return source_->pull(context, chunk, ready);
  }
  void drop() noexcept override { delete this; }
  std::optional<std::uint64_t> size() const noexcept override { return source_->size(); }

private:
  BodySourcePtr source_;
};

/// Answers with the file: as it is to /s, read and written to /c.
class FileService : public Service {
public:
  explicit FileService(std::string path) : path_(std::move(path)) {}
  void serve(Exchange& exchange) noexcept override {
    Response response = File{path_}.respond(exchange.request());
    if (exchange.request().path() == "/c") {
      BodySourcePtr source = response.take_source();
      response.body(BodySourcePtr{new ReadAndWritten{std::move(source)}});
    }
    exchange.reply(std::move(response));
  }

private:
  std::string path_;
};

std::string make_file() {
  std::string path = "/tmp/umbel_file_bench_XXXXXX";
  const int fd = ::mkstemp(path.data());
  const std::string piece(1'000'000, 'x');
  for (std::size_t written = 0; written < size; written += piece.size()) {
    if (::write(fd, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) std::abort();
  }
  ::close(fd);
  return path;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Of all threads of this process, user and kernel.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// In the child: asks for each path that it is told, reads the reply, and says that it has.
[[noreturn]] void read_replies(int orders) {
  int port = 0;
  if (::read(orders, &port, sizeof port) != sizeof port) std::_Exit(1);
  std::vector<char> bytes(256 * 1024);
  for (char order = 0; ::read(orders, &order, 1) == 1;) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::_Exit(1);
    const std::string request = std::string{"GET /"} + order + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (::send(fd, request.data(), request.size(), 0) < 0) std::_Exit(1);
    std::size_t received = 0;
    for (ssize_t count = 0; (count = ::recv(fd, bytes.data(), bytes.size(), 0)) > 0;) {
      received += static_cast<std::size_t>(count);
    }
    ::close(fd);
    const char answer = received > size ? 'y' : 'n';
    if (::write(orders, &answer, 1) != 1) std::_Exit(1);
  }
  std::_Exit(0);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  std::array<int, 2> orders{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, orders.data()) != 0) return 1;
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(orders[0]);
    read_replies(orders[1]);
  }
  ::close(orders[1]);

  const std::string path = make_file();
  FileService service{path};
  std::promise<std::pair<Loop*, int>> started;
  std::thread thread{[&] {
    Loop loop;
    http1::Server server{service, loop};
    server.listen("127.0.0.1", 0);
    started.set_value({&loop, server.port()});
    loop.run();
  }};
  const auto [loop, port] = started.get_future().get();

  const auto cost_of = [fd = orders[0]](char order) {
    const double before = cpu_seconds();
    char answer = 0;
    if (::write(fd, &order, 1) != 1 || ::read(fd, &answer, 1) != 1 || answer != 'y') std::abort();
    return cpu_seconds() - before;
  };
  int result = ::write(orders[0], &port, sizeof port) == sizeof port ? 0 : 1;
  cost_of('s');
  cost_of('c');
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double sent = cost_of('s');
    const double copied = cost_of('c');
    ratios.push_back(sent / copied);
    std::printf("sendfile %.0f ms, read and written %.0f ms of CPU: %.2f\n", sent * 1e3, copied * 1e3, sent / copied);
  }
  std::printf("sendfile / read and written, CPU of the server, median of %d rounds: %.2f\n", rounds, median(ratios));

  ::close(orders[0]);
  ::waitpid(reader, nullptr, 0);
  loop->stop();
  thread.join();
  ::unlink(path.c_str());
  return result;
}
