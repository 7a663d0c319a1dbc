// SPDX-License-Identifier: MIT
#include "umbel/di/override.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../support/drive.hpp"
#include "journal.hpp"
#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/override_set.hpp"
#include "umbel/di/provide.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {

// Not of this file alone, so that it has a name.
std::string fixed_user();
std::string fixed_user() { return "fixed"; }

namespace {

using namespace std::chrono_literals;

std::string key_of(Query<"real"> real) { return "real key " + std::string{*real}; }
std::string user_of(Depends<key_of> key) {
  journal().write("user_of");
  return "user of " + *key;
}
Task<Response> greet(Depends<user_of> user) { co_return Response::text(*user); }
Response other() { return Response::text("other"); }

// What stands in for them.
std::string name_of(Query<"k"> k) { return std::string{*k}; }
std::string fake_user(Depends<name_of> name) { return "fake " + *name; }
std::string ann() { return "ann"; }
std::string bob() { return "bob"; }

class Overrides : public ::testing::Test, public TestApp {
protected:
  Overrides() {
    journal().take();
    app.get("/me", greet);
    app.get("/other", other);
  }
  /// What the installation of an override says.
  template <auto& provider, class G>
  std::string refusal(G replacement) {
    try {
      const Override unused = app.override<provider>(std::move(replacement));
    } catch (const std::logic_error& error) {
      return unqualified(error.what());
    }
    return "nothing";
  }
  std::string refusal_of_start() {
    try {
      app.start(port.context());
    } catch (const StartError& error) {
      return unqualified(error.what());
    }
    return "nothing";
  }
};

TEST_F(Overrides, RunTheReplacementWithItsOwnSubGraph) {  // Rule 36.
  const Override o = app.override<user_of>(fake_user);

  EXPECT_EQ(status("/me"), 422);
  EXPECT_NE(body("/me").find(R"(["query","k"])"), std::string::npos);
  EXPECT_EQ(body("/me").find("real"), std::string::npos) << "what the original takes is gone";
  EXPECT_EQ(body("/me?k=joe"), "fake joe");
  EXPECT_EQ(journal().take(), "");
}

TEST_F(Overrides, AreUndoneWhenTheyAreDestroyed) {  // Rule 36.
  {
    const Override o = app.override<user_of>(ann);
    EXPECT_EQ(body("/me"), "ann");
  }

  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST_F(Overrides, BeforeTheStartAreUndoneAsWell) {
  {
    const Override o = app.override<user_of>(ann);
  }

  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST_F(Overrides, AfterTheStartAreInForceFromTheNextRequestOn) {
  EXPECT_EQ(body("/me?real=1"), "user of real key 1");

  const Override o = app.override<user_of>(ann);

  EXPECT_EQ(body("/me"), "ann");
}

TEST_F(Overrides, MayBeDestroyedInAnyOrder) {
  std::optional<Override> first = app.override<user_of>(ann);
  app.start(port.context());
  std::optional<Override> second = app.override<user_of>(bob);
  std::optional<Override> below = app.override<key_of>([] { return std::string{"key"}; });
  EXPECT_EQ(body("/me"), "bob") << "the last one counts";

  first.reset();
  EXPECT_EQ(body("/me"), "bob");
  second.reset();
  EXPECT_EQ(body("/me"), "user of key");
  below.reset();
  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST_F(Overrides, GoBackToTheOneBefore) {
  const Override first = app.override<user_of>(ann);
  {
    const Override second = app.override<user_of>(bob);
  }

  EXPECT_EQ(body("/me"), "ann");
}

TEST_F(Overrides, CanBeMoved) {
  std::optional<Override> kept;
  {
    Override o = app.override<user_of>(ann);
    kept = std::move(o);
  }
  EXPECT_EQ(body("/me"), "ann");

  *kept = app.override<user_of>(bob);
  EXPECT_EQ(body("/me"), "bob");
  kept.reset();
  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST(Override, MayOutliveItsApp) {
  std::optional<Override> o;
  {
    App app;
    app.get("/me", greet);
    o = app.override<user_of>(ann);
  }

  o.reset();
}

TEST_F(Overrides, KeepWhatALambdaHasCaptured) {
  const auto name = std::make_shared<std::string>("carla");
  const Override o =
      app.override<user_of>([name, calls = std::make_shared<int>(0)] { return *name + std::to_string(++*calls); });

  EXPECT_EQ(body("/me"), "carla1");
  EXPECT_EQ(body("/me"), "carla2");
}

TEST_F(Overrides, OfOneTypeAreToldApart) {
  const Override user = app.override<user_of>(+[](Depends<key_of> key) { return "u:" + *key; });
  const Override key = app.override<key_of>(+[]() -> std::string { return "k"; });
  app.get("/key", [](Depends<key_of> k, Depends<user_of> u) { return *k + " " + *u; });
  app.start(port.context());
  const Override late = app.override<key_of>(+[]() -> std::string { return "late"; });

  EXPECT_EQ(body("/key"), "late u:late");
}

TEST_F(Overrides, AreNotChained) {  // Rule 36.
  app.get("/bob", [](Depends<bob> name) { return *name; });
  const Override o = app.override<user_of>(bob);
  const Override of_bob = app.override<bob>(ann);

  EXPECT_EQ(body("/me"), "bob");
  EXPECT_EQ(body("/bob"), "ann");
}

TEST_F(Overrides, OfWhatAReplacementTakesAreInForce) {
  const Override o = app.override<user_of>(fake_user);
  const Override below = app.override<name_of>([] { return std::string{"below"}; });

  EXPECT_EQ(body("/me"), "fake below");
}

// --- kinds ----------------------------------------------------------------------------------------------------------

template <FixedString name>
Resource<std::string> yields() {
  journal().write("+");
  std::string value{name.view()};
  const Outcome& outcome = co_yield value;
  write_outcome("r", outcome);
  journal().write("-");
}
std::string plain_text() { return "plain"; }
Task<std::string> task_text() { co_return "task"; }
Task<std::string> late_text() {
  co_await sleep(10ms);
  co_return "late";
}
Result<std::string> result_text() { return std::string{"result"}; }
Result<std::string> no_text() { return HttpError{403, "no text"}; }
Task<Result<std::string>> task_result_text() { co_return std::string{"task result"}; }
SyncResource<std::string> sync_text() {
  std::string value = "sync";
  co_yield value;
}
Resource<Result<std::string>> resource_result_text() {
  Result<std::string> value = std::string{"resource result"};
  co_yield value;
}

template <auto& original>
std::string all_kinds_for(TestApp& test) {
  test.app.get("/", [](Depends<original> text) { return *text; });
  test.app.start(test.port.context());
  std::string all;
  const auto ask = [&](auto replacement) {
    const Override o = test.app.override<original>(std::move(replacement));
    const auto peer = test.begin("/");
    test.run();
    test.port.advance(10ms);
    test.run();
    all.append(all.empty() ? "" : ", ").append(peer->body());
  };
  ask(plain_text);
  ask(task_text);
  ask(late_text);
  ask(result_text);
  ask(task_result_text);
  ask(yields<"resource">);
  ask(sync_text);
  ask(resource_result_text);
  ask(on_loop<plain_text>);
  ask([] { return std::string{"lambda"}; });
  return all;
}
constexpr std::string_view all_kinds =
    "plain, task, late, result, task result, resource, sync, resource result, plain, lambda";

TEST(OverrideKinds, OfAPlainFunction) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<plain_text>(test), all_kinds);
}
TEST(OverrideKinds, OfACoroutine) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<late_text>(test), all_kinds);
}
TEST(OverrideKinds, OfAResult) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<result_text>(test), all_kinds);
}
TEST(OverrideKinds, OfAResource) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<yields<"real">>(test), all_kinds);
}
TEST(OverrideKinds, OfASyncResource) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<sync_text>(test), all_kinds);
}
TEST(OverrideKinds, OfOnLoop) {
  TestApp test;
  EXPECT_EQ(all_kinds_for<on_loop<result_text>>(test), all_kinds);
}

