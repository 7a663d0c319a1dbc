// SPDX-License-Identifier: MIT
#include "umbel/core/semaphore.hpp"

#include <cassert>

namespace umbel {

Semaphore::~Semaphore() { assert(waiting_.is_empty() && "a Semaphore was destroyed while somebody waited for it"); }

bool Semaphore::acquire(Context& context, Waiter& waiter) noexcept {
  {
    const std::lock_guard lock{mutex_};
    if (available_ > 0) {
      --available_;
      return true;
    }
    waiter.context_ = &context;
    waiter.waits_ = true;
    waiting_.push_back(waiter);
  }
  context.port().hold();  // Before the grant can arrive, which takes a turn of this thread.
  return false;
}

bool Semaphore::withdraw(Waiter& waiter) noexcept {
  {
    const std::lock_guard lock{mutex_};
    if (!waiter.waits_) return false;
    waiter.waits_ = false;
    waiting_.remove(waiter);
  }
  waiter.context_->port().release();
  return true;
}

void Semaphore::release() noexcept {
  Waiter* next = nullptr;
  {
    const std::lock_guard lock{mutex_};
    next = waiting_.pop_front();
    if (next) next->waits_ = false;
    else ++available_;
  }
  if (next) next->context_->post(static_cast<Work&>(*next));
}

std::size_t Semaphore::available() const noexcept {
  const std::lock_guard lock{mutex_};
  return available_;
}

void Semaphore::Waiter::arrive(Work& work) noexcept {
  Waiter& waiter = static_cast<Waiter&>(work);
  waiter.context_->port().release();
  waiter.granted_(waiter);
}

}  // namespace umbel
