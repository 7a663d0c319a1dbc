// SPDX-License-Identifier: MIT
#include "umbel/core/stream.hpp"

#include <new>

namespace umbel::detail {

bool StreamRun::resume(Ending& waiting) noexcept {
  promise_->continuation = Continuation{};
  detail::resume(env_, coroutine_);
  if (coroutine_.done() || promise_->has_chunk) return true;
  promise_->continuation.set(waiting);
  return false;
}

Pulled StreamRun::pull(Context& context, std::string_view& chunk, umbel::Work& ready) noexcept {
  env_.context = &context;
  if (waits_ && std::exchange(beat_.is_due, false)) {
    chunk = promise_->filler;
    return Pulled::chunk;
  }
  if (waits_) return wait(ready);
  do {
    if (std::exchange(promise_->has_chunk, false) && !promise_->chunk.empty()) {
      chunk = promise_->chunk;
      return Pulled::chunk;
    }
    if (coroutine_.done()) return promise_->thrown ? Pulled::failed : Pulled::end;
  } while (resume(*this));
  waits_ = true;
  return wait(ready);
}

Pulled StreamRun::wait(umbel::Work& ready) noexcept {
  ready_ = &ready;
  if (promise_->heartbeat > Duration::zero()) beat_.start(*env_.context, env_.context->now() + promise_->heartbeat);
  return Pulled::pending;
}

void StreamRun::Beat::due(Timer& timer) noexcept {
  auto& beat = static_cast<Beat&>(timer);
  beat.is_due = true;
  beat.run.env_.context->enqueue(*std::exchange(beat.run.ready_, nullptr));
}

std::coroutine_handle<> StreamRun::went_on(Ending& ending) noexcept {
  auto& run = static_cast<StreamRun&>(ending);
  run.waits_ = false;
  run.beat_.cancel();
  run.beat_.is_due = false;
  if (run.is_dropped_) run.env_.context->enqueue(run);  // Not here: the coroutine is still on its way out.
  else if (run.ready_) run.env_.context->enqueue(*std::exchange(run.ready_, nullptr));
  return std::noop_coroutine();
}

void StreamRun::drop() noexcept {
  is_dropped_ = true;
  ready_ = nullptr;
  beat_.cancel();
  was_cut_ = !coroutine_.done();
  if (waits_) env_.stop.request_stop();
  else close();
}

void StreamRun::end(umbel::Work& work) noexcept { static_cast<StreamRun&>(work).close(); }

void StreamRun::close() noexcept {
  failure_ = std::move(promise_->thrown);
  std::exchange(coroutine_, nullptr).destroy();
  ended();
}

void FreeStream::ended() noexcept {
  this->~FreeStream();
  BlockPool::give(this, sizeof(FreeStream));
}

}  // namespace umbel::detail
