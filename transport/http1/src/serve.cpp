// SPDX-License-Identifier: MIT
#include "umbel/http1/serve.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
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
#include "umbel/uv/end_signals.hpp"

namespace umbel::http1 {

namespace {

/// How far the servers of all threads are, together. Any thread. What follows from it happens on the first one's loop.
class Progress {
public:
  Progress(unsigned count, Loop& loop, Work& all_open) noexcept
      : opening_(count), draining_(count), loop_(loop), all_open_(all_open) {}
  void one_is_open() noexcept {
    if (opening_.fetch_sub(1, std::memory_order_acq_rel) == 1) loop_.context().post(all_open_);
  }
  void one_is_drained() noexcept {
    if (draining_.fetch_sub(1, std::memory_order_acq_rel) == 1) loop_.stop();
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
  std::atomic<unsigned> opening_;
  std::atomic<unsigned> draining_;
  Loop& loop_;
  Work& all_open_;
  std::mutex mutex_;
  std::optional<Error> failure_;
};

bool is_shared_by_kernel(const ServeOptions& options) noexcept {
  return options.deal == Deal::by_kernel && !options.systemd && options.unix_path.empty();
}

/// Listens as the options say; `listener` is a Server or an Acceptor. Returns the port.
int listen(auto& listener, const ServeOptions& options, int port) {
  const bool is_passed = options.systemd && listener.listen_systemd({}, options.layer) > 0;
  if (is_passed) return listener.port();
  if (options.unix_path.empty()) listener.listen(options.address, port, options.layer);
  else listener.listen_unix(options.unix_path, 0600, options.layer);
  return listener.port();
}

ServerOptions server_options(const ServeOptions& options) noexcept {
  ServerOptions result = options.server;
  if (options.threads > 1 && is_shared_by_kernel(options)) result.reuse_port = true;
  return result;
}

/// A server on a loop. Used on the loop's thread, but for what says otherwise.
class Worker {
public:
  Worker(Service& service, Loop& loop, const ServeOptions& options, Progress& progress)
      : loop_(loop), drained_(progress), opened_(progress), server_(service, loop, server_options(options)) {
    server_.when_open(opened_);
  }

  Server& server() noexcept { return server_; }

  /// The readiness fails. Any thread.
  void announce_end() {
    loop_.context().post([this]() noexcept { server_.drain({.delay = std::chrono::milliseconds::max()}); });
  }
  /// Any thread.
  void end(std::chrono::milliseconds limit) {
    loop_.context().post([this, limit]() noexcept { server_.drain({.limit = limit}, drained_); });
  }
  /// What is left. Any thread.
  void cut_off() {
    loop_.context().post([this]() noexcept { server_.stop(); });
  }

private:
  struct Drained : Work {
    explicit Drained(Progress& p) noexcept : Work(run), progress(p) {}
    static void run(Work& work) noexcept { static_cast<Drained&>(work).progress.one_is_drained(); }
    Progress& progress;
  };
  struct Opened : Notice {
    explicit Opened(Progress& p) noexcept : Notice(run), progress(p) {}
    static void run(Notice& notice, const Error* error) noexcept {
      Progress& all = static_cast<Opened&>(notice).progress;
      if (error) all.fail(*error);
      else all.one_is_open();
    }
    Progress& progress;
  };

