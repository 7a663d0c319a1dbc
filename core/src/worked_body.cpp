// SPDX-License-Identifier: MIT
#include "umbel/core/worked_body.hpp"

#include <utility>

namespace umbel {

Pulled WorkedBody::pull(Context& context, std::string_view& chunk, umbel::Work& ready) noexcept {
  context_ = &context;
  if (!has_next_) {
    if (!is_away_) begin();
    ready_ = &ready;
    return Pulled::pending;
  }
  if (made_ == Made::failed) return Pulled::failed;
  if (made_ == Made::end) return Pulled::end;
  std::swap(given_, next_);
  chunk = given_.view();
  if (made_ == Made::last_piece) {
    made_ = Made::end;
  } else {
    has_next_ = false;
    begin();
  }
  return Pulled::chunk;
}

void WorkedBody::begin() noexcept {
  next_.clear();
  is_away_ = true;
  set_class(JobClass::normal);
  if (context_->submit(*this)) return;
  set_class(JobClass::cleanup);
  context_->submit(*this);
}

void WorkedBody::execute(Job& job) noexcept {
  auto& body = static_cast<WorkedBody&>(job);
  body.made_ = body.make(body.next_);
}

void WorkedBody::come_home(Job& job) noexcept {
  auto& body = static_cast<WorkedBody&>(job);
  body.is_away_ = false;
  if (body.is_dropped_) {
    delete &body;
    return;
  }
  body.has_next_ = true;
  if (body.ready_) body.context_->enqueue(*std::exchange(body.ready_, nullptr));
}

void WorkedBody::drop() noexcept {
  is_dropped_ = true;
  ready_ = nullptr;
  if (is_away_) withdraw();
  else delete this;
}

}  // namespace umbel
