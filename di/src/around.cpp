// SPDX-License-Identifier: MIT
#include "umbel/di/around.hpp"

namespace umbel::detail {

bool ServiceCall::await_ready() noexcept {
  stopped_.call = body_came_.call = this;
  resume_.call = this;
  stopped_.link(outer_ ? outer_->stop_token() : StopToken{env_->stop});
  service_.serve(*this);
  return is_over_;
}

bool ServiceCall::collect_body(Work& ready) noexcept {
  if (!outer_ || request_.body().data()) return true;  // It is here, or `around` has put another in its place.
  body_ready_ = &ready;
  if (!outer_->collect_body(body_came_)) return false;
  request_.set_body(outer_->request().body());
  body_error_ = outer_->body_error();
  return true;
}

void ServiceCall::body_came(Work& work) noexcept {
  ServiceCall& call = *static_cast<Part<Work>&>(work).call;
  call.request_.set_body(call.outer_->request().body());
  call.body_error_ = call.outer_->body_error();
  call.context_->enqueue(*call.body_ready_);
}

void ServiceCall::reply(Response&& response) noexcept {
  stopped_.unlink();
  response_.emplace(std::move(response));
  release();
}

void ServiceCall::reply_and_hold(Response&& response, Work& sent) noexcept {
  response_.emplace(std::move(response));
  context_->enqueue(sent);
}

void ServiceCall::release() noexcept {
  stopped_.unlink();
  is_over_ = true;
  if (waiting_) context_->enqueue(resume_);
}

void ServiceCall::resume(Work& work) noexcept { static_cast<Part<Work>&>(work).call->waiting_.resume(); }

void ServiceCall::stop(StopCallback& callback) noexcept {
  ServiceCall& call = *static_cast<Part<StopCallback>&>(callback).call;
  if (call.outer_) call.stop_reason_ = call.outer_->stop_reason();
  call.stop_.request_stop();
}

void Around::answer(Exchange& exchange, Result<Response> result) noexcept {
  if (result.ok()) exchange.reply(std::move(result).value());
  else exchange.reply(to_response(result.error()));
}

}  // namespace umbel::detail
