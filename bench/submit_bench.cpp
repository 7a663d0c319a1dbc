// SPDX-License-Identifier: MIT
// What it costs to hand a request from a thread to the engine on another, and its reply back: `Engine::submit` beside a
// queue and uv_async_send by hand, which has no routes, no graph and no cancellation.

#include <benchmark/benchmark.h>
#include <uv.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "umbel/di/app.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/uv/loop.hpp"

namespace {

using namespace umbel;

std::string say_hello() { return "Hello"; }

/// What somebody would write who needed nothing but this.
class ByHand {
public:
  ByHand() {
    uv_loop_init(&loop_);
    uv_async_init(&loop_, &async_, [](uv_async_t* async) { static_cast<ByHand*>(async->data)->take(); });
    async_.data = this;
    thread_ = std::thread{[this] { uv_run(&loop_, UV_RUN_DEFAULT); }};
  }
  ~ByHand() {
    is_over_ = true;
    uv_async_send(&async_);
    thread_.join();
    uv_loop_close(&loop_);
  }

  template <class Done>
  void ask(OwnedRequest request, Done done) {
    auto task = [request = std::move(request), done = std::move(done)]() mutable {
      benchmark::DoNotOptimize(request.view().path());
      done(Response::text(say_hello()));
    };
    {
      const std::lock_guard lock{mutex_};
      tasks_.push_back(std::make_unique<Asked<decltype(task)>>(std::move(task)));
    }
    uv_async_send(&async_);
  }

private:
  struct Task {
    virtual ~Task() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct Asked final : Task {
    explicit Asked(F f) : function(std::move(f)) {}
    void run() override { function(); }
    F function;
  };

  void take() {
    std::vector<std::unique_ptr<Task>> taken;
    {
      const std::lock_guard lock{mutex_};
      taken.swap(tasks_);
    }
    for (const auto& task : taken) task->run();
    if (is_over_) uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  }

  uv_loop_t loop_;
  uv_async_t async_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

class ByEngine {
public:
  ByEngine() {
    app_.get("/hello", on_loop<say_hello>);
    engine_ = std::make_unique<Engine>(app_, loop_.context());
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~ByEngine() {
    loop_.stop();
    thread_.join();
  }

  template <class Done>
  void ask(OwnedRequest request, Done done) {
    engine_->submit(std::move(request), std::move(done));
  }

private:
  App app_;
  Loop loop_;
  std::unique_ptr<Engine> engine_;
  std::thread thread_;
};

template <class Host>
void ask_one_after_another(benchmark::State& state) {
  Host host;
  std::binary_semaphore done{0};
  for (auto _ : state) {
    host.ask(OwnedRequest{Method::get, "/hello"}, [&](const Response& response) noexcept {
      benchmark::DoNotOptimize(response.status());
      done.release();
    });
    done.acquire();
  }
}

template <class Host>
void ask_64_at_once(benchmark::State& state) {
  constexpr int many = 64;
  Host host;
  std::binary_semaphore done{0};
  int answers = 0;  // The engine's thread's.
  for (auto _ : state) {
    for (int i = 0; i < many; ++i) {
      host.ask(OwnedRequest{Method::get, "/hello"}, [&](const Response& response) noexcept {
        benchmark::DoNotOptimize(response.status());
        if (++answers % many == 0) done.release();
      });
    }
    done.acquire();
  }
  state.SetItemsProcessed(state.iterations() * many);
}

BENCHMARK(ask_one_after_another<ByHand>)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(ask_one_after_another<ByEngine>)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(ask_64_at_once<ByHand>)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(ask_64_at_once<ByEngine>)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
