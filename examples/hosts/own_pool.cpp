// SPDX-License-Identifier: MIT
// umbel on the loop of a libuv program, and its plain functions on the threads that the program has already.
//
//     own_pool [PORT]      0: any free one
//
// Tier      T3, with a WorkPool of the program's own in place of libuv's.
// Threads   Plain functions on the program's; all else on the one thread that calls uv_run.
// Ends      SIGTERM: the server drains; then server, loop and pool go, in this order.

#include <uv.h>

#include <umbel/umbel.hpp>

#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "app.hpp"

namespace {

/// The program's threads, as they were before: they know nothing of umbel.
class Crew {
public:
  explicit Crew(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Crew() {
    {
      const std::lock_guard lock{mutex_};
      is_over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void do_soon(std::function<void()> task) {
    const std::lock_guard lock{mutex_};
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }
  void do_next(std::function<void()> task) {
    const std::lock_guard lock{mutex_};
    tasks_.push_front(std::move(task));
    changed_.notify_one();
  }
  std::size_t waiting() {
    const std::lock_guard lock{mutex_};
    return tasks_.size();
  }

private:
  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return is_over_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool is_over_ = false;
  std::vector<std::thread> threads_;
};

// [pool]
/// umbel's jobs among the crew's tasks.
class CrewPool : public umbel::WorkPool {
public:
  explicit CrewPool(Crew& crew) : crew_(crew) {}

  bool submit(umbel::Job& job) noexcept override {
    const auto run = [&job] { job.run_and_return(); };  // The job goes home when it was run.
    switch (job.job_class()) {
      case umbel::JobClass::normal:
        if (crew_.waiting() >= limit) return false;  // Only these may be refused: 503 for who asked.
        [[fallthrough]];
      case umbel::JobClass::reserved:
        crew_.do_soon(run);
        break;
      case umbel::JobClass::cleanup:
        crew_.do_next(run);
        break;  // A tear-down waits behind no set-up.
    }
    return true;
  }

private:
  static constexpr std::size_t limit = 10'000;
  Crew& crew_;
};
// [pool]

/// What ends the program.
struct Terminator {
  Terminator(uv_loop_t& loop, umbel::http1::Server& s) : server(s) {
    uv_signal_init(&loop, &handle);
    handle.data = this;
    uv_signal_start(&handle, [](uv_signal_t* signal, int) { static_cast<Terminator*>(signal->data)->stop(); }, SIGTERM);
  }
  void stop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
    server.drain({.limit = hosts::patience});
  }
  umbel::http1::Server& server;
  uv_signal_t handle{};
};

}  // namespace

int main(int argc, char** argv) {
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);
  uv_loop_t native;
  uv_loop_init(&native);
  {
    // [main]
    Crew crew{3};
    CrewPool pool{crew};  // Outlives the loop.
    umbel::Loop loop{&native, pool};
    umbel::http1::Server server{app, loop};
    // [main]
    server.listen("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 8000);
    Terminator terminator{native, server};
    hosts::announce(server.port());
    uv_run(&native, UV_RUN_DEFAULT);
  }
  uv_run(&native, UV_RUN_DEFAULT);  // libuv closes handles in a later turn.
  const bool is_clean = uv_loop_close(&native) == 0;
  return hosts::sum_up(sessions) == 0 && is_clean ? 0 : 1;
}
