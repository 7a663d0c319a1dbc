// SPDX-License-Identifier: MIT
#include "umbel/di/uploaded_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "file_spool.hpp"

namespace umbel {

namespace {

/// A file without a name; -1 and errno if there can be none.
int open_temporary() noexcept {
  const int nameless = ::open(P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return nameless;
  char path[] = P_tmpdir "/umbel-XXXXXX";  // Not every file system can do it.
  const int named = ::mkostemp(path, O_CLOEXEC);
  if (named >= 0) ::unlink(path);
  return named;
}

/// Returns errno; 0: `read` is how much there was.
int read_file(int descriptor, std::uint64_t offset, std::span<char> into, std::size_t& read) noexcept {
  while (read < into.size()) {
    const ssize_t got = ::pread(descriptor, into.data() + read, into.size() - read, static_cast<off_t>(offset + read));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    read += static_cast<std::size_t>(got);
  }
  return 0;
}

[[noreturn]] void refuse(int error) { throw std::system_error{error, std::generic_category(), "an uploaded file"}; }

}  // namespace

UploadedFile::~UploadedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t UploadedFile::read_now(std::uint64_t offset, std::span<char> into) const {
  if (offset >= size_) return 0;
  into = into.first(std::min<std::uint64_t>(into.size(), size_ - offset));
  if (is_in_memory()) return memory_.view().copy(into.data(), into.size(), offset);
  std::size_t read = 0;
  if (const int error = read_file(descriptor_, offset, into, read)) refuse(error);
  return read;
}

Task<std::size_t> UploadedFile::read(std::uint64_t offset, std::span<char> into) const {
  if (is_in_memory() || offset >= size_) co_return read_now(offset, into);
  std::size_t read = 0;
  int error = 0;
  detail::OnWorker reading{
      [this, offset, into, &read, &error]() noexcept { error = read_file(descriptor_, offset, into, read); }};
  co_await reading;
  if (error) refuse(error);
  co_return read;
}

namespace detail {

int FileSpool::flush() noexcept {
  int& descriptor = file_->descriptor_;
  if (descriptor < 0) descriptor = open_temporary();
  if (descriptor < 0) return errno;
  std::string_view rest = file_->memory_.view();
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  file_->memory_.clear();
  return 0;
}

}  // namespace detail
}  // namespace umbel
