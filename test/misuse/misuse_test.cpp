// SPDX-License-Identifier: MIT
// A host that drives umbel wrongly: a plain sentence in debug builds, an error or a wait in release builds.

#include <gtest/gtest.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "umbel/core/blocking_port.hpp"
#include "umbel/core/completion.hpp"
#include "umbel/core/fd_port.hpp"
#include "umbel/core/lane.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/override_set.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/loopback/client.hpp"
#include "umbel/loopback/server.hpp"
#include "umbel/stdio/server.hpp"
#include "umbel/uv/loop.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER
#endif
#endif
#ifdef HAS_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

namespace umbel {
namespace {

using namespace std::chrono_literals;

class Misuse : public ::testing::Test {
protected:
  Misuse() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// Debug builds end with the sentence; release builds do what stands behind.
#ifdef NDEBUG
#define IN_RELEASE(statement, sentence, ...) __VA_ARGS__
#else
#define IN_RELEASE(statement, sentence, ...) EXPECT_DEATH(statement, sentence)
#endif

template <class F>
void elsewhere(F f) {
  std::thread{std::move(f)}.join();
}

Task<int> one() { co_return 1; }
Task<> wait_for(Completion<>& done) { co_await done; }

// --- threads --------------------------------------------------------------------------------------------------------

[[maybe_unused]] constexpr auto wrong_thread = "used on another thread than its own";

struct Noted : Work {
  Noted() : Work([](Work& work) noexcept { static_cast<Noted&>(work).ran_on = std::this_thread::get_id(); }) {}
  std::thread::id ran_on;
};

TEST_F(Misuse, WorkEnqueuedOnAnotherThreadIsPosted) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Noted work;
  const auto enqueue_elsewhere = [&] { elsewhere([&] { port.context().enqueue(work); }); };

  IN_RELEASE(enqueue_elsewhere(), wrong_thread, enqueue_elsewhere(); port.on_readable();
             EXPECT_EQ(work.ran_on, std::this_thread::get_id()));
}

TEST_F(Misuse, AJobSubmittedOnAnotherThreadIsRefused) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Job job{[](Job&) noexcept {}, [](Job&) noexcept {}};
  bool is_taken = true;
  const auto submit_elsewhere = [&] { elsewhere([&] { is_taken = port.context().submit(job); }); };

  IN_RELEASE(submit_elsewhere(), wrong_thread, submit_elsewhere(); EXPECT_FALSE(is_taken));
}

TEST_F(Misuse, AJobGivenToALaneOnAnotherThreadIsPosted) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Lane lane;
  Job job{[](Job&) noexcept {}, [](Job&) noexcept {}};
  const auto submit_elsewhere = [&] { elsewhere([&] { lane.submit(port.context(), job); }); };

  IN_RELEASE(submit_elsewhere(), "given to a lane on another thread", submit_elsewhere(); port.on_readable();
             while (port.context().jobs_away() > 0) port.on_readable(); EXPECT_TRUE(job.executed()));
}

// What ends on a foreign thread waits for a turn of the right one.
template <class End>
void end_elsewhere(FdPort& port, End end) {
  std::atomic<bool> has_ended{false};
  std::thread other{[&] {
    end();
    has_ended = true;
  }};
  while (!has_ended) port.on_readable();
  other.join();
}

TEST_F(Misuse, ATimerStartedOnAnotherThreadWaits) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Timer timer{[](Timer&) noexcept {}};
  const auto start = [&] { end_elsewhere(port, [&] { timer.start(port.context(), port.context().now() + 1h); }); };

  IN_RELEASE(start(), wrong_thread, start(); EXPECT_TRUE(timer.is_running()); timer.cancel());
}

