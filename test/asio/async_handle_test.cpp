// SPDX-License-Identifier: MIT
#include "umbel/asio/async_handle.hpp"

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "umbel/asio/asio_port.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/resource.hpp"

namespace umbel {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using boost::system::error_code;

// --- an App

struct Seen {
  std::atomic<int> set_up{0};
  std::atomic<int> torn_down{0};
  std::atomic<std::thread::id> handler{};
};

Resource<int> ticket(State<Seen> seen) {
  int number = ++seen->set_up;
  co_yield number;
  ++seen->torn_down;
}
std::string name_of(Path<"id", int> id) { return "user " + std::to_string(*id); }  // On a worker.
Task<std::string> show_user(Depends<ticket>, Depends<name_of> name, State<Seen> seen) {
  seen->handler = std::this_thread::get_id();
  co_return *name;
}
Task<std::string> wait_for_ever(Depends<ticket>) {
  co_await sleep(1h);
  co_return "";
}
Task<std::string> finish_anyway(Depends<ticket>) {
  co_await sleep(5ms);
  co_return "done";
}
std::string fail() { throw HttpError{418, "teapot"}; }

OwnedRequest get(std::string target) { return OwnedRequest{Method::get, std::move(target)}; }

struct Program {
  Program() {
    app.borrow(seen);
    app.get("/users/{id}", show_user);
    app.get("/wait", wait_for_ever);
    app.post("/finish", finish_anyway);
    app.get("/fail", on_loop<fail>);
  }
  Seen seen;
  App app;
  ThreadPool pool{{.threads = 2}};
};

/// Its engine lives on the test's own io_context.
class AsyncHandle : public ::testing::Test, protected Program {
protected:
  /// What is shared is torn down by turns after the engine.
  ~AsyncHandle() override {
    engine.reset();
    run();
  }
  void run() {
    io.restart();
    io.run();
  }

