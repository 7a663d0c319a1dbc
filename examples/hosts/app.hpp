// SPDX-License-Identifier: MIT
#pragma once
// The one App that all hosts of this folder serve. test/hosts asks each of them the same; its README has the protocol.

#include <umbel/core/sleep.hpp>
#include <umbel/di/app.hpp>
#include <umbel/di/resource.hpp>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>

namespace hosts {

using namespace umbel;

/// What requests open and close again, counted: so a test can see that each was closed, and once. Any thread.
class Sessions {
public:
  int open() {
    const std::lock_guard lock{mutex_};
    open_.insert(++opened_);
    return opened_;
  }
  void close(int number) {
    const std::lock_guard lock{mutex_};
    ++closed_;
    if (open_.erase(number) == 0) ++closed_again_;
  }

  std::string counts() const {
    const std::lock_guard lock{mutex_};
    return "{\"opened\":" + std::to_string(opened_) + ",\"closed\":" + std::to_string(closed_) +
           ",\"closed_again\":" + std::to_string(closed_again_) + "}";
  }
  bool are_closed() const {
    const std::lock_guard lock{mutex_};
    return open_.empty() && closed_again_ == 0;
  }

private:
  mutable std::mutex mutex_;
  std::set<int> open_;
  int opened_ = 0;
  int closed_ = 0;
  int closed_again_ = 0;  // What was not open.
};

/// How long what is in flight may take when the program is told to stop.
inline constexpr std::chrono::milliseconds patience{1000};

inline std::string say_hello() { return "Hello"; }

/// Opened before the handler, closed behind it, however the request ends.
inline Resource<int> session(State<Sessions> sessions) {
  int number = sessions->open();
  co_yield number;
  sessions->close(number);
}

/// Waits, on the engine's thread.
inline Task<std::string> find_name(Path<"id", int> id) {
  co_await sleep(std::chrono::milliseconds{5});
  co_return "user " + std::to_string(*id);
}

/// Works, on a worker, while `find_name` waits.
inline std::string draw_badge(Path<"id", int> id) {
  std::string badge;
  for (int i = 0; i < 3; ++i) badge += i < *id ? '*' : '-';
  return badge;
}

inline std::string show_user(Depends<session>, Depends<find_name> name, Depends<draw_badge> badge) {
  return *name + " " + *badge;
}

/// For a peer to leave meanwhile, or the program to be stopped: both wake the sleeper.
inline Task<std::string> be_slow(Depends<session>, Query<"ms", int, 1000> ms) {
  co_await sleep(std::chrono::milliseconds{*ms});
  co_return "at last";
}

inline std::string echo(Depends<session>, Body<> body) { return std::string{*body}; }

inline Response show_counts(State<Sessions> sessions) { return Response::json(sessions->counts()); }

inline void add_to(App& app, Sessions& sessions) {
  app.borrow(sessions);
  app.get("/hello", on_loop<say_hello>);
  app.get("/users/{id}", show_user);
  app.get("/slow", be_slow);
  app.post("/echo", on_loop<echo>);
  app.get("/counts", on_loop<show_counts>);
}

/// Notes that a drain is over.
struct Drained : Work {
  Drained() noexcept : Work([](Work& work) noexcept { static_cast<Drained&>(work).is_over = true; }) {}
  bool is_over = false;
};

/// The first line of every host.
inline void announce(int port) {
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

/// The last line of every host, when nothing of umbel runs any more. Gives the program's status.
inline int sum_up(const Sessions& sessions) {
  std::printf("%s\n", sessions.counts().c_str());
  return sessions.are_closed() ? 0 : 1;
}

}  // namespace hosts