TEST_F(Misuse, ATearDownSubmittedOnAnotherThreadIsTaken) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Job job{[](Job&) noexcept {}, [](Job&) noexcept {}};
  job.set_class(JobClass::cleanup);
  const auto submit = [&] { end_elsewhere(port, [&] { EXPECT_TRUE(port.context().submit(job)); }); };

  IN_RELEASE(submit(), wrong_thread, submit(); while (port.context().jobs_away() > 0) port.on_readable();
             EXPECT_TRUE(job.executed()));
}

TEST_F(Misuse, ATimerCancelledOnAnotherThreadWaits) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  bool has_fired = false;
  struct Fires : Timer {
    explicit Fires(bool& f) : Timer([](Timer& timer) noexcept { static_cast<Fires&>(timer).fired = true; }), fired(f) {}
    bool& fired;
  } timer{has_fired};
  timer.start(port.context(), port.context().now() + 1h);
  const auto cancel = [&] { end_elsewhere(port, [&] { timer.cancel(); }); };

  IN_RELEASE(cancel(), wrong_thread, cancel(); EXPECT_FALSE(timer.is_running()); EXPECT_FALSE(has_fired));
}

TEST_F(Misuse, WorkWithdrawnOnAnotherThreadIsLookedForByItsOwn) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  Noted work;
  bool is_found = true;
  const auto withdraw = [&] { end_elsewhere(port, [&] { is_found = port.context().withdraw(work); }); };

  IN_RELEASE(withdraw(), wrong_thread, withdraw(); EXPECT_FALSE(is_found));
}

TEST_F(Misuse, AContextThatIsRunningIsNotRunByAnotherThread) {
  ThreadPool pool;
  FdPort port{pool};
  const auto run_twice = [&] {
    port.context().post([&]() noexcept {
      elsewhere([&] { EXPECT_EQ(port.context().run_ready(), 0u); });
      EXPECT_TRUE(port.context().is_running_here());
    });
    port.on_readable();
  };

  IN_RELEASE(run_twice(), "run by two threads at once", run_twice());
}

TEST_F(Misuse, ATaskSpawnedOnAnotherThreadIsAnError) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  const auto spawn_elsewhere = [&] {
    elsewhere([&] { EXPECT_THROW(spawn(port.context(), one(), [](Result<int>) noexcept {}), std::logic_error); });
  };

  IN_RELEASE(spawn_elsewhere(), "spawned on another thread", spawn_elsewhere());
}

TEST_F(Misuse, TwoThreadsThatTurnAnFdPortTakeTurns) {
  [[maybe_unused]] const auto turn_on_two_threads = [] {
    ThreadPool pool;
    FdPort port{pool};
    std::atomic<int> inside{0};
    std::atomic<int> ran{0};
    std::atomic<bool> overlapped{false};
    constexpr int all = 2000;
    const auto turn = [&] {
      while (ran < all) port.on_readable();
    };

    std::thread first{turn};
    std::thread second{turn};
    for (int i = 0; i < all; ++i) {
      port.context().post([&]() noexcept {
        if (inside.fetch_add(1) != 0) overlapped = true;
        inside.fetch_sub(1);
        ++ran;
      });
    }
    first.join();
    second.join();

    EXPECT_EQ(ran, all);
    EXPECT_FALSE(overlapped);
  };

  [[maybe_unused]] const auto turn_here_and_there = [] {
    ThreadPool pool;
    FdPort port{pool};
    port.on_readable();
    elsewhere([&] { port.on_readable(); });
  };

  IN_RELEASE(turn_here_and_there(), "an FdPort goes to another thread", turn_on_two_threads());
}

TEST_F(Misuse, AContextGoesToAnotherThreadWhenTheFirstHasEnded) {
  ThreadPool pool;
  FdPort port{pool};
  elsewhere([&] { port.on_readable(); });

  EXPECT_TRUE(port.context().is_here());
  port.on_readable();

  bool is_here_too = true;
  elsewhere([&] { is_here_too = port.context().is_here(); });
  EXPECT_FALSE(is_here_too);
}

