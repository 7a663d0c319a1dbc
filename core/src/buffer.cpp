// SPDX-License-Identifier: MIT
#include "umbel/core/buffer.hpp"

namespace umbel {

void Buffer::grow(std::size_t bytes) {
  std::size_t wanted = capacity_ * 2;
  if (wanted < size_ + bytes) wanted = size_ + bytes;
  wanted = detail::BlockPool::capacity(wanted);
  auto* bigger = static_cast<char*>(detail::BlockPool::take(wanted));
  if (data_) {
    std::memcpy(bigger, data_, size_);
    detail::BlockPool::give(data_, capacity_);
  }
  data_ = bigger;
  capacity_ = wanted;
}

}  // namespace umbel
