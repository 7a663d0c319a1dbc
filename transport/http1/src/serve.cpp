// SPDX-License-Identifier: MIT
#include "umbel/http1/serve.hpp"

#include <uv.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "sockets.hpp"

namespace umbel::http1 {

namespace {

/// Stops a loop when the last of several servers is drained, or one of them cannot work. Any thread.
class Countdown {
public:
  Countdown(unsigned count, Loop& loop) noexcept : left_(count), loop_(loop) {}
  void count_down() noexcept {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) loop_.stop();
  }
  void fail(const Error& error) noexcept {
    const std::lock_guard lock{mutex_};
    if (!failure_) failure_ = error;
    loop_.stop();
  }
  void throw_failure() {
    const std::lock_guard lock{mutex_};
    if (failure_) throw StartError{failure_->message()};
  }

private:
  std::atomic<unsigned> left_;
  Loop& loop_;
  std::mutex mutex_;
  std::optional<Error> failure_;
};

ServerOptions server_options(const ServeOptions& options) noexcept {
  ServerOptions result = options.server;
  if (options.threads > 1) result.reuse_port = true;
  return result;
}

/// A server on a loop. Used on the loop's thread, but for `end`.
class Worker {
public:
  Worker(Service& service, Loop& loop, const ServeOptions& options)
      : loop_(loop),
        server_(service, loop, server_options(options)),
        layer_(options.layer),
        drain_limit_(options.drain_limit) {}

  int listen(std::string_view address, int port) {
    server_.listen(address, port, layer_);
    return server_.port();
  }
  /// Before it listens.
  void set_countdown(Countdown& countdown) noexcept {
    drained_.countdown = opened_.countdown = &countdown;
    server_.when_open(opened_);
  }

  /// Drains; when called again, cuts off. Any thread.
  void end() {
    loop_.context().post([this]() noexcept { end_here(); });
  }

private:
  struct Drained : Work {
    Drained() noexcept : Work(run) {}
    static void run(Work& work) noexcept { static_cast<Drained&>(work).countdown->count_down(); }
    Countdown* countdown = nullptr;
  };
  struct Opened : Notice {
    Opened() noexcept : Notice(run) {}
    static void run(Notice& notice, const Error* error) noexcept {
      if (error) static_cast<Opened&>(notice).countdown->fail(*error);
    }
    Countdown* countdown = nullptr;
  };

  void end_here() noexcept {
    if (std::exchange(ending_, true)) server_.stop();
    else server_.drain(drain_limit_, drained_);
  }

  Loop& loop_;
  Drained drained_;
  Opened opened_;
  Server server_;
  Layer* layer_;
  std::chrono::milliseconds drain_limit_;
  bool ending_ = false;
};

/// A Worker with a thread and a loop of its own. It listens when the constructor returns, and runs until it is
/// destroyed.
class Helper {
public:
  Helper(Service& service, const ServeOptions& options, int port, Countdown& countdown) {
    std::promise<Worker*> started;
    std::future<Worker*> worker = started.get_future();
    thread_ = std::thread{
        [&service, options, port, &countdown, &started, this] { run(service, options, port, countdown, started); }};
    try {
      worker_ = worker.get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~Helper() {
    loop_->stop();
    thread_.join();
  }

  Worker& worker() noexcept { return *worker_; }

private:
  void run(Service& service, const ServeOptions& options, int port, Countdown& countdown,
           std::promise<Worker*>& started) {
    bool told = false;
    try {
      Loop loop;
      Worker worker{service, loop, options};
      worker.set_countdown(countdown);
      worker.listen(options.address, port);
      loop_ = &loop;
      told = true;
      started.set_value(&worker);
      loop.run();
    } catch (...) {
      if (!told) started.set_exception(std::current_exception());
    }
  }

  Loop* loop_ = nullptr;
  Worker* worker_ = nullptr;
  std::thread thread_;
};

/// While it lives, SIGINT and SIGTERM end the workers.
class Signals {
public:
  Signals(Loop& loop, std::vector<Worker*> workers) : loop_(loop), workers_(std::move(workers)) {
    for (Signal& signal : signals_) {
      sigaction(signal.number, nullptr, &signal.before);
      uv_signal_init(loop.native(), &signal.handle);
      signal.handle.data = this;
      uv_signal_start(&signal.handle, on_signal, signal.number);
      ++open_;
    }
  }
  ~Signals() {
    close();
    while (open_ > 0) uv_run(loop_.native(), UV_RUN_ONCE);
    for (const Signal& signal : signals_) sigaction(signal.number, &signal.before, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

private:
  struct Signal {
    int number;
    uv_signal_t handle{};
    struct sigaction before{};
  };

  static void on_signal(uv_signal_t* handle, int) {
    auto& self = *static_cast<Signals*>(handle->data);
    for (Worker* const worker : self.workers_) worker->end();
    if (++self.received_ == 2) self.close();  // The third one is the system's.
  }

  void close() noexcept {
    if (std::exchange(closing_, true)) return;
    for (Signal& signal : signals_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&signal.handle),
               [](uv_handle_t* handle) { --static_cast<Signals*>(handle->data)->open_; });
    }
  }

  Loop& loop_;
  std::vector<Worker*> workers_;
  std::array<Signal, 2> signals_{Signal{SIGINT}, Signal{SIGTERM}};
  int open_ = 0;
  int received_ = 0;
  bool closing_ = false;
};

/// Threads that share a port would share it with another program, too: half of the requests would be answered there.
/// Throws if the port is taken.
void expect_free_port(const ServeOptions& options) {
  const bool may_share = options.threads <= 1 || options.server.reuse_port || options.port == 0;
  if (!may_share) static_cast<void>(listen_tcp({options.address, options.port, 1, false}));
}

void serve_until_signal(Service& service, Loop& loop, const ServeOptions& options) {
  const unsigned threads = options.threads > 0 ? options.threads : 1;
  Countdown countdown{threads, loop};
  Worker worker{service, loop, options};
  worker.set_countdown(countdown);
  expect_free_port(options);
  const int port = worker.listen(options.address, options.port);
  std::vector<std::unique_ptr<Helper>> helpers;
  std::vector<Worker*> workers{&worker};
  for (unsigned i = 1; i < threads; ++i) {
    helpers.push_back(std::make_unique<Helper>(service, options, port, countdown));
    workers.push_back(&helpers.back()->worker());
  }
  const Signals signals{loop, std::move(workers)};
  if (options.on_listening) options.on_listening(port);
  loop.run();
  countdown.throw_failure();
}

int tell(const std::exception& error) noexcept {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

}  // namespace

int serve(Service& service, const ServeOptions& options) {
  try {
    Loop loop;
    return serve(service, loop, options);
  } catch (const std::exception& error) {
    return tell(error);
  }
}

int serve(Service& service, Loop& loop, const ServeOptions& options) {
  try {
    serve_until_signal(service, loop, options);
    return 0;
  } catch (const std::exception& error) {
    return tell(error);
  }
}

}  // namespace umbel::http1
