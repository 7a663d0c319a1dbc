// SPDX-License-Identifier: MIT
#pragma once
// The engine's heart on one thread: what can go on, timers, and posts from other threads. A Port puts it on a loop.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "umbel/core/block_pool.hpp"
#include "umbel/core/home_thread.hpp"
#include "umbel/core/intrusive_list.hpp"

namespace umbel {

/// What all deadlines and timers go by: it never goes back, whatever the wall clock does.
using Clock = std::chrono::steady_clock;
/// A point of that clock.
using Time = Clock::time_point;
/// A difference of two of them.
using Duration = Clock::duration;

class Context;
class Job;
class Lane;
namespace testing {
class TimerOrder;  // Of the simulation.
}

/// Something that can go on. Intrusive: whoever enqueues it owns it and keeps it alive until it ran.
class Work {
public:
  using Function = void (*)(Work&) noexcept;
  /// The function that `run` calls.
  explicit Work(Function function) noexcept : function_(function) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

private:
  friend class Context;
  friend class Job;
  Function function_;
  Work* next_ = nullptr;
};

/// What a Context needs of the loop that it lives on. Implement it to run umbel anywhere.
class Port {
public:
  virtual ~Port() = default;
  /// Make `Context::run_ready()` be called soon, on the Context's thread. Called from any thread, often: cheap if a
  /// wake is already on its way.
  virtual void wake() noexcept = 0;
  /// Make `run_ready()` be called at `when`, in place of what was armed before. `Time::max()`: no timer.
  /// On the Context's thread. May fire early or late: the Context looks at the clock itself.
  virtual void arm(Time when) noexcept = 0;
  /// On the Context's thread.
  virtual Time now() noexcept { return Clock::now(); }
  /// Something here waits for what another thread will post: a loop that ends when it has nothing left to do goes on
  /// until `release` was called as often as `hold`. On the Context's thread. Other ports have nothing to do.
  virtual void hold() noexcept {}
  /// Takes back one `hold`.
  virtual void release() noexcept {}
};

/// How a pool, or a lane, treats a job.
enum class JobClass : std::uint8_t {
  normal,    // Refused if the queue is full.
  reserved,  // Has a place already, by `reserve`: never refused. In the queue it is like a normal one.
  cleanup,   // Never refused, needs no place, and goes before all others: a tear-down waits behind no set-up.
};

/// Runs plain functions on other threads. Several Contexts may share one.
///
/// Its queue has a limit. Places in it can be promised, so that what was admitted once is not refused half way; the
/// places promised and the normal jobs that wait are never more, together, than the limit.
class WorkPool {
public:
  virtual ~WorkPool() = default;
  /// Takes the job, or says no because it is full. Only a normal job may be refused, and a clean-up job is taken from
  /// the queue before all others: see JobClass. A job that was taken is always handed back to its Context, executed or
  /// withdrawn. On the thread of the job's Context.
  virtual bool submit(Job& job) noexcept = 0;

  /// Promises places to `jobs` jobs of class `reserved`, or says no because the queue has not that many. A promise
  /// holds, whether its jobs wait, run or are yet to come, until it is given back; whoever made it sees to it that no
  /// more of its jobs wait at the same time. Any thread.
  ///
  /// A pool that does not override it promises everything: right where `submit` never refuses a reserved job.
  virtual bool reserve([[maybe_unused]] std::size_t jobs) noexcept { return true; }
  /// Gives places back, once none of the jobs that they were promised to is with the pool. Any thread.
  virtual void unreserve([[maybe_unused]] std::size_t jobs) noexcept {}
};

/// A function for a worker. Intrusive: its owner keeps it alive until `finished` was called on the Context's thread.
class Job : private Work {
public:
  using Function = void (*)(Job&) noexcept;

  /// `execute` runs on a worker, `finished` afterwards on the Context's thread.
  Job(Function execute, Function finished) noexcept : Work(come_home), execute_(execute), finished_(finished) {}

  /// Before the job is submitted, and not while it is away. Jobs are normal unless told.
  void set_class(JobClass job_class) noexcept { class_ = job_class; }
  /// What the pool is told of it.
  JobClass job_class() const noexcept { return class_; }

