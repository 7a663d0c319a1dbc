// SPDX-License-Identifier: MIT
#include "umbel/core/arena.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "../support/allocations.hpp"

namespace umbel {
namespace {

TEST(Arena, TakesNothingBeforeItIsAsked) {
  const std::size_t before = test::allocations();
  {
    const Arena arena;
  }
  EXPECT_EQ(test::allocations(), before);
}

TEST(Arena, GivesDistinctMemoryAlignedTo16) {
  Arena arena;
  std::vector<unsigned char*> pieces;
  for (std::size_t bytes = 1; bytes < 3000; bytes += 7) {
    auto* const piece = static_cast<unsigned char*>(arena.allocate(bytes));
    std::memset(piece, static_cast<int>(pieces.size() & 0xff), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % 16, 0u);
    pieces.push_back(piece);
  }

  for (std::size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(pieces[i][0], i & 0xff);
    EXPECT_EQ(pieces[i][7 * i], i & 0xff);
  }
}

TEST(Arena, GivesMoreThanAChunkHolds) {
  Arena arena;

  auto* const large = static_cast<char*>(arena.allocate(1 << 20));

  std::memset(large, 1, 1 << 20);
}

TEST(Arena, CopiesText) {
  Arena arena;
  std::string text = "some text";

  const std::string_view copy = arena.copy(text);
  text.assign(text.size(), '-');

  EXPECT_EQ(copy, "some text");
  EXPECT_EQ(arena.copy({}), "");
}

TEST(Arena, RecyclesItsChunks) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  const auto use = [] {
    Arena arena;
    for (int i = 0; i < 50; ++i) arena.allocate(100);
  };
  use();

  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) use();

  EXPECT_EQ(test::allocations(), before);
}

}  // namespace
}  // namespace umbel
