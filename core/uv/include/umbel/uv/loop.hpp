// SPDX-License-Identifier: MIT
#pragma once
// The libuv port: a Context on a uv_loop_t, ours or the host's.

#include <cstddef>
#include <memory>

#include "umbel/core/context.hpp"

typedef struct uv_loop_s uv_loop_t;

namespace umbel {

/// A Context on a libuv loop. One thread: the one that runs the loop. (It may be made, and given its first tasks, on
/// the thread that starts that one.)
///
///     Loop loop;                    // a loop of its own
///     Loop loop{uv_default_loop()}; // on the host's, which runs it
///
/// Plain functions go to libuv's pool through a WorkQueue, unless another pool is given.
///
/// A borrowed loop that has nothing else to do ends, `uv_run` returns, when nothing can go on here: no work is
/// enqueued, no timer runs, no job is away, nobody waits for a Semaphore. What only another thread knows of, a `post`
/// or a Completion's value that is still to come, cannot keep a loop alive: who waits for it calls `hold`.
///
/// A host that closes all handles of its loop while a Loop borrows it closes ours, too: an assertion in debug builds of
/// the library; in others nothing that is enqueued or posted runs any more, and the destructor still waits for jobs.
class Loop {
public:
  /// What libuv's pool may take.
  struct Options {
    std::size_t queue_limit = 16'384;  // Jobs that wait for a worker, and places promised. One more is refused.
    std::size_t workers = 0;           // Of libuv's pool, at the same time. 0: all but one of them.
  };

  /// Owns a new uv_loop_t. Throws std::system_error if libuv cannot make one.
  Loop() : Loop(Options{}) {}
  /// The same with options.
  explicit Loop(Options options);
  /// Borrows the host's loop: it outlives us, and turns once more after us (libuv closes handles in a later turn)
  /// before uv_loop_close. Throws std::system_error if the kernel has no descriptors left.
  explicit Loop(uv_loop_t* borrowed) : Loop(borrowed, Options{}) {}
  /// The same with options.
  Loop(uv_loop_t* borrowed, Options options);
  /// The same with the host's own pool in place of libuv's. Not owned; outlives us.
  Loop(uv_loop_t* borrowed, WorkPool& pool);

  /// On the loop's thread, not inside the Context's own work. Turns the loop until the jobs that are with the pool are
  /// home; without such jobs a borrowed loop is not turned. An owned loop closes: close your own handles on it first.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Its Context: alive as long as the loop.
  Context& context() noexcept;
  /// libuv's own loop; not given away.
  uv_loop_t* native() noexcept;

  /// Runs until `stop`. Owned loops; a borrowed one is run by its host, by uv_run. Afterwards any thread may have the
  /// loop. std::logic_error if it runs already, and an assertion in debug builds.
  void run();
  /// Makes `run` return soon, after what was posted before; if it does not run, the next one at once. For a borrowed
  /// loop this is uv_stop. Any thread.
  void stop() noexcept;

  /// A borrowed loop goes on, whatever else it has to do, until `release` was called as often as `hold`. On the loop's
  /// thread.
  void hold() noexcept;
  /// Takes back one `hold`.
  void release() noexcept;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel
