// SPDX-License-Identifier: MIT
#include "umbel/uv/loop.hpp"

#include <uv.h>

#include <cassert>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "umbel/uv/work_queue.hpp"

namespace umbel {

namespace {

void check(int status, const char* what) {
  if (status < 0) throw std::system_error{-status, std::generic_category(), what};
}

bool has_open_handles(uv_loop_t& loop) noexcept {
  bool found = false;
  const auto look = [](uv_handle_t* handle, void* result) {
    if (!uv_is_closing(handle)) *static_cast<bool*>(result) = true;
  };
  uv_walk(&loop, look, &found);
  return found;
}

class OwnLoop {
public:
  OwnLoop() : loop_(std::make_unique<uv_loop_t>()) { check(uv_loop_init(loop_.get()), "umbel::Loop: uv_loop_init"); }
  OwnLoop(const OwnLoop&) = delete;
  OwnLoop& operator=(const OwnLoop&) = delete;

  ~OwnLoop() {
    while (uv_loop_close(loop_.get()) == UV_EBUSY) {
      if (has_open_handles(*loop_)) {
        leak();
        return;
      }
      uv_run(loop_.get(), UV_RUN_ONCE);  // Handles that close, items of the pool that end.
    }
  }

  uv_loop_t* get() noexcept { return loop_.get(); }

private:
  // Whoever left a handle open may still use it: better a leak than a loop that is gone, or a wait without end.
  void leak() noexcept {
    assert(!"a Loop was destroyed before handles that its user had opened on it");
    static_cast<void>(loop_.release());
  }

  std::unique_ptr<uv_loop_t> loop_;
};

}  // namespace

class Loop::Impl final : private Port, private WorkPool {
public:
  explicit Impl(Options options) : Impl(options, nullptr, nullptr) {}
  Impl(uv_loop_t* borrowed, Options options) : Impl(options, borrowed, nullptr) {}
  Impl(uv_loop_t* borrowed, WorkPool& pool) : Impl(Options{}, borrowed, &pool) {}

  ~Impl() override {
    assert(!is_closed() && "umbel: a loop, or all its handles, was closed before the Loop that borrows it");
    while (context_.jobs_away() > 0) {
      uv_run(loop_, UV_RUN_ONCE);
      if (is_closed()) context_.run_ready();  // Nobody tells us any more.
    }
  }

  Context& context() noexcept { return context_; }
  uv_loop_t* native() noexcept { return loop_; }

  void run() {
    if (runs_.exchange(true, std::memory_order_acquire)) {
      assert(!"umbel: a Loop is run twice at the same time");
      throw std::logic_error{"umbel: the Loop runs already"};
    }
    uv_run(loop_, UV_RUN_DEFAULT);
    context_.thread().leave();
    runs_.store(false, std::memory_order_release);
  }

  void stop() noexcept {
    if (!stopper_.sent.exchange(true, std::memory_order_acq_rel)) context_.post(static_cast<Work&>(stopper_));
  }

  void hold() noexcept override {
    ++holds_;
    uv_ref(reinterpret_cast<uv_handle_t*>(&handles_->async));
  }
  void release() noexcept override {
    --holds_;
    hold_if_needed();
  }

private:
  // On the heap, because libuv closes handles in a later turn. Their data is the Impl; close callbacks do not use it.
  struct Handles {
    uv_async_t async;
    uv_idle_t idle;
    uv_timer_t timer;
    int open = 3;
  };