TEST_F(Misuse, AContextGoesToAnotherThreadWhenTheFirstHasLeft) {
  ThreadPool pool;
  FdPort port{pool};
  port.on_readable();
  port.context().thread().leave();

  elsewhere([&] {
    port.on_readable();
    EXPECT_TRUE(port.context().is_here());
  });
}

TEST_F(Misuse, ASecondThreadWaitsForABlockingPort) {
  const auto run_on_two_threads = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    std::promise<void> begun;
    Completion<> done;
    auto set_done = done.setter();
    std::thread first{[&] {
      port.context().post([&]() noexcept { begun.set_value(); });
      port.run(wait_for(done));
    }};
    begun.get_future().wait();
    std::atomic<bool> second_is_done{false};

    std::thread second{[&] {
      EXPECT_EQ(port.run(one()), 1);
      second_is_done = true;
    }};
    EXPECT_FALSE(second_is_done);
    set_done.value();
    first.join();
    second.join();

    EXPECT_TRUE(second_is_done);
  };

  [[maybe_unused]] const auto run_at_once = [] {  // Nobody lets the first go on.
    ThreadPool pool;
    BlockingPort port{pool};
    std::promise<void> begun;
    Completion<> done;
    const auto set_done = done.setter();
    std::thread first{[&] {
      port.context().post([&]() noexcept { begun.set_value(); });
      port.run(wait_for(done));
    }};
    begun.get_future().wait();
    port.run(one());
  };
  static_cast<void>(run_on_two_threads);

  IN_RELEASE(run_at_once(), "used by two threads at the same time", run_on_two_threads());
}

Task<std::string> greet(State<std::promise<void>> begun, State<Completion<>> may_end) {
  begun->set_value();
  co_await *may_end;
  co_return "Hello";
}

TEST_F(Misuse, ASecondThreadWaitsForALoopbackClient) {
  const auto ask_on_two_threads = [] {
    std::promise<void> begun;
    Completion<> may_end;
    App app;
    app.borrow(begun).borrow(may_end);
    app.get("/slow", greet);
    app.get("/quick", [] { return std::string{"quick"}; });
    loopback::Client client{app};
    auto set_end = may_end.setter();

    std::thread first{[&] { EXPECT_EQ(client.get("/slow").body(), "Hello"); }};
    begun.get_future().wait();
    std::thread second{[&] { EXPECT_EQ(client.get("/quick").body(), "quick"); }};
    set_end.value();
    first.join();
    second.join();
  };
  [[maybe_unused]] const auto ask_at_once = [] {  // Nobody lets the first go on.
    std::promise<void> begun;
    Completion<> may_end;
    const auto set_end = may_end.setter();
    App app;
    app.borrow(begun).borrow(may_end);
    app.get("/slow", greet);
    loopback::Client client{app};
    std::thread first{[&] { client.get("/slow"); }};
    begun.get_future().wait();
    client.get("/slow");
  };
  static_cast<void>(ask_on_two_threads);

  IN_RELEASE(ask_at_once(), "used by two threads at the same time", ask_on_two_threads());
}

TEST_F(Misuse, ABlockingPortThatRefusedToWaitIsFreeForOthers) {
  const auto wait_inside = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    port.context().post([&]() noexcept { EXPECT_THROW(port.run(one()), std::logic_error); });
    port.context().run_ready();  // Not by the port.
    port.context().thread().leave();
    elsewhere([&] { EXPECT_EQ(port.run(one()), 1); });
  };

  IN_RELEASE(wait_inside(), "from within the work that it would wait for", wait_inside());
}

TEST_F(Misuse, ABlockingPortToldToWaitByItsOwnWorkIsAnError) {
  const auto wait_inside = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    bool has_thrown = false;
    port.context().post([&]() noexcept {
      try {
        port.run(one());
      } catch (const std::logic_error&) {
        has_thrown = true;
      }
    });
    port.run_until([&] { return has_thrown; });
    EXPECT_TRUE(has_thrown);
  };

  IN_RELEASE(wait_inside(), "from within the work that it would wait for", wait_inside());
}

