// SPDX-License-Identifier: MIT
#pragma once
// Input that its owner has already.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace umbel::http1 {

/// Copies `bytes` to wherever the session, or what stands before it, wants its input. Returns how many were taken.
std::size_t feed_to(auto& session, std::string_view bytes) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::span<char> room = session.prepare();
    if (room.empty()) break;
    const std::size_t size = std::min(room.size(), bytes.size() - taken);
    std::memcpy(room.data(), bytes.data() + taken, size);
    taken += size;
    session.commit(size);
  }
  return taken;
}

}  // namespace umbel::http1
