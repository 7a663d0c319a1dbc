// SPDX-License-Identifier: MIT
#pragma once
// umbel on any loop that can watch a descriptor: epoll, asio, glib, Qt.

#include <atomic>

#include "umbel/core/context.hpp"

namespace umbel {

/// A port that shows itself to the host's loop as one descriptor. Linux.
///
///     ThreadPool pool;
///     FdPort port{pool};
///     host.watch_readable(port.fd(), [&] { port.on_readable(); });   // level-triggered
///     Engine engine{app, port.context()};
///
/// The port, its Context and the host's loop belong to one thread. The pool is not owned and outlives the port. Should
/// two threads call `on_readable`, debug builds of the library end with a sentence; in others they take turns.
class FdPort : private Port {
public:
  /// Throws std::system_error if the kernel has no descriptors left.
  explicit FdPort(WorkPool& pool);
  /// Waits for the jobs that are with the pool.
  ~FdPort() override;
  FdPort(const FdPort&) = delete;
  FdPort& operator=(const FdPort&) = delete;

  /// Readable whenever `on_readable` should be called, and now and then, for a timer that was cancelled, for nothing.
  /// Stays the port's.
  int fd() const noexcept { return epoll_.get(); }
  /// Runs what is ready and what is due. Harmless if nothing is.
  void on_readable() noexcept;

  Context& context() noexcept { return context_; }

private:
  void wake() noexcept override;
  void arm(Time when) noexcept override;

  class Descriptor {
  public:
    Descriptor(int fd, const char* what);
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    int get() const noexcept { return fd_; }

  private:
    int fd_;
  };

  Descriptor epoll_;
  Descriptor event_;
  Descriptor timer_;
  Time armed_ = Time::max();            // What the timerfd will tell.
  std::atomic<bool> signalled_{false};  // The eventfd is readable, or about to be.
  std::atomic<bool> is_busy_{false};    // In `on_readable`.
  Context context_;                     // The last: it waits for wakes under way, which use the descriptors.
};

}  // namespace umbel
