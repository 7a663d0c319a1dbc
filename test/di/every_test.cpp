// SPDX-License-Identifier: MIT
#include "umbel/di/every.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/sleep.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Everys : public ::testing::Test, public TestApp {
protected:
  Everys() { journal().take(); }
  void TearDown() override { port.run(); }  // What was asked to stop ends in a turn of the loop.
  Engine engine{app, port.context()};
};

constexpr auto& session = resource<"s">;
Task<void> tick(Depends<session>) {
  journal().write("tick");
  co_return;
}

TEST_F(Everys, CallWithAScopeOfItsOwn) {  // Rule 37.
  const Every<tick> ticking{engine, 10ms};

  port.advance(9ms);
  EXPECT_EQ(journal().take(), "");
  port.advance(1ms);
  EXPECT_EQ(journal().take(), "s+ tick s-");
  port.advance(10ms);
  EXPECT_EQ(journal().take(), "s+ tick s-");
}

TEST_F(Everys, EndWithTheirLife) {
  std::optional<Every<tick>> ticking;
  ticking.emplace(engine, 10ms);
  ticking.reset();
  port.advance(20ms);
  EXPECT_EQ(journal().take(), "");
}

Task<void> slow_tick(Depends<session>) {
  journal().write("begin");
  co_await sleep(25ms);
  journal().write("end");
}

TEST_F(Everys, SkipWhatTheyHaveMissed) {
  const Every<slow_tick> ticking{engine, 10ms};

  port.advance(10ms);
  port.advance(20ms);
  EXPECT_EQ(journal().take(), "s+ begin");  // At 10.
  port.advance(5ms);
  EXPECT_EQ(journal().take(), "end s-");  // At 35: 20 and 30 are gone.
  port.advance(4ms);
  EXPECT_EQ(journal().take(), "");
  port.advance(1ms);
  EXPECT_EQ(journal().take(), "s+ begin");
  port.advance(25ms);
}

TEST_F(Everys, StopWhatIsUnderWay) {
  std::optional<Every<slow_tick>> ticking;
  ticking.emplace(engine, 10ms);
  port.advance(10ms);

  ticking.reset();
  port.run();
  EXPECT_EQ(journal().take(), "s+ begin s!cancelled s-");
}

Task<int> fails() {
  throw std::runtime_error{"no luck"};
  co_return 1;
}

TEST_F(Everys, TellOfAFailureAndGoOn) {
  std::string heard;
  const Every<fails> failing{engine, 10ms, [&](const Error& error) { heard += error.message() + ";"; }};

  port.advance(10ms);
  port.advance(10ms);
  EXPECT_EQ(heard, "no luck;no luck;");
}

Task<void> of_a_path(Path<"id", int>) { co_return; }

TEST_F(Everys, RefuseWhatNeedsARoute) { EXPECT_THROW((Every<of_a_path>{engine, 10ms}), StartError); }

TEST_F(Everys, MayNeverCome) {
  std::optional<Every<tick>> ticking;
  ticking.emplace(engine, Duration::max());

  port.advance(1h);
  ticking.reset();
  port.run();
  EXPECT_EQ(journal().take(), "");
}

}  // namespace
}  // namespace umbel::test