  asio::io_context io;
  AsioPort port{io, pool};
  std::optional<Engine> engine{std::in_place, app, port.context()};
};

asio::awaitable<std::string> ask(Engine& engine, std::string target) {
  const Response response = co_await async_handle(engine, get(std::move(target)), asio::use_awaitable);
  co_return std::to_string(response.status()) + " " + std::string{response.body()};
}

TEST_F(AsyncHandle, IsAwaitedByACoroutineOfAsios) {
  auto reply = asio::co_spawn(io, ask(*engine, "/users/7"), asio::use_future);

  run();

  EXPECT_EQ(reply.get(), "200 user 7");
  EXPECT_EQ(seen.handler.load(), std::this_thread::get_id());
  EXPECT_EQ(seen.torn_down, 1);
}

TEST_F(AsyncHandle, GivesFailuresAsReplies) {
  auto failed = asio::co_spawn(io, ask(*engine, "/fail"), asio::use_future);
  auto unknown = asio::co_spawn(io, ask(*engine, "/nowhere"), asio::use_future);

  run();

  EXPECT_EQ(failed.get().substr(0, 4), "418 ");
  EXPECT_EQ(unknown.get().substr(0, 4), "404 ");
}

TEST_F(AsyncHandle, BegunByNobodyWhenTheEngineGoesIs503) {
  int status = 0;
  async_handle(*engine, get("/wait"),
               [&](error_code, const Response& response) noexcept { status = response.status(); });
  engine.reset();
  run();

  EXPECT_EQ(status, 503);
  EXPECT_EQ(seen.set_up, 0);
}

TEST_F(AsyncHandle, NeverCallsAHandlerWithinItself) {
  bool is_answered = false;
  async_handle(*engine, get("/fail"), [&](error_code, Response) noexcept { is_answered = true; });
  EXPECT_FALSE(is_answered);

  run();

  EXPECT_TRUE(is_answered);
}

TEST_F(AsyncHandle, TakesADeferredToken) {
  auto operation = async_handle(*engine, get("/users/1"), asio::deferred);
  auto reply = std::move(operation)(asio::use_future);

  run();

  EXPECT_EQ(reply.get().body(), "user 1");
}

TEST_F(AsyncHandle, CallsAHandlerOnItsStrand) {
  auto strand = asio::make_strand(io);
  bool is_on_strand = false;
  async_handle(*engine, get("/users/1"), asio::bind_executor(strand, [&](error_code, Response) {
    is_on_strand = strand.running_in_this_thread();
  }));

  run();

  EXPECT_TRUE(is_on_strand);
}

TEST_F(AsyncHandle, LetsAHandlerStartTheNextOne) {
  int answered = 0;
  struct Next {
    void operator()(error_code, Response) {
      if (++answered < 1000) async_handle(engine, get("/fail"), asio::bind_executor(io, *this));
    }
    Engine& engine;
    asio::io_context& io;
    int& answered;
  };
  async_handle(*engine, get("/fail"), asio::bind_executor(io, Next{*engine, io, answered}));

  run();

  EXPECT_EQ(answered, 1000);
}

TEST_F(AsyncHandle, ManyAreInFlightAtOnce) {
  int right = 0;
  for (int i = 0; i < 500; ++i) {
    async_handle(*engine, get("/users/" + std::to_string(i)), [&right, i](error_code error, Response response) {
      right += !error && response.body() == "user " + std::to_string(i);
    });
  }

  run();

  EXPECT_EQ(right, 500);
  EXPECT_EQ(seen.torn_down, 500);
}

// --- cancelling

TEST_F(AsyncHandle, CancelledStopsTheRequestAndTearsItDown) {
  asio::cancellation_signal signal;
  std::optional<error_code> ended;
  async_handle(*engine, get("/wait"), asio::bind_cancellation_slot(signal.slot(), [&](error_code error, Response) {
    EXPECT_EQ(seen.torn_down, 1);
    ended = error;
  }));
  asio::steady_timer timer{io, 2ms};
  timer.async_wait([&](error_code) { signal.emit(asio::cancellation_type::terminal); });

  run();

  EXPECT_EQ(ended, asio::error::operation_aborted);
  EXPECT_EQ(seen.set_up, 1);
}

TEST_F(AsyncHandle, CancelledBeforeItBeganEndsAllTheSame) {
  asio::cancellation_signal signal;
  std::optional<error_code> ended;
  async_handle(*engine, get("/wait"),
               asio::bind_cancellation_slot(signal.slot(), [&](error_code error, Response) { ended = error; }));
  signal.emit(asio::cancellation_type::partial);
  signal.emit(asio::cancellation_type::partial);

  run();

  EXPECT_EQ(ended, asio::error::operation_aborted);
  EXPECT_EQ(seen.torn_down, seen.set_up);
}

TEST_F(AsyncHandle, CancelledBehindItsAnswerIsNotCancelled) {
  asio::cancellation_signal signal;
  std::optional<error_code> ended;
  async_handle(*engine, get("/fail"),
               asio::bind_cancellation_slot(
                   signal.slot(), asio::bind_executor(io, [&](error_code error, Response) { ended = error; })));
  while (engine->context().run_ready() == 0) {  // Answered, but its handler waits for its turn.
  }
  EXPECT_FALSE(ended);
  signal.emit(asio::cancellation_type::terminal);

  run();
  signal.emit(asio::cancellation_type::terminal);  // There is no slot any more.

  EXPECT_EQ(ended, error_code{});
}

TEST_F(AsyncHandle, DoesNotPromiseThatACancelledRequestHadNoEffect) {
  asio::cancellation_signal signal;
  int status = 0;
  async_handle(*engine, get("/users/1"), asio::bind_cancellation_slot(signal.slot(), [&](error_code error, Response r) {
    EXPECT_EQ(error, error_code{});
    status = r.status();
  }));
  signal.emit(asio::cancellation_type::total);

  run();

  EXPECT_EQ(status, 200);
}

TEST_F(AsyncHandle, CancelledWaitsForAPostThatIsNotStopped) {
  asio::cancellation_signal signal;
  std::string body;
  std::optional<error_code> ended;
  async_handle(*engine, OwnedRequest{Method::post, "/finish"},
               asio::bind_cancellation_slot(signal.slot(), [&](error_code error, Response response) {
                 ended = error;
                 body = response.body();
               }));
  asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });

  run();

  EXPECT_EQ(ended, asio::error::operation_aborted);
  EXPECT_EQ(body, "done");
  EXPECT_EQ(seen.torn_down, 1);
}