TEST_F(Misuse, ALoopThatRunsAlreadyIsAnError) {
  const auto run_twice = [] {
    Loop loop;
    std::promise<void> runs;
    std::thread first{[&] { loop.run(); }};
    loop.context().post([&]() noexcept { runs.set_value(); });
    runs.get_future().wait();
    EXPECT_THROW(loop.run(), std::logic_error);
    loop.stop();
    first.join();
  };

  IN_RELEASE(run_twice(), "a Loop is run twice", run_twice());
}

// --- a host's loop --------------------------------------------------------------------------------------------------

struct HostLoop {
  HostLoop() { uv_loop_init(&loop); }
  void close_all() {
    uv_walk(
        &loop,
        [](uv_handle_t* handle, void*) {
          if (!uv_is_closing(handle)) uv_close(handle, nullptr);
        },
        nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  uv_loop_t loop;
};

TEST_F(Misuse, AHostsLoopDoesNotCloseUnderALoop) {
  HostLoop host;
  {
    Loop loop{&host.loop};
    EXPECT_EQ(uv_loop_close(&host.loop), UV_EBUSY);
  }
  EXPECT_EQ(uv_loop_close(&host.loop), UV_EBUSY);  // Our handles close in a turn.

  uv_run(&host.loop, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&host.loop), 0);
}

TEST_F(Misuse, AHostThatClosesOurHandlesGetsNoCallsAnyMore) {
  const auto close_early = [] {
#ifdef HAS_LEAK_SANITIZER
    const __lsan::ScopedDisabler leak;  // Of the handles: nobody can tell when libuv is done with them.
#endif
    HostLoop host;
    auto loop = std::make_unique<Loop>(&host.loop);
    uv_run(&host.loop, UV_RUN_NOWAIT);
    host.close_all();

    bool ran = false;
    loop->context().post([&]() noexcept { ran = true; });
    uv_run(&host.loop, UV_RUN_NOWAIT);
    EXPECT_FALSE(ran);
    loop.reset();
    EXPECT_EQ(uv_loop_close(&host.loop), 0);
  };

  IN_RELEASE(close_early(), "closed before the Loop that borrows it", close_early());
}

class Forgetful : Port {  // Does not wait for its jobs.
public:
  explicit Forgetful(WorkPool& pool) : context(*this, pool) {}

private:
  void wake() noexcept override {}
  void arm(Time) noexcept override {}

public:
  Context context;
};

TEST_F(Misuse, AContextWaitsForItsJobs) {
  struct Slow : Job {
    Slow()
        : Job([](Job&) noexcept { std::this_thread::sleep_for(20ms); },
              [](Job& job) noexcept { static_cast<Slow&>(job).is_home = true; }) {}
    bool is_home = false;
  };
  const auto leave_early = [] {
    ThreadPool pool;
    Slow job;
    {
      Forgetful port{pool};
      EXPECT_TRUE(port.context.submit(job));
    }
    EXPECT_TRUE(job.is_home);
  };

  IN_RELEASE(leave_early(), "still held jobs", leave_early());
}

// --- servers --------------------------------------------------------------------------------------------------------

Task<std::string> be_slow() {
  co_await sleep(std::chrono::hours{1});
  co_return "at last";
}
Task<std::string> be_quick() { co_return "now"; }

/// A loop that turns on a thread of its own.
class TurningLoop {
public:
  TurningLoop() : thread_([this] { loop.run(); }) {
    std::promise<void> runs;
    loop.context().post([&]() noexcept { runs.set_value(); });
    runs.get_future().wait();
  }
  ~TurningLoop() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    loop.stop();
    thread_.join();
  }
  template <class F>
  void do_there(F f) {
    std::promise<void> done;
    loop.context().post([&]() noexcept { f(), done.set_value(); });
    done.get_future().wait();
  }

