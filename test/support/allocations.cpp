// SPDX-License-Identifier: MIT
#include "allocations.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#if UMBEL_PLAIN_BLOCKS || UMBEL_TEST_TSAN

std::size_t umbel::test::allocations() noexcept { return 0; }
std::size_t umbel::test::allocated_bytes() noexcept { return 0; }

#else

namespace {

std::atomic<std::size_t> count{0};
std::atomic<std::size_t> all_bytes{0};

void* counted(void* memory, std::size_t bytes) {
  count.fetch_add(1, std::memory_order_relaxed);
  all_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (!memory) throw std::bad_alloc{};
  return memory;
}

void* aligned(std::size_t bytes, std::align_val_t alignment) {
  const std::size_t unit = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(unit, (std::max<std::size_t>(bytes, 1) + unit - 1) / unit * unit);
}

}  // namespace

std::size_t umbel::test::allocations() noexcept { return count.load(std::memory_order_relaxed); }
std::size_t umbel::test::allocated_bytes() noexcept { return all_bytes.load(std::memory_order_relaxed); }

void* operator new(std::size_t bytes) { return counted(std::malloc(std::max<std::size_t>(bytes, 1)), bytes); }
void* operator new[](std::size_t bytes) { return counted(std::malloc(std::max<std::size_t>(bytes, 1)), bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return counted(aligned(bytes, alignment), bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return counted(aligned(bytes, alignment), bytes);
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#endif
