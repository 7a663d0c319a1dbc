// SPDX-License-Identifier: MIT
#include "umbel/di/observer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../support/drive.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "umbel/core/completion.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/observers.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Hears : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override {
    text_ += std::string{failure.route} + "|" + unqualified(std::string{failure.node}) + "|" + failure.error.message() +
             (failure.suppressed ? "|suppressed" : "") + "\n";
  }
  std::string take() { return std::exchange(text_, {}); }

private:
  std::string text_;
};

class Observing : public ::testing::Test, public TestApp {
protected:
  Observing() { app.observe(hears); }
  Hears hears;
};

int fails_badly() { throw std::runtime_error{"secret"}; }
Task<int> fails_late() {
  try {
    co_await sleep(1s);
  } catch (const Cancelled&) {
    throw std::runtime_error{"late"};
  }
  co_return 1;
}

TEST_F(Observing, HearsWhatTheClientMustNot) {
  app.get("/{x}", handler<on_loop<fails_badly>>);

  EXPECT_EQ(status("/1"), 500);

  EXPECT_EQ(hears.take(), "GET /{x}|fails_badly|secret\n");
}

TEST_F(Observing, HearsOfTheHandler) {
  app.get("/", [] { throw std::runtime_error{"in the handler"}; });

  ask("/");

  EXPECT_EQ(hears.take(), "GET /|handler|in the handler\n");
}

TEST_F(Observing, HearsOfSuppressedFailures) {  // Rule 10.
  app.get("/", handler<fails_badly, fails_late, slow<"s", 1000>>);

  ask("/");

  const std::string heard = hears.take();
  EXPECT_NE(heard.find("GET /|fails_badly|secret\n"), std::string::npos) << heard;
  EXPECT_NE(heard.find("GET /|fails_late|late|suppressed\n"), std::string::npos) << heard;
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '\n'), 2) << "what was stopped has not failed\n" << heard;
}

TEST_F(Observing, HearsNothingOfARequestThatIsWrongOrWell) {
  app.get("/", [](Query<"n", int>) {});

  EXPECT_EQ(status("/?n=x"), 422);
  EXPECT_EQ(status("/?n=1"), 204);

  EXPECT_EQ(hears.take(), "");
}

TEST_F(Observing, HearsOfARefusedJob) {
  app.get("/", [] {});
  port.pool().set_limit(0);

  EXPECT_EQ(status("/"), 503);

  EXPECT_EQ(hears.take(), "GET /|request|Too many requests wait for a worker\n");
}

Task<int> call_badly(Engine& engine) { co_return co_await engine.call<fails_badly>(); }

TEST_F(Observing, HearsOfAProviderThatWasCalled) {
  Engine engine{app, port.context()};

  Started<int> started{port, call_badly(engine)};
  run();

  const std::string heard = hears.take();
  EXPECT_TRUE(heard.starts_with("call ")) << heard;
  EXPECT_TRUE(heard.ends_with("fails_badly|fails_badly|secret\n")) << heard;
  EXPECT_TRUE(started.is_done());
}

TEST_F(Observing, HearsThatABodyDidNotCome) {
  app.post("/", [](Body<> body) { return std::string{*body}; });
  app.start(port.context());
  Peer late{port.context(), OwnedRequest{Method::post, "/"}};
  late.hold_body();

  late.ask(app);
  run();
  late.fail_body(413);
  run();

  EXPECT_EQ(late.status(), 413);
  EXPECT_EQ(hears.take(), "POST /|request|Content Too Large\n");
}

// --- every moment ---------------------------------------------------------------------------------------------------

/// Writes down what it hears: START, REPLY 200, END, and of a node `?` requested, `+` started, `~` suspended,
/// `=` finished, `!` failed, `/` cancelled, `<` closing, `>` closed. Sees to it that each request is balanced, times
/// never go back, and numbers are the Graph's.
class Listener : public Observer {
public:
  explicit Listener(TestApp& test) : test_(test) {}
  ~Listener() override { EXPECT_TRUE(requests_.empty()) << "a request has not ended"; }

