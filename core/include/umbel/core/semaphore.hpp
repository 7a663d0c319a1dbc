// SPDX-License-Identifier: MIT
#pragma once
// So many and no more at the same time, for whoever must not block a thread in order to wait.

#include <cstddef>
#include <mutex>

#include "umbel/core/context.hpp"
#include "umbel/core/intrusive_list.hpp"

namespace umbel {

/// Permits that are granted first come, first served, to waiters of any Context. A permit that is released while
/// somebody waits is handed over: whoever comes meanwhile cannot take it away. Allocates nothing.
///
///     Semaphore pool{5};
///     if (pool.acquire(context, waiter)) go_on();   // else `waiter`'s function is called, in its turn
///     ...
///     pool.release();
///
/// Outlives its waiters and whoever holds a permit.
class Semaphore {
public:
  /// Somebody who waits. Intrusive: its owner keeps it alive, and its Context turning, until its function was called or
  /// it was withdrawn. It may be used again then.
  class Waiter : private Work {
  public:
    using Function = void (*)(Waiter&) noexcept;
    /// `granted` is called on the Context's thread, from its queue: the waiter has a permit now, and must release it.
    explicit Waiter(Function granted) noexcept : Work(arrive), granted_(granted) {}

  private:
    friend class Semaphore;
    static void arrive(Work& work) noexcept;

    Function granted_;
    Context* context_ = nullptr;
    detail::Link<Waiter> link_;
    bool waits_ = false;  // Guarded by the semaphore.
  };

  /// So many may hold a permit at the same time.
  explicit Semaphore(std::size_t permits) noexcept : available_(permits) {}
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// True: granted at once, and the waiter's function is not called. False: it will be. On the Context's thread; the
  /// waiter does not wait already.
  bool acquire(Context& context, Waiter& waiter) noexcept;

  /// For a waiter whose function has not been called yet. True: it never will be, the waiter is free. False: the permit
  /// is on its way, the function will be called and has to release it. On the waiter's Context's thread.
  bool withdraw(Waiter& waiter) noexcept;

  /// Gives a permit back, once for each that was granted. Any thread, whoever took it.
  void release() noexcept;

  /// Permits that nobody has. Any thread.
  std::size_t available() const noexcept;

private:
  mutable std::mutex mutex_;
  detail::IntrusiveList<Waiter, &Waiter::link_> waiting_;  // Empty if a permit is available.
  std::size_t available_;
};

}  // namespace umbel