  Loop loop;

private:
  std::thread thread_;
};

TEST_F(Misuse, AServerOfAnotherThreadDoesNotListen) {
  const auto listen = [] {
    App app;
    TurningLoop other;
    std::unique_ptr<http1::Server> server;
    other.do_there([&] { server = std::make_unique<http1::Server>(app, other.loop); });
    EXPECT_THROW(server->listen("127.0.0.1", 0), std::logic_error);
    other.do_there([&] { server.reset(); });
  };

  IN_RELEASE(listen(), "a Server is used on another thread", listen());
}

TEST_F(Misuse, AServerOfAnotherThreadIsStoppedThere) {
  const auto stop = [] {
    App app;
    TurningLoop other;
    std::unique_ptr<http1::Server> server;
    other.do_there([&] {
      server = std::make_unique<http1::Server>(app, other.loop);
      server->listen("127.0.0.1", 0);
    });
    server->stop();
    TransportState state = TransportState::ready;
    while (state != TransportState::stopped) other.do_there([&] { state = server->state(); });
    other.do_there([&] { server.reset(); });
  };

  IN_RELEASE(stop(), "a Server is used on another thread", stop());
}

TEST_F(Misuse, AServerDestroyedOnAnotherThreadWaits) {
  const auto destroy = [] {
    App app;
    TurningLoop other;
    std::unique_ptr<http1::Server> server;
    other.do_there([&] {
      server = std::make_unique<http1::Server>(app, other.loop);
      server->listen("127.0.0.1", 0);
    });
    server.reset();
    EXPECT_EQ(app.graph().routes.size(), 0u);
  };

  IN_RELEASE(destroy(), "destroyed on another thread", destroy());
}

TEST_F(Misuse, AServerIsDestroyedAnywhereWhenItsLoopRunsNoMore) {
  App app;
  TurningLoop other;
  std::unique_ptr<http1::Server> server;
  other.do_there([&] {
    server = std::make_unique<http1::Server>(app, other.loop);
    server->listen("127.0.0.1", 0);
  });
  other.end();

  server.reset();
}

// --- an App that goes too early -------------------------------------------------------------------------------------

[[maybe_unused]] constexpr char early_app[] = "an App is destroyed before the transports";

