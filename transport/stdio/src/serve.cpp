// SPDX-License-Identifier: MIT
#include "umbel/stdio/serve.hpp"

#include <uv.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace umbel::stdio {

namespace {

/// A server that runs until it has stopped. While it lives, SIGINT and SIGTERM end it.
class Run {
public:
  Run(Service& service, Loop& loop, const ServeOptions& options)
      : loop_(loop), limit_(options.drain_limit), stopped_(*this), server_(service, loop, options.server) {
    for (Signal& signal : signals_) {
      sigaction(signal.number, nullptr, &signal.before);
      uv_signal_init(loop.native(), &signal.handle);
      signal.handle.data = this;
      uv_signal_start(&signal.handle, on_signal, signal.number);
      ++open_;
    }
  }
  ~Run() {
    server_.stop();
    close_signals();
    while (open_ > 0) uv_run(loop_.native(), UV_RUN_ONCE);
    for (const Signal& signal : signals_) sigaction(signal.number, &signal.before, nullptr);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void to_the_end() {
    server_.when_open(opened_);
    server_.start();
    server_.when_stopped(stopped_);
    loop_.run();
    if (opened_.failure) throw StartError{*opened_.failure};
    if (server_.failure()) throw std::system_error{server_.failure(), "umbel: standard input or output"};
  }

private:
  struct Signal {
    int number;
    uv_signal_t handle{};
    struct sigaction before{};
  };
  struct Opened : Notice {
    Opened() noexcept : Notice(hear) {}
    static void hear(Notice& notice, const Error* error) noexcept {
      if (error) static_cast<Opened&>(notice).failure = error->message();
    }
    std::optional<std::string> failure;
  };
  struct Stopped : Work {
    explicit Stopped(Run& r) noexcept : Work(run), owner(r) {}
    static void run(Work& work) noexcept { static_cast<Stopped&>(work).owner.loop_.stop(); }
    Run& owner;
  };

  static void on_signal(uv_signal_t* handle, int) {
    auto& self = *static_cast<Run*>(handle->data);
    if (++self.received_ == 1) return self.server_.drain({.limit = self.limit_});
    self.server_.stop();
    self.close_signals();  // The third one is the system's.
  }

  void close_signals() noexcept {
    if (std::exchange(closing_, true)) return;
    for (Signal& signal : signals_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&signal.handle),
               [](uv_handle_t* handle) { --static_cast<Run*>(handle->data)->open_; });
    }
  }

  Loop& loop_;
  std::chrono::milliseconds limit_;
  Opened opened_;
  Stopped stopped_;
  Server server_;
  std::array<Signal, 2> signals_{Signal{SIGINT}, Signal{SIGTERM}};
  int open_ = 0;
  int received_ = 0;
  bool closing_ = false;
};

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
    Run run{service, loop, options};
    run.to_the_end();
    return 0;
  } catch (const std::exception& error) {
    return tell(error);
  }
}

}  // namespace umbel::stdio
