// SPDX-License-Identifier: MIT
#pragma once
// A file as a reply.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/core/buffer.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

namespace detail {

/// Owns a descriptor.
class Descriptor {
public:
  Descriptor() noexcept = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept { return std::swap(fd_, other.fd_), *this; }
  ~Descriptor() { close(); }

  int get() const noexcept { return fd_; }
  /// False if it holds none.
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void close() noexcept;

private:
  int fd_ = -1;
};

}  // namespace detail

/// An open file; what a handler may return.
///
///     File report(Path<"id", int> id) {                                   // on a worker, as every plain function
///       return File{"reports/" + std::to_string(*id) + ".pdf"}.download("Bericht März.pdf");
///     }
///
/// The reply has the type that the name's extension says, Content-Length, Last-Modified, an ETag made of size and time,
/// and Accept-Ranges. It answers If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since with 304 or 412,
/// and Range, under If-Range, with 206 or 416 (RFC 9110 sections 13 and 14): one range; of several the whole file is
/// sent. All that of GET and HEAD; the reply to any other method is the whole file.
///
/// What is larger than 64 KiB is sent by the kernel, if the transport has it do so, from workers (docs/http1.md); or it
/// is read while it is sent, on workers, in pieces of that size: at most two are in memory. A slow client holds either
/// up. A file that is made shorter meanwhile breaks the reply off; what is appended is not sent.
class File {
public:
  /// Opens the file, and reads it if it is small: in a plain function, which runs on a worker. A coroutine awaits
  /// `open_file`. Throws HttpError: 404 if there is no such file, or it is no regular one, 403 if we may not read it;
  /// std::system_error of anything else. The path is taken as it is: what a client sends is no path of ours, but a name
  /// that is looked up; see static_files for a folder.
  explicit File(std::string path);
  /// The same of what somebody has opened already, with the checks; `name` is for its type.
  File(detail::Descriptor file, std::string_view name);

  /// In place of what the extension says. Throws as ResponseHeaders does.
  File& content_type(std::string_view type) &;
  File&& content_type(std::string_view type) && { return std::move(content_type(type)); }
  /// Has the browser save it under that name, which is UTF-8 (RFC 6266; RFC 8187 beyond ASCII). Folders, quotes and
  /// control characters in it become `_`.
  File& download(std::string_view name) &;
  File&& download(std::string_view name) && { return std::move(download(name)); }
  /// Adds a header to the reply, 304 included: `cache-control`. Throws as ResponseHeaders does.
  File& header(std::string_view name, std::string_view value) &;
  File&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }

  /// In bytes.
  std::uint64_t size() const noexcept { return size_; }
  /// Never in the future.
  std::chrono::sys_seconds last_modified() const noexcept { return last_modified_; }
  /// With its quotes. Weak, `W/"..."`, if it was changed so short ago that it may change again without that showing.
  const std::string& etag() const noexcept { return etag_; }

  /// The reply to that request, which takes the file over. For the App, and for whoever makes a Response of it. Throws
  /// HttpError for 412 and 416.
  Response respond(const Request& request) &&;

private:
  void look(std::string_view name);
  void read_if_small();
  Response whole(int status) const;
  Response part(int status, std::uint64_t first, std::uint64_t size);

  detail::Descriptor file_;
  std::uint64_t size_ = 0;
  std::chrono::sys_seconds last_modified_{};
  std::string etag_;
  std::string type_;
  std::string disposition_;  // Empty: none.
  ResponseHeaders headers_;
  Buffer content_;  // All of it, if it is small.
};

/// A File that is opened on a worker, for coroutines: `File file = co_await open_file("a.txt");`. Throws what File
/// throws, and HttpError 503 if the pool is full. It is waited for, whoever asks to stop.
Task<File> open_file(std::string path);

}  // namespace umbel
