// SPDX-License-Identifier: MIT
#include "umbel/core/block_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "../support/allocations.hpp"

namespace umbel {
namespace {

using detail::BlockPool;

std::vector<void*> take_blocks(std::size_t count, std::size_t bytes) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = BlockPool::take(bytes);
  return blocks;
}

void give_blocks(const std::vector<void*>& blocks, std::size_t bytes) {
  for (void* const block : blocks) BlockPool::give(block, bytes);
}

TEST(BlockPool, GivesBlocksOfAnySizeThatAreAlignedTo64) {
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 4095, 4096, 4097, 8192, 8193, 65535, 65536, 65537, 1 << 20}) {
    void* const block = BlockPool::take(bytes);
    std::memset(block, 0xa5, bytes);

    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u) << bytes;

    BlockPool::give(block, bytes);
  }
}

TEST(BlockPool, CapacityIsAtLeastWhatWasAskedForAndItsOwnCapacity) {
  for (std::size_t bytes = 0; bytes < 70'000; ++bytes) {
    const std::size_t capacity = BlockPool::capacity(bytes);
    ASSERT_GE(capacity, bytes);
    ASSERT_EQ(BlockPool::capacity(capacity), capacity) << bytes;
  }
}

TEST(BlockPool, TheWholeCapacityIsWritable) {
  for (const std::size_t bytes : {1, 65, 4000, 4097, 9000, 40'000}) {
    void* const block = BlockPool::take(bytes);
    std::memset(block, 0x5a, BlockPool::capacity(bytes));
    BlockPool::give(block, bytes);
  }
}

TEST(BlockPool, GivesABlockAgainThatWasReleased) {
  if (!test::blocks_are_recycled) GTEST_SKIP() << "not under AddressSanitizer";
  for (const std::size_t bytes : {100, 4096, 5000, 65536}) {
    void* const first = BlockPool::take(bytes);
    BlockPool::give(first, bytes);

    void* const second = BlockPool::take(bytes);

    EXPECT_EQ(first, second) << bytes;
    BlockPool::give(second, bytes);
  }
}

TEST(BlockPool, LivingBlocksAreDistinct) {
  std::vector<void*> blocks = take_blocks(500, 128);
  for (std::size_t i = 0; i < blocks.size(); ++i) std::memset(blocks[i], static_cast<int>(i & 0xff), 128);

  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto* const bytes = static_cast<unsigned char*>(blocks[i]);
    ASSERT_EQ(bytes[0], i & 0xff);
    ASSERT_EQ(bytes[127], i & 0xff);
  }

  give_blocks(blocks, 128);
}

TEST(BlockPool, AllocatesNothingInTheSteadyState) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  give_blocks(take_blocks(1000, 200), 200);
  std::vector<void*> blocks(1000);

  const std::size_t before = test::allocations();
  for (int round = 0; round < 10; ++round) {
    for (void*& block : blocks) block = BlockPool::take(200);
    give_blocks(blocks, 200);
  }

  EXPECT_EQ(test::allocations(), before);
}

// The way of a value that a worker makes and the loop frees.
TEST(BlockPool, BlocksFreedOnAnotherThreadComeBackThroughTheDepot) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  constexpr std::size_t bytes = 192;
  std::vector<void*> blocks(256);
  std::array<std::size_t, 30> counts{};
  std::atomic<int> turn{0};  // Even: the worker takes; odd: this thread gives.

  std::thread worker{[&] {
    for (int round = 0; round < 30; ++round) {
      turn.wait(2 * round - 1);
      for (void*& block : blocks) block = BlockPool::take(bytes);
      turn.store(2 * round + 1);
      turn.notify_one();
      turn.wait(2 * round + 1);
    }
  }};
  for (int round = 0; round < 30; ++round) {
    turn.wait(2 * round);
    give_blocks(blocks, bytes);
    counts[static_cast<std::size_t>(round)] = test::allocations();
    turn.store(2 * round + 2);
    turn.notify_one();
  }
  worker.join();

  EXPECT_EQ(counts[29], counts[5]) << "allocations must settle";
}

TEST(BlockPool, AThreadThatEndsReturnsItsBlocksToTheHeap) {
  // The leak checkers are the judge.
  std::thread{[] { give_blocks(take_blocks(300, 64), 64); }}.join();
  std::thread{[] { give_blocks(take_blocks(10, 20'000), 20'000); }}.join();
}

TEST(BlockPool, ManyThreadsShareTheDepot) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 200; ++round) give_blocks(take_blocks(200, 320), 320);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace umbel
