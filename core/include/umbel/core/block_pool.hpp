// SPDX-License-Identifier: MIT
#pragma once
// Recycled memory: coroutine frames, request arenas and reply bodies all come from here.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define UMBEL_PLAIN_BLOCKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UMBEL_PLAIN_BLOCKS 1
#endif
#endif
#ifndef UMBEL_PLAIN_BLOCKS
#define UMBEL_PLAIN_BLOCKS 0
#endif

namespace umbel::detail {

struct FreeBlock {
  FreeBlock* next;
};

/// Recycles blocks, per thread: up to 4 KiB in classes of 64 bytes, up to 64 KiB in powers of two. Every block is
/// 64-byte aligned, because a coroutine's promise cannot learn how its frame must be aligned.
///
/// A block may be released on another thread than the one that took it: what a thread collects beyond a batch or two
/// of a class goes to a depot that all threads share, and comes back from it. So a request whose values are made by
/// workers and freed on the loop allocates nothing in the steady state either.
///
/// Under AddressSanitizer every block is a heap allocation of its own, since recycling would hide its misuse.
class BlockPool {
public:
  static constexpr std::size_t granule = 64;
  static constexpr std::size_t largest_small = 4096;
  static constexpr std::size_t largest = 65536;
  static constexpr std::size_t small_classes = largest_small / granule;
  static constexpr std::size_t classes = small_classes + 4;

  static void* take(std::size_t bytes) {
#if UMBEL_PLAIN_BLOCKS
    return take_slow(bytes);
#else
    if (!has_shelf(bytes)) [[unlikely]]
      return take_slow(bytes);
    Shelf& shelf = local_.shelves[class_of(bytes)];
    FreeBlock* const block = shelf.first;
    if (!block) [[unlikely]]
      return take_slow(bytes);
    shelf.first = block->next;
    ++shelf.room;
    return block;
#endif
  }

  /// `bytes` is what `take` was called with.
  static void give(void* memory, std::size_t bytes) noexcept {
#if UMBEL_PLAIN_BLOCKS
    give_slow(memory, bytes);
#else
    if (!has_shelf(bytes)) [[unlikely]]
      return give_slow(memory, bytes);
    Shelf& shelf = local_.shelves[class_of(bytes)];
    if (shelf.room == 0) [[unlikely]]
      return give_slow(memory, bytes);
    shelf.first = ::new (memory) FreeBlock{shelf.first};
    --shelf.room;
#endif
  }

  /// What `take(bytes)` really gives.
  static constexpr std::size_t capacity(std::size_t bytes) noexcept {
    if (bytes <= largest_small) [[likely]]
      return bytes ? (bytes + granule - 1) / granule * granule : granule;
    if (bytes > largest) return bytes;
    return (2 * largest_small) << (class_of(bytes) - small_classes);
  }

  /// For tests: blocks that were taken and not given back, by all threads together, as long as only the calling thread
  /// takes and gives.
  static std::size_t in_use() noexcept;

private:
  static constexpr std::uint32_t batch_size = 32;
  static constexpr std::uint32_t shelf_size = 2 * batch_size;
  static constexpr std::uint32_t large_shelf_size = 8;  // Large blocks beyond that go back to the heap.

  struct Shelf {
    FreeBlock* first;
    std::uint32_t room;  // How many more blocks may lie here. 0 before the thread is known and after it ended.
  };
  enum class Phase : std::uint8_t { unknown, open, ended };
  struct Local {
    Shelf shelves[classes];
    Phase phase;
  };
  struct Depot;
  struct Returner;

  /// False for what is rare: nothing at all, and what is too large to recycle.
  static constexpr bool has_shelf(std::size_t bytes) noexcept { return bytes - 1 < largest; }
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    if (bytes <= largest_small) [[likely]]
      return (bytes - (bytes != 0)) / granule;
    return small_classes - 1 + static_cast<std::size_t>(std::bit_width((bytes - 1) / largest_small));
  }
  static void* take_slow(std::size_t bytes);
  static void give_slow(void* memory, std::size_t bytes) noexcept;
  static Depot& depot() noexcept;
  static void open_thread() noexcept;

  static thread_local constinit Local local_;
};

}  // namespace umbel::detail