struct Paging {
  Query<"page", int, 1> page;
};
TEST(OverrideKinds, OfMake) {
  TestApp test;
  test.app.get("/", [](Depends<make<Paging>> paging) { return std::to_string(*paging->page); });
  const Override o = test.app.override<make<Paging>>([] {
    static constexpr int page = 9;
    return Paging{Query<"page", int, 1>{page}};
  });

  EXPECT_EQ(test.body("/?page=2"), "9");
}

int one() { return 1; }
TEST(OverrideKinds, AreReadByEveryKindOfParameter) {
  TestApp test;
  test.app.get("/", [](Exclusive<one> alone, After<one>) { return std::to_string(++*alone); });
  test.app.get("/lazy", [](Lazy<one> lazy) -> Task<std::string> {
    const int value = co_await lazy;
    co_return std::to_string(value);
  });
  test.app.get("/try", [](Try<one> tried) { return tried.ok() ? std::to_string(*tried) : tried.error().message(); });
  const Override o = test.app.override<one>([]() -> Resource<int> {
    int value = 5;
    co_yield value;
  });

  EXPECT_EQ(test.body("/"), "6");
  EXPECT_EQ(test.body("/lazy"), "5");
  EXPECT_EQ(test.body("/try"), "5");
  const Override failing = test.app.override<one>([]() -> Result<int> { return HttpError{403, "none"}; });
  EXPECT_EQ(test.body("/try"), "none");
  EXPECT_EQ(test.status("/lazy"), 403);
}

