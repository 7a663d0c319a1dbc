// SPDX-License-Identifier: MIT
// What lives as long as the App or a Context: provider<f>.lifetime(Lifetime::app) and loop.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/spawn.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/provide.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// Hears of an opening or a closing.
class Told : public Notice {
public:
  Told() noexcept : Notice(hear) {}
  int times = 0;
  std::string error;

private:
  static void hear(Notice& notice, const Error* error) noexcept {
    auto& told = static_cast<Told&>(notice);
    ++told.times;
    if (error) told.error = unqualified(error->message());
  }
};

class SharedLife : public ::testing::Test, public TestApp {
protected:
  SharedLife() { journal().take(); }
  void TearDown() override {
    Told told;
    app.close(port.context(), told);
    run();
    port.advance(10ms);
    run();
    EXPECT_EQ(told.times, 1);
  }
};

inline constexpr auto& open_pool = resource<"pool">;
inline constexpr auto pool = provider<open_pool>.lifetime(Lifetime::app);
inline constexpr auto& open_cache = resource<"cache", pool>;
inline constexpr auto cache = provider<open_cache>.lifetime(Lifetime::app);
inline constexpr auto& open_client = slow_resource<"client", 10, pool>;
inline constexpr auto client = provider<open_client>.lifetime(Lifetime::loop);
inline constexpr auto& session = resource<"s", client>;

Task<std::string> uses_all(Depends<session>, Depends<cache> c, Depends<client> l) {
  journal().write("h");
  co_return std::to_string(*c + *l);
}

TEST_F(SharedLife, IsMadeBeforeTheFirstRequestAndEndsAfterTheLast) {  // Rule 24.
  app.get("/", uses_all);
  Told opened, closed;
  app.start(port.context());

  app.open(port.context(), opened);
  port.advance(10ms);
  EXPECT_EQ(opened.times, 1);
  EXPECT_EQ(journal().take(), "pool+ cache+ client+");
  EXPECT_EQ(body("/"), "14");
  EXPECT_EQ(body("/"), "14");
  EXPECT_EQ(journal().take(), "s+ h s- s+ h s-");
  app.close(port.context(), closed);
  port.advance(10ms);

  EXPECT_EQ(closed.times, 1);
  EXPECT_EQ(journal().take(), "client- cache- pool-");
}

TEST_F(SharedLife, KeepsRequestsWaitingUntilItIsThere) {  // Rule 24.
  app.get("/", uses_all);

  const auto first = begin("/");
  const auto second = begin("/");
  EXPECT_EQ(first->replies(), 0u);
  port.advance(10ms);

  EXPECT_EQ(first->body(), "14");
  EXPECT_EQ(second->body(), "14");
  EXPECT_EQ(journal().take(), "pool+ cache+ client+ s+ h s- s+ h s-");
}

TEST_F(SharedLife, OfTheAppIsOneForAllContexts) {  // Rule 24; of a Context, one for each.
  app.get("/", uses_all);
  testing::ManualPort other;
  Told opened, also_opened, closed, also_closed;
  app.start(port.context());

  app.open(port.context(), opened);
  app.open(other.context(), also_opened);
  port.run();
  other.run();
  port.advance(10ms);
  other.advance(10ms);
  EXPECT_EQ(opened.times + also_opened.times, 2);
  EXPECT_EQ(journal().take(), "pool+ cache+ client+ client+");

  app.close(port.context(), closed);
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "client-");
  app.close(other.context(), also_closed);
  other.advance(10ms);
  EXPECT_EQ(closed.times + also_closed.times, 2);
  EXPECT_EQ(journal().take(), "client- cache- pool-");
}

TEST_F(SharedLife, StartsAgain) {
  app.get("/", uses_all);
  Told told;
  app.start(port.context());
  for (int i = 0; i < 2; ++i) {
    app.open(port.context(), told);
    port.advance(10ms);
    app.close(port.context(), told);
    port.advance(10ms);
  }

  EXPECT_EQ(told.times, 4);
  EXPECT_EQ(journal().take(), "pool+ cache+ client+ client- cache- pool- pool+ cache+ client+ client- cache- pool-");
}

inline constexpr auto& breaks = failing_resource<"broken", 500, pool>;
inline constexpr auto broken = provider<breaks>.lifetime(Lifetime::app);
Task<std::string> uses_broken(Depends<broken>) { co_return "never"; }

TEST_F(SharedLife, ThatFailsToStartTellsItsNameAndIsUndone) {  // Rule 24.
  app.get("/", uses_broken);
  Told opened;
  app.start(port.context());
  app.open(port.context(), opened);
  run();

  EXPECT_EQ(opened.times, 1);
  EXPECT_NE(opened.error.find("the application cannot start: broken"), std::string::npos) << opened.error;
  EXPECT_EQ(journal().take(), "pool+ broken+ pool!500 pool-");
}

