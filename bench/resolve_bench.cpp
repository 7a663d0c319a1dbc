// SPDX-License-Identifier: MIT
// What the graph itself costs: set-up, nodes of each kind, hops; beside the same by hand and beside a map of anys.

#include <benchmark/benchmark.h>
#include <uv.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graphs.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/handler.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/uv/loop.hpp"

namespace {

using namespace umbel;
using namespace graphs;

class NoPool : public WorkPool {
public:
  bool submit(Job&) noexcept override { return false; }
};

// A request whose reply is counted and dropped.
class Asked : public Exchange {
public:
  Asked(Context& context, std::size_t& replies) noexcept : replies_(replies) { context_ = &context; }
  bool collect_body(Work&) noexcept override { return true; }
  void reply(Response&& response) noexcept override {
    benchmark::DoNotOptimize(response.status());
    ++replies_;
  }
  void reply_and_hold(Response&& response, Work& sent) noexcept override {
    reply(std::move(response));
    context_->enqueue(sent);
  }
  void release() noexcept override {}

private:
  std::size_t& replies_;
};

Response* respond(const detail::Resolver&, void* slot, void* room) {
  benchmark::DoNotOptimize(*static_cast<std::uint64_t*>(slot));
  return ::new (room) Response{204};
}
Response* respond_to_nothing(const detail::Resolver&, void*, void* room) { return ::new (room) Response{204}; }

class AskedFor : public Asked {
public:
  AskedFor(Context& context, std::size_t& replies, std::string_view target) noexcept : Asked(context, replies) {
    request_ = Request{Method::get, target, Headers{}};
  }
};

Response answer_of_8(Depends<on_loop_node<8>> value) {
  benchmark::DoNotOptimize(*value);
  return Response{204};
}

struct Empty {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  void operator()() const {}
};
inline constexpr Empty empty{};

/// Hears everything, and does nothing with it.
Observer nobody;

std::unique_ptr<const detail::Plan> plan_of(const detail::NodeInfo& root,
                                            Response* (*reply)(const detail::Resolver&, void*, void*),
                                            Observer* observer = nullptr) {
  const detail::StateTable states;
  std::vector<std::string> problems;
  detail::PlanRequest request{&root, nullptr, "bench", std::string{root.name}, {}, &states};
  request.respond = reply;
  request.observer = observer;
  return detail::Plan::compile(request, problems);
}

void per_node(benchmark::State& state, std::size_t nodes) {
  state.counters["per_node"] = benchmark::Counter(
      static_cast<double>(nodes), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

/// Requests that finish on the loop, one after another.
template <auto& root>
void resolve_with(benchmark::State& state, Observer* observer) {
  NoPool pool;
  BlockingPort port{pool};
  const auto plan =
      plan_of(*detail::node_of<root>, std::is_void_v<Made<root>> ? respond_to_nothing : respond, observer);
  std::size_t replies = 0;
  for (auto _ : state) {
    Asked asked{port.context(), replies};
    detail::Resolver::serve(*plan, asked, nullptr, detail::Escapes::none);
  }
  if (replies != static_cast<std::size_t>(state.iterations())) state.SkipWithError("a request got no reply");
  per_node(state, plan->steps().size());
}

template <auto& root>
void resolve(benchmark::State& state) {
  resolve_with<root>(state, nullptr);
}

template <auto& root>
void resolve_observed(benchmark::State& state) {
  resolve_with<root>(state, &nobody);
}

/// Requests that cross to libuv's workers, `state.range(0)` in flight at a time.
template <auto& root>
void offload(benchmark::State& state) {
  Loop loop;
  const auto plan = plan_of(*detail::node_of<root>, respond);
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  std::size_t replies = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<Asked>> asked;
    for (std::size_t i = 0; i < in_flight; ++i) asked.push_back(std::make_unique<Asked>(loop.context(), replies));
    const std::size_t wanted = replies + in_flight;
    {
      const Context::Turn turn{loop.context()};
      for (auto& request : asked) detail::Resolver::serve(*plan, *request, nullptr, detail::Escapes::none);
    }
    while (replies < wanted) uv_run(loop.native(), UV_RUN_ONCE);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["hops"] = static_cast<double>(plan->hops());
}

/// A provider that one route in twenty takes, and a test overrides.
template <std::size_t n>
struct Overridden {
  static constexpr NodeKind umbel_node_kind = NodeKind::on_loop;
  std::size_t operator()() const { return n; }
};
template <std::size_t n>
inline constexpr Overridden<n> overridden{};

template <std::size_t... n>
void add_routes(App& app, std::index_sequence<n...>) {
  for (int block = 0; block < 20; ++block) {
    const auto path = [block](std::size_t i) {
      return "/" + std::to_string(block) + "/" + std::to_string(i) + "/{id}";
    };
    (app.get(runtime_route(path(n)), [](Depends<overridden<n>> value) { return Response{static_cast<int>(*value)}; }),
     ...);
  }
}
template <std::size_t... n>
std::vector<Override> override_all(App& app, std::index_sequence<n...>) {
  std::vector<Override> overrides;
  (overrides.push_back(app.override<overridden<n>>([] { return n + 1; })), ...);
  return overrides;
}

/// An App of 1,000 routes and one, `state.range(0)` overrides of what the 1,000 take; the one is asked.
void app_of_1000_routes(benchmark::State& state) {
  NoPool pool;
  BlockingPort port{pool};
  App app;
  add_routes(app, std::make_index_sequence<50>{});
  app.get("/items/{id}", on_loop<answer_of_8>);
  app.start(port.context());
  const auto overrides = state.range(0) ? override_all(app, std::make_index_sequence<50>{}) : std::vector<Override>{};
  std::size_t replies = 0;
  for (auto _ : state) {
    AskedFor asked{port.context(), replies, "/items/42"};
    app.serve(asked);
  }
  if (replies != static_cast<std::size_t>(state.iterations())) state.SkipWithError("a request got no reply");
}

void uv_queue_work_each(benchmark::State& state) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  struct Item {
    uv_work_t work;
    std::size_t* done;
  };
  std::vector<Item> items(in_flight);
  for (auto _ : state) {
    std::size_t done = 0;
    for (Item& item : items) {
      item.done = &done;
      item.work.data = &item;
      uv_queue_work(
          &loop, &item.work, [](uv_work_t*) { benchmark::DoNotOptimize(chain_by_hand(8)); },
          [](uv_work_t* work, int) { ++*static_cast<Item*>(work->data)->done; });
    }
    while (done < in_flight) uv_run(&loop, UV_RUN_ONCE);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  uv_loop_close(&loop);
}

void plain_by_hand(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(chain_by_hand(static_cast<int>(state.range(0))));
  per_node(state, static_cast<std::size_t>(state.range(0)));
}

template <class Make>
void run_task(benchmark::State& state, Make make) {
  NoPool pool;
  BlockingPort port{pool};
  Env env;
  env.context = &port.context();
  for (auto _ : state) {
    auto task = make();
    detail::Storage<typename decltype(task)::Value> out;
    task.handle().promise().env = &env;
    task.handle().promise().out = &out;
    task.handle().resume();
    benchmark::DoNotOptimize(out.value);
    std::destroy_at(&out.value);
  }
  per_node(state, static_cast<std::size_t>(state.range(0)));
}

void coroutines_by_hand_bench(benchmark::State& state) {
  run_task(state, [&] { return coroutines_by_hand(static_cast<int>(state.range(0))); });
}

void map_of_anys(benchmark::State& state) {
  Cache cache;
  run_task(state, [&] {
    cache.clear();
    return solve(static_cast<int>(state.range(0)), cache);
  });
}

}  // namespace

BENCHMARK(resolve<empty>)->Name("empty_graph");
BENCHMARK(resolve_observed<empty>)->Name("empty_graph_observed");
BENCHMARK(resolve<on_loop_node<1>>)->Name("on_loop/1");
BENCHMARK(resolve<on_loop_node<8>>)->Name("on_loop/8");
BENCHMARK(resolve<on_loop_node<32>>)->Name("on_loop/32");
BENCHMARK(resolve<on_loop_node<100>>)->Name("on_loop/100");
BENCHMARK(resolve_observed<on_loop_node<1>>)->Name("on_loop_observed/1");
BENCHMARK(resolve_observed<on_loop_node<8>>)->Name("on_loop_observed/8");
BENCHMARK(resolve_observed<on_loop_node<32>>)->Name("on_loop_observed/32");
BENCHMARK(resolve_observed<on_loop_node<100>>)->Name("on_loop_observed/100");
BENCHMARK(app_of_1000_routes)->ArgName("overrides")->Arg(0)->Arg(50);
BENCHMARK(plain_by_hand)->Name("on_loop_by_hand")->Arg(1)->Arg(8)->Arg(32)->Arg(100);
BENCHMARK(resolve<coroutine_node<1>>)->Name("coroutine/1");
BENCHMARK(resolve<coroutine_node<8>>)->Name("coroutine/8");
BENCHMARK(resolve<coroutine_node<32>>)->Name("coroutine/32");
BENCHMARK(resolve<coroutine_node<100>>)->Name("coroutine/100");
BENCHMARK(resolve_observed<coroutine_node<1>>)->Name("coroutine_observed/1");
BENCHMARK(resolve_observed<coroutine_node<8>>)->Name("coroutine_observed/8");
BENCHMARK(resolve_observed<coroutine_node<32>>)->Name("coroutine_observed/32");
BENCHMARK(resolve_observed<coroutine_node<100>>)->Name("coroutine_observed/100");
BENCHMARK(coroutines_by_hand_bench)->Name("coroutine_by_hand")->Arg(1)->Arg(8)->Arg(32)->Arg(100);
BENCHMARK(map_of_anys)->Name("coroutine_map_of_anys")->Arg(1)->Arg(8)->Arg(32)->Arg(100);
BENCHMARK(resolve<over_resources<8>>)->Name("resource/8");
BENCHMARK(resolve<over_resources<32>>)->Name("resource/32");
BENCHMARK(resolve<over_resources<100>>)->Name("resource/100");
BENCHMARK(resolve<ladder_node<20>>)->Name("ladder/20");
BENCHMARK(resolve<diamond_node<8>>)->Name("diamonds/8");
BENCHMARK(resolve<diamond_node<32>>)->Name("diamonds/32");
BENCHMARK(resolve<diamond_node<100>>)->Name("diamonds/100");
BENCHMARK(offload<plain_node<8>>)->Name("plain_chain_of_8/in_flight")->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(uv_queue_work_each)->Name("uv_queue_work/in_flight")->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(offload<mixed_node<8>>)->Name("mixed/8/in_flight")->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(offload<mixed_node<32>>)->Name("mixed/32/in_flight")->Arg(1)->Arg(64)->UseRealTime();
BENCHMARK(offload<mixed_node<100>>)->Name("mixed/100/in_flight")->Arg(1)->Arg(64)->UseRealTime();

BENCHMARK_MAIN();
