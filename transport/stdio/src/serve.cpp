// SPDX-License-Identifier: MIT
#include "umbel/stdio/serve.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

#include "umbel/uv/end_signals.hpp"

namespace umbel::stdio {

namespace {

/// A server that runs until it has stopped. While it lives, SIGINT and SIGTERM end it.
class Run {
public:
  Run(Service& service, Loop& loop, const ServeOptions& options)
      : loop_(loop),
        limit_(options.drain_limit),
        stopped_(*this),
        server_(service, loop, options.server),
        signals_(loop, on_signal, this) {}
  ~Run() { server_.stop(); }
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

  static void on_signal(void* state, int count) {
    auto& self = *static_cast<Run*>(state);
    if (count == 1) self.server_.drain({.limit = self.limit_});
    else self.server_.stop();
  }

  Loop& loop_;
  std::chrono::milliseconds limit_;
  Opened opened_;
  Stopped stopped_;
  Server server_;
  EndSignals signals_;
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