  void request_started(const RequestEvent& event) noexcept override {
    EXPECT_TRUE(requests_.try_emplace(event.id, Heard{{}, event.time, false}).second);
    write("START");
  }
  void node(const NodeEvent& event) noexcept override {
    Heard& heard = requests_.at(event.id);
    look_at_time(heard, event.time, event.on_worker);
    std::string& moments = heard.nodes[event.number];
    const char mark = "?+~=!/<>"[static_cast<std::size_t>(event.moment)];
    moments += mark;
    expect_order(moments);
    EXPECT_EQ(event.error != nullptr,
              mark == '!' || (mark == '/' && moments.find('+') != moments.npos) || (mark == '>' && closing_fails))
        << event.node << mark;
    const std::string name = unqualified(std::string{event.node});
    write(name + mark);
    for (const GraphRoute& route : test_.app.graph().routes) {
      if (route.title != event.route) continue;
      EXPECT_EQ(route.nodes.at(event.number).name, event.node);
    }
  }
  void replied(const ReplyEvent& event) noexcept override {
    Heard& heard = requests_.at(event.id);
    look_at_time(heard, event.time, false);
    EXPECT_FALSE(std::exchange(heard.is_replied, true));
    EXPECT_EQ(event.took, event.time - heard.start);
    write("REPLY " + std::to_string(event.status));
  }
  void request_ended(const void* id, Time time) noexcept override {
    Heard& heard = requests_.at(id);
    look_at_time(heard, time, false);
    for (const auto& [number, moments] : heard.nodes) {
      EXPECT_EQ(std::string_view{"=!/>"}.find(moments.back()) != std::string_view::npos, true) << number << moments;
    }
    requests_.erase(id);
    write("END");
  }

  std::string take() { return std::exchange(text_, {}); }
  bool closing_fails = false;

private:
  struct Heard {
    std::map<std::size_t, std::string> nodes;
    Time start;
    bool is_replied;
    Time last = start;
  };

  void write(const std::string& word) { text_.append(text_.empty() ? "" : " ").append(word); }
  void look_at_time(Heard& heard, Time time, bool on_worker) {
    EXPECT_LE(heard.start, time);
    EXPECT_LE(time, test_.port.now());
    if (on_worker) return;
    EXPECT_LE(heard.last, time);
    heard.last = time;
  }
  static void expect_order(const std::string& moments) {
    static const std::vector<std::string> lives{"?+~=<>", "?+=<>", "?+~!", "?+!", "?+~/", "?+/", "?!", "?/"};
    const auto fits = [&](const std::string& life) { return life.starts_with(moments); };
    EXPECT_TRUE(std::any_of(lives.begin(), lives.end(), fits)) << moments;
  }

  TestApp& test_;
  std::map<const void*, Heard> requests_;
  std::string text_;
};

class Moments : public ::testing::Test, public TestApp {
protected:
  Moments() { app.observe(heard); }
  Listener heard{*this};
};

Task<int> at_once() { co_return 1; }
Task<int> in_time() {
  co_await sleep(10ms);
  co_return 1;
}
int quick() { return 1; }
int blocks() { return 1; }
int blocks_more(Depends<blocks>) { return 1; }
Resource<int> session() {
  int value = 1;
  co_yield value;
}
Resource<int> slow_session() {
  int value = 1;
  co_yield value;
  co_await sleep(10ms);
}
SyncResource<int> connection() {
  int value = 1;
  co_yield value;
}
Task<std::string> uses_all(Depends<at_once>, Depends<in_time>, Depends<on_loop<quick>>, Depends<blocks_more>,
                           Depends<session>, Depends<connection>) {
  co_return "done";
}

TEST_F(Moments, AreToldOfEveryKindOfNode) {
  app.get("/", uses_all);

  const auto peer = ask("/");
  port.advance(10ms);
  run();

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(heard.take(),
            "START at_once? at_once+ at_once= in_time? in_time+ in_time~ quick? quick+ quick= blocks? blocks_more? "
            "session? session+ session= connection? blocks+ blocks= blocks_more+ blocks_more= connection+ connection= "
            "in_time= handler? handler+ handler= connection< connection> session< session> REPLY 200 END");
}

Response plain_root(Depends<blocks>) { return Response{200}; }

TEST_F(Moments, AreToldOfAPlainHandler) {
  app.get("/", plain_root);

  ask("/");

  EXPECT_EQ(heard.take(), "START blocks? handler? blocks+ blocks= handler+ handler= REPLY 200 END");
}

std::string holds(Depends<session, Lifetime::request>, Depends<slow_session, Lifetime::request>) { return ""; }

