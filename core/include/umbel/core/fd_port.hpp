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
/// The port, its Context and the host's loop belong to one thread. The pool is not owned and outlives the port.
class FdPort : private Port {
public:
  /// Throws std::system_error if the kernel has no descriptors left.
  explicit FdPort(WorkPool& pool);
  /// Waits for the jobs that are with the pool.
  ~FdPort() override;
  FdPort(const FdPort&) = delete;
  FdPort& operator=(const FdPort&) = delete;

  /// Readable whenever `on_readable` should be called. Stays the port's.
  int fd() const noexcept { return epoll_; }
  /// Runs what is ready and what is due. Harmless if nothing is.
  void on_readable() noexcept;

  Context& context() noexcept { return context_; }

private:
  void wake() noexcept override;
  void arm(Time when) noexcept override;

  int epoll_ = -1;
  int event_ = -1;
  int timer_ = -1;
  std::atomic<bool> signalled_{false};  // The eventfd is readable, or about to be.
  Context context_;
};

}  // namespace umbel
