// SPDX-License-Identifier: MIT
#include "umbel/core/stop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace umbel {
namespace {

class Recorded : public StopCallback {
public:
  Recorded(std::vector<int>& calls, int name) noexcept : StopCallback(called), calls_(calls), name_(name) {}

private:
  static void called(StopCallback& callback) noexcept {
    const auto& self = static_cast<Recorded&>(callback);
    self.calls_.push_back(self.name_);
  }
  std::vector<int>& calls_;
  int name_;
};

// Ends another callback when it is called.
class Ends : public StopCallback {
public:
  explicit Ends(std::unique_ptr<Recorded>& other) noexcept : StopCallback(called), other_(other) {}

private:
  static void called(StopCallback& callback) noexcept { static_cast<Ends&>(callback).other_.reset(); }
  std::unique_ptr<Recorded>& other_;
};

TEST(StopToken, AnEmptyOneNeverStops) {
  const StopToken token;

  EXPECT_FALSE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
}

TEST(StopToken, TellsWhatItsSourceWasAsked) {
  StopSource source;
  const StopToken token{source};
  const StopToken copy = token;
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(copy.stop_requested());

  source.request_stop();

  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(copy.stop_requested());
}

TEST(StopToken, IsSeenByOtherThreads) {
  StopSource source;
  std::thread worker{[token = StopToken{source}] {
    while (!token.stop_requested()) std::this_thread::yield();
  }};

  source.request_stop();

  worker.join();
}

TEST(StopSource, RunsEachCallbackOnceInOrderOfRegistration) {
  StopSource source;
  std::vector<int> calls;
  Recorded one{calls, 1}, two{calls, 2}, three{calls, 3};
  for (Recorded* const callback : {&one, &two, &three}) callback->link(StopToken{source});

  source.request_stop();
  source.request_stop();

  EXPECT_EQ(calls, (std::vector<int>{1, 2, 3}));
}

TEST(StopCallback, RunsAtOnceIfTheStopWasRequestedBefore) {
  StopSource source;
  source.request_stop();
  std::vector<int> calls;
  Recorded late{calls, 7};

  late.link(StopToken{source});

  EXPECT_EQ(calls, (std::vector<int>{7}));
}

TEST(StopCallback, DoesNotRunAfterItWasUnlinkedOrDestroyed) {
  StopSource source;
  std::vector<int> calls;
  Recorded first{calls, 1}, middle{calls, 2}, last{calls, 4};
  first.link(StopToken{source});
  middle.link(StopToken{source});
  {
    Recorded gone{calls, 3};
    gone.link(StopToken{source});
  }
  last.link(StopToken{source});
  middle.unlink();
  middle.unlink();

  source.request_stop();

  EXPECT_EQ(calls, (std::vector<int>{1, 4}));
}

TEST(StopCallback, MayEndAnotherWhileTheSourceStops) {
  StopSource source;
  std::vector<int> calls;
  auto victim = std::make_unique<Recorded>(calls, 1);
  Ends ends{victim};
  Recorded last{calls, 2};
  ends.link(StopToken{source});
  victim->link(StopToken{source});
  last.link(StopToken{source});

  source.request_stop();

  EXPECT_EQ(calls, (std::vector<int>{2}));
}

TEST(StopCallback, AnEmptyTokenRegistersNothing) {
  std::vector<int> calls;
  Recorded callback{calls, 1};

  callback.link(StopToken{});

  EXPECT_TRUE(calls.empty());
}

}  // namespace
}  // namespace umbel
