// SPDX-License-Identifier: MIT
#pragma once
// umbel on a Boost.Asio io_context. Header-only: needs Boost's headers, and no library but umbel-core.

#include <boost/asio/defer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "umbel/core/context.hpp"

namespace umbel {
namespace detail {

/// A port's wakes. The io_context's queue may have one when the port is gone: so it is counted, and owns the memory
/// that the queue needs for it.
class AsioWakes {
public:
  class Owner {
  public:
    /// Of a wake, and of a timer. On the io_context's thread.
    virtual void go_on() noexcept = 0;
    virtual void go_off() noexcept = 0;

  protected:
    ~Owner() = default;
  };

  AsioWakes(boost::asio::io_context& io, Owner& owner) noexcept : executor_(io.get_executor()), owner_(&owner) {}

  /// Any thread.
  static void wake(const std::shared_ptr<AsioWakes>& wakes) noexcept {
    const unsigned before = wakes->state_.fetch_or(sent, std::memory_order_acq_rel);
    if (before & ending) return wakes->end_wait();
    // On the io_context's own thread this is a place in a list; on any other, a post.
    if (!(before & sent)) boost::asio::defer(wakes->executor_, Wake{wakes});
  }

  /// The owner goes, and is not called any more. From now on a wake ends `wait`.
  void end() noexcept {
    owner_ = nullptr;
    if (state_.fetch_or(ending, std::memory_order_acq_rel) & sent) end_wait();
  }
  void wait() noexcept {
    told_.wait(false, std::memory_order_acquire);
    told_.exchange(false, std::memory_order_acq_rel);
  }

  /// For the owner's timer.
  void go_off() noexcept {
    if (owner_) owner_->go_off();
  }

private:
  static constexpr unsigned sent = 1;    // A Wake is in the queue.
  static constexpr unsigned ending = 2;  // Nobody puts one there any more.

  /// There is never more than one in the queue.
  template <class T>
  class Allocator {
  public:
    using value_type = T;
    explicit Allocator(AsioWakes& wakes) noexcept : wakes_(&wakes) {}
    template <class U>
    Allocator(const Allocator<U>& other) noexcept : wakes_(other.wakes_) {}  // NOLINT: as allocators are.

    T* allocate([[maybe_unused]] std::size_t count) noexcept {
      static_assert(sizeof(T) <= room_size && alignof(T) <= alignof(std::max_align_t));
      return reinterpret_cast<T*>(wakes_->room_);
    }
    void deallocate(T*, std::size_t) noexcept {}
    bool operator==(const Allocator&) const noexcept = default;

  private:
    template <class U>
    friend class Allocator;
    AsioWakes* wakes_;
  };

  struct Wake {
    using allocator_type = Allocator<void>;
    allocator_type get_allocator() const noexcept { return allocator_type{*wakes}; }
    void operator()() const noexcept { wakes->arrived(); }
    std::shared_ptr<AsioWakes> wakes;
  };

  // Before the work is taken: whoever finds the bit afterwards has posted what we are about to take.
  void arrived() noexcept {
    state_.fetch_and(~sent, std::memory_order_acq_rel);
    if (owner_) owner_->go_on();
  }
  void end_wait() noexcept {
    told_.store(true, std::memory_order_release);
    told_.notify_one();
  }

  static constexpr std::size_t room_size = 192;
  boost::asio::io_context::executor_type executor_;
  Owner* owner_;
  std::atomic<unsigned> state_{0};
  std::atomic<bool> told_{false};
  alignas(std::max_align_t) std::byte room_[room_size];
};

}  // namespace detail

/// A port on the host's io_context.
///
///     boost::asio::io_context io;
///     ThreadPool pool;
///     AsioPort port{io, pool};
///     Engine engine{app, port.context()};
///     io.run();
///
/// The port and its Context belong to the one thread that runs the io_context; two that do are an assertion in debug
/// builds, and take turns in others. (They may be made, and given their first
/// tasks, on the thread that starts that one.)
///
/// `io.run()` returns when nothing is left to do, here as elsewhere: no work is enqueued, no timer runs, no job is
/// away, nobody waits for a Semaphore. What only another thread knows of, a `post` that is still to come, does not keep
/// it: that is a work guard's.
class AsioPort : private Port, private WorkPool, private detail::AsioWakes::Owner {
public:
  /// Neither is owned; both outlive the port. The io_context may still have something of it in its queue then, which
  /// does nothing any more.
  AsioPort(boost::asio::io_context& io, WorkPool& pool)
      : io_(io),
        pool_(pool),
        timer_(io),
        wakes_(std::make_shared<detail::AsioWakes>(io, static_cast<detail::AsioWakes::Owner&>(*this))),
        context_(*this, *this) {}
  /// Waits for the jobs that are with the pool. On the io_context's thread, not inside the Context's own work.
  ~AsioPort() override {
    wakes_->end();
    while (context_.jobs_away() > 0) {
      wakes_->wait();
      context_.run_ready();
    }
  }
  AsioPort(const AsioPort&) = delete;
  AsioPort& operator=(const AsioPort&) = delete;

  Context& context() noexcept { return context_; }

private:
  void wake() noexcept override { detail::AsioWakes::wake(wakes_); }

  // An alarm that comes too early costs a look, moving it costs more. One that is not needed would keep `io.run()`.
  void arm(Time when) noexcept override {
    if (when >= alarm_ && when != Time::max()) return;
    alarm_ = when;
    timer_.expires_at(when);  // What was waited for ends with an error.
    if (when == Time::max()) return;
    timer_.async_wait([wakes = wakes_](const boost::system::error_code& error) {
      if (!error) wakes->go_off();
    });
  }

  void hold() noexcept override {
    ++holds_;
    keep_running();
  }
  void release() noexcept override {
    --holds_;
    keep_running_if_needed();
  }

  bool submit(Job& job) noexcept override {
    if (!pool_.submit(job)) return false;
    keep_running();
    return true;
  }
  bool reserve(std::size_t jobs) noexcept override { return pool_.reserve(jobs); }
  void unreserve(std::size_t jobs) noexcept override { pool_.unreserve(jobs); }

  void go_on() noexcept override {
    const std::lock_guard turn{mutex_};
    context_.run_ready();
    keep_running_if_needed();
  }

  void go_off() noexcept override {
    const std::lock_guard turn{mutex_};
    alarm_ = Time::max();
    go_on();
  }

  void keep_running() noexcept {
    if (!running_) running_.emplace(io_.get_executor());
  }
  void keep_running_if_needed() noexcept {
    if (holds_ == 0 && context_.jobs_away() == 0) running_.reset();
  }

  boost::asio::io_context& io_;
  WorkPool& pool_;
  std::recursive_mutex mutex_;  // Of turns: nobody should have to wait for it.
  boost::asio::steady_timer timer_;
  std::shared_ptr<detail::AsioWakes> wakes_;
  // While somebody else will call us.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> running_;
  std::size_t holds_ = 0;
  Time alarm_ = Time::max();  // What the timer waits for.
  Context context_;           // The last: it waits for wakes under way.
};

}  // namespace umbel