TEST_F(Overrides, TearResourcesDown) {
  const Override o = app.override<user_of>(yields<"r">);

  EXPECT_EQ(body("/me"), "r");
  EXPECT_EQ(journal().take(), "+ -");
}

TEST_F(Overrides, FailAsProvidersDo) {
  const Override o = app.override<user_of>(no_text);

  EXPECT_EQ(status("/me"), 403);
}

void allow() { journal().write("allow"); }
void refuse() { throw HttpError{401, "no"}; }
void needs_body(Body<>) {}
TEST_F(Overrides, ReplaceGuards) {
  app.guard<refuse>();
  app.get("/parameter", [](Guard<one> guard) { return std::to_string(*guard); });
  EXPECT_EQ(status("/other"), 401);

  const Override o = app.override<refuse>(allow);
  const Override of_parameter = app.override<one>([] { return 2; });

  EXPECT_EQ(body("/other"), "other");
  EXPECT_EQ(body("/parameter"), "2");
  EXPECT_EQ(journal().take(), "allow allow");
}

TEST_F(Overrides, AreNamedInTheGraph) {
  app.get("/key", [](Depends<key_of> key) { return *key; });
  const Override o = app.override<user_of>(fixed_user);
  const Override of_key = app.override<key_of>([] { return std::string{}; });

  const std::string before = unqualified(app.graph().text());
  app.start(port.context());

  EXPECT_NE(before.find("fixed_user for user_of"), std::string::npos) << before;
  EXPECT_NE(before.find("an override of key_of"), std::string::npos) << before;
  EXPECT_EQ(unqualified(app.graph().text()), before);
}

// --- decorate -------------------------------------------------------------------------------------------------------

TEST_F(Overrides, DecorateWhatIsThere) {  // Rule 36.
  const Override o = app.decorate<user_of>([](Original<user_of> user) { return "<" + *user + ">"; });

  EXPECT_EQ(body("/me?real=1"), "<user of real key 1>");
  EXPECT_EQ(journal().take(), "user_of");
}

TEST_F(Overrides, DecorateTheRealOneAndNoOtherDecorator) {
  const Override first = app.decorate<user_of>([](Original<user_of> user) { return "<" + *user + ">"; });
  const Override second = app.decorate<user_of>([](Original<user_of> user) { return "(" + *user + ")"; });
  const Override below = app.override<key_of>([] { return std::string{"key"}; });

  EXPECT_EQ(body("/me"), "(user of key)");
}

TEST_F(Overrides, DecorateResources) {
  app.get("/r", [](Depends<yields<"r">> text) { return *text; });
  const Override o = app.decorate<yields<"r">>([](Original<yields<"r">> text) -> Resource<std::string> {
    journal().write("d+");
    std::string value = "d" + *text;
    co_yield value;
    journal().write("d-");
  });

  EXPECT_EQ(body("/r"), "dr");
  EXPECT_EQ(journal().take(), "+ d+ d- -");
}

