// SPDX-License-Identifier: MIT
#include "umbel/core/arena.hpp"

#include <cstring>
#include <new>

namespace umbel {

void* Arena::allocate(std::size_t bytes) {
  bytes = (bytes + 15) & ~std::size_t{15};
  if (bytes > left_) {
    constexpr std::size_t head = 16;
    static_assert(sizeof(Chunk) <= head);
    const std::size_t wanted = bytes + head > 1024 ? bytes + head : 1024;
    const std::size_t taken = detail::BlockPool::capacity(wanted);
    auto* const memory = static_cast<char*>(detail::BlockPool::take(taken));
    chunks_ = ::new (memory) Chunk{chunks_, taken};
    free_ = memory + head;
    left_ = taken - head;
  }
  void* const result = free_;
  free_ += bytes;
  left_ -= bytes;
  return result;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  auto* const copied = static_cast<char*>(allocate(text.size()));
  std::memcpy(copied, text.data(), text.size());
  return {copied, text.size()};
}

void Arena::release() noexcept {
  while (Chunk* const chunk = chunks_) {
    chunks_ = chunk->next;
    detail::BlockPool::give(chunk, chunk->bytes);
  }
}

}  // namespace umbel