  /// A job that no worker has begun is not executed; `finished` is called all the same: when a worker comes to it, and
  /// soon if it waits in a lane. On the Context's thread.
  void withdraw() noexcept {
    State expected = State::queued;
    if (state_.compare_exchange_strong(expected, State::withdrawn, std::memory_order_relaxed) && lane_) leave_lane();
  }
  /// Valid when `finished` is called: false if the job was withdrawn in time.
  bool executed() const noexcept { return state_.load(std::memory_order_relaxed) == State::begun; }

  /// For pools, on a worker: executes the job unless it was withdrawn, and hands it back to its Context. The job may
  /// be gone when this returns.
  void run_and_return() noexcept;

private:
  friend class Context;
  friend class JobQueue;
  friend class Lane;
  enum class State : std::uint8_t { queued, begun, withdrawn };

  static void come_home(Work& work) noexcept;

  // The ways through a lane: lane.cpp.
  static void pass_lane(Work& work) noexcept;
  void wait_in_lane() noexcept;
  void wait_no_more() noexcept;
  void go_to_pool() noexcept;
  void leave_lane() noexcept;

  Function execute_;
  Function finished_;
  Context* home_ = nullptr;
  Lane* lane_ = nullptr;  // That the job was submitted to, while it is away.
  detail::Link<Job> link_;
  std::atomic<State> state_{State::queued};
  JobClass class_ = JobClass::normal;
  bool waits_in_lane_ = false;  // Guarded by the lane.
};

/// Calls a function at a time, on the Context's thread. Owned by whoever waits; cancelled when destroyed.
class Timer {
public:
  using Function = void (*)(Timer&) noexcept;
  /// The function that is called when the time has come.
  explicit Timer(Function function) noexcept : function_(function) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  /// Starts, or moves, the timer.
  void start(Context& context, Time when);
  /// The function is not called any more. On the Context's thread; harmless if the timer does not run.
  void cancel() noexcept;
  /// It was started, and neither fired nor was cancelled.
  bool is_running() const noexcept { return index_ != idle; }

private:
  friend class Context;
  friend class testing::TimerOrder;
  static constexpr std::size_t idle = ~std::size_t{0};

  Function function_;
  Context* context_ = nullptr;
  Time when_{};
  std::size_t index_ = idle;  // Our place in the Context's heap.
};

/// One thread's queue of what can go on. Everything of a request happens on its Context's thread, except the plain
/// functions that a WorkPool runs.
///
/// Nothing that completes runs user code inside the completing callback: it is enqueued, and `run_ready` runs it. So
/// stacks stay flat and order fair.
///
/// Its thread is the one that runs it: any other may do with it what is said to be for any thread, and nothing else.
/// Debug builds of the library check that, in words. In release builds what another thread enqueues is posted; it is
/// refused its jobs, and waits for a turn with what it starts, cancels or withdraws. As long as none
/// has run it, it may be given its first tasks by whoever makes it; and it goes to another thread when the one has
/// ended, or has said `thread().leave()`.
///
/// A Context must outlive everything that may post to it; its destructor waits for a `post` that is under way.
class Context {
public:
  /// Neither is owned. A port may be built around its Context, so neither is called before the first enqueue.
  explicit Context(Port& port, WorkPool& pool) noexcept : port_(port), pool_(pool) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  /// Runs `work` soon, in order, not now. On the Context's thread.
  void enqueue(Work& work) noexcept;

  /// The same from any thread. Work posted by one thread keeps its order.
  void post(Work& work) noexcept;

  /// Runs `f()` on the Context's thread. From any thread. `f` must not throw. What was posted and has not run when the
  /// Context goes is never run and not freed: let the loop turn once more before.
  template <class F>
  void post(F f);

  /// Takes back what was enqueued or posted and has not run; false if it is not there. Looks through the whole queue:
  /// for ends. On the Context's thread.
  bool withdraw(Work& work) noexcept;

  /// Hands a job to the pool; false if the pool is full (then nothing happened), which only a normal job has to expect.
  /// On the Context's thread.
  bool submit(Job& job) noexcept;

