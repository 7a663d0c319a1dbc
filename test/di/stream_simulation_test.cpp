// SPDX-License-Identifier: MIT
// Streams on schedules of every kind: what they take is torn down once, after them, whoever leaves, fails or waits.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "../support/live.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/background.hpp"
#include "umbel/di/body_stream.hpp"
#include "umbel/di/resource.hpp"
#include "umbel/testing/simulation.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// What happens to one request, told by whoever is part of it.
struct Tale {
  int set_up = 0;
  int torn_down = 0;
  int open = 0;  // Resources that the stream may use.
  bool is_streaming = false;
  std::string mistake;

  void check(bool good, const char* what) {
    if (!good && mistake.empty()) mistake = what;
  }
};

/// Of the requests of one simulation, by their targets.
struct Tales {
  testing::Schedule* schedule = nullptr;
  std::map<std::string, Tale> tales;

  Tale& of(const Request& request) { return tales[std::string{request.target()}]; }
  bool one_in(std::size_t n) { return schedule->choose(n) == 0; }
};
Tales* all = nullptr;

/// Waits, or does not.
Task<void> maybe_waits() {
  const bool waits = all->one_in(2);
  if (waits) co_await sleep(1ms);
}

template <int level>
Resource<Live> opened(const Request& request) {
  Tale& tale = all->of(request);
  co_await maybe_waits();
  const bool fails = all->one_in(12);
  if (fails) throw HttpError{500 + level};
  ++tale.set_up;
  ++tale.open;
  Live live;
  co_yield live;
  tale.check(!tale.is_streaming, "torn down under the stream");
  --tale.open;
  co_await maybe_waits();
  ++tale.torn_down;
  const bool ends_badly = all->one_in(12);
  if (ends_badly) throw HttpError{510 + level};
}

struct Streaming {
  explicit Streaming(Tale& t) noexcept : tale(t) { tale.is_streaming = true; }
  ~Streaming() { tale.is_streaming = false; }
  Tale& tale;
};

Stream streams(const Request& request, Depends<opened<1>>, Depends<opened<2>, Lifetime::request>, BodyStream& body,
               Background& background) {
  const Streaming streaming{all->of(request)};
  const Live live;
  const bool has_task = all->one_in(3);
  if (has_task) background.add(maybe_waits);
  for (;;) {
    co_await maybe_waits();
    const bool fails = all->one_in(20);
    if (fails) throw HttpError{418};
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    streaming.tale.check(streaming.tale.open == 2, "it streams without what it takes");
    co_yield chunk;
  }
}

TEST(StreamSimulation, TearsDownWhatAStreamTakesAfterItOnEverySchedule) {  // Rules 16, 17, 22 and 25.
  const LiveCheck check;
  App app;
  app.post("/{name}", streams, {.on_disconnect = OnDisconnect::cancel});
  const std::string body = "a body of some length";
  std::size_t complete = 0, broken = 0, refused = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    testing::Schedule schedule{seed};
    Tales tales;
    all = &tales;
    tales.schedule = &schedule;
    testing::Simulation simulation{app, schedule};
    for (const char* const target : {"/one", "/two"}) {
      OwnedRequest request{Method::post, target};
      request.body(body);
      auto& asked = simulation.request(std::move(request));
      if (tales.one_in(2)) asked.may_leave();
    }
    simulation.run();
    for (const auto* const request : simulation.requests()) {
      const Tale& tale = tales.of(request->request());
      ASSERT_EQ(tale.mistake, "") << "seed " << seed;
      ASSERT_EQ(tale.set_up, tale.torn_down) << "seed " << seed;
      ASSERT_TRUE(request->is_over()) << "seed " << seed;
      if (request->status() != 200) {
        ++refused;
      } else if (request->is_complete()) {
        ++complete;
        ASSERT_EQ(request->body(), body) << "seed " << seed;
      } else {
        ++broken;
        ASSERT_TRUE(body.starts_with(request->body())) << "seed " << seed;
      }
    }
    simulation.close();
    ASSERT_EQ(simulation.mistake(), "") << "seed " << seed;
  }
  EXPECT_TRUE(check.ok());
  EXPECT_GT(complete, 1000u);
  EXPECT_GT(broken, 1000u);
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace umbel::test
