// SPDX-License-Identifier: MIT
#include "umbel/core/transport_course.hpp"

#include <cassert>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace umbel {

void TransportCourse::begin() {
  if (state_ != TransportState::stopped) return;
  if (!has_service_) throw StartError{"umbel: the service of this transport was destroyed"};
  service_.start(context_);
  service_.used_by(*this);
  state_ = TransportState::starting;
  lets_in_ = true;
  failure_.reset();
  service_.open(context_, opened_);
}

void TransportCourse::opened(const Error* error) noexcept {
  if (error) failure_ = *error;
  else is_open_ = true;
  if (is_open_ && state_ == TransportState::starting) state_ = TransportState::ready;
  for (Notice* const opener : std::exchange(openers_, {})) opener->tell(error);
  if (error) return stop();
  if (state_ != TransportState::draining) return;
  service_.draining(context_);  // It was told to end meanwhile.
  exchange_is_over();
}

void TransportCourse::when_open(Notice& opened) noexcept {
  if (is_open_) opened.tell();
  else if (failure_) opened.tell(&*failure_);
  else openers_.push_back(&opened);
}

void TransportCourse::drain(const DrainOptions& options, Work& done) {
  if (state_ == TransportState::stopped) return context_.enqueue(done);
  enders_.push_back(&done);
  begin_to_end();
  limit_ = options.limit;
  wait(lets_in_ ? options.delay : limit_);
}

void TransportCourse::begin_to_end() noexcept {
  if (std::exchange(state_, TransportState::draining) == TransportState::draining) return;
  if (is_open_) service_.draining(context_);
}

void TransportCourse::wait(std::chrono::milliseconds time) {
  if (time == std::chrono::milliseconds::max()) return timer_.cancel();
  timer_.start(context_, context_.now() + time);
}

void TransportCourse::on_time(Timer& timer) noexcept {
  TransportCourse& course = static_cast<Part<Timer>&>(timer).course;
  if (!course.lets_in_) return course.cancel_all();
  course.shut();
  course.wait(course.limit_);
  course.exchange_is_over();
}

void TransportCourse::shut() noexcept {
  if (!std::exchange(lets_in_, false)) return;
  close_entrance();
}

void TransportCourse::stop() noexcept {
  if (state_ == TransportState::stopped) return;
  begin_to_end();
  shut();
  timer_.cancel();
  cancel_all();
  exchange_is_over();
}

void TransportCourse::exchange_is_over() noexcept {
  if (state_ != TransportState::draining || std::exchange(looks_soon_, true)) return;
  context_.enqueue(over_);
}

void TransportCourse::end_if_over() noexcept {
  looks_soon_ = false;
  const bool has_opened = is_open_ || failure_;
  if (state_ != TransportState::draining || lets_in_ || is_closing_ || !has_opened || in_flight() > 0) return;
  timer_.cancel();
  if (!is_open_) return ended();
  is_closing_ = true;
  service_.close(context_, closed_);
}

void TransportCourse::ended() noexcept {
  is_open_ = is_closing_ = false;
  state_ = TransportState::stopped;
  service_.left_by(*this);
  for (Work* const ender : std::exchange(enders_, {})) context_.enqueue(*ender);
}

void TransportCourse::stop_using() noexcept {
  has_service_ = false;
  stop();
}

// Waits for the Context's thread to be done with it.
void TransportCourse::finish_over_there() noexcept {
  for (bool is_over = false; !is_over; std::this_thread::sleep_for(std::chrono::milliseconds{1})) {
    std::promise<bool> answer;
    std::future<bool> answered = answer.get_future();
    context_.post([this, answer = std::move(answer)]() mutable noexcept {
      stop();
      answer.set_value(state_ == TransportState::stopped && !looks_soon_);
    });
    is_over = answered.get();
  }
}

void TransportCourse::finish() noexcept {
  assert(context_.is_here() && "umbel: a transport is destroyed on another thread than its Context's");
  if (!context_.is_here()) return finish_over_there();
  stop();
  if (state_ == TransportState::stopped && !looks_soon_) return;
  context_.expect_outside("umbel: a transport is destroyed");
  while (state_ != TransportState::stopped || looks_soon_) context_.run_ready();
}

void TransportCourse::on_opened(Notice& notice, const Error* error) noexcept {
  static_cast<Part<Notice>&>(notice).course.opened(error);
}
void TransportCourse::on_closed(Notice& notice, const Error*) noexcept {
  static_cast<Part<Notice>&>(notice).course.ended();
}
void TransportCourse::on_over(Work& work) noexcept { static_cast<Part<Work>&>(work).course.end_if_over(); }

}  // namespace umbel
