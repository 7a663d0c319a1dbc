// SPDX-License-Identifier: MIT
#pragma once
// Counts what the whole program takes from the heap. Link support/allocations.cpp.

#include <cstddef>

#include "umbel/core/block_pool.hpp"

namespace umbel::test {

/// Calls of operator new so far, by any thread.
std::size_t allocations() noexcept;

/// False under AddressSanitizer, where blocks are not recycled.
inline constexpr bool blocks_are_recycled = UMBEL_PLAIN_BLOCKS == 0;

}  // namespace umbel::test
