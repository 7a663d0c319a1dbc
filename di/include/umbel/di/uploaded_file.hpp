// SPDX-License-Identifier: MIT
#pragma once
// A file that a client sent in a form.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/buffer.hpp"
#include "umbel/core/task.hpp"
#include "umbel/json/detail/shape.hpp"

namespace umbel {

namespace detail {
class FileSpool;
}

/// A member of a form: a file, as multipart/form-data brings it. Its contents are in memory, or, if they are many, in a
/// temporary file that has no name and is gone with this object, whatever becomes of the request.
///
///     struct Upload {
///       std::string title;
///       UploadedFile picture;
///     };
///     Task<Response> add(Form<Upload> form) {
///       char block[4096];
///       for (std::uint64_t at = 0; at < form->picture.size();) {
///         const std::size_t read = co_await form->picture.read(at, block);
///         ...
///         at += read;
///       }
///     }
///
/// It can be moved, but not copied. Any number of nodes may read it at the same time, since nobody has a position.
class UploadedFile {
public:
  UploadedFile() noexcept = default;
  /// A file of a test's own, in memory.
  UploadedFile(std::string file_name, std::string content_type, std::string_view contents)
      : file_name_(std::move(file_name)),
        content_type_(std::move(content_type)),
        memory_(contents),
        size_(contents.size()) {}
  UploadedFile(UploadedFile&& other) noexcept
      : file_name_(std::move(other.file_name_)),
        content_type_(std::move(other.content_type_)),
        memory_(std::move(other.memory_)),
        size_(std::exchange(other.size_, 0)),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  UploadedFile& operator=(UploadedFile&& other) noexcept {
    std::swap(file_name_, other.file_name_);
    std::swap(content_type_, other.content_type_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~UploadedFile();

  /// As the client calls it, in UTF-8. Never a path to write to: it may be `../../etc/passwd`.
  const std::string& file_name() const noexcept { return file_name_; }
  /// As the client says, `image/png`; nobody has looked whether it is true. Empty: it does not say.
  const std::string& content_type() const noexcept { return content_type_; }
  /// In bytes.
  std::uint64_t size() const noexcept { return size_; }

  /// Its contents are in memory, all of them.
  bool is_in_memory() const noexcept { return descriptor_ < 0; }
  /// The contents if they are in memory, else empty. Valid as long as the file.
  std::string_view memory() const noexcept { return memory_.view(); }
  /// Of the temporary file, open for reading and writing, for those who send or copy it; it stays ours. -1: there is
  /// none.
  int descriptor() const noexcept { return descriptor_; }

  /// Copies what begins at `offset`, as much as there is room for; returns how much that was, 0 behind the end. At once
  /// if the contents are in memory, else on a worker. `into` stays where it is until then. Throws std::system_error if
  /// the file cannot be read, and HttpError 503 if the work queue is full. Once it has begun it is not cancelled.
  Task<std::size_t> read(std::uint64_t offset, std::span<char> into) const;
  /// The same for plain functions, which run on a worker anyway: it may block.
  std::size_t read_now(std::uint64_t offset, std::span<char> into) const;

private:
  friend class detail::FileSpool;

  std::string file_name_;
  std::string content_type_;
  Buffer memory_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;  // Owned.
};

namespace detail {
template <>
inline constexpr bool is_file<UploadedFile> = true;
}

}  // namespace umbel
