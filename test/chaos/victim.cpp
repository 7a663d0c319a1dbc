// SPDX-License-Identifier: MIT
// The server that chaos_test.py attacks. It is impatient, and tells what it holds.
//
//   victim IDLE_MS PATIENCE_MS      PATIENCE_MS: for heads, bodies and slow readers

#include <umbel/core/block_pool.hpp>
#include <umbel/umbel.hpp>

#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

using namespace umbel;
using namespace std::chrono_literals;

namespace {

// One loop, one thread.
std::size_t sends = 0;
std::size_t streamed = 0;      // Bytes that were pulled from streams.
std::size_t streams_open = 0;  // Handlers that are under way: what is left of them is a leak.
std::size_t waiting = 0;

struct Counted {
  explicit Counted(std::size_t& n) noexcept : count(n) { ++count; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }
  std::size_t& count;
};

std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t descriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{}));
}

}  // namespace

// In place of libc's for everything that is linked into this program: tells how many writes a batch takes.
extern "C" ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  ++sends;
  return ::sendto(fd, bytes, size, flags, nullptr, 0);
}

Response hello() { return Response::text("hello"); }

Response number(Query<"n", int> n) { return Response::text(std::to_string(*n)); }

Response echo(Body<> body) { return Response::text(*body); }

Task<std::string> measure(BodyStream& body) {
  const Counted counted{waiting};
  std::size_t size = 0;
  for (;;) {
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    size += chunk.size();
  }
  co_return std::to_string(size);
}

Stream large(Query<"mib", std::size_t> mib) {
  const Counted counted{streams_open};
  const std::string piece(16 * 1024, 'x');
  for (std::size_t i = 0; i < *mib * 64; ++i) {
    streamed += piece.size();
    co_yield piece;
  }
}

Task<std::string> never() {
  const Counted counted{waiting};
  co_await sleep(1h);
  co_return "at last";
}

// What the allocator keeps for later is given back first, so that what is resident is what is in use.
std::string state() {
  ::malloc_trim(0);
  const struct mallinfo2 heap = ::mallinfo2();
  std::string text;
  const auto tell = [&](std::string_view name, std::size_t value) {
    text.append(name).append(" ").append(std::to_string(value)).append("\n");
  };
  tell("heap", heap.uordblks + heap.hblkhd);  // 0 under a sanitizer.
  tell("blocks", detail::BlockPool::in_use());
  tell("resident", resident_bytes());
  tell("descriptors", descriptors());
  tell("sends", sends);
  tell("streamed", streamed);
  tell("streams", streams_open);
  tell("waiting", waiting);
  return text;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::chrono::milliseconds idle{std::atoi(argv[1])};
  const std::chrono::milliseconds patience{std::atoi(argv[2])};
  App app;
  app.get("/hello", on_loop<hello>);
  app.get("/number", on_loop<number>);
  app.post("/echo", on_loop<echo>);
  app.post("/measure", measure, {.body_limit = 1 << 30});
  app.get("/large", large);
  app.get("/never", never);
  app.get("/state", on_loop<state>);
  return http1::serve(app, {.port = 0,
                            .drain_limit = 100ms,
                            .server = {.idle_timeout = idle,
                                       .header_timeout = patience,
                                       .body_timeout = patience,
                                       .output_timeout = patience,
                                       .linger_timeout = patience,
                                       .backlog = 4096},
                            .on_listening = [](int port) {
                              std::printf("listening on http://127.0.0.1:%d\n", port);
                              std::fflush(stdout);
                            }});
}