  Loop& loop_;
  Drained drained_;
  Opened opened_;
  Server server_;
};

/// A Worker with a thread and a loop of its own. It has started when the constructor returns, and runs until it is
/// destroyed.
class Helper {
public:
  /// Listens on `port`, if it is one.
  Helper(Service& service, const ServeOptions& options, std::optional<int> port, Progress& progress) {
    std::promise<Worker*> started;
    std::future<Worker*> worker = started.get_future();
    thread_ = std::thread{
        [&service, options, port, &progress, &started, this] { run(service, options, port, progress, started); }};
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
  void run(Service& service, const ServeOptions& options, std::optional<int> port, Progress& progress,
           std::promise<Worker*>& started) {
    bool told = false;
    try {
      Loop loop;
      Worker worker{service, loop, options, progress};
      if (port) worker.server().listen(options.address, *port, options.layer);
      else worker.server().start();
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

/// All workers, from the start to the end. On the loop of the first one.
class Crew {
public:
  Crew(Service& service, Loop& loop, const ServeOptions& options)
      : loop_(loop),
        options_(options),
        all_open_(*this),
        delay_timer_(*this),
        progress_(std::max(options.threads, 1U), loop, all_open_),
        first_(service, loop, options, progress_) {
    workers_.push_back(&first_);
    if (options.threads <= 1) port_ = listen(first_.server(), options, options.port);
    else if (is_shared_by_kernel(options)) share_port(service);
    else deal_out(service);
  }

  void run() {
    is_running_ = true;
    loop_.run();
    is_running_ = false;
    progress_.throw_failure();
  }

  /// The first time in order, the second time at once.
  void end() {
    ++ends_;
    if (ends_ > 1) return cut_off();
    if (options_.drain_delay.count() <= 0) return let_go();
    for (Worker* const worker : workers_) worker->announce_end();
    delay_timer_.start(loop_.context(), loop_.context().now() + options_.drain_delay);
  }

private:
  struct AllOpen : Work {
    explicit AllOpen(Crew& c) noexcept : Work(run), crew(c) {}
    static void run(Work& work) noexcept {
      const Crew& crew = static_cast<AllOpen&>(work).crew;
      if (crew.options_.on_listening && crew.is_running_ && crew.ends_ == 0) crew.options_.on_listening(crew.port_);
    }
    Crew& crew;
  };
  struct DelayTimer : Timer {
    explicit DelayTimer(Crew& c) noexcept : Timer(run), crew(c) {}
    static void run(Timer& timer) noexcept { static_cast<DelayTimer&>(timer).crew.let_go(); }
    Crew& crew;
  };

  void share_port(Service& service) {
    expect_free_port();
    port_ = listen(first_.server(), options_, options_.port);
    add_helpers(service, port_);
  }

  void deal_out(Service& service) {
    first_.server().start();
    add_helpers(service, {});
    std::vector<Server*> servers;
    for (Worker* const worker : workers_) servers.push_back(&worker->server());
    acceptor_.emplace(loop_, std::move(servers), Acceptor::Options{options_.deal, options_.server.backlog});
    port_ = listen(*acceptor_, options_, options_.port);
  }

  void add_helpers(Service& service, std::optional<int> port) {
    for (unsigned i = 1; i < options_.threads; ++i) {
      helpers_.push_back(std::make_unique<Helper>(service, options_, port, progress_));
      workers_.push_back(&helpers_.back()->worker());
    }
  }

  /// Threads that share a port would share it with another program, too: half of the requests would be answered there.
  /// Throws if the port is taken.
  void expect_free_port() const {
    const bool may_share = options_.server.reuse_port || options_.port == 0;
    if (!may_share) static_cast<void>(listen_tcp({options_.address, options_.port, 1, false}));
  }

  // What the acceptor hands over before is there when the servers are told.
  void let_go() {
    if (acceptor_) acceptor_->close();
    for (Worker* const worker : workers_) worker->end(options_.drain_limit);
  }

  void cut_off() {
    if (delay_timer_.is_running()) delay_timer_.cancel(), let_go();
    for (Worker* const worker : workers_) worker->cut_off();
  }

  Loop& loop_;
  const ServeOptions& options_;
  AllOpen all_open_;
  DelayTimer delay_timer_;
  Progress progress_;
  Worker first_;
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::vector<Worker*> workers_;
  std::optional<Acceptor> acceptor_;
  int port_ = 0;
  int ends_ = 0;
  bool is_running_ = false;  // What opens while a constructor or destructor turns the loop is not announced.
};

void serve_until_signal(Service& service, Loop& loop, const ServeOptions& options) {
  Crew crew{service, loop, options};
  const EndSignals signals{loop, [](void* state, int) { static_cast<Crew*>(state)->end(); }, &crew};
  crew.run();
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
