// SPDX-License-Identifier: MIT
#pragma once
// Bytes that grow at the end, in recycled memory.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "umbel/core/block_pool.hpp"

namespace umbel {

/// Growing bytes: the body of a reply, the output of a JSON writer. Moves are cheap, copies are not made.
/// Memory up to 4 KiB is recycled per thread, so that a steady stream of replies allocates nothing.
/// May be filled on one thread and freed on another; not shared between threads.
class Buffer {
public:
  Buffer() noexcept = default;
  /// With a copy of the text.
  explicit Buffer(std::string_view text) {
    if (text.empty()) return;
    start(text.size());
    std::memcpy(data_, text.data(), text.size());
    size_ = text.size();
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() {
    if (data_) detail::BlockPool::give(data_, capacity_);
  }

  /// Adds a copy of the text. The bytes may move.
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  /// The same of one byte.
  void push_back(char c) {
    *room(1) = c;
    ++size_;
  }

  /// Takes room for `bytes`. Only while there is no memory yet, which saves `room` its questions.
  void start(std::size_t bytes) {
    capacity_ = detail::BlockPool::capacity(bytes);
    data_ = static_cast<char*>(detail::BlockPool::take(capacity_));
  }

  /// At least `bytes` writable bytes behind the content; `grew` tells how many of them were filled.
  char* room(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_ + size_;
  }
  /// That many bytes behind the end were written, and count from now on.
  void grew(std::size_t bytes) noexcept { size_ += bytes; }

  /// Drops the content and keeps the memory.
  void clear() noexcept { size_ = 0; }
  /// Drops the last `bytes` bytes.
  void shrink(std::size_t bytes) noexcept { size_ -= bytes; }

  /// The bytes; valid until the buffer grows.
  char* data() noexcept { return data_; }
  /// The same.
  const char* data() const noexcept { return data_; }
  /// Bytes that are in it.
  std::size_t size() const noexcept { return size_; }
  /// Bytes that fit before it must grow.
  std::size_t capacity() const noexcept { return capacity_; }
  /// It holds nothing.
  bool empty() const noexcept { return size_ == 0; }
  /// The bytes; valid until the buffer changes.
  std::string_view view() const noexcept { return {data_, size_}; }

private:
  void grow(std::size_t bytes);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;  // What `data_` was taken with.
};

}  // namespace umbel