TEST_F(Moments, GoOnAfterTheReply) {
  app.get("/", on_loop<holds>);

  const auto peer = ask("/");
  EXPECT_EQ(peer->status(), 200);
  port.advance(10ms);

  EXPECT_EQ(heard.take(),
            "START session? session+ session= slow_session? slow_session+ slow_session= holds? holds+ holds= "
            "REPLY 200 slow_session< slow_session> session< session> END");
}

Task<Response> joins(Depends<fails_late>, Depends<blocks_more>, Depends<on_loop<fails_badly>>, Depends<at_once>) {
  co_return Response{};
}

TEST_F(Moments, OfAFailureEndWhatItStops) {
  app.get("/", joins);

  const auto peer = ask("/");
  port.advance(1s);

  EXPECT_EQ(peer->status(), 500);
  EXPECT_EQ(heard.take(),
            "START fails_late? fails_late+ fails_late~ blocks? blocks_more? fails_badly? fails_badly+ fails_badly! "
            "blocks+ blocks= blocks_more+ blocks_more= fails_late= REPLY 500 END");
}

int after_failing(Depends<fails_badly>) { return 1; }
Response fails_in_a_hop(Depends<blocks_more>, Depends<after_failing>) { return Response{}; }

TEST_F(Moments, OfAHopEndWhatNeverRan) {
  app.get("/", fails_in_a_hop);

  EXPECT_EQ(status("/"), 500);

  EXPECT_EQ(heard.take(),
            "START blocks? blocks_more? fails_badly? after_failing? blocks+ blocks= blocks_more+ blocks_more= "
            "fails_badly+ fails_badly! after_failing/ REPLY 500 END");
}

TEST_F(Moments, OfARequestWithoutAPlaceAreNone) {
  app.get("/", plain_root);
  port.pool().set_limit(0);

  EXPECT_EQ(status("/"), 503);

  EXPECT_EQ(heard.take(), "START REPLY 503 END");
}

Task<Response> stops(Depends<session>, Depends<in_time>, Depends<blocks_more>) { co_return Response{}; }

TEST_F(Moments, OfAClientThatLeavesEnd) {
  app.get("/", stops);

  const auto peer = begin("/");
  peer->leave();
  run();

  EXPECT_EQ(heard.take(),
            "START session? session+ session= in_time? in_time+ in_time~ blocks? blocks_more? in_time/ blocks/ "
            "blocks_more/ session< session> REPLY 503 END");
}

TEST_F(Moments, OfADeadlineEnd) {
  app.get("/", stops);

  const auto peer = connect("/");
  peer->set_deadline(port.now() + 5ms);
  peer->ask(app);
  run();
  port.advance(5ms);

  EXPECT_EQ(peer->status(), 504);
  EXPECT_EQ(heard.take(),
            "START session? session+ session= in_time? in_time+ in_time~ blocks? blocks_more? blocks+ blocks= "
            "blocks_more+ blocks_more= in_time/ session< session> REPLY 504 END");
}

Task<Response> takes_number(Depends<session>, Query<"n", int>) { co_return Response{}; }

TEST_F(Moments, OfAWrongRequestAreItsBeginningAndEnd) {
  app.get("/", takes_number);

  EXPECT_EQ(status("/?n=x"), 422);

  EXPECT_EQ(heard.take(), "START REPLY 422 END");
}

Task<void> refuses() {
  co_await sleep(1ms);
  throw HttpError{401};
}
Task<Response> guarded(Guard<refuses>, Query<"n", int>, Depends<session>) { co_return Response{}; }

TEST_F(Moments, OfARefusalAreTheGuards) {
  app.get("/", guarded);

  const auto peer = begin("/?n=x");
  port.advance(1ms);

  EXPECT_EQ(peer->status(), 401);
  EXPECT_EQ(heard.take(), "START refuses? refuses+ refuses~ refuses! REPLY 401 END");
}

int inherits(Depends<fails_badly>) { return 1; }
Task<std::string> tries(Try<inherits> tried) { co_return tried.ok() ? "value" : "error"; }

TEST_F(Moments, OfAFailureThatIsAValueAreThoseOfWhatRan) {
  app.get("/", tries);

  EXPECT_EQ(body("/"), "error");

  EXPECT_EQ(heard.take(), "START fails_badly? fails_badly+ fails_badly! handler? handler+ handler= REPLY 200 END");
}

Task<Response> wants(Lazy<in_time> lazy, Query<"all", bool> all) {
  if (*all) co_await lazy;
  co_return Response{};
}

