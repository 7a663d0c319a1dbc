// SPDX-License-Identifier: MIT
#include "umbel/di/readiness.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/override_set.hpp"
#include "umbel/di/provide.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

struct Ignored : Notice {
  Ignored() noexcept : Notice([](Notice&, const Error*) noexcept {}) {}
};

/// What a transport does to a service.
class Transporting {
public:
  Transporting(Service& service, Context& context) : service_(service), context_(context) {
    service_.start(context_);
    service_.open(context_, ignored_);
  }
  void drain() { service_.draining(context_); }
  void close() { service_.close(context_, ignored_); }

private:
  Service& service_;
  Context& context_;
  Ignored ignored_;
};

inline constexpr auto& open_client = slow_resource<"client", 10>;
inline constexpr auto client = provider<open_client>.lifetime(Lifetime::app);

const Readiness* seen = nullptr;
void look(State<Readiness> readiness) { seen = &*readiness; }

class ReadinessOf : public ::testing::Test, public TestApp {
protected:
  ReadinessOf() {
    app.get("/", on_loop<look>);
    ask("/");
  }
  TransportState state() const { return seen->state(); }
};

TEST_F(ReadinessOf, AnAppFollowsItsTransport) {
  EXPECT_EQ(state(), TransportState::stopped);
  Transporting transport{app, port.context()};
  EXPECT_EQ(state(), TransportState::ready);
  EXPECT_TRUE(seen->is_ready());
  transport.drain();
  EXPECT_EQ(state(), TransportState::draining);
  EXPECT_FALSE(seen->is_ready());
  transport.close();
  EXPECT_EQ(state(), TransportState::stopped);

  Transporting again{app, port.context()};
  EXPECT_EQ(state(), TransportState::ready);
  again.close();
}

TEST_F(ReadinessOf, SeveralTransportsIsThatOfTheWorst) {
  Transporting first{app, port.context()};
  Transporting second{app, port.context()};
  first.drain();
  EXPECT_EQ(state(), TransportState::draining);
  first.close();
  EXPECT_EQ(state(), TransportState::ready) << "the second one serves on";
  second.drain();
  EXPECT_EQ(state(), TransportState::draining);
  second.close();
  EXPECT_EQ(state(), TransportState::stopped);
}

TEST_F(ReadinessOf, ATransportThatSaysNothingBeforeItsEndIsNotMissed) {
  Transporting transport{app, port.context()};
  transport.close();
  transport.close();
  EXPECT_EQ(state(), TransportState::stopped);

  Transporting again{app, port.context()};
  EXPECT_EQ(state(), TransportState::ready);
  again.close();
}

TEST_F(ReadinessOf, AnOverrideSetIsThatOfItsApp) {
  OverrideSet set{app};
  Transporting transport{set, port.context()};
  EXPECT_EQ(state(), TransportState::ready);
  transport.drain();
  EXPECT_EQ(state(), TransportState::draining);
  transport.close();
}

TEST_F(ReadinessOf, AnEngineEndsWithIt) {
  {
    const Engine engine{app, port.context()};
    EXPECT_EQ(state(), TransportState::ready);
  }
  EXPECT_EQ(state(), TransportState::stopped);
}

TEST(Readiness, WaitsForWhatIsMadeBeforeTheFirstRequest) {
  TestApp test;
  test.app.get("/", on_loop<look>);
  test.app.keep<client>();
  const auto asked = test.begin("/");  // Waits, and has it made already.
  test.port.advance(20ms);
  ASSERT_EQ(asked->status(), 204);
  Ignored ignored;
  test.app.close(test.port.context(), ignored);
  test.port.advance(20ms);

  Transporting transport{test.app, test.port.context()};
  EXPECT_EQ(seen->state(), TransportState::starting);
  test.port.advance(20ms);
  EXPECT_EQ(seen->state(), TransportState::ready);

  transport.drain();
  transport.close();
  test.port.advance(20ms);
  EXPECT_EQ(seen->state(), TransportState::stopped);
}

int status_of_setup = 0;
Resource<int> open_or_break(State<Readiness> readiness) {
  seen = &*readiness;
  if (status_of_setup) throw HttpError{status_of_setup};
  int value = 7;
  co_yield value;
}
inline constexpr auto breakable = provider<open_or_break>.lifetime(Lifetime::app);

TEST(Readiness, IsNoneIfTheAppCannotOpen) {
  TestApp test;
  test.app.keep<breakable>();
  status_of_setup = 500;

  const Transporting broken{test.app, test.port.context()};
  test.run();
  EXPECT_EQ(seen->state(), TransportState::stopped);

  status_of_setup = 0;
  Transporting mended{test.app, test.port.context()};
  test.run();
  EXPECT_EQ(seen->state(), TransportState::ready);
  mended.drain();
  mended.close();
  test.run();
}

TEST(Readiness, OfAMountedAppFollowsTheTransportsOfTheOneAroundIt) {
  TestApp inner;
  inner.app.get("/", on_loop<look>);
  inner.ask("/");
  TestApp outer;
  outer.app.mount("/inner", inner.app);

  Transporting transport{outer.app, outer.port.context()};
  EXPECT_EQ(seen->state(), TransportState::ready);
  transport.drain();
  EXPECT_EQ(seen->state(), TransportState::draining);
  transport.close();
  EXPECT_EQ(seen->state(), TransportState::stopped);
}

}  // namespace
}  // namespace umbel::test
