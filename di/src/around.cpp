// SPDX-License-Identifier: MIT
#include "umbel/di/around.hpp"

#include <new>

namespace umbel::detail {

namespace {

bool is_same(std::string_view a, std::string_view b) noexcept { return a.data() == b.data() && a.size() == b.size(); }

// True if `request` refers to nothing but what `outer` does.
bool refers_to_same(const Request& request, const Request& outer) noexcept {
  const bool has_same_body = !request.body().data() || is_same(request.body(), outer.body());
  const bool has_same_fields = request.headers().begin() == outer.headers().begin();
  return is_same(request.target(), outer.target()) && has_same_fields && has_same_body;
}

}  // namespace

Passage& Passage::make(Exchange& outer) { return *::new (BlockPool::take(sizeof(Passage))) Passage{outer}; }

void Passage::end() noexcept {
  this->~Passage();
  BlockPool::give(this, sizeof(Passage));
}

ServiceCall Passage::call(Service& inner, const Request& request) {
  Call& call = Call::make(inner);
  ServiceCall result{call};
  if (refers_to_same(request, outer_.request())) call.ask(request);
  else call.ask(OwnedRequest{request});
  if (!request.body().data()) call.forget_body();
  call.stand_behind(outer_, *this);
  return result;
}

ServiceCall Passage::call(Service& inner, OwnedRequest&& request) {
  Call& call = Call::make(inner);
  ServiceCall result{call};
  const bool has_body = !request.view().body().empty();
  call.ask(std::move(request));
  if (!has_body) call.forget_body();
  call.stand_behind(outer_, *this);
  return result;
}

void Passage::on_held(Call& call) noexcept {
  call.next_held = std::exchange(held_, &call);
  ++unreleased_;
}

void Passage::answer(Result<Response> result) noexcept {
  Response response = result.ok() ? std::move(result).value() : to_response(result.error());
  if (held_) return outer_.reply_and_hold(std::move(response), *this);
  Exchange& outer = outer_;
  end();
  outer.reply(std::move(response));
}

void Passage::sent(Work& work) noexcept {
  Call* call = static_cast<Passage&>(work).held_;
  // Each may be released, and the last one ends us, only from the queue.
  while (call) std::exchange(call, call->next_held)->was_sent();
}

void Passage::on_released(Call&) noexcept {
  if (--unreleased_ > 0) return;
  Exchange& outer = outer_;
  end();
  outer.release();
}

}  // namespace umbel::detail