TEST_F(Misuse, AnAppDestroyedEarlyStopsItsServer) {
  const auto destroy = [] {
    Loop loop;
    auto app = std::make_unique<App>();
    app->get("/", be_slow);
    http1::Server server{*app, loop};
    server.listen("127.0.0.1", 0);

    app.reset();

    EXPECT_EQ(server.state(), TransportState::stopped);
    EXPECT_THROW(server.listen("127.0.0.1", 0), StartError);
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

TEST_F(Misuse, AnAppDestroyedEarlyStopsItsFilter) {
  const auto destroy = [] {
    Loop loop;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    auto app = std::make_unique<App>();
    {
      stdio::Server server{*app, loop, {.input = ends[0], .output = ends[1]}};
      server.start();

      app.reset();

      EXPECT_THROW(server.start(), StartError);
    }
    ::close(ends[0]);
    ::close(ends[1]);
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

TEST_F(Misuse, AnAppDestroyedEarlyStopsTheServerOfItsOverrides) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    auto app = std::make_unique<App>();
    app->get("/", be_slow);
    OverrideSet overrides{*app};
    loopback::Server server{overrides, port.context()};
    server.start();

    app.reset();

    EXPECT_EQ(server.state(), TransportState::stopped);
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

TEST_F(Misuse, AnAppDestroyedEarlyStopsTheServerOfAnotherThread) {
  const auto destroy = [] {
    TurningLoop other;
    auto app = std::make_unique<App>();
    std::unique_ptr<http1::Server> server;
    other.do_there([&] {
      server = std::make_unique<http1::Server>(*app, other.loop);
      server->listen("127.0.0.1", 0);
    });

    app.reset();

    other.do_there([&] { server.reset(); });
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

void begin_asking(BlockingPort& port, loopback::Server& server, const char* target,
                  std::optional<Result<loopback::Reply>>& reply) {
  spawn(port.context(), server.ask(OwnedRequest{Method::get, target}),
        [&reply](Result<loopback::Reply> got) noexcept { reply.emplace(std::move(got)); });
}

TEST_F(Misuse, AnAppDestroyedEarlyEndsWhatIsInFlight) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    auto app = std::make_unique<App>();
    app->get("/", be_slow);
    loopback::Server server{*app, port.context()};
    server.start();
    std::optional<Result<loopback::Reply>> reply;
    begin_asking(port, server, "/", reply);
    EXPECT_FALSE(reply);

    app.reset();

    EXPECT_EQ(server.state(), TransportState::stopped);
    port.run_until([&] { return reply.has_value(); });
    EXPECT_EQ(port.run(server.ask(OwnedRequest{Method::get, "/"})).status(), 503);
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

TEST_F(Misuse, AMountedAppDestroyedEarlyStopsWhoHasTheOuterOpen) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App outermost;
    App middle;
    auto inner = std::make_unique<App>();
    inner->get("/", be_slow);
    outermost.mount("/middle", middle);
    middle.mount("/inner", *inner);
    loopback::Server server{outermost, port.context()};
    server.start();
    std::optional<Result<loopback::Reply>> reply;
    begin_asking(port, server, "/middle/inner", reply);
    EXPECT_FALSE(reply);

    inner.reset();

    EXPECT_EQ(server.state(), TransportState::stopped);
    port.run_until([&] { return reply.has_value(); });
    loopback::Server second{outermost, port.context()};
    EXPECT_THROW(second.start(), StartError);
  };

  IN_RELEASE(destroy(), "before those that have open what it is mounted in", destroy());
}

TEST_F(Misuse, AnAppThatLostOneBeforeItsStartSaysWhich) {
  App outer;
  {
    App inner;
    outer.mount("/shop", inner);
  }
  ThreadPool pool;
  BlockingPort port{pool};

  try {
    outer.start(port.context());
    FAIL();
  } catch (const StartError& error) {
    EXPECT_NE(std::string{error.what()}.find("the App mounted at /shop: it was destroyed"), std::string::npos);
  }
}

TEST_F(Misuse, AnExchangeOfAnotherThreadIsPostedThere) {
  const auto ask = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App app;
    app.get("/", be_quick);
    struct Confused : Service {
      explicit Confused(App& a) : app(a) {}
      void start(Context& context) override { app.start(context); }
      void serve(Exchange& exchange) noexcept override {
        elsewhere([&] { app.serve(exchange); });
      }
      App& app;
    } service{app};
    loopback::Server server{service, port.context()};
    server.start();

    EXPECT_EQ(port.run(server.ask(OwnedRequest{Method::get, "/"})).status(), 200);
  };

  IN_RELEASE(ask(), "App::serve on another thread", ask());
}

TEST_F(Misuse, ALoopbackServerDestroyedOnAnotherThreadWaits) {
  const auto destroy = [] {
    ThreadPool pool;
    FdPort port{pool};
    App app;
    app.get("/", be_quick);
    port.on_readable();
    auto server = std::make_unique<loopback::Server>(app, port.context());
    server->start();
    end_elsewhere(port, [&] { server.reset(); });
  };

  IN_RELEASE(destroy(), "a transport is destroyed on another thread", destroy());
}

TEST_F(Misuse, AnAppThatWasNotStartedAnswers503) {
  const auto ask = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App app;
    app.get("/", be_quick);
    struct Started : Service {  // It does not pass `start` on.
      explicit Started(App& a) : app(a) {}
      void serve(Exchange& exchange) noexcept override { app.serve(exchange); }
      App& app;
    } service{app};
    loopback::Server server{service, port.context()};
    server.start();

    EXPECT_EQ(port.run(server.ask(OwnedRequest{Method::get, "/"})).status(), 503);
  };

  IN_RELEASE(ask(), "App::serve before App::start", ask());
}

#ifdef NDEBUG
#define WAITS_WITHOUT_END(statement, sentence) \
  EXPECT_EXIT(                                 \
      {                                        \
        ualarm(200'000, 0);                    \
        statement;                             \
      },                                       \
      ::testing::KilledBySignal(SIGALRM), sentence)
#else
#define WAITS_WITHOUT_END(statement, sentence) EXPECT_DEATH(statement, sentence)
#endif

TEST_F(Misuse, AnAppDestroyedByTheWorkThatItWaitsForSaysSo) {
#ifndef NDEBUG
  constexpr auto sentence = early_app;
#else
  constexpr auto sentence = "an App in use is destroyed by the Context's own work, which it waits for";
#endif
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    auto app = std::make_unique<App>();
    app->get("/", be_slow);
    Engine engine{*app, port.context()};
    engine.submit(OwnedRequest{Method::get, "/"}, [](Response) noexcept {});
    port.run_until([&] { return engine.in_flight() == 1; });
    port.context().post([&]() noexcept { app.reset(); });
    port.run_until([] { return false; });
  };

  WAITS_WITHOUT_END(destroy(), sentence);
}

TEST_F(Misuse, AServerDestroyedByTheWorkThatItWaitsForSaysSo) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App app;
    app.get("/", be_slow);
    auto server = std::make_unique<loopback::Server>(app, port.context());
    server->start();
    spawn(port.context(), server->ask(OwnedRequest{Method::get, "/"}), [](Result<loopback::Reply>) noexcept {});
    port.run_until([&] { return server->in_flight() == 1; });
    port.context().post([&]() noexcept { server.reset(); });
    port.run_until([] { return false; });
  };

  WAITS_WITHOUT_END(destroy(), "a transport is destroyed by the Context's own work, which it waits for");
}

TEST_F(Misuse, PostingByTheWorkThatAnswersIsAnError) {
  const auto ask_itself = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App app;
    app.get("/", be_quick);
    Engine engine{app, port.context()};
    bool is_done = false;
    port.context().post([&]() noexcept {
      EXPECT_THROW(static_cast<void>(engine.post(OwnedRequest{Method::get, "/"})), std::logic_error);
      is_done = true;
    });
    port.run_until([&] { return is_done; });
  };

  IN_RELEASE(ask_itself(), "which would wait for itself", ask_itself());
}

TEST_F(Misuse, AnEngineWithoutItsAppAnswers503) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    auto app = std::make_unique<App>();
    app->get("/", be_slow);
    Engine engine{*app, port.context()};
    int status = 0;
    engine.submit(OwnedRequest{Method::get, "/"}, [&](Response response) noexcept { status = response.status(); });
    port.run_until([&] { return engine.in_flight() == 1; });

    app.reset();
    port.run_until([&] { return status != 0; });

    EXPECT_EQ(port.run(engine.handle(OwnedRequest{Method::get, "/"})).status(), 503);
    EXPECT_THROW(engine.call<be_quick>(), StartError);
  };

  IN_RELEASE(destroy(), early_app, destroy());
}

