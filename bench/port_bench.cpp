// SPDX-License-Identifier: MIT
// What a completion costs on each loop that umbel lives on: a job goes to a worker and comes home, and the loop turns
// until it has. The time of the loop's thread is in the column CPU.

#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

#include "umbel/core/fd_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/uv/loop.hpp"

#ifdef UMBEL_BENCH_HAS_ASIO
#include "umbel/asio/asio_port.hpp"
#endif

namespace {

using namespace umbel;

class OwnLoop {
public:
  explicit OwnLoop(WorkPool& pool) {
    uv_loop_init(&native_);
    loop_.emplace(&native_, pool);
  }
  ~OwnLoop() {
    loop_.reset();
    uv_run(&native_, UV_RUN_DEFAULT);
    uv_loop_close(&native_);
  }
  Context& context() { return loop_->context(); }
  void turn() { uv_run(&native_, UV_RUN_ONCE); }

private:
  uv_loop_t native_{};
  std::optional<Loop> loop_;
};

/// A host's epoll with the port's descriptor in it.
class ForeignEpoll {
public:
  explicit ForeignEpoll(WorkPool& pool) : port_(pool), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, port_.fd(), &event);
  }
  ~ForeignEpoll() { close(epoll_); }
  Context& context() { return port_.context(); }
  void turn() {
    epoll_event event{};
    if (epoll_wait(epoll_, &event, 1, -1) > 0) port_.on_readable();
  }

private:
  FdPort port_;
  int epoll_;
};

#ifdef UMBEL_BENCH_HAS_ASIO
class ForeignAsio {
public:
  explicit ForeignAsio(WorkPool& pool) : port_(io_, pool) {}
  Context& context() { return port_.context(); }
  void turn() { io_.run_one(); }

private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_ = make_work_guard(io_);
  AsioPort port_;
};
#endif

struct Errand : Job {
  explicit Errand(std::size_t& home) noexcept : Job(run, come_home), is_home(home) {}
  static void run(Job&) noexcept {}
  static void come_home(Job& job) noexcept { ++static_cast<Errand&>(job).is_home; }
  std::size_t& is_home;
};

/// `state.range(0)` jobs at a time.
template <class Host>
void completion(benchmark::State& state) {
  ThreadPool pool{{.threads = 1}};
  Host host{pool};
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  std::size_t home = 0;
  std::deque<Errand> errands;
  for (std::size_t i = 0; i < in_flight; ++i) errands.emplace_back(home);
  for (auto _ : state) {
    home = 0;
    for (Errand& errand : errands) host.context().submit(errand);
    while (home < in_flight) host.turn();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

struct Piece : Work {
  Piece() noexcept : Work([](Work& work) noexcept { static_cast<Piece&>(work).has_run = true; }) {}
  bool has_run = false;
};

/// A piece of work, by which the loop's own thread wakes it.
template <class Host>
void enqueued(benchmark::State& state) {
  ThreadPool pool{{.threads = 1}};
  Host host{pool};
  Piece piece;
  for (auto _ : state) {
    piece.has_run = false;
    host.context().enqueue(piece);
    while (!piece.has_run) host.turn();
  }
}

/// The same with a time limit, which is not needed, as most.
template <class Host>
void time_limit(benchmark::State& state) {
  ThreadPool pool{{.threads = 1}};
  Host host{pool};
  Piece piece;
  Timer timer{[](Timer&) noexcept {}};
  for (auto _ : state) {
    piece.has_run = false;
    timer.start(host.context(), host.context().now() + std::chrono::seconds{10});
    host.context().enqueue(piece);
    while (!piece.has_run) host.turn();
    timer.cancel();
  }
}

}  // namespace

BENCHMARK(completion<OwnLoop>)->Name("completion/loop")->Arg(1)->Arg(64);
BENCHMARK(completion<ForeignEpoll>)->Name("completion/fd_port")->Arg(1)->Arg(64);
BENCHMARK(enqueued<OwnLoop>)->Name("enqueued/loop");
BENCHMARK(enqueued<ForeignEpoll>)->Name("enqueued/fd_port");
BENCHMARK(time_limit<OwnLoop>)->Name("enqueued_with_time_limit/loop");
BENCHMARK(time_limit<ForeignEpoll>)->Name("enqueued_with_time_limit/fd_port");
#ifdef UMBEL_BENCH_HAS_ASIO
BENCHMARK(completion<ForeignAsio>)->Name("completion/asio_port")->Arg(1)->Arg(64);
BENCHMARK(enqueued<ForeignAsio>)->Name("enqueued/asio_port");
BENCHMARK(time_limit<ForeignAsio>)->Name("enqueued_with_time_limit/asio_port");
#endif

BENCHMARK_MAIN();