inline constexpr auto& open_store = resource<"store">;
inline constexpr auto store = provider<open_store>.lifetime(Lifetime::app);
Task<std::string> uses_store(Depends<store>) { co_return "store"; }

TEST_F(SharedLife, OfMountedAppsEndsIfOneOfThemFails) {  // Each set-up has one tear-down.
  App sound, failing;
  app.get("/", uses_store);
  app.mount("/sound", sound);
  app.mount("/failing", failing);
  sound.get("/", uses_store);
  failing.get("/", uses_broken);
  Told opened;
  app.start(port.context());

  app.open(port.context(), opened);
  run();

  EXPECT_EQ(opened.times, 1);
  EXPECT_NE(opened.error.find("broken"), std::string::npos) << opened.error;
  EXPECT_EQ(journal().take(), "store+ pool+ broken+ pool!500 pool- store+ store- store-");
}

inline constexpr auto& open_late = slow_resource<"late", 10>;
inline constexpr auto late = provider<open_late>.lifetime(Lifetime::app);
Task<std::string> uses_late(Depends<late>) { co_return "late"; }

TEST_F(SharedLife, OfMountedAppsIsNobodysBeforeAllAreOpen) {
  App sound, slow;
  app.get("/", uses_store);
  app.mount("/sound", sound);
  app.mount("/slow", slow);
  sound.get("/", uses_store);
  slow.get("/", uses_late);
  Told opened, closed;
  app.start(port.context());

  app.open(port.context(), opened);
  const auto own = begin("/");
  const auto mounted = begin("/sound");
  run();
  EXPECT_EQ(own->replies() + mounted->replies(), 0u);
  port.advance(10ms);

  EXPECT_EQ(opened.times, 1);
  EXPECT_EQ(own->body() + mounted->body(), "storestore");
  app.close(port.context(), closed);
  port.advance(10ms);
  run();
  EXPECT_EQ(closed.times, 1);
}

inline constexpr auto& breaks_late = failing_resource<"broken", 500, late>;
inline constexpr auto broken_late = provider<breaks_late>.lifetime(Lifetime::app);
Task<std::string> uses_broken_late(Depends<broken_late>) { co_return "never"; }

TEST_F(SharedLife, OfMountedAppsIsRefusedToThoseWhoWaitIfOneOfThemFails) {
  App sound, failing;
  app.mount("/sound", sound);
  app.mount("/failing", failing);
  sound.get("/", uses_store);
  failing.get("/", uses_broken_late);
  Told opened;
  app.start(port.context());

  app.open(port.context(), opened);
  const auto waiting = begin("/sound");
  run();
  EXPECT_EQ(waiting->replies(), 0u);
  port.advance(10ms);
  port.advance(10ms);
  run();

  EXPECT_EQ(waiting->status(), 503);
  EXPECT_EQ(opened.times, 1);
  EXPECT_EQ(journal().take(), "store+ late+ broken+ late!500 late- store-");
}

TEST_F(SharedLife, ThatFailsToStartAnswers503) {
  app.get("/", uses_broken);

  EXPECT_EQ(status("/"), 503);
}

int read_settings() {
  journal().write("settings");
  return 3;
}
inline constexpr auto settings = provider<read_settings>.lifetime(Lifetime::app);
int twice(Depends<settings> s) { return 2 * *s; }
inline constexpr auto doubled = provider<twice>.lifetime(Lifetime::app);
std::string shows(Depends<doubled> d, Depends<settings> s) { return std::to_string(*d + *s); }

TEST_F(SharedLife, IsForAnyKindOfNode) {
  app.get("/", shows);

  EXPECT_EQ(body("/"), "9");
  EXPECT_EQ(body("/"), "9");
  EXPECT_EQ(journal().take(), "settings");
}

int reads_doubled(Depends<doubled> d, Depends<settings>) { return *d; }
Task<int> ask_engine(Engine& engine) { co_return co_await engine.call<reads_doubled>(); }

TEST_F(SharedLife, ServesAnEngineThatCalls) {
  app.keep<doubled>();
  int result = 0;
  {
    Engine engine{app, port.context()};
    spawn(port.context(), ask_engine(engine), [&](Result<int> made) noexcept { result = made.ok() ? *made : -1; });
    run();
  }
  run();

  EXPECT_EQ(result, 6);
}

TEST_F(SharedLife, ThatNothingTakesIsNotThereForACall) {
  app.get("/", [] {});
  Engine engine{app, port.context()};

  EXPECT_THROW(static_cast<void>(engine.call<reads_doubled>()), StartError);
}

}  // namespace
}  // namespace umbel::test
