// SPDX-License-Identifier: MIT
#pragma once
// Counts what the whole program takes from the heap. Link support/allocations.cpp.

#include <cstddef>

#include "umbel/core/block_pool.hpp"

#if defined(__SANITIZE_THREAD__)
#define UMBEL_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UMBEL_TEST_TSAN 1
#endif
#endif
#ifndef UMBEL_TEST_TSAN
#define UMBEL_TEST_TSAN 0
#endif

namespace umbel::test {

/// Calls of operator new so far, by any thread. 0 if they are not counted.
std::size_t allocations() noexcept;
/// And how many bytes they were asked for.
std::size_t allocated_bytes() noexcept;

/// False under AddressSanitizer, where each block is an allocation of its own.
inline constexpr bool blocks_are_recycled = UMBEL_PLAIN_BLOCKS == 0;
/// False under the sanitizers, whose operator new is not replaced.
inline constexpr bool allocations_are_counted = blocks_are_recycled && UMBEL_TEST_TSAN == 0;

}  // namespace umbel::test