// --- engines --------------------------------------------------------------------------------------------------------

std::atomic<bool> is_open{false};
Resource<int> shared_thing() {
  int value = 1;
  is_open = true;
  co_yield value;
  is_open = false;
}
inline constexpr auto kept = provider<shared_thing>.lifetime(Lifetime::app);
bool was_open_at_the_end = false;
Task<std::string> use_late(Depends<kept>) {
  co_await sleep(5ms);
  was_open_at_the_end = is_open;
  co_return "used";
}

TEST_F(Misuse, AnEngineDestroyedEarlyLeavesTheAppOpenForWhatIsInFlight) {
  const auto destroy = [] {
    ThreadPool pool;
    BlockingPort port{pool};
    App app;
    app.get("/", use_late);
    std::string body;
    std::optional<Engine> engine{std::in_place, app, port.context()};
    engine->submit(OwnedRequest{Method::get, "/"}, [&](Response response) noexcept { body = response.body(); });
    port.run_until([&] { return engine->in_flight() == 1; });

    engine.reset();
    port.run_until([&] { return !body.empty() && !is_open; });

    EXPECT_EQ(body, "used");
    EXPECT_TRUE(was_open_at_the_end);
  };

  IN_RELEASE(destroy(), "an Engine is destroyed while", destroy());
}

