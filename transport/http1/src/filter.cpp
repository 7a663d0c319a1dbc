// SPDX-License-Identifier: MIT
#include "umbel/http1/filter.hpp"

#include <utility>

#include "feed.hpp"

namespace umbel::http1 {

// Input.

std::span<char> FilteredSession::prepare() noexcept {
  const Advice now = advice();
  if (now != Advice::read && now != Advice::finish) return {};
  const std::span<char> room = filter_->prepare();
  prepared_ = !room.empty();
  return room;
}

void FilteredSession::commit(std::size_t bytes) noexcept {
  prepared_ = false;
  filter_->commit(bytes);
  if (bytes > 0) pump();
}

std::size_t FilteredSession::feed(std::string_view bytes) noexcept { return feed_to(*this, bytes); }

void FilteredSession::eof() noexcept {
  if (filter_->state() != State::ended) abort();
}

// Between the two.

void FilteredSession::pump() noexcept {
  if (filter_->busy() || lost_) return;
  follow_state();
  if (seen_ == State::opening) return;
  if (drains_ && !prepared_) drain_now();
  receive();
  send();
  follow_state();
}

void FilteredSession::receive() noexcept {
  stalled_ = false;
  while (filter_->state() == State::open && filter_->readable()) {
    const std::span<char> room = session_.prepare();
    if (room.empty()) return;
    const std::size_t size = filter_->read(room);
    session_.commit(size);
    stalled_ = size == 0 && filter_->readable();
    if (size == 0) break;
  }
  follow_state();
}

void FilteredSession::send() noexcept {
  if (seen_ == State::failed) return;
  for (std::string_view inner = session_.output(); inner.size() > taken_;) {
    const std::size_t size = filter_->write(inner.substr(taken_));
    if (size == 0) return;
    taken_ += size;
  }
  if (taken_ > 0 || closed_) return;
  const Advice advised = session_.advice();
  if (advised != Advice::finish && advised != Advice::close) return;
  closed_ = true;
  filter_->close();
}

// Tells the session what has become of the filter.
void FilteredSession::follow_state() noexcept {
  const State now = filter_->state();
  if (now == seen_) return;
  if (seen_ == State::opening) session_.set_peer(filter_->peer());
  seen_ = now;
  if (now == State::ended) session_.eof();
  if (now == State::failed) {
    taken_ = 0;
    session_.abort();
  }
}

// Output.

std::string_view FilteredSession::output() noexcept {
  pump();
  return filter_->output();
}

std::string_view FilteredSession::consumed(std::size_t bytes) noexcept {
  filter_->consumed(bytes);
  if (taken_ > 0 && filter_->output().empty()) session_.consumed(std::exchange(taken_, 0));
  return output();
}

// Ends.

void FilteredSession::abort(CancelReason reason) noexcept {
  lost_ = true;
  taken_ = 0;
  filter_->abort();
  session_.abort(reason);
}

void FilteredSession::drain() noexcept {
  drains_ = true;
  pump();
}

// A request that has come already is not lost: it is read before the session ends.
void FilteredSession::drain_now() noexcept {
  drains_ = false;
  const bool reads = filter_->state() == State::open && filter_->readable();
  const std::span<char> room = reads ? session_.prepare() : std::span<char>{};
  session_.drain();
  if (!room.empty()) session_.commit(filter_->read(room));
}

void FilteredSession::expire() noexcept {
  const bool opens_or_failed = seen_ == State::opening || seen_ == State::failed;
  if (opens_or_failed || !filter_->output().empty()) return abort(CancelReason::deadline);
  session_.expire();
}

// What it waits for.

Advice FilteredSession::advice() const noexcept {
  if (lost_) return Advice::reset;
  if (filter_->busy() || stalled_) return Advice::pause;
  if (filter_->state() == State::opening) return Advice::read;
  return filter_->state() == State::failed ? Advice::finish : session_.advice();
}

Wait FilteredSession::wait() const noexcept {
  if (lost_) return Wait::over;
  if (filter_->state() == State::opening) return Wait::head;
  if (!filter_->output().empty()) return Wait::output;
  if (filter_->state() == State::failed) return Wait::lingering;
  const Wait inner = session_.wait();
  return inner == Wait::idle && filter_->in_piece() ? Wait::head : inner;
}

bool FilteredSession::is_idle() const noexcept {
  return seen_ == State::open && session_.is_idle() && filter_->output().empty() && !filter_->in_piece();
}

bool FilteredSession::busy() const noexcept { return session_.busy() || filter_->busy(); }

}  // namespace umbel::http1
