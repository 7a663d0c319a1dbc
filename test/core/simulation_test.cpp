// SPDX-License-Identifier: MIT
#include "umbel/testing/simulation.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "umbel/core/sleep.hpp"
#include "umbel/core/spawn.hpp"

namespace umbel::testing {
namespace {

using namespace std::chrono_literals;

/// Answers each exchange with a function.
class Answers : public Service {
public:
  explicit Answers(std::function<void(Exchange&)> answer) : answer_(std::move(answer)) {}
  void serve(Exchange& exchange) noexcept override { answer_(exchange); }

private:
  std::function<void(Exchange&)> answer_;
};

Answers echoes() {
  return Answers{[](Exchange& exchange) { exchange.reply(Response::text(exchange.request().target())); }};
}

/// A coroutine without anybody who waits for it.
void start(Simulation& sim, Task<> task) {
  spawn(sim.context(), std::move(task), [](Result<void>) noexcept {});
}

TEST(Simulation, AnswersRequests) {
  Answers service = echoes();
  Simulation sim{service, 1};

  auto& first = sim.request("/1");
  auto& second = sim.request("/2");
  EXPECT_EQ(first.status(), 0);
  sim.run();

  EXPECT_EQ(first.body(), "/1");
  EXPECT_EQ(second.body(), "/2");
  EXPECT_TRUE(first.is_over());
  EXPECT_EQ(sim.mistake(), "");
}

TEST(Simulation, SaysThatAReplyIsMissingAndHowToSeeItAgain) {
  Answers service{[](Exchange&) {}};
  Simulation sim{service, 42};

  sim.request("/");
  sim.run();

  EXPECT_EQ(sim.mistake(), "a request never got its reply; to see it again: Schedule::replay(\"seed 42\")");
}

TEST(Simulation, SaysThatThereAreTwoReplies) {
  Answers service{[](Exchange& exchange) {
    exchange.reply(Response{200});
    exchange.reply(Response{500});
  }};
  Simulation sim{service, 1};

  sim.request("/");
  sim.run();

  EXPECT_EQ(sim.mistake(), "a request got two replies; to see it again: Schedule::replay(\"seed 1\")");
}

TEST(Simulation, SaysThatItNeverEnds) {
  struct Again : Work {
    Again() noexcept : Work(run) {}
    static void run(Work& work) noexcept {
      auto& self = static_cast<Again&>(work);
      if (!self.stopped) self.context->enqueue(self);
    }
    Context* context = nullptr;
    bool stopped = false;
  };
  Answers service = echoes();
  Schedule schedule{1};
  Again again;  // Outlives the simulation, which turns once more when it goes.
  Simulation sim{service, schedule};
  again.context = &sim.context();

  sim.context().enqueue(again);
  sim.turn_limit(100).run();
  again.stopped = true;

  EXPECT_EQ(schedule.mistake(), "it never ends");
}

TEST(Simulation, LetsTimePassByItself) {
  Answers service = echoes();
  Simulation sim{service, 1};
  const Time begin = sim.now();

  start(sim, [](Duration duration) -> Task<> { co_await sleep(duration); }(24h));
  sim.run();

  EXPECT_EQ(sim.now() - begin, 24h);
}

// Writes its name when its time has come.
Task<> write_after(Duration duration, std::string& text, char name) {
  co_await sleep(duration);
  text += name;
}

std::set<std::string> orders(const std::function<void(Simulation&, std::string&)>& begin) {
  std::set<std::string> seen;
  const Exploration all = explore([&](Schedule& schedule) {
    Answers service = echoes();
    std::string text;
    Simulation sim{service, schedule};
    begin(sim, text);
    sim.run();
    seen.insert(text);
  });
  EXPECT_TRUE(all.is_complete);
  EXPECT_EQ(all.mistake, "");
  return seen;
}

TEST(Simulation, FiresTimersInOrderOfTheirTime) {
  EXPECT_EQ(orders([](Simulation& sim, std::string& text) {
              start(sim, write_after(2ms, text, 'b'));
              start(sim, write_after(1ms, text, 'a'));
            }),
            (std::set<std::string>{"ab"}));
}

TEST(Simulation, FiresTimersOfTheSameTimeInAnyOrder) {
  EXPECT_EQ(orders([](Simulation& sim, std::string& text) {
              for (const char name : {'a', 'b', 'c'}) start(sim, write_after(1ms, text, name));
            }),
            (std::set<std::string>{"abc", "acb", "bac", "bca", "cab", "cba"}));
}

TEST(Simulation, GivesAnswersInAnyOrder) {
  EXPECT_EQ(orders([](Simulation& sim, std::string& text) {
              for (const char name : {'a', 'b'}) sim.later([&text, name] { text += name; });
            }),
            (std::set<std::string>{"ab", "ba"}));
}

TEST(Simulation, RunsJobsInAnyOrder) {
  struct Named : Job {
    Named(std::string& t, char n) noexcept : Job(run, [](Job&) noexcept {}), text(t), name(n) {}
    static void run(Job& job) noexcept { static_cast<Named&>(job).text += static_cast<Named&>(job).name; }
    std::string& text;
    char name;
  };
  std::vector<std::unique_ptr<Named>> jobs;

  EXPECT_EQ(orders([&](Simulation& sim, std::string& text) {
              jobs.clear();
              for (const char name : {'a', 'b'}) {
                jobs.push_back(std::make_unique<Named>(text, name));
                sim.context().submit(*jobs.back());
              }
            }),
            (std::set<std::string>{"ab", "ba"}));
}

// Says whether its peer has left meanwhile.
Task<> reply_later(Exchange& exchange) {
  co_await sleep(1ms);
  exchange.reply(Response{exchange.stop_token().stop_requested() ? 499 : 200});
}

TEST(Simulation, HasPeersThatMayLeaveAtAnyMoment) {
  std::set<int> seen;

  const Exploration all = explore([&](Schedule& schedule) {
    Simulation* here = nullptr;
    Answers service{[&](Exchange& exchange) { start(*here, reply_later(exchange)); }};
    Simulation sim{service, schedule};
    here = &sim;
    auto& request = sim.request("/").may_leave();
    sim.run();
    seen.insert(request.status());
    schedule.check(request.has_left() == (request.status() == 499), "the service was not told");
  });

  EXPECT_EQ(seen, (std::set<int>{200, 499}));
  EXPECT_EQ(all.mistake, "");
}

TEST(Simulation, LetsAPeerLeaveWhereItIsTold) {
  Simulation* here = nullptr;
  Answers service{[&](Exchange& exchange) { start(*here, reply_later(exchange)); }};
  Schedule schedule{1};
  schedule.leave_at(1);
  Simulation sim{service, schedule};
  here = &sim;

  auto& request = sim.request("/");
  sim.run();

  EXPECT_EQ(request.status(), 499);
}

TEST(Simulation, DeliversABodyNowOrLater) {
  struct Waits : Work {
    explicit Waits(Exchange& e) noexcept : Work(run), exchange(e) {}
    static void run(Work& work) noexcept {
      Exchange& exchange = static_cast<Waits&>(work).exchange;
      const std::string_view body = exchange.request().body();
      exchange.reply(exchange.body_error() ? Response{exchange.body_error()} : Response::text(body));
    }
    Exchange& exchange;
  };
  std::set<std::string> seen;

  const Exploration all = explore([&](Schedule& schedule) {
    std::optional<Waits> waits;
    Answers service{[&](Exchange& exchange) {
      waits.emplace(exchange);
      seen.insert(exchange.collect_body(*waits) ? (Waits::run(*waits), "now") : "later");
    }};
    Simulation sim{service, schedule};
    auto& request = sim.request(OwnedRequest{Method::post, "/"}.body("text"));
    sim.run();
    schedule.check(request.body() == "text", "the body is wrong");
  });

  EXPECT_EQ(seen, (std::set<std::string>{"now", "later"}));
  EXPECT_EQ(all.mistake, "");
}

TEST(Simulation, LetsTimersBeDueWhileThereIsWorkIfItsMachineIsSlow) {
  std::set<std::string> seen;

  explore([&](Schedule& schedule) {
    Answers service = echoes();
    std::string text;
    Simulation sim{service, schedule};
    sim.pace(Pace::any);
    start(sim, write_after(1ms, text, 't'));
    sim.later([&] { text += 'w'; });
    sim.run();
    seen.insert(text);
  });

  EXPECT_EQ(seen, (std::set<std::string>{"tw", "wt"}));
}

/// Opens and closes as its Notice says.
class Opening : public Service {
public:
  void open(Context&, Notice& opened) noexcept override { text += "open ", opened.tell(); }
  void close(Context&, Notice& closed) noexcept override { text += "close ", closed.tell(); }
  void serve(Exchange& exchange) noexcept override { text += "serve ", exchange.reply(Response{200}); }
  std::string text;
};

TEST(Simulation, OpensItsServiceAndClosesIt) {
  Opening service;
  {
    Simulation sim{service, 1};
    sim.request("/");
    sim.run();
  }
  EXPECT_EQ(service.text, "open serve close ");
}

}  // namespace
}  // namespace umbel::testing
