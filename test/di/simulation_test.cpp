// SPDX-License-Identifier: MIT
// An App in a Simulation: what a user's own test may look like.
#include "umbel/testing/simulation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "umbel/core/completion.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/di/try.hpp"
#include "umbel/testing/faults.hpp"

namespace umbel::test {
namespace {

using testing::Exploration;
using testing::Faults;
using testing::Schedule;
using testing::Simulation;

/// A database whose answers come when the simulation says so.
struct Database {
  Simulation* sim = nullptr;
  int open = 0;  // Sessions.
  int committed = 0;
  int rolled_back = 0;
  int stock = 1;
};

Task<> answer(Database& database) {
  Completion<> done;
  database.sim->later([set = done.setter()]() mutable { set.value(); });
  co_await done;
}

struct Session {
  Database& database;
};

Resource<Session> open_session(State<Database> database) {
  co_await answer(*database);
  ++database->open;
  Session session{*database};
  const Outcome& outcome = co_yield session;
  --database->open;
  ++(outcome.ok() ? database->committed : database->rolled_back);
}

std::string user_of(Query<"user", std::string_view, default_to<"nobody">> user) { return std::string{*user}; }

SyncResource<int> take_lock(State<Database>) {
  int lock = 1;
  co_yield lock;
}

Task<std::string> buy(Depends<user_of> user, Exclusive<open_session> session, Depends<take_lock>) {
  co_await answer(session->database);
  if (session->database.stock == 0) throw HttpError{409, "sold out"};
  --session->database.stock;
  co_return "sold to " + *user;
}

/// Asks before it waits, and takes after: what a simulation is to find.
Task<std::string> buy_hastily(Depends<open_session> session) {
  Database& database = session->database;
  if (database.stock == 0) throw HttpError{409, "sold out"};
  co_await answer(database);
  --database.stock;
  co_return "sold";
}

struct Shop {
  explicit Shop(Schedule& schedule) : faults(schedule) {
    app.observe(faults);
    app.borrow(database);
    app.get("/buy", buy);
    app.get("/hasty", buy_hastily);
  }
  void run_on(Simulation& sim) noexcept { database.sim = &sim; }

  Faults faults;
  Database database;
  App app;
};

TEST(AppSimulation, AnswersOnEverySeed) {
  Schedule schedule{17};
  Shop shop{schedule};
  Simulation sim{shop.app, schedule};
  shop.run_on(sim);

  auto& answer = sim.request("/buy?user=ann");
  sim.run();

  EXPECT_EQ(answer.body(), "sold to ann");
  EXPECT_EQ(shop.database.committed, 1);
  EXPECT_EQ(sim.mistake(), "");
}

TEST(AppSimulation, RunsTheSameAgainOnTheSameSeed) {
  const auto run = [](std::uint64_t seed) {
    Schedule schedule{seed};
    Shop shop{schedule};
    Simulation sim{shop.app, schedule};
    shop.run_on(sim);
    auto& ann = sim.request("/buy?user=ann").may_leave();
    auto& bob = sim.request("/buy?user=bob").may_leave();
    sim.run();
    return std::to_string(ann.status()) + " " + std::to_string(bob.status()) + " " + std::to_string(sim.turns());
  };
  std::set<std::string> seen;

  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_EQ(run(seed), run(seed));
    seen.insert(run(seed));
  }

  EXPECT_GT(seen.size(), 5u);
}

// Two buyers and one thing to be had.
Exploration sell_twice(const char* target, std::multiset<int>& seen) {
  return testing::explore(
      [&](Schedule& schedule) {
        Shop shop{schedule};
        Simulation sim{shop.app, schedule};
        shop.run_on(sim);
        auto& ann = sim.request(target);
        sim.request(target);
        sim.run();
        seen.insert(ann.status());
        schedule.check(shop.database.stock == 0, "the stock is wrong");
        schedule.check(shop.database.open == 0, "a session was left open");
      },
      {.max_schedules = 3'000});
}

TEST(AppSimulation, SeesBothOrdersOfARace) {
  std::multiset<int> seen;

  const Exploration runs = sell_twice("/buy", seen);

  EXPECT_EQ(runs.mistake, "");
  EXPECT_GT(seen.count(200), 0u);
  EXPECT_GT(seen.count(409), 0u);
}

TEST(AppSimulation, FindsARaceAndTheChoicesThatShowIt) {
  std::multiset<int> seen;

  const Exploration runs = sell_twice("/hasty", seen);

  EXPECT_TRUE(runs.mistake.starts_with("the stock is wrong; to see it again: Schedule::replay(\"choices "))
      << runs.mistake;
}

// Case "schedule fuzz": cancel or fail at every step.
TEST(AppSimulation, FailsAndCancelsAtEveryStep) {
  std::map<int, int> statuses;

  const Exploration steps = testing::for_each_step([&](Schedule& schedule) {
    Shop shop{schedule};
    Simulation sim{shop.app, schedule};
    shop.run_on(sim);
    auto& answer = sim.request("/buy");
    sim.run();
    ++statuses[answer.status()];
    schedule.check(shop.database.open == 0, "a session was left open");
    schedule.check(shop.database.committed == (answer.status() == 200), "what failed was committed");
  });

  EXPECT_EQ(steps.mistake, "");
  EXPECT_TRUE(steps.is_complete);
  EXPECT_EQ(statuses[500], 4) << "each of the four nodes fails once";
  EXPECT_GT(statuses[200], 1) << "undisturbed, and when the peer leaves too early or too late";
  EXPECT_GT(steps.schedules, 10u);
}

/// Hears of injected failures, beside Faults.
class Hears : public Observer {
public:
  void node_failed(const Failure& failure) noexcept override { text += failure.error.message() + "\n"; }
  std::string text;
};

int first() { return 1; }
int second(Depends<first> one) { return *one + 1; }
std::string third(Depends<second> two) { return std::to_string(*two); }

TEST(Faults, FailANodeInTheMiddleOfAHop) {
  Hears hears;
  Schedule schedule{1};
  schedule.fail_at(2);
  Faults faults{schedule};
  App app;
  app.observe(hears).observe(faults);
  app.get("/", third);
  Simulation sim{app, schedule};

  auto& answer = sim.request("/");
  sim.run();

  EXPECT_EQ(answer.status(), 500);
  EXPECT_NE(hears.text.find("injected in place of"), std::string::npos);
  EXPECT_NE(hears.text.find("second"), std::string::npos) << hears.text;
}

TEST(Faults, ChangeNothingIfNothingIsToFail) {
  Schedule schedule{1};
  Faults faults{schedule};
  App app;
  app.observe(faults);
  app.get("/", third);
  Simulation sim{app, schedule};

  auto& answer = sim.request("/");
  sim.run();

  EXPECT_EQ(answer.body(), "2");
  EXPECT_EQ(schedule.nodes(), 3u);
}

}  // namespace
}  // namespace umbel::test
