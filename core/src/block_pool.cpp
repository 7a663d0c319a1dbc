// SPDX-License-Identifier: MIT
#include "umbel/core/block_pool.hpp"

#include <atomic>
#include <mutex>

namespace umbel::detail {

namespace {

constexpr std::align_val_t alignment{BlockPool::granule};

std::atomic<std::size_t> from_heap{0};  // Blocks that the heap gave and did not get back.

void* allocate(std::size_t bytes) {
  void* const memory = ::operator new(BlockPool::capacity(bytes), alignment);
  from_heap.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void release(void* memory) noexcept {
  from_heap.fetch_sub(1, std::memory_order_relaxed);
  ::operator delete(memory, alignment);
}

void release_all(FreeBlock* block) noexcept {
  while (block) {
    FreeBlock* const next = block->next;
    release(block);
    block = next;
  }
}

}  // namespace

// Batches of blocks on their way from threads that free to threads that take.
struct BlockPool::Depot {
  static constexpr std::uint32_t rack_size = 64;

  struct Rack {
    FreeBlock* batches[rack_size];  // Each is a list of `batch_size` blocks.
    std::uint32_t count;
  };

  std::mutex mutex;
  Rack racks[small_classes]{};

  bool put(std::size_t cls, FreeBlock* first) noexcept {
    const std::lock_guard lock{mutex};
    Rack& rack = racks[cls];
    if (rack.count == rack_size) return false;
    rack.batches[rack.count++] = first;
    return true;
  }

  std::size_t blocks() noexcept {
    const std::lock_guard lock{mutex};
    std::size_t sum = 0;
    for (const Rack& rack : racks) sum += rack.count * batch_size;
    return sum;
  }

  FreeBlock* get(std::size_t cls) noexcept {
    const std::lock_guard lock{mutex};
    Rack& rack = racks[cls];
    return rack.count ? rack.batches[--rack.count] : nullptr;
  }
};

// Frees a thread's blocks when the thread ends.
struct BlockPool::Returner {
  ~Returner() {
    for (Shelf& shelf : local_.shelves) {
      release_all(shelf.first);
      shelf = Shelf{};
    }
    local_.phase = Phase::ended;
  }
};

thread_local constinit BlockPool::Local BlockPool::local_{};

BlockPool::Depot& BlockPool::depot() noexcept {
  // Never destroyed: threads may outlive main's statics.
  static Depot& depot = *new Depot;
  return depot;
}

void BlockPool::open_thread() noexcept {
  static thread_local Returner returner;
  (void)returner;
  for (std::size_t cls = 0; cls < classes; ++cls) {
    local_.shelves[cls].room = cls < small_classes ? shelf_size : large_shelf_size;
  }
  local_.phase = Phase::open;
}

std::size_t BlockPool::in_use() noexcept {
  std::size_t resting = 0;
  if (local_.phase == Phase::open) {
    resting = depot().blocks();
    for (std::size_t cls = 0; cls < classes; ++cls)
      resting += (cls < small_classes ? shelf_size : large_shelf_size) - local_.shelves[cls].room;
  }
  return from_heap.load(std::memory_order_relaxed) - resting;
}

void* BlockPool::take_slow(std::size_t bytes) {
  if (UMBEL_PLAIN_BLOCKS || bytes > largest || local_.phase == Phase::ended) return allocate(bytes);
  if (bytes == 0) return take(1);
  if (local_.phase == Phase::unknown) open_thread();
  if (bytes > largest_small) return allocate(bytes);
  Shelf& shelf = local_.shelves[class_of(bytes)];
  FreeBlock* const batch = depot().get(class_of(bytes));
  if (!batch) return allocate(bytes);
  shelf.first = batch->next;
  shelf.room = shelf_size - (batch_size - 1);
  return batch;
}

void BlockPool::give_slow(void* memory, std::size_t bytes) noexcept {
  if (UMBEL_PLAIN_BLOCKS || bytes > largest || local_.phase == Phase::ended) return release(memory);
  if (bytes == 0) return give(memory, 1);
  if (local_.phase == Phase::unknown) open_thread();
  Shelf& shelf = local_.shelves[class_of(bytes)];
  if (shelf.room == 0 && bytes > largest_small) return release(memory);
  if (shelf.room == 0) {  // Half of it goes to the depot.
    FreeBlock* const batch = shelf.first;
    FreeBlock* last = batch;
    for (std::uint32_t i = 1; i < batch_size; ++i) last = last->next;
    shelf.first = last->next;
    shelf.room = batch_size;
    last->next = nullptr;
    if (!depot().put(class_of(bytes), batch)) release_all(batch);
  }
  give(memory, bytes);
}

}  // namespace umbel::detail