  /// Runs what is ready and what is due, `budget` pieces of work at most; asks the port for another turn if something
  /// is left. For ports, on the Context's thread. Does nothing when called from inside itself.
  /// Returns how many pieces ran.
  std::size_t run_ready(std::size_t budget = 256) noexcept;
  /// It is its own work that calls: no place to wait for more of it.
  bool is_running() const noexcept { return running_.load(std::memory_order_relaxed); }
  /// The same, asked on any thread.
  bool is_running_here() const noexcept { return thread_.is_ours() && is_running(); }

  /// For whoever waits for what only a turn of the Context can bring: called by the Context's own work he would wait
  /// without end, and that is said on standard error (`what`: "umbel: a Server is destroyed"), with an assertion in
  /// debug builds. Any thread.
  void expect_outside(const char* what) const noexcept;

  /// Whose it is. `run_ready` enters.
  HomeThread& thread() noexcept { return thread_; }
  /// `thread().is_here()`: the Context's thread calls, or it has none.
  bool is_here() const noexcept { return thread_.is_here(); }

  /// The port's clock.
  Time now() noexcept { return port_.now(); }
  /// Its surroundings.
  Port& port() noexcept { return port_; }
  /// Where its plain nodes go.
  WorkPool& pool() noexcept { return pool_; }

  /// Jobs that are with the pool or wait in a lane. A Context is not destroyed before they are home.
  std::size_t jobs_away() const noexcept { return jobs_away_; }
  /// True if nothing is queued here and no timer runs. Posts under way are not seen.
  bool is_idle() const noexcept { return !first_ && timers_.empty() && !posted_.load(std::memory_order_relaxed); }

  /// While it lives, enqueued work waits for its end instead of waking the port. For a transport's callbacks: what a
  /// batch of input makes ready runs when the batch is read, without a system call.
  class Turn {
  public:
    /// Begins a turn; turns may be nested.
    explicit Turn(Context& context) noexcept : context_(context), outer_(context.in_turn_) {
      if (!context.thread_.is_ours()) context.thread_.enter();
      context.in_turn_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      context_.in_turn_ = outer_;
      if (!outer_ && context_.first_) context_.run_ready(turn_budget);
    }

  private:
    // Less than a turn of the loop's own: there is one for every connection that has input, and what they make ready
    // together must not hold up a connection behind them.
    static constexpr std::size_t turn_budget = 32;

    Context& context_;
    bool outer_;
  };

private:
  friend class Job;
  friend class Lane;
  friend class Timer;
  friend class testing::TimerOrder;

  bool is_used_here() const noexcept;
  template <class F>
  void run_there(F f) noexcept;
  Work* take_next() noexcept;
  void take_posted() noexcept;
  std::size_t fire_timers(std::size_t budget) noexcept;
  void rearm() noexcept;
  void timer_up(std::size_t index) noexcept;
  void timer_down(std::size_t index) noexcept;
  void place(Timer* timer, std::size_t index) noexcept;
  void remove_timer(Timer& timer) noexcept;

  Port& port_;
  WorkPool& pool_;
  Work* first_ = nullptr;
  Work* last_ = nullptr;
  std::vector<Timer*> timers_;  // A binary heap: the earliest first.
  Time armed_ = Time::max();    // What the port was told.
  std::size_t jobs_away_ = 0;
  bool in_turn_ = false;
  std::atomic<bool> running_{false};
  bool wake_sent_ = false;              // By this thread, since the last run_ready.
  std::atomic<Work*> posted_{nullptr};  // The newest first.
  std::atomic<std::size_t> posters_{0};
  HomeThread thread_;
};

namespace detail {

/// Told when a tree of tasks was resumed and has come to its next wait, or its end.
struct Watch {
  using Function = void (*)(Watch& watch, Time began) noexcept;
  Function function;
};

template <class F>
class PostedFunction : public Work {
public:
  explicit PostedFunction(F&& f) : Work(run), f_(std::move(f)) {}

private:
  static void run(Work& work) noexcept {
    auto* const self = static_cast<PostedFunction*>(&work);
    F f = std::move(self->f_);
    self->~PostedFunction();
    BlockPool::give(self, sizeof(PostedFunction));
    f();
  }
  F f_;
};

}  // namespace detail

template <class F>
void Context::post(F f) {
  void* const memory = detail::BlockPool::take(sizeof(detail::PostedFunction<F>));
  post(static_cast<Work&>(*::new (memory) detail::PostedFunction<F>{std::move(f)}));
}

}  // namespace umbel
