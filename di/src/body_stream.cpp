// SPDX-License-Identifier: MIT
#include "umbel/di/body_stream.hpp"

#include <new>
#include <utility>

#include "umbel/di/resolver.hpp"

namespace umbel {

Pulled BodyStream::pull(std::string_view& chunk, Work& ready) noexcept {
  if (exchange_) return exchange_->read_body(chunk, ready);
  chunk = std::exchange(is_read_, true) ? std::string_view{} : request_.body();
  return chunk.empty() ? Pulled::end : Pulled::chunk;
}

bool BodyStream::Read::await_ready() noexcept {
  if (env_->stop.stop_requested()) return is_stopped_ = true;
  pulled_ = body_.pull(chunk_, ready_);
  return pulled_ != Pulled::pending;
}

void BodyStream::Read::await_suspend(std::coroutine_handle<> waiting) noexcept {
  waiting_ = waiting;
  stopped_.link(StopToken{env_->stop});
}

void BodyStream::Read::Ready::run(Work& work) noexcept {
  Read& read = static_cast<Ready&>(work).read;
  if (!read.is_stopped_) {
    read.pulled_ = read.body_.pull(read.chunk_, work);
    if (read.pulled_ == Pulled::pending) return;
  }
  read.stopped_.unlink();
  detail::resume(*read.env_, read.waiting_);
}

/// What the transport has enqueued already comes by itself.
void BodyStream::Read::Stopped::run(StopCallback& callback) noexcept {
  Read& read = static_cast<Stopped&>(callback).read;
  read.is_stopped_ = true;
  if (read.body_.exchange_->withdraw_body()) read.env_->context->enqueue(read.ready_);
}

std::string_view BodyStream::Read::await_resume() {
  if (pulled_ == Pulled::chunk) return chunk_;
  if (pulled_ == Pulled::end) return {};
  if (is_stopped_) throw Cancelled{};
  throw HttpError{body_.exchange_->body_error()};
}

namespace detail {

bool make_body_stream(Resolver& resolver, std::uint32_t, void* slot) {
  resolver.limit_body();
  ::new (slot) BodyStream{resolver.exchange(), resolver.request()};
  return true;
}

}  // namespace detail
}  // namespace umbel
