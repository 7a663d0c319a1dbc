// SPDX-License-Identifier: MIT
#include "umbel/uv/end_signals.hpp"

#include <gtest/gtest.h>
#include <uv.h>

#include <csignal>
#include <vector>

namespace umbel {
namespace {

int handled = 0;
void handle(int) { ++handled; }

void note(void* state, int count) { static_cast<std::vector<int>*>(state)->push_back(count); }

class EndSignal : public ::testing::Test {
protected:
  EndSignal() {
    handled = 0;
    before_ = std::signal(SIGINT, handle);
  }
  ~EndSignal() override { std::signal(SIGINT, before_); }

  void raise_and_turn(int signal) {
    const std::size_t known = counts.size();
    std::raise(signal);
    while (counts.size() == known) uv_run(loop.native(), UV_RUN_ONCE);
  }

  Loop loop;
  std::vector<int> counts;

private:
  void (*before_)(int);
};

TEST_F(EndSignal, CallsAFunctionTwice) {
  const EndSignals signals{loop, note, &counts};

  raise_and_turn(SIGTERM);
  EXPECT_EQ(counts, (std::vector{1}));
  raise_and_turn(SIGINT);
  EXPECT_EQ(counts, (std::vector{1, 2}));
  EXPECT_EQ(handled, 0);
}

TEST_F(EndSignal, IsHandledAsBeforeInTheEnd) {
  {
    const EndSignals signals{loop, note, &counts};
  }

  std::raise(SIGINT);
  EXPECT_EQ(handled, 1);
  EXPECT_TRUE(counts.empty());
}

TEST_F(EndSignal, IsTheSystemsTheThirdTime) {
  const EndSignals signals{loop, note, &counts};
  raise_and_turn(SIGINT);
  raise_and_turn(SIGINT);
  uv_run(loop.native(), UV_RUN_NOWAIT);

  struct sigaction now{};
  sigaction(SIGINT, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace umbel