TEST_F(AsyncHandle, LosesARaceAndIsCancelled) {
  using namespace asio::experimental::awaitable_operators;
  const auto race = [](Engine& e) -> asio::awaitable<std::size_t> {
    asio::steady_timer timer{co_await asio::this_coro::executor, 2ms};
    const auto first =
        co_await (async_handle(e, get("/wait"), asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
    co_return first.index();
  };
  auto winner = asio::co_spawn(io, race(*engine), asio::use_future);

  run();

  EXPECT_EQ(winner.get(), 1u);
  EXPECT_EQ(seen.torn_down, 1);
}

// --- the engine on a thread of its own

class AsyncHandleElsewhere : public ::testing::Test, protected Program {
protected:
  AsyncHandleElsewhere() {
    std::atomic<Engine*> made{nullptr};
    thread = std::thread{[this, &made] {
      BlockingPort port{pool};
      std::optional<Engine> own{std::in_place, app, port.context()};
      made = &*own;
      made.notify_one();
      port.run_until([this] { return stopped.load(); });
      own.reset();
      port.run_until([&port] { return port.context().is_idle(); });
    }};
    made.wait(nullptr);
    engine = made;
  }
  ~AsyncHandleElsewhere() override {
    engine->context().post([this]() noexcept { stopped = true; });
    thread.join();
  }

  std::atomic<bool> stopped{false};
  Engine* engine = nullptr;
  std::thread thread;
};

TEST_F(AsyncHandleElsewhere, ComesBackToTheCoroutinesThread) {
  asio::io_context io;
  std::thread::id resumed;
  const auto ask_and_look = [&]() -> asio::awaitable<std::string> {
    const Response response = co_await async_handle(*engine, get("/users/3"), asio::use_awaitable);
    resumed = std::this_thread::get_id();
    co_return std::string{response.body()};
  };
  auto reply = asio::co_spawn(io, ask_and_look, asio::use_future);

  io.run();  // Which the operation keeps running.

  EXPECT_EQ(reply.get(), "user 3");
  EXPECT_EQ(resumed, std::this_thread::get_id());
  EXPECT_EQ(seen.handler.load(), thread.get_id());
}

TEST_F(AsyncHandleElsewhere, CallsAHandlerWithoutAnExecutorOnTheEnginesThread) {
  std::atomic<std::thread::id> called{};
  async_handle(*engine, get("/users/3"), [&](error_code, Response) noexcept {
    called = std::this_thread::get_id();
    called.notify_one();
  });

  called.wait(std::thread::id{});

  EXPECT_EQ(called.load(), thread.get_id());
}

TEST_F(AsyncHandleElsewhere, CancellationsRaceWithAnswers) {
  asio::io_context io;
  auto guard = std::optional{asio::make_work_guard(io)};  // Else a `poll` with nothing to do would stop it.
  int ended = 0;
  struct One {
    asio::cancellation_signal signal;
  };
  std::vector<One> all(400);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto done = [&](error_code error, Response response) {
      EXPECT_TRUE(error == asio::error::operation_aborted || response.status() == 200) << error;
      ++ended;
    };
    async_handle(*engine, get("/users/1"),
                 asio::bind_cancellation_slot(all[i].signal.slot(), asio::bind_executor(io, done)));
    if (i >= 20) all[i - 20].signal.emit(asio::cancellation_type::terminal);
    io.poll();
  }
  for (One& one : all) one.signal.emit(asio::cancellation_type::terminal);
  guard.reset();

  io.run();

  EXPECT_EQ(ended, 400);
  EXPECT_EQ(seen.torn_down, seen.set_up);
}

TEST_F(AsyncHandleElsewhere, IsAskedByManyThreads) {
  asio::thread_pool clients{3};
  std::atomic<int> right{0};
  for (int i = 0; i < 300; ++i) {
    asio::co_spawn(
        clients, ask(*engine, "/users/" + std::to_string(i)),
        [&right, i](std::exception_ptr, const std::string& said) { right += said == "200 user " + std::to_string(i); });
  }

  clients.join();

  EXPECT_EQ(right, 300);
}

}  // namespace
}  // namespace umbel