TEST_F(Misuse, AnEngineDestroyedOnAnotherThreadWaits) {
  const auto destroy = [] {
    App app;
    TurningLoop other;
    std::unique_ptr<Engine> engine;
    other.do_there([&] { engine = std::make_unique<Engine>(app, other.loop.context()); });
    engine.reset();
  };

  IN_RELEASE(destroy(), "an Engine is destroyed on another thread", destroy());
}

TEST_F(Misuse, AnEngineThatGoesWithItsFirstAnswerAnswersTheOthers) {
  ThreadPool pool;
  BlockingPort port{pool};
  App app;
  app.get("/", be_quick);
  std::optional<Engine> engine{std::in_place, app, port.context()};
  engine->stop();
  std::vector<int> answers;
  engine->submit(OwnedRequest{Method::get, "/"}, [&](Response response) noexcept {
    answers.push_back(response.status());
    engine.reset();
  });
  for (int i = 0; i < 3; ++i) {
    engine->submit(OwnedRequest{Method::get, "/"},
                   [&](Response response) noexcept { answers.push_back(response.status()); });
  }

  port.run_until([&] { return answers.size() == 4; });

  EXPECT_EQ(answers, (std::vector<int>{503, 503, 503, 503}));
}

TEST_F(Misuse, WhatIsSubmittedWhenTheEngineHasStoppedIsAnswered) {
  ThreadPool pool;
  BlockingPort port{pool};
  App app;
  app.get("/", be_slow);
  Engine engine{app, port.context()};
  int in_flight = 0;
  int late = 0;
  engine.submit(OwnedRequest{Method::get, "/"}, [&](Response response) noexcept { in_flight = response.status(); });
  port.run_until([&] { return engine.in_flight() == 1; });

  engine.stop();
  engine.submit(OwnedRequest{Method::get, "/"}, [&](Response response) noexcept { late = response.status(); });
  port.run_until([&] { return in_flight != 0 && late != 0; });

  EXPECT_EQ(in_flight, 503);
  EXPECT_EQ(late, 503);
  EXPECT_EQ(engine.in_flight(), 0u);
}

TEST_F(Misuse, WhatALoopThatHasStoppedNeverBeganIsAnswered) {
  Loop loop;
  App app;
  app.get("/", be_quick);
  std::future<Response> reply;
  {
    Engine engine{app, loop.context()};
    elsewhere([&] { reply = engine.post(OwnedRequest{Method::get, "/"}); });
  }

  ASSERT_EQ(reply.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(reply.get().status(), 503);
}

TEST_F(Misuse, ALoopMayTurnBehindAnEngineThatAnsweredItsSubmissions) {
  Loop loop;
  App app;
  app.get("/", be_quick);
  int answers = 0;
  {
    Engine engine{app, loop.context()};
    for (int i = 0; i < 3; ++i) {
      engine.submit(OwnedRequest{Method::get, "/"}, [&](Response) noexcept { ++answers; });
    }
  }
  EXPECT_EQ(answers, 3);

  loop.stop();
  loop.run();

  EXPECT_EQ(answers, 3);
}

}  // namespace
}  // namespace umbel
