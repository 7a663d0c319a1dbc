// SPDX-License-Identifier: MIT
#pragma once
// Asking work to stop: one source, many tokens, and callbacks that a suspended operation registers.

#include <atomic>

namespace umbel {

class StopCallback;

/// Can be asked to stop, once. Lives as long as its tokens and callbacks are used (a request's sources live in its
/// arena). Callbacks are registered and run on one thread, the Context's; `stop_requested` may be read anywhere.
class StopSource {
public:
  StopSource() noexcept = default;
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  /// Runs every registered callback, once, in order of registration. Later registrations run at once.
  /// On the Context's thread only.
  void request_stop() noexcept;

  /// Any thread.
  bool stop_requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

private:
  friend class StopCallback;

  std::atomic<bool> requested_{false};
  StopCallback* first_ = nullptr;
  StopCallback* last_ = nullptr;
};

/// Asks a StopSource whether to go on. Cheap to copy. An empty token never stops.
///
///     Report make_report(State<Archive> archive, StopToken stop) {   // plain: on a worker
///       for (const Page& page : archive->pages()) if (stop.stop_requested()) break;
class StopToken {
public:
  StopToken() noexcept = default;
  /// The source is not owned, and outlives the token.
  explicit StopToken(StopSource& source) noexcept : source_(&source) {}

  /// Any thread.
  bool stop_requested() const noexcept { return source_ && source_->stop_requested(); }
  /// False if nothing can ever ask.
  bool stop_possible() const noexcept { return source_ != nullptr; }

private:
  friend class StopCallback;
  StopSource* source_ = nullptr;
};

/// Runs a function when the source is asked to stop, until it is destroyed. Owned by the operation that can be stopped.
/// The function is called on the Context's thread and resumes nothing itself: it enqueues.
class StopCallback {
public:
  using Function = void (*)(StopCallback&) noexcept;

  /// The function that is called when a stop is requested.
  explicit StopCallback(Function function) noexcept : function_(function) {}
  StopCallback(const StopCallback&) = delete;
  StopCallback& operator=(const StopCallback&) = delete;
  ~StopCallback() { unlink(); }

  /// Registers. Runs the function at once if the stop was requested before.
  void link(StopToken token) noexcept;
  /// The function will not run any more.
  void unlink() noexcept;

private:
  friend class StopSource;

  Function function_;
  StopSource* source_ = nullptr;  // Null: not registered.
  StopCallback* next_ = nullptr;
  StopCallback* previous_ = nullptr;
};

}  // namespace umbel
