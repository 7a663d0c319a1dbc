// SPDX-License-Identifier: MIT
#include "umbel/di/health.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/observer.hpp"
#include "umbel/di/provide.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

struct Ignored : Notice {
  Ignored() noexcept : Notice([](Notice&, const Error*) noexcept {}) {}
};

inline constexpr auto& open_pool = slow_resource<"pool", 10>;
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);

bool database_is_there = true;
Task<void> database_answers(Depends<pool>) {
  if (!database_is_there) throw HttpError{503, "no database"};
  co_return;
}
void disk_has_room() {}

class Health : public ::testing::Test, public TestApp {
protected:
  Health() {
    journal().take();
    database_is_there = true;
    app.get("/livez", livez);
    app.get("/readyz", readyz);
  }
  void open() {
    app.start(port.context());
    app.open(port.context(), ignored_);
  }
  void close() {
    app.close(port.context(), ignored_);
    port.advance(20ms);
  }
  std::string ask_both() {
    const auto live = ask("/livez"), ready = ask("/readyz");
    return std::to_string(live->status()) + " " + live->body() + " " + std::to_string(ready->status()) + " " +
           ready->body();
  }
  Ignored ignored_;
};

TEST_F(Health, FollowsTheAppsTransports) {
  open();
  EXPECT_EQ(ask_both(), R"(200 {"status":"alive"} 200 {"status":"ready"})");
  app.draining(port.context());
  EXPECT_EQ(ask_both(), R"(200 {"status":"alive"} 503 {"status":"draining"})");
  close();
}

TEST_F(Health, IsNotToBeCached) {
  open();
  EXPECT_EQ(ask("/readyz")->header("cache-control"), "no-store");
  EXPECT_EQ(ask(OwnedRequest{Method::head, "/livez"})->status(), 200);
  close();
}

TEST_F(Health, IsAnsweredWhileTheAppOpens) {
  app.get("/", [](Depends<pool> p) { return std::to_string(*p); });
  open();

  EXPECT_EQ(ask_both(), R"(200 {"status":"alive"} 503 {"status":"starting"})");
  EXPECT_EQ(ask(OwnedRequest{Method::head, "/livez"})->status(), 200);
  const auto other = begin("/");
  const auto unknown = begin("/nowhere");
  EXPECT_EQ(other->replies() + unknown->replies(), 0u) << "what is no such question waits";
  port.advance(10ms);
  run();

  EXPECT_EQ(ask_both(), R"(200 {"status":"alive"} 200 {"status":"ready"})");
  EXPECT_EQ(other->body(), "7");
  EXPECT_EQ(unknown->status(), 404);
  close();
}

TEST_F(Health, OfAMountedAppFollowsThoseOfTheOneAroundIt) {
  TestApp outer;
  outer.app.mount("/inner", app);
  outer.app.start(outer.port.context());
  outer.app.open(outer.port.context(), ignored_);

  EXPECT_EQ(outer.body("/inner/readyz"), R"({"status":"ready"})");
  outer.app.draining(outer.port.context());
  EXPECT_EQ(outer.body("/inner/readyz"), R"({"status":"draining"})");
  EXPECT_EQ(outer.status("/inner/livez"), 200);
  outer.app.close(outer.port.context(), ignored_);
}

TEST_F(Health, TriesTheChecksThatItIsGiven) {
  app.get("/ready", readyz_if<database_answers, on_loop<disk_has_room>>);
  open();
  EXPECT_EQ(ask("/ready")->body(), R"({"status":"starting"})") << "before what a check needs is there";
  port.advance(10ms);
  run();
  EXPECT_EQ(ask("/ready")->status(), 200);

  database_is_there = false;
  const auto failing = ask("/ready");
  EXPECT_EQ(failing->status(), 503);
  EXPECT_NE(failing->body().find(R"({"status":"failing","failed":[")"), std::string::npos) << failing->body();
  EXPECT_NE(failing->body().find("database_answers"), std::string::npos);
  EXPECT_EQ(failing->body().find("no database"), std::string::npos) << "it tells no strangers why";
  EXPECT_EQ(ask("/readyz")->status(), 200);

  app.draining(port.context());
  EXPECT_NE(ask("/ready")->body().find(R"("status":"draining")"), std::string::npos);
  close();
}

TEST_F(Health, MayBeRefusedByAGuard) {
  static constexpr auto refuse = [] { throw HttpError{401}; };
  app.get("/guarded", readyz, {.guards = guards<refuse>});
  open();
  EXPECT_EQ(ask("/guarded")->status(), 401);
  close();
}

}  // namespace
}  // namespace umbel::test