// --- what is refused ------------------------------------------------------------------------------------------------

int unknown() { return 1; }
TEST_F(Overrides, OfWhatNoRouteTakesAreRefused) {  // Rule 36.
  app.start(port.context());

  EXPECT_EQ(refusal<unknown>([] { return 2; }),
            "umbel: this cannot be overridden:\n  an override of unknown: no route takes it");
  EXPECT_EQ(body("/me?real=1"), "user of real key 1") << "nothing has changed";
}

TEST_F(Overrides, OfWhatNoRouteTakesStopTheStart) {
  const Override o = app.override<unknown>([] { return 2; });

  EXPECT_EQ(refusal_of_start(), "umbel: the application cannot start:\n  an override of unknown: no route takes it");
}

TEST_F(Overrides, OfWhatIsTakenOnTheLoopSayWhatToOverride) {
  app.get("/ann", [](Depends<on_loop<ann>> name) { return *name; });
  app.start(port.context());

  EXPECT_EQ(refusal<ann>(bob),
            "umbel: this cannot be overridden:\n  an override of ann: what routes take is made of it, by on_loop or "
            "provider, "
            "and is a provider of its own: override that");
}

TEST_F(Overrides, OfWhatAnotherOverrideHidesAreAllowed) {
  app.start(port.context());
  std::optional<Override> above = app.override<user_of>(ann);
  const Override below = app.override<key_of>([] { return std::string{"key"}; });
  EXPECT_EQ(body("/me"), "ann");

  above.reset();

  EXPECT_EQ(body("/me"), "user of key");
}

