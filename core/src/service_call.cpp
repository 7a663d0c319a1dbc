// SPDX-License-Identifier: MIT
#include "umbel/core/service_call.hpp"

#include <cassert>
#include <new>
#include <utility>

namespace umbel::detail {

Call& Call::make(Service& service) { return *::new (BlockPool::take(sizeof(Call))) Call{service}; }

void Call::drop() noexcept {
  if (--holders_ > 0) return;
  this->~Call();
  BlockPool::give(this, sizeof(Call));
}

void Call::stand_behind(Exchange& outer, Sender& sender) noexcept {
  outer_ = &outer;
  sender_ = &sender;
  deadline_ = outer.deadline();
  variant_ = outer.variant();
  peer_ = outer.peer();
}

void Call::begin(Context& context, StopToken token) noexcept {
  context_ = &context;
  own_body_ = request_.body();
  request_.set_body({});
  was_sent_ = !sender_;
  stopped_.link(outer_ ? outer_->stop_token() : token);
  hold();  // Until `end`.
  if (keeper_) keeper_->on_begun(*this);
  service_->serve(*this);
}

Response Call::take_reply() noexcept {
  if (!outer_) stopped_.unlink();  // Whoever asked to stop may be gone from now on.
  return std::move(*response_);
}

// The body of the request.

bool Call::collect_body(Work& ready) noexcept {
  body_ready_ = &ready;
  if (has_outer_body()) {
    pass_limit();
    if (!outer_->collect_body(outer_body_came_)) return false;
    copy_outer_body();
    return true;
  }
  if (is_fed_) return collect_feed();
  if (own_body_.size() > limit()) body_error_ = 413;
  else request_.set_body(own_body_);
  return true;
}

// What was said of our body is meant for the outer one.
void Call::pass_limit() noexcept {
  if (body_limit_ != Exchange::usual_limit) outer_->limit_body(body_limit_);
}

void Call::copy_outer_body() noexcept {
  const Request& outer = outer_->request();
  request_.set_body(outer.body(), outer.body_is_padded() ? Request::body_padding : 0);
  trailers_ = outer_->trailers();
  body_error_ = outer_->body_error();
}

void Call::outer_body_came(Work& work) noexcept {
  Call& call = static_cast<Part<Work>&>(work).call;
  call.copy_outer_body();
  call.context_->enqueue(*std::exchange(call.body_ready_, nullptr));
}

bool Call::withdraw_body() noexcept {
  if (has_outer_body()) return outer_->withdraw_body();
  return std::exchange(body_ready_, nullptr) != nullptr;
}

Pulled Call::read_body(std::string_view& chunk, Work& ready) noexcept {
  if (has_outer_body()) {
    pass_limit();
    const Pulled pulled = outer_->read_body(chunk, ready);
    body_error_ = outer_->body_error();
    if (pulled == Pulled::end) trailers_ = outer_->trailers();
    return pulled;
  }
  if (!is_fed_) return Exchange::read_body(chunk, ready);
  body_ready_ = &ready;
  return pull_feed(chunk);
}

Pulled Call::pull_feed(std::string_view& chunk) noexcept {
  if (body_error_) return Pulled::failed;
  if (!feed_) return Pulled::end;
  if (stop_.stop_requested()) return body_error_ = 499, Pulled::failed;
  const Pulled pulled = feed_came_.pull(*context_, *feed_, chunk);
  if (pulled == Pulled::chunk && (received_ += chunk.size()) > limit()) return body_error_ = 413, Pulled::failed;
  if (pulled == Pulled::failed) body_error_ = 400;
  if (pulled == Pulled::end) drop_feed();
  return pulled;
}

// True if there is nothing to wait for.
bool Call::collect_feed() noexcept {
  std::string_view chunk;
  Pulled pulled = pull_feed(chunk);
  for (; pulled == Pulled::chunk; pulled = pull_feed(chunk)) collected_.append(chunk);
  is_collecting_ = pulled == Pulled::pending;
  if (pulled == Pulled::end) request_.set_body(collected_.view());
  return !is_collecting_;
}

void Call::feed_came(Pulling& pulling) noexcept {
  Call& call = static_cast<BodyCame&>(pulling).call;
  if (call.is_collecting_ && !call.collect_feed()) return;
  if (call.body_ready_) call.context_->enqueue(*std::exchange(call.body_ready_, nullptr));
}

void Call::feed_forgotten(Pulling& pulling) noexcept { static_cast<BodyCame&>(pulling).call.drop(); }

void Call::drop_feed() noexcept {
  if (feed_came_.is_awaited()) {
    hold();
    feed_came_.forget(*context_);
  }
  feed_.reset();
}

// The reply.

void Call::reply(Response&& response) noexcept {
  assert(!response_ && "an exchange was replied to twice");
  if (response_) return;
  take(std::move(response));
  if (!carried_.source) end();
}

void Call::reply_and_hold(Response&& response, Work& sent) noexcept {
  assert(!response_ && "an exchange was replied to twice");
  if (response_) return;
  is_held_ = true;
  sent_ = &sent;
  take(std::move(response));
  if (sender_) sender_->on_held(*this);
  tell_sent();
}

void Call::take(Response&& response) noexcept {
  if (response.source()) {
    carried_.source = response.take_source().release();
    response.body(BodySourcePtr{&carried_});
    hold();  // Until `Carried::drop`.
  } else {
    drop_feed();
  }
  response_.emplace(std::move(response));
  if (is_answered()) wake();
}

void Call::was_sent() noexcept {
  was_sent_ = true;
  tell_sent();
}

void Call::tell_sent() noexcept {
  if (was_sent_ && !carried_.source && sent_) context_->enqueue(*std::exchange(sent_, nullptr));
}

void Call::release() noexcept {
  const bool may_be = is_held_ && !is_over_ && !sent_ && !carried_.source;
  assert(may_be && "an exchange was released before its reply was sent");
  if (may_be) end();
}

void Call::end() noexcept {
  stopped_.unlink();
  drop_feed();
  is_over_ = true;
  if (is_held_ && sender_) sender_->on_released(*this);
  if (keeper_) keeper_->on_over(*this);
  wake();
  drop();
}

void Call::wake() noexcept {
  if (!waiting_) return;
  waking_ = std::exchange(waiting_, nullptr);
  context_->enqueue(resume_);
}

void Call::resume(Work& work) noexcept {
  Call& call = static_cast<Part<Work>&>(work).call;
  detail::resume(*call.env_, call.waking_);
}

Pulled Call::Carried::pull(Context& context, std::string_view& chunk, Work& ready) noexcept {
  const Pulled pulled = source->pull(context, chunk, ready);
  has_ended = pulled == Pulled::end;
  return pulled;
}

void Call::Carried::drop() noexcept {
  // Without an exchange around it nobody else says that the peer has left.
  if (!has_ended && !call.outer_) call.stop_.request_stop();
  std::exchange(source, nullptr)->drop();
  call.drop_feed();
  if (call.is_held_) call.tell_sent();
  else call.end();
  call.drop();
}

void Call::stop(StopCallback& callback) noexcept {
  Call& call = static_cast<Part<StopCallback>&>(callback).call;
  call.cancel(call.outer_ ? call.outer_->stop_reason() : CancelReason::disconnected);
}

void Call::cancel(CancelReason reason) noexcept {
  if (stop_.stop_requested()) return;
  stop_reason_ = reason;
  if (feed_came_.is_awaited()) {
    body_error_ = 499;
    is_collecting_ = false;
    drop_feed();
    if (body_ready_) context_->enqueue(*std::exchange(body_ready_, nullptr));
  }
  stop_.request_stop();
}

}  // namespace umbel::detail
