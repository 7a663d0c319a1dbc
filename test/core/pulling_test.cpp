// SPDX-License-Identifier: MIT
#include "umbel/core/pulling.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "../support/pieces.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

class Owner : public Pulling {
public:
  Owner()
      : Pulling([](Pulling& pulling) noexcept { static_cast<Owner&>(pulling).log += "ready "; },
                [](Pulling& pulling) noexcept { static_cast<Owner&>(pulling).log += "forgotten "; }) {}
  std::string log;
};

class PullingPieces : public ::testing::Test {
protected:
  PullingPieces() { pieces.context = &port.context(); }

  testing::ManualPort port;
  test::Pieces pieces;
  Owner owner;
  std::string_view chunk;
};

TEST_F(PullingPieces, HearsWhenItIsWorthToAskAgain) {
  EXPECT_EQ(owner.pull(port.context(), pieces, chunk), Pulled::pending);
  EXPECT_TRUE(owner.is_awaited());

  pieces.add("one");
  EXPECT_EQ(owner.log, "") << "from the queue";
  port.run();

  EXPECT_EQ(owner.log, "ready ");
  EXPECT_FALSE(owner.is_awaited());
  EXPECT_EQ(owner.pull(port.context(), pieces, chunk), Pulled::chunk);
  EXPECT_EQ(chunk, "one");
  EXPECT_FALSE(owner.forget(port.context())) << "nothing is on its way";
}

TEST_F(PullingPieces, HearsNothingOfWhatItHasForgotten) {
  for (const bool is_enqueued : {false, true}) {
    owner.log.clear();
    ASSERT_EQ(owner.pull(port.context(), pieces, chunk), Pulled::pending);
    if (is_enqueued) pieces.add("late");

    EXPECT_TRUE(owner.forget(port.context()));
    EXPECT_TRUE(owner.is_forgotten());
    pieces.give().reset();
    port.run();

    EXPECT_EQ(owner.log, "forgotten ");
    EXPECT_FALSE(owner.is_forgotten());
    pieces.drops = 0;
  }
}

}  // namespace
}  // namespace umbel
