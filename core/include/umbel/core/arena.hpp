// SPDX-License-Identifier: MIT
#pragma once
// Memory that lives as long as a request.

#include <cstddef>
#include <string_view>

#include "umbel/core/block_pool.hpp"

namespace umbel {

/// Hands out memory that is freed all at once, when the arena goes. Takes nothing before it is asked; chunks are
/// recycled per thread. Runs no destructors. One thread at a time.
class Arena {
public:
  Arena() noexcept = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    if (chunks_) release();
  }

  /// `bytes` of memory, aligned to 16.
  void* allocate(std::size_t bytes);
  /// A copy of the text that lives as long as what is made here.
  std::string_view copy(std::string_view text);

private:
  struct Chunk {
    Chunk* next;
    std::size_t bytes;  // The whole chunk, this head included.
  };
  void release() noexcept;

  Chunk* chunks_ = nullptr;
  char* free_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace umbel
