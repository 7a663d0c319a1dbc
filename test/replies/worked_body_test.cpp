// SPDX-License-Identifier: MIT
#include "umbel/core/worked_body.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "umbel/testing/manual_port.hpp"

namespace umbel {
namespace {

/// Makes "1", "2", ... and says when it is gone.
class Numbers final : public WorkedBody {
public:
  Numbers(int last, bool& is_gone, bool fails = false) : last_(last), fails_(fails), is_gone_(is_gone) {}

private:
  ~Numbers() override { is_gone_ = true; }
  Made make(Buffer& piece) noexcept override {
    EXPECT_TRUE(piece.empty());
    if (++made_ > last_) return fails_ ? Made::failed : Made::end;
    piece.append(std::to_string(made_));
    return made_ == last_ && !fails_ ? Made::last_piece : Made::piece;
  }
  int made_ = 0;
  int last_;
  bool fails_;
  bool& is_gone_;
};

class WorkedBodies : public ::testing::Test {
protected:
  struct Ready : Work {
    Ready() noexcept : Work([](Work& work) noexcept { ++static_cast<Ready&>(work).runs; }) {}
    int runs = 0;
  };
  std::string pull(BodySource& source) {
    std::string_view chunk;
    switch (source.pull(port.context(), chunk, ready)) {
      case Pulled::chunk:
        return std::string{chunk};
      case Pulled::end:
        return "[end]";
      case Pulled::pending:
        return "[pending]";
      case Pulled::failed:
        break;
    }
    return "[failed]";
  }
  void work() {
    port.pool().run_all();
    port.run();
  }

  testing::ManualPort port;
  Ready ready;
  bool is_gone = false;
};

TEST_F(WorkedBodies, AreMadeOnePieceAhead) {
  BodySourcePtr body{new Numbers{3, is_gone}};

  EXPECT_EQ(pull(*body), "[pending]");
  EXPECT_EQ(port.pool().waiting(), 1u);
  work();
  EXPECT_EQ(ready.runs, 1);
  EXPECT_EQ(pull(*body), "1");
  EXPECT_EQ(port.pool().waiting(), 1u);
  work();
  EXPECT_EQ(ready.runs, 1) << "nobody waits";
  EXPECT_EQ(pull(*body), "2");
  EXPECT_EQ(pull(*body), "[pending]");
  work();
  EXPECT_EQ(ready.runs, 2);
  EXPECT_EQ(pull(*body), "3");
  EXPECT_EQ(port.pool().waiting(), 0u);
  EXPECT_EQ(pull(*body), "[end]");
  body.reset();
  EXPECT_TRUE(is_gone);
}

TEST_F(WorkedBodies, StayUntilTheirJobIsHome) {
  BodySourcePtr body{new Numbers{3, is_gone}};
  pull(*body);

  body.reset();
  EXPECT_FALSE(is_gone);
  work();

  EXPECT_TRUE(is_gone);
  EXPECT_EQ(ready.runs, 0);
}

TEST_F(WorkedBodies, MayNeverBePulled) {
  BodySourcePtr{new Numbers{3, is_gone}}.reset();

  EXPECT_TRUE(is_gone);
  EXPECT_EQ(port.pool().waiting(), 0u);
}

TEST_F(WorkedBodies, FailAndEndAfterTheirPieces) {
  for (const bool fails : {false, true}) {
    BodySourcePtr body{new Numbers{fails ? 1 : 0, is_gone, fails}};
    std::string all;
    for (int i = 0; i < 4; ++i) {
      all += pull(*body);
      work();
    }
    EXPECT_EQ(all, fails ? "[pending]1[failed][failed]" : "[pending][end][end][end]");
  }
}

TEST_F(WorkedBodies, GoOnThoughThePoolIsFull) {
  port.pool().set_limit(0);
  BodySourcePtr body{new Numbers{1, is_gone}};

  EXPECT_EQ(pull(*body), "[pending]");
  work();

  EXPECT_EQ(pull(*body), "1");
}

}  // namespace
}  // namespace umbel