TEST_F(Moments, OfALazyNodeComeWhenItIsWanted) {
  app.get("/", wants);

  EXPECT_EQ(status("/?all=false"), 200);
  EXPECT_EQ(heard.take(), "START handler? handler+ handler= REPLY 200 END");
  const auto peer = ask("/?all=true");
  port.advance(10ms);

  EXPECT_EQ(peer->status(), 200);
  EXPECT_EQ(heard.take(),
            "START handler? handler+ handler~ in_time? in_time+ in_time~ in_time= handler= REPLY 200 END");
}

Resource<int> breaks() {
  int value = 1;
  co_yield value;
  throw std::runtime_error{"tear-down"};
}

TEST_F(Moments, SayThatATearDownFailed) {
  heard.closing_fails = true;
  app.get("/", handler<breaks>);

  EXPECT_EQ(status("/"), 500);

  const std::string text = heard.take();
  EXPECT_NE(text.find("breaks< breaks> REPLY 500 END"), std::string::npos) << text;
}

struct Unwritable {
  operator std::string_view() const { throw std::runtime_error{"no text"}; }
};
Unwritable makes_no_reply() { return {}; }

TEST_F(Moments, OfAHandlerWhoseReplyCannotBeMadeAreThoseOfASuccess) {
  Hears hears;
  app.observe(hears).get("/", on_loop<makes_no_reply>);

  EXPECT_EQ(status("/"), 500);

  EXPECT_EQ(heard.take(), "START makes_no_reply? makes_no_reply+ makes_no_reply= REPLY 500 END");
  EXPECT_EQ(hears.take(), "GET /|makes_no_reply|no text\n");
}

TEST_F(Moments, AreToldOfWhatNoRouteAnswers) {
  app.get("/a/{x}", handler<>);

  EXPECT_EQ(status("/none"), 404);
  EXPECT_EQ(heard.take(), "START REPLY 404 END");
  EXPECT_EQ(status("/a/%"), 400);
  EXPECT_EQ(heard.take(), "START REPLY 400 END");
  EXPECT_EQ(ask(OwnedRequest{Method::put, "/a/1"})->status(), 405);
  EXPECT_EQ(heard.take(), "START REPLY 405 END");
  EXPECT_EQ(ask(OwnedRequest{Method::options, "/a/1"})->status(), 204);
  EXPECT_EQ(heard.take(), "START REPLY 204 END");
  EXPECT_EQ(ask(OwnedRequest{Method::options, "*"})->status(), 204);
  EXPECT_EQ(heard.take(), "START REPLY 204 END");
}

Task<int> call_session(Engine& engine) { co_return co_await engine.call<session>(); }

TEST_F(Moments, OfACallHaveNoReply) {
  Engine engine{app, port.context()};

  Started<int> started{port, call_session(engine)};
  run();

  EXPECT_EQ(heard.take(), "START session? session+ session= session< session> END");
}

// --- several --------------------------------------------------------------------------------------------------------

TEST(ObservingApp, TellsAsManyAsWant) {
  TestApp test;
  Listener first{test}, second{test};
  Hears third;
  test.app.observe(first).observe(second).observe(third);
  test.app.get("/", handler<fails_badly>);

  test.ask("/");

  const std::string text = first.take();
  EXPECT_TRUE(text.starts_with("START ")) << text;
  EXPECT_EQ(second.take(), text);
  EXPECT_EQ(third.take(), "GET /|fails_badly|secret\n");
}

TEST(ObservingApp, BeginsBeforeTheStart) {
  TestApp test;
  Hears late;
  test.app.start(test.port.context());

  EXPECT_THROW(test.app.observe(late), std::logic_error);
}

// --- who blocks the loop --------------------------------------------------------------------------------------------

class Watchdog : public Observer {
public:
  explicit Watchdog(Duration limit) : limit_(limit) {}
  Duration blocked_after() const noexcept override { return limit_; }
  void loop_blocked(const BlockedEvent& event) noexcept override {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(event.duration).count();
    text_ += unqualified(std::string{event.node}) + " " + std::to_string(milliseconds) + "\n";
  }
  std::string take() { return std::exchange(text_, {}); }

private:
  Duration limit_;
  std::string text_;
};