  struct Closer {
    template <class Handle>
    static void close(Handle& handle, Handles* all) noexcept {
      handle.data = all;
      uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
        auto* const handles = static_cast<Handles*>(closed->data);
        if (--handles->open == 0) delete handles;
      });
    }
    void operator()(Handles* handles) const noexcept {
      // Whoever has closed them before us may have freed the loop: better a leak of the handles.
      if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&handles->async))) return;
      close(handles->async, handles);
      close(handles->idle, handles);
      close(handles->timer, handles);
    }
  };

  struct Stopper : Work {
    explicit Stopper(Impl& i) noexcept : Work(run), impl(i) {}
    static void run(Work& work) noexcept {
      auto& self = static_cast<Stopper&>(work);
      self.sent.store(false, std::memory_order_release);
      uv_stop(self.impl.loop_);
    }
    Impl& impl;
    std::atomic<bool> sent{false};
  };

  Impl(Options options, uv_loop_t* borrowed, WorkPool* pool) : pool_(pool), stopper_(*this), context_(*this, *this) {
    loop_ = borrowed ? borrowed : own_loop_.emplace().get();
    handles_ = open_handles(loop_);
    handles_->async.data = handles_->idle.data = handles_->timer.data = this;
    if (!pool_) pool_ = &queue_.emplace(loop_, options.queue_limit, options.workers);
    hold_if_needed();
    // One call from the first turn: it tells us the loop's thread, and takes what is posted before.
    uv_idle_start(&handles_->idle, on_idle);
  }

  static std::unique_ptr<Handles, Closer> open_handles(uv_loop_t* loop) {
    auto handles = std::make_unique<Handles>();
    check(uv_async_init(loop, &handles->async, on_async), "umbel::Loop: uv_async_init");
    uv_idle_init(loop, &handles->idle);
    uv_timer_init(loop, &handles->timer);
    return std::unique_ptr<Handles, Closer>{handles.release()};
  }

  // On the loop's own thread an idle handle does it: it needs no system call, and keeps the loop alive.
  void wake() noexcept override {
    assert(!is_closed() && "umbel: a loop, or all its handles, was closed before the Loop that borrows it");
    if (is_closed()) [[unlikely]]
      return;
    if (context_.thread().is_ours()) {
      uv_idle_start(&handles_->idle, on_idle);
    } else if (!signalled_.exchange(true, std::memory_order_acq_rel)) {
      uv_async_send(&handles_->async);
    }
  }

  // libuv counts milliseconds from the turn's start, so this may be early: then the Context arms again.
  void arm(Time when) noexcept override {
    auto* const timer = &handles_->timer;
    if (when == Time::max()) {
      uv_timer_stop(timer);
      return;
    }
    if (when == armed_ && uv_is_active(reinterpret_cast<uv_handle_t*>(timer))) return;
    armed_ = when;
    uv_update_time(loop_);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now());
    uv_timer_start(timer, on_timer, left.count() > 0 ? static_cast<std::uint64_t>(left.count()) : 0, 0);
  }

  // The host has.
  bool is_closed() const noexcept { return uv_is_closing(reinterpret_cast<uv_handle_t*>(&handles_->async)) != 0; }

  bool submit(Job& job) noexcept override {
    if (is_closed() || !pool_->submit(job)) return false;
    uv_ref(reinterpret_cast<uv_handle_t*>(&handles_->async));
    return true;
  }
  bool reserve(std::size_t jobs) noexcept override { return pool_->reserve(jobs); }
  void unreserve(std::size_t jobs) noexcept override { pool_->unreserve(jobs); }

  void hold_if_needed() noexcept {
    auto* const async = reinterpret_cast<uv_handle_t*>(&handles_->async);
    if (own_loop_ || holds_ > 0 || context_.jobs_away() > 0) uv_ref(async);
    else uv_unref(async);
  }

  void go_on() noexcept {
    context_.run_ready();
    hold_if_needed();
  }

  static void on_async(uv_async_t* async) {
    auto& self = *static_cast<Impl*>(async->data);
    // Before the work is taken: whoever finds the flag up afterwards has posted what we are about to take.
    self.signalled_.exchange(false, std::memory_order_acq_rel);
    self.go_on();
  }
  static void on_idle(uv_idle_t* idle) {
    uv_idle_stop(idle);
    static_cast<Impl*>(idle->data)->go_on();
  }
  static void on_timer(uv_timer_t* timer) { static_cast<Impl*>(timer->data)->go_on(); }

  // Destroyed from the end: the Context waits for posts under way, which use the handles; then the handles close; then
  // an owned loop turns until all is closed.
  std::optional<OwnLoop> own_loop_;
  uv_loop_t* loop_ = nullptr;
  std::unique_ptr<Handles, Closer> handles_;
  std::optional<WorkQueue> queue_;
  WorkPool* pool_;
  Time armed_{};
  std::size_t holds_ = 0;
  std::atomic<bool> signalled_{false};  // A uv_async_send is on its way to on_async.
  std::atomic<bool> runs_{false};       // By `run`.
  Stopper stopper_;
  Context context_;
};

Loop::Loop(Options options) : impl_(std::make_unique<Impl>(options)) {}
Loop::Loop(uv_loop_t* borrowed, Options options) : impl_(std::make_unique<Impl>(borrowed, options)) {}
Loop::Loop(uv_loop_t* borrowed, WorkPool& pool) : impl_(std::make_unique<Impl>(borrowed, pool)) {}
Loop::~Loop() = default;

Context& Loop::context() noexcept { return impl_->context(); }
uv_loop_t* Loop::native() noexcept { return impl_->native(); }
void Loop::run() { impl_->run(); }
void Loop::stop() noexcept { impl_->stop(); }
void Loop::hold() noexcept { impl_->hold(); }
void Loop::release() noexcept { impl_->release(); }

}  // namespace umbel
