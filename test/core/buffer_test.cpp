// SPDX-License-Identifier: MIT
#include "umbel/core/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <type_traits>

#include "../support/allocations.hpp"

namespace umbel {
namespace {

static_assert(!std::is_copy_constructible_v<Buffer>);
static_assert(std::is_nothrow_move_constructible_v<Buffer> && std::is_nothrow_move_assignable_v<Buffer>);

TEST(Buffer, IsEmptyAndTakesNoMemoryAtFirst) {
  const std::size_t before = test::allocations();

  const Buffer buffer;

  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(test::allocations(), before);
}

TEST(Buffer, KeepsWhatWasAppendedWhileItGrows) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece = std::to_string(i);
    buffer.append(piece);
    buffer.push_back(',');
    expected += piece + ',';
  }

  EXPECT_EQ(buffer.view(), expected);
  EXPECT_EQ(buffer.size(), expected.size());
}

TEST(Buffer, AppendingNothingChangesNothing) {
  Buffer buffer{"ab"};

  buffer.append({});

  EXPECT_EQ(buffer.view(), "ab");
}

TEST(Buffer, RoomIsWritableAndCountsOnlyOnceItGrew) {
  Buffer buffer{"head:"};

  std::memcpy(buffer.room(1000), "tail", 4);
  EXPECT_EQ(buffer.view(), "head:");
  buffer.grew(4);

  EXPECT_EQ(buffer.view(), "head:tail");
  EXPECT_GE(buffer.capacity(), 1005u);
}

TEST(Buffer, ClearKeepsTheMemoryAndShrinkDropsTheEnd) {
  Buffer buffer{"abcdef"};
  const char* const data = buffer.data();

  buffer.shrink(2);
  EXPECT_EQ(buffer.view(), "abcd");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  buffer.append("xy");

  EXPECT_EQ(buffer.view(), "xy");
  EXPECT_EQ(buffer.data(), data);
}

TEST(Buffer, AMoveTakesTheBytesAndLeavesNothing) {
  Buffer first{"text"};
  const char* const data = first.data();

  Buffer second{std::move(first)};
  EXPECT_EQ(second.view(), "text");
  EXPECT_EQ(second.data(), data);
  EXPECT_TRUE(first.empty());  // NOLINT: a moved-from Buffer is an empty one.

  Buffer third{"old"};
  third = std::move(second);
  EXPECT_EQ(third.view(), "text");
}

TEST(Buffer, ShortBuffersAllocateNothingInTheSteadyState) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  const auto use = [] {
    Buffer buffer{"hello"};
    for (int i = 0; i < 400; ++i) buffer.append("0123456789");
  };
  use();

  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) use();

  EXPECT_EQ(test::allocations(), before);
}

TEST(Buffer, MayBeFilledOnOneThreadAndFreedOnAnother) {
  Buffer made;
  std::thread{[&made] { made.append(std::string(3000, 'x')); }}.join();

  EXPECT_EQ(made.size(), 3000u);
}

}  // namespace
}  // namespace umbel