/// Time passes while a thread is busy, too.
class BusyPort : public testing::ManualPort {
public:
  Time now() noexcept override { return ManualPort::now() + busy_; }
  void be_busy(Duration duration) noexcept { busy_ += duration; }

private:
  Duration busy_{};
};
BusyPort* the_port;
std::optional<Completion<int>::Setter> made_by_another;
void take_time(Duration duration) { the_port->be_busy(duration); }

class Blocked : public ::testing::Test {
protected:
  Blocked() {
    the_port = &port;
    app.observe(dog);
  }
  int status() {
    app.start(port.context());
    Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
    peer.ask(app);
    do port.run();
    while (port.pool().run_all() > 0);
    port.advance(2s);
    return peer.status();
  }

  App app;
  BusyPort port;
  Watchdog dog{5ms};
};

int blocks_the_loop() { return take_time(5ms), 1; }
Task<int> blocks_at_first() {
  take_time(6ms);
  co_await sleep(1s);
  co_return 1;
}
Resource<int> blocks_at_its_end() {
  int value = 1;
  co_yield value;
  take_time(7ms);
}
Task<int> is_quick_enough() {
  take_time(4ms);
  co_return 1;
}
int may_block() { return take_time(8ms), 1; }

TEST_F(Blocked, IsReportedByName) {  // Rule 15.
  app.get("/", handler<on_loop<blocks_the_loop>, blocks_at_first, blocks_at_its_end, is_quick_enough>);

  EXPECT_EQ(status(), 200);

  EXPECT_EQ(dog.take(), "blocks_the_loop 5\nblocks_at_first 6\nblocks_at_its_end 7\n");
}

Task<int> blocks_later() {
  co_await sleep(1s);
  take_time(6ms);
  co_await sleep(1s);
  take_time(7ms);
  co_return 1;
}
Task<int> blocks_in_a_task_of_its_own() {
  co_await sleep(1s);
  const int made = co_await blocks_later();
  co_return made;
}
Resource<int> blocks_late_at_its_end() {
  int value = 1;
  co_yield value;
  co_await sleep(1s);
  take_time(8ms);
}
Task<int> waits_for_a_completion() {
  Completion<int> made;
  made_by_another = made.setter();
  const int value = co_await made;
  take_time(9ms);
  co_return value;
}

TEST_F(Blocked, IsReportedByNameAfterAWait) {  // Rule 15.
  app.get("/", handler<blocks_in_a_task_of_its_own, blocks_late_at_its_end, waits_for_a_completion>);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.ask(app);
  made_by_another->value(1);
  made_by_another.reset();
  for (int i = 0; i < 6; ++i) port.advance(1s);

  EXPECT_EQ(peer.status(), 200);
  EXPECT_EQ(dog.take(),
            "waits_for_a_completion 9\nblocks_in_a_task_of_its_own 6\nblocks_in_a_task_of_its_own 7\n"
            "blocks_late_at_its_end 8\n");
}

Stream blocks_while_it_streams() {
  co_yield "one";
  take_time(6ms);
  co_yield "two";
}

TEST_F(Blocked, IsReportedOfAStream) {  // Rule 15.
  app.get("/", blocks_while_it_streams);
  app.start(port.context());
  Peer peer{port.context(), OwnedRequest{Method::get, "/"}};
  peer.ask(app);
  EXPECT_EQ(peer.pull(), "one");
  EXPECT_EQ(peer.pull(), "two");
  EXPECT_EQ(peer.pull(), "[end]");
  port.run();

  const std::string heard = dog.take();
  EXPECT_NE(heard.find(" 6\n"), std::string::npos) << heard;
}

TEST_F(Blocked, IsNotSaidOfAWorker) {  // Rule 15.
  app.get("/", handler<may_block>);

  EXPECT_EQ(status(), 200);

  EXPECT_EQ(dog.take(), "");
}

TEST_F(Blocked, IsToldToThoseWhoWantToKnow) {
  Watchdog patient{6ms}, deaf{0ms};
  app.observe(patient).observe(deaf);
  app.get("/", handler<on_loop<blocks_the_loop>, blocks_at_its_end>);

  EXPECT_EQ(status(), 200);

  EXPECT_EQ(dog.take(), "blocks_the_loop 5\nblocks_at_its_end 7\n");
  EXPECT_EQ(patient.take(), "blocks_at_its_end 7\n");
  EXPECT_EQ(deaf.take(), "");
}

}  // namespace
}  // namespace umbel::test
