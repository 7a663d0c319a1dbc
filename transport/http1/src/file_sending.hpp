// SPDX-License-Identifier: MIT
#pragma once
// A stretch of a file that the kernel sends, from workers.

#include <cstdint>

#include "sockets.hpp"
#include "umbel/core/body_source.hpp"
#include "umbel/core/context.hpp"

namespace umbel::http1 {

/// Has workers call sendfile(2), so that they wait for the disk and the loop does not; each job sends a piece, as much
/// as the socket takes. It has descriptors of its own for both, and so goes on being right when its owner closes the
/// socket under a job, and its source is dropped.
///
/// Belongs to itself: gone when it was dropped and its job, if one is away, has come home.
class FileSending : private Job {
public:
  enum class Result : std::uint8_t {
    more,     // Something was sent, and the socket may take more.
    blocked,  // The socket takes nothing more for now.
    ended,    // All is sent.
    failed,   // The kernel cannot, or the file has no more bytes.
    lost      // The peer is gone.
  };
  class Owner {
  public:
    /// A job has come home. `bytes` were sent by it, whatever the result. On the Context's thread.
    virtual void on_file_sent(std::uint64_t bytes, Result result) noexcept = 0;

  protected:
    ~Owner() = default;
  };

  /// Null if there are no descriptors left. `owner` lives until `drop`.
  static FileSending* make(Context& context, int socket, const FileStretch& stretch, Owner& owner) noexcept;
  FileSending(const FileSending&) = delete;
  FileSending& operator=(const FileSending&) = delete;

  /// Sends on, from a worker. Not while it is away.
  void go_on() noexcept;
  bool is_away() const noexcept { return is_away_; }
  /// The owner is told nothing any more, and the connection is over if a job is away. Once, and at last.
  void drop() noexcept;

private:
  FileSending(Context& context, Descriptor&& socket, Descriptor&& file, const FileStretch& stretch,
              Owner& owner) noexcept;
  ~FileSending() = default;

  static void execute(Job& job) noexcept;
  static void come_home(Job& job) noexcept;
  Result send() noexcept;

  Context& context_;
  Descriptor socket_;
  Descriptor file_;
  Owner* owner_;  // Null: dropped.
  std::uint64_t offset_;
  std::uint64_t left_;
  std::uint64_t sent_ = 0;  // By the last job.
  Result result_ = Result::more;
  bool is_away_ = false;
};

/// The deleter of a pointer that owns one.
struct DropFileSending {
  void operator()(FileSending* sending) const noexcept { sending->drop(); }
};

}  // namespace umbel::http1
