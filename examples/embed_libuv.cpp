// SPDX-License-Identifier: MIT
// A libuv program that was there before umbel: its own loop, its own timer, its own signal. umbel is added to that
// loop, answers from the program's own object, and goes when the program stops.
//
//     embed_libuv [PORT]      0: any free one
//
// Tier      T3: umbel's server on the program's own loop.
// Threads   All on the one thread that calls uv_run; none of these handlers needs a worker.
// Ends      SIGTERM: the program closes its handles and drains the server. uv_run returns when nothing is left to do,
//           and again when libuv has closed what umbel had on the loop.
//
// try: curl -s localhost:8000/ticks
// try: curl -s localhost:8000/ticks/next
// try: curl -s localhost:8000/ticks -H 'x-token: ticker' -d 100

#include <uv.h>

#include <umbel/umbel.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace umbel;
using namespace std::chrono_literals;

// --- the program as it was: it counts

class Ticker {
public:
  explicit Ticker(uv_loop_t* loop) {
    uv_timer_init(loop, &timer_);
    timer_.data = this;
    uv_timer_start(&timer_, [](uv_timer_t* timer) { static_cast<Ticker*>(timer->data)->tick(); }, 20, 20);
  }
  void stop() {
    tick();
    has_stopped_ = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  }

  long ticks() const { return ticks_; }
  void set(long ticks) { ticks_ = ticks; }
  /// Added for umbel: calls back at the next tick; now, if it was the last one, for nobody waits for ever: a request
  /// may still come while the server drains.
  void call_at_next(Completion<long>::Setter waiting) {
    if (has_stopped_) waiting.value(ticks_);
    else waiting_.push_back(std::move(waiting));
  }

private:
  void tick() {
    ++ticks_;
    for (auto& waiting : std::exchange(waiting_, {})) waiting.value(ticks_);
  }

  uv_timer_t timer_{};
  long ticks_ = 0;
  bool has_stopped_ = false;
  std::vector<Completion<long>::Setter> waiting_;
};

// --- what is new: three handlers, on the program's loop and thread, so that they may use its object

std::string show_ticks(State<Ticker> ticker) { return std::to_string(ticker->ticks()); }

Task<std::string> wait_for_tick(State<Ticker> ticker) {
  Completion<long> tick;
  ticker->call_at_next(tick.setter());
  const long now = co_await tick;
  co_return std::to_string(now);
}

void check_token(Header<"x-token", std::optional<std::string_view>> token) {
  if (*token != "ticker") throw HttpError{401, "Not authenticated"};
}

void set_ticks(Depends<on_loop<check_token>>, Body<> body, Query<"plus", long, 0> plus, State<Ticker> ticker) {
  std::optional<long> ticks;
  if (FromText<long>::convert(*body, ticks)) throw HttpError{422, "The body should be a number"};
  ticker->set(*ticks + *plus);
}

// --- the program's main, with umbel in it

/// What SIGTERM ends.
struct Program {
  explicit Program(uv_loop_t* loop) : ticker(loop) {
    uv_signal_init(loop, &terminate);
    terminate.data = this;
    uv_signal_start(&terminate, [](uv_signal_t* signal, int) { static_cast<Program*>(signal->data)->stop(); }, SIGTERM);
  }

  void stop() {
    ticker.stop();
    uv_close(reinterpret_cast<uv_handle_t*>(&terminate), nullptr);
    if (server) server->drain({.limit = 5s});
  }

  Ticker ticker;
  uv_signal_t terminate{};
  http1::Server* server = nullptr;
};

int main(int argc, char** argv) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  Program program{&loop};

  App app;
  app.borrow(program.ticker);
  app.get("/ticks", on_loop<show_ticks>);
  app.get("/ticks/next", wait_for_tick);
  app.post("/ticks", on_loop<set_ticks>);
  {
    Loop umbel_loop{&loop};
    http1::Server server{app, umbel_loop, {.limits = {.body = 1024}}};
    server.listen("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 8000);
    program.server = &server;
    std::printf("listening on http://127.0.0.1:%d\n", server.port());
    std::fflush(stdout);

    uv_run(&loop, UV_RUN_DEFAULT);  // As before; it returns when nothing is left to do, here as there.
  }
  uv_run(&loop, UV_RUN_DEFAULT);  // libuv closes handles in a later turn.
  return uv_loop_close(&loop) == 0 ? 0 : 1;
}
