// SPDX-License-Identifier: MIT
#include "umbel/core/stop.hpp"

namespace umbel {

void StopSource::request_stop() noexcept {
  if (requested_.exchange(true, std::memory_order_relaxed)) return;
  while (StopCallback* const callback = first_) {
    callback->unlink();
    callback->function_(*callback);
  }
}

void StopCallback::link(StopToken token) noexcept {
  StopSource* const source = token.source_;
  if (!source) return;
  if (source->stop_requested()) return function_(*this);
  source_ = source;
  previous_ = source->last_;
  next_ = nullptr;
  (previous_ ? previous_->next_ : source->first_) = this;
  source->last_ = this;
}

void StopCallback::unlink() noexcept {
  if (!source_) return;
  (previous_ ? previous_->next_ : source_->first_) = next_;
  (next_ ? next_->previous_ : source_->last_) = previous_;
  source_ = nullptr;
}

}  // namespace umbel
