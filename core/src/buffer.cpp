// SPDX-License-Identifier: MIT
#include "umbel/core/buffer.hpp"

#include <algorithm>

namespace umbel {

void Buffer::grow(std::size_t bytes) {
  const std::size_t wanted = detail::BlockPool::capacity(std::max(2 * capacity_, size_ + bytes));
  auto* const bigger = static_cast<char*>(detail::BlockPool::take(wanted));
  if (data_) {
    std::memcpy(bigger, data_, size_);
    detail::BlockPool::give(data_, capacity_);
  }
  data_ = bigger;
  capacity_ = wanted;
}

}  // namespace umbel