TEST_F(Overrides, ThatMissAStateAreRefusedAndChangeNothing) {
  app.start(port.context());

  EXPECT_EQ(refusal<user_of>([](State<int>) { return std::string{}; }),
            "umbel: this cannot be overridden:\n  GET /me -> handler -> an override of user_of -> State<int>: the "
            "application has no such state; give it with app.state(...)");
  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST_F(Overrides, ThatMissAPathAreRefused) {
  app.get("/users/{id}", greet);
  app.start(port.context());

  const std::string words = refusal<user_of>([](Path<"id"> id) { return std::string{*id}; });

  EXPECT_EQ(words,
            "umbel: this cannot be overridden:\n  GET /me -> handler -> an override of user_of: it takes Path<\"id\">, "
            "which the route's template does not have");
}

std::string long_way_round(Depends<user_of> user) { return *user; }
TEST_F(Overrides, ThatLeadBackToThemselvesAreRefused) {
  app.start(port.context());

  EXPECT_EQ(refusal<user_of>([](Depends<long_way_round> user) { return *user; }),
            "umbel: this cannot be overridden:\n  GET /me -> handler -> an override of user_of -> long_way_round -> an "
            "override of user_of: it stands in for what it needs itself, here or further down; a decorator takes "
            "Original<f>");
  EXPECT_EQ(body("/me?real=1"), "user of real key 1");
}

TEST_F(Overrides, ThatOnlyTogetherLeadBackAreRefused) {
  app.get("/long", [](Depends<long_way_round> user) { return *user; });
  app.start(port.context());
  const Override o = app.override<user_of>([](Depends<key_of> key) { return *key; });

  EXPECT_NE(refusal<key_of>([](Depends<long_way_round> user) { return *user; }).find("stands in for what it needs"),
            std::string::npos);
  EXPECT_EQ(body("/long?real=1"), "real key 1");
}

Resource<int> for_request(Depends<user_of>) {
  int value = 1;
  co_yield value;
}
TEST_F(Overrides, ThatLiveShorterThanWhatTakesThemAreRefused) {  // Rule 36.
  app.get("/long", [](Depends<for_request, Lifetime::request> value) { return std::to_string(*value); });
  app.start(port.context());

  EXPECT_EQ(refusal<user_of>(yields<"short">),
            "umbel: this cannot be overridden:\n  GET /long -> handler -> for_request: it outlives what it uses: "
            "an override of user_of");
  const Override o = app.override<user_of>(ann);
  EXPECT_EQ(body("/long"), "1");
}

TEST_F(Overrides, OfGuardsThatTakeTheBodyAreRefused) {
  app.post("/", [](Guard<refuse>, Body<> text) { return std::string{*text}; });
  app.start(port.context());

  EXPECT_EQ(refusal<refuse>(needs_body),
            "umbel: this cannot be overridden:\n  POST / -> an override of refuse: guards run before the body is read, "
            "and it takes the body");
}

// --- what requests share --------------------------------------------------------------------------------------------

Resource<std::string> open_db() {
  journal().write("db+");
  std::string value = "db";
  co_yield value;
  journal().write("db-");
}
inline constexpr auto db = provider<open_db>.lifetime(Lifetime::app);
std::string table_of() { return "table"; }
Resource<std::string> open_cache(Depends<db> d, Depends<table_of> table) {
  journal().write("cache+");
  std::string value = "cache of " + *d + "/" + *table;
  co_yield value;
  journal().write("cache-");
}
inline constexpr auto cache = provider<open_cache>.lifetime(Lifetime::loop);

Resource<std::string> open_fake() {
  journal().write("fake+");
  std::string value = "fake";
  co_yield value;
  journal().write("fake-");
}

class SharedOverrides : public Overrides {
protected:
  SharedOverrides() {
    app.get("/db", [](Depends<db> d) { return *d; });
    app.get("/cache", [](Depends<cache> c) { return *c; });
  }
  ~SharedOverrides() override {
    struct Closed : Notice {
      Closed() noexcept : Notice([](Notice&, const Error*) noexcept {}) {}
    } closed;
    app.close(port.context(), closed);
    run();
  }
};

TEST_F(SharedOverrides, BeforeTheStartAreMadeInPlaceOfTheRealOnes) {
  {
    const Override o = app.override<db>(open_fake);
    Engine engine{app, port.context()};
    run();
    EXPECT_EQ(journal().take(), "fake+ cache+");
    EXPECT_EQ(body("/db") + ", " + body("/cache"), "fake, cache of fake/table");
    EXPECT_EQ(journal().take(), "");
  }
  run();

  EXPECT_EQ(journal().take(), "cache- fake-");
}

TEST_F(SharedOverrides, BeforeTheStartStayForGood) {
  std::optional<Override> o = app.override<db>(open_fake);
  EXPECT_EQ(body("/db"), "fake");

  o.reset();

  EXPECT_EQ(body("/db"), "fake");
}

TEST_F(SharedOverrides, BeforeTheStartHoldForWhatIsKept) {
  app.keep<db>();
  const Override o = app.override<db>([] { return std::string{"plain"}; });

  EXPECT_EQ(body("/db") + ", " + body("/cache"), "plain, cache of plain/table");
  EXPECT_EQ(journal().take(), "cache+");
}

TEST_F(SharedOverrides, AfterTheStartAreMadePerRequestAndLeaveWhatIsThere) {
  EXPECT_EQ(body("/cache"), "cache of db/table");
  EXPECT_EQ(journal().take(), "db+ cache+");

  std::optional<Override> o = app.override<db>(open_fake);

  EXPECT_EQ(body("/db") + ", " + body("/cache"), "fake, cache of db/table");
  EXPECT_EQ(journal().take(), "fake+ fake-");
  o.reset();
  EXPECT_EQ(body("/db"), "db");
}

TEST_F(SharedOverrides, AfterTheStartMayTakeWhatRequestsBring) {
  app.start(port.context());
  const Override o = app.override<db>([](Query<"db"> name) { return std::string{*name}; });

  EXPECT_EQ(body("/db?db=mine"), "mine");
}

TEST_F(SharedOverrides, MayBeDecorated) {
  app.start(port.context());
  const Override o = app.decorate<db>([](Original<db> real) { return "<" + *real + ">"; });

  EXPECT_EQ(body("/db"), "<db>");
}

TEST_F(SharedOverrides, MayBeDecoratedBeforeTheStart) {
  const Override o = app.decorate<db>([](Original<db> real) { return "<" + *real + ">"; });

  EXPECT_EQ(body("/cache"), "cache of <db>/table");
  const Override late = app.decorate<db>([](Original<db> real) { return "(" + *real + ")"; });
  EXPECT_EQ(body("/db"), "(db)");
}

TEST_F(SharedOverrides, ThatTakeWhatRequestsBringStopTheStart) {
  const Override o = app.override<table_of>([](Query<"table"> name) { return std::string{*name}; });

  EXPECT_EQ(refusal_of_start(),
            "umbel: the application cannot start:\n  loop -> all -> cache -> an override of table_of: requests share "
            "what it is part of, so that it cannot take what only a request brings");
}

TEST_F(SharedOverrides, ThatLiveShorterStopTheStart) {
  const Override o = app.override<table_of>(yields<"table">);

  EXPECT_EQ(refusal_of_start(),
            "umbel: the application cannot start:\n  loop -> all -> cache: it outlives what it uses: an override of "
            "table_of");
}

TEST_F(SharedOverrides, OfWhatOnlyTheyTakeComeTooLateAfterTheStart) {
  app.start(port.context());

  EXPECT_EQ(refusal<table_of>([] { return std::string{"new"}; }),
            "umbel: this cannot be overridden:\n  an override of table_of: only what requests share takes it, which is "
            "the App's, and made at its start: override it before, and in the App");
}

inline constexpr auto shared_fake = provider<open_fake>.lifetime(Lifetime::app);
TEST_F(SharedOverrides, ThatWouldBeSharedFitOnlyBeforeTheStartAndOnlyTheirLike) {
  EXPECT_EQ(refusal<user_of>(shared_fake),
            "umbel: open_fake for user_of: requests would share it, and here it is made for each of them");
  const Override o = app.override<db>(shared_fake);
  EXPECT_EQ(body("/cache"), "cache of fake/table");
  EXPECT_EQ(refusal<db>(shared_fake),
            "umbel: open_fake for db: requests would share it, and here it is made for each of them");
}

// --- requests in flight, and reuse ----------------------------------------------------------------------------------

TEST_F(Overrides, DoNotTouchRequestsInFlight) {
  app.get("/late", [](Depends<late_text> text, Depends<user_of> user) -> Task<std::string> {
    co_await sleep(10ms);
    co_return *text + " " + *user;
  });
  const auto real = begin("/late?real=1");
  std::optional<Override> o = app.override<user_of>([name = std::make_unique<std::string>("ann")] { return *name; });
  const auto fake = begin("/late");
  o.reset();

  for (int i = 0; i < 2; ++i) {
    run();
    port.advance(10ms);
  }
  run();

  EXPECT_EQ(real->body(), "late user of real key 1");
  EXPECT_EQ(fake->body(), "late ann");
  EXPECT_EQ(begin("/late")->status(), 422);
}

/// Counts how often plans are compiled: each asks its observer once.
class CountingObserver : public Observer {
public:
  Duration blocked_after() const noexcept override {
    ++plans;
    return {};
  }
  mutable int plans = 0;
};

TEST_F(Overrides, PlanOnlyTheRoutesThatTakeItAndEachOnce) {  // Rule 36.
  CountingObserver observer;
  app.observe(observer);
  app.get("/key", [](Depends<key_of> key) { return *key; });
  app.start(port.context());
  observer.plans = 0;

  std::optional<Override> user = app.override<user_of>(ann);
  EXPECT_EQ(observer.plans, 1) << "GET /me";
  std::optional<Override> key = app.override<key_of>(bob);
  EXPECT_EQ(observer.plans, 2) << "GET /key; /me does not take it now";
  key.reset();
  user.reset();
  EXPECT_EQ(observer.plans, 2) << "what was there before is there again";
}

struct Missing {
  int value = 1;
};
std::string needs_missing(State<Missing>) { return "state"; }
TEST_F(Overrides, StandInForWhatCannotWorkHereWhichFailsWhenTheyAreGone) {
  app.get("/missing", [](Depends<needs_missing> text) { return *text; });
  std::optional<Override> o = app.override<needs_missing>(ann);
  Engine engine{app, port.context()};
  auto task = [](Engine& e) -> Task<std::string> { co_return co_await e.call<needs_missing>(); };
  EXPECT_EQ(body("/missing"), "ann");
  Started<std::string> before{port, task(engine)};
  run();
  EXPECT_EQ(before.result().value(), "ann");

  o.reset();

  EXPECT_EQ(status("/missing"), 500);
  EXPECT_EQ(body("/other"), "other");
  Started<std::string> after{port, task(engine)};
  run();
  EXPECT_THROW(after.result().value(), StartError);
  o = app.override<needs_missing>(bob);
  EXPECT_EQ(body("/missing"), "bob");
}

// --- calls ----------------------------------------------------------------------------------------------------------

Task<std::string> call_user(Engine& engine) {
  OwnedRequest request{Method::get, "/?real=1"};
  co_return co_await engine.call<user_of>(request.view());
}

TEST_F(Overrides, HoldForCalls) {
  Engine engine{app, port.context()};
  const auto call = [&] {
    Started<std::string> started{port, call_user(engine)};
    run();
    return started.result().value();
  };
  EXPECT_EQ(call(), "user of real key 1");
  {
    const Override o = app.override<user_of>(yields<"resource">);
    EXPECT_EQ(call(), "resource");
  }
  EXPECT_EQ(call(), "user of real key 1");
  const Override below = app.override<key_of>([] { return std::string{"key"}; });
  EXPECT_EQ(call(), "user of key");
}

TEST_F(Overrides, HoldForErrorMappers) {
  app.on_error<std::runtime_error>([](const std::runtime_error&, Depends<bob> name) { return Response::text(*name); });
  app.get("/fails", [] { throw std::runtime_error{"x"}; });
  EXPECT_EQ(body("/fails"), "bob");
  {
    const Override o = app.override<bob>(ann);
    EXPECT_EQ(body("/fails"), "ann");
  }
  EXPECT_EQ(body("/fails"), "bob");
}

TEST(Override, OfAnythingIsAllowedWhereThereIsNoRoute) {
  TestApp test;
  const Override o = test.app.override<user_of>(ann);
  Engine engine{test.app, test.port.context()};

  Started<std::string> started{test.port, call_user(engine)};
  test.run();

  EXPECT_EQ(started.result().value(), "ann");
}

// --- sets -----------------------------------------------------------------------------------------------------------

TEST_F(Overrides, OfASetHoldForWhatAsksTheSet) {
  OverrideSet set{app};
  set.override<user_of>(ann).decorate<key_of>([](Original<key_of> key) { return *key; });
  auto through_set = connect("/me");
  auto direct = connect("/me?real=1");

  through_set->ask(set);
  direct->ask(app);
  run();

  EXPECT_EQ(through_set->body(), "ann");
  EXPECT_EQ(direct->body(), "user of real key 1");
}

class OverrideSets : public Overrides {
protected:
  std::string body_from(Service& service, std::string target) {
    auto peer = connect(std::move(target));
    peer->ask(service);
    run();
    return peer->body();
  }
};

TEST_F(OverrideSets, ComeOnTopOfWhatTheAppOverrides) {
  app.start(port.context());
  OverrideSet set{app};
  std::optional<Override> key = app.override<key_of>([] { return std::string{"key"}; });
  EXPECT_EQ(body_from(set, "/me"), "user of key") << "it is empty";

  set.override<user_of>([](Depends<key_of> k) { return "set " + *k; });
  EXPECT_EQ(body_from(set, "/me"), "set key");
  EXPECT_EQ(body("/me"), "user of key");
  key.reset();
  EXPECT_EQ(body_from(set, "/me?real=2"), "set real key 2");
  key = app.override<key_of>(bob);
  EXPECT_EQ(body_from(set, "/me"), "set bob");
  const Override user = app.override<user_of>(ann);
  EXPECT_EQ(body_from(set, "/me"), "set bob");
  EXPECT_EQ(body("/me"), "ann");
}

TEST_F(OverrideSets, GoThroughWhatIsAroundTheApp) {
  app.around([](const Request& request, Next next) -> Task<Response> {
    Response response = co_await next(request);
    response.header("x-around", "yes");
    co_return response;
  });
  OverrideSet set{app};
  set.override<user_of>(ann);
  auto peer = connect("/me");

  peer->ask(set);
  run();

  EXPECT_EQ(peer->body(), "ann");
  EXPECT_EQ(peer->header("x-around"), "yes");
}

TEST_F(OverrideSets, AnswerHeadAndWhatIsUnknown) {
  app.get("/text", [](Depends<ann> name) { return *name; });
  OverrideSet set{app};
  set.override<ann>(bob);
  auto head = connect(OwnedRequest{Method::head, "/text"});
  auto none = connect("/none");

  head->ask(set);
  none->ask(set);
  run();

  EXPECT_EQ(head->body(), "bob");
  EXPECT_EQ(none->status(), 404);
}

TEST_F(OverrideSets, LeaveMountedAppsAsTheyAre) {
  App inner;
  inner.get("/me", [](Depends<ann> name) { return *name; });
  app.mount("/inner", inner);
  OverrideSet outer{app};
  outer.override<user_of>(bob);
  OverrideSet of_inner{inner};
  of_inner.override<ann>(bob);

  EXPECT_EQ(body_from(outer, "/inner/me"), "ann");
  EXPECT_EQ(body_from(of_inner, "/me"), "bob");
}

TEST_F(OverrideSets, RefuseWhatDoesNotFit) {
  app.start(port.context());
  OverrideSet set{app};
  set.override<user_of>(ann);

  EXPECT_THROW(set.override<unknown>([] { return 2; }), StartError);
  EXPECT_THROW(set.override<user_of>([](State<int>) { return std::string{}; }), StartError);
  EXPECT_EQ(body_from(set, "/me"), "ann");
}

TEST_F(OverrideSets, StopTheStartIfTheyDoNotFit) {
  OverrideSet set{app};
  set.override<user_of>([](State<int>) { return std::string{}; });

  EXPECT_EQ(refusal_of_start(),
            "umbel: the application cannot start:\n  GET /me -> handler -> an override of user_of -> State<int>: the "
            "application has no such state; give it with app.state(...)");
}

TEST_F(OverrideSets, MayGoWhileTheirRequestsAreInFlight) {
  std::unique_ptr<Peer> peer;
  {
    OverrideSet set{app};
    set.override<user_of>(late_text);
    peer = connect("/me");
    peer->ask(set);
    run();
  }
  const Override o = app.override<key_of>(ann);

  port.advance(10ms);
  run();

  EXPECT_EQ(peer->body(), "late");
}

TEST_F(SharedOverrides, OfASetAreMadePerRequest) {
  OverrideSet set{app};
  set.override<db>(open_fake);
  auto peer = connect("/db");
  peer->ask(set);
  run();

  EXPECT_EQ(peer->body(), "fake");
  EXPECT_EQ(body("/db"), "db");
  EXPECT_EQ(journal().take(), "db+ cache+ fake+ fake-");
}

// --- threads --------------------------------------------------------------------------------------------------------

TEST(OverrideThreads, InstallWhileAnotherServes) {
  App app;
  app.get("/me", greet);
  app.get("/other", other);
  OverrideSet set{app};
  std::atomic<bool> is_over{false};
  std::atomic<int> served{0};
  std::atomic<int> wrong{0};
  std::thread server{[&] {
    ThreadPool pool{{.threads = 1}};
    BlockingPort port{pool};
    Engine engine{app, port.context()};
    auto ask = [](Engine& e) -> Task<std::string> {
      OwnedRequest request{Method::get, "/me?real=1"};
      Response response = co_await e.handle(request.view());
      std::string called = co_await e.call<user_of>(request.view());
      co_return std::string{response.body()} + "|" + called;
    };
    while (!is_over) {
      const std::string got = port.run(ask(engine));
      for (const std::string_view part : {got.substr(0, got.find('|')), got.substr(got.find('|') + 1)}) {
        if (part != "user of real key 1" && part != "ann" && part != "user of k") ++wrong;
      }
      ++served;
    }
  }};
  while (served < 3) std::this_thread::yield();

  for (int i = 0; i < 50; ++i) {
    const Override user = app.override<user_of>([name = std::string{"ann"}] { return name; });
    set.override<key_of>(ann);
    const int before = served;
    while (served == before) std::this_thread::yield();
    const Override key = app.override<key_of>([] { return std::string{"k"}; });
  }
  is_over = true;
  server.join();

  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace umbel::test
