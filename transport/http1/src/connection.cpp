// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <type_traits>

namespace umbel::http1 {

namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max() / 2;  // Something may be added.
constexpr int reads_in_a_row = 4;  // Of full buffers; then it is another connection's turn.

std::uint64_t ms(std::chrono::milliseconds duration) noexcept {
  return duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) : 0;
}

uv_handle_t* handle(auto& specific) noexcept { return reinterpret_cast<uv_handle_t*>(&specific); }

}  // namespace

Connection::Connection(Connections& all, int fd)
    : all_(all), session_(all.endpoint_, *this), fd_(fd), place_(*this), turn_(*this), reaper_(*this) {}

bool Connection::filter_by(Layer& layer) noexcept {
  std::unique_ptr<Filter> filter = layer.make(all_.endpoint_.context(), *this);
  if (!filter) return false;
  filtered_.reset(new (std::nothrow) FilteredSession{session_, std::move(filter)});
  return filtered_ != nullptr;
}

bool Connection::open() noexcept {
  if (uv_poll_init(all_.loop_, &poll_, fd_) < 0) return false;
  if (!filtered_) session_.send_files();
  poll_.data = this;
  poll(UV_READABLE);
  set_deadline(filtered_ ? filtered_->wait() : session_.wait());
  return true;
}

void Connection::give_up() noexcept {
  ::close(fd_);
  closing_ = closed_ = true;
  reap_if_done();
}

// Events.

void Connection::on_events(int events) noexcept {
  if (events & UV_WRITABLE) blocked_ = false;
  if (events & UV_READABLE) {
    corked_ = true;
    {
      const Context::Turn turn{all_.endpoint_.context()};
      if (filtered_) [[unlikely]]
        read(*filtered_);
      else read(session_);
    }
    corked_ = false;
  }
  // What waits for its reply to be sent goes on without a wake. We may be gone when the turn ends.
  const Context::Turn turn{all_.endpoint_.context()};
  update();
}

void Connection::on_change() noexcept {
  if (!corked_) update();
}

void Connection::read(auto& session) noexcept {
  for (int i = 0; i < reads_in_a_row && !closing_; ++i) {
    const std::span<char> room = session.prepare();
    if (room.empty()) return;
    const ssize_t size = ::recv(fd_, room.data(), room.size(), 0);
    session.commit(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (closing_) return;
    if (size == 0) return session.eof();
    if (size < 0 && errno != EAGAIN && errno != EINTR) return session.abort();
    if (size < static_cast<ssize_t>(room.size())) return;
  }
}

void Connection::update() noexcept {
  if (closing_) return reap_if_done();
  if (filtered_) [[unlikely]]
    return update(*filtered_);
  update(session_);
}

void Connection::update(auto& session) noexcept {
  flush(session);
  if (session.is_idle() && polled_ == UV_READABLE) return be_idle();
  if constexpr (std::is_same_v<decltype(session), Session&>) flush_file();
  if (!closing_) follow(session.advice());
  // What waits for a worker does not wait for the peer.
  if (!closing_) set_deadline(file_ && file_->is_away() ? Wait::application : session.wait());
}

// The end of most requests: nothing but the deadline changes.
void Connection::be_idle() noexcept {
  wait_ = Wait::idle;
  deadline_ = all_.now() + all_.idle_timeout_;
  if (deadline_ + all_.tick_size_ < due_) [[unlikely]]
    all_.schedule(*this);
}

void Connection::flush(auto& session) noexcept {
  if (blocked_) return;
  for (std::string_view output = session.output(); !output.empty() && !closing_;) {
    const ssize_t size = ::send(fd_, output.data(), output.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      last_progress_ = all_.now();
      output = session.consumed(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      blocked_ = true;
      return;
    } else if (errno != EINTR) {
      return session.abort();
    }
  }
}

// Nothing else is written until the stretch is over: the session has no output before.
void Connection::flush_file() noexcept {
  if (closing_ || (file_ && file_->is_away())) return;
  if (file_ && session_.wait() != Wait::output) blocked_ = false;  // The rest of it was broken off.
  const FileStretch stretch = session_.file();
  if (blocked_ || stretch.size == 0) return;
  if (!file_) file_.reset(FileSending::make(all_.endpoint_.context(), fd_, stretch, *this));
  if (file_) file_->go_on();
  else session_.file_failed();
}

void Connection::on_file_sent(std::uint64_t bytes, FileSending::Result result) noexcept {
  using Result = FileSending::Result;
  if (session_.file().size == 0) {  // It was broken off in this turn, and no update has followed yet.
    file_.reset();
    return on_change();
  }
  if (bytes > 0) last_progress_ = all_.now();
  blocked_ = result == Result::blocked;
  if (result != Result::more && result != Result::blocked) file_.reset();
  if (bytes > 0) session_.file_sent(bytes);
  if (result == Result::failed) session_.file_failed();
  if (result == Result::lost) session_.abort();
  on_change();
}

void Connection::follow(Advice advice) noexcept {
  const bool reads = advice == Advice::read || advice == Advice::finish;
  if (advice == Advice::reset) {
    // A real one: where the end of the connection is the end of a body, a peer could not tell otherwise.
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (advice == Advice::reset || (advice == Advice::close && !blocked_)) return close(CancelReason::disconnected);
  if (advice == Advice::finish && !blocked_) half_close();
  poll((reads ? UV_READABLE : 0) | (blocked_ ? UV_WRITABLE : 0));
}

void Connection::half_close() noexcept {
  if (half_closed_) return;
  half_closed_ = true;
  ::shutdown(fd_, SHUT_WR);
}

void Connection::poll(int events) noexcept {
  if (events == polled_) return;
  polled_ = events;
  if (events == 0) {
    uv_poll_stop(&poll_);
    return;
  }
  uv_poll_start(&poll_, events, [](uv_poll_t* polled, int status, int ready) {
    auto& self = *static_cast<Connection*>(polled->data);
    if (status == 0) return self.on_events(ready);
    if (self.filtered_) self.filtered_->abort();
    else self.session_.abort();
    self.update();
  });
}

// Ends.

// A request that has come in already, and waits to be read, is not lost.
void Connection::drain() noexcept {
  if (closing_) return;
  if (filtered_) drain(*filtered_);
  else drain(session_);
  update();
}

void Connection::drain(auto& session) noexcept {
  const std::span<char> room = session.is_idle() ? session.prepare() : std::span<char>{};
  const ssize_t size = room.empty() ? 0 : ::recv(fd_, room.data(), room.size(), 0);
  session.drain();
  if (!room.empty()) session.commit(size > 0 ? static_cast<std::size_t>(size) : 0);
}

void Connection::close(CancelReason reason) noexcept {
  if (filtered_) filtered_->abort(reason);
  else session_.abort(reason);
  if (closing_) return;
  closing_ = true;
  file_.reset();
  turn_.remove();
  uv_close(handle(poll_), [](uv_handle_t* closed) {
    auto& self = *static_cast<Connection*>(closed->data);
    self.closed_ = true;
    self.reap_if_done();
  });
  ::close(fd_);  // libuv has forgotten it already.
}

void Connection::reap_if_done() noexcept {
  if (!closed_ || session_.busy() || reaper_.queued || (filtered_ && filtered_->busy())) return;
  reaper_.queued = true;
  all_.endpoint_.context().enqueue(reaper_);
}

void Connection::Reaper::run(Work& work) noexcept {
  Connection& connection = static_cast<Reaper&>(work).connection;
  Connections& all = connection.all_;
  connection.place_.remove();
  connection.~Connection();
  detail::BlockPool::give(&connection, sizeof(Connection));
  --all.count_;
  if (all.count_ == 0 && !all.timer_closed_) uv_timer_stop(&all.timer_);
  all.owner_.on_closed();
}

// Deadlines.

void Connection::set_deadline(Wait wait) noexcept {
  const ServerOptions& options = all_.options_;
  const std::uint64_t now = all_.now();
  if (wait != wait_ || request_ != session_.requests()) wait_began_ = now;
  if (wait != wait_) last_progress_ = now;
  request_ = session_.requests();
  switch (wait) {
    case Wait::idle:
      deadline_ = now + all_.idle_timeout_;
      break;
    case Wait::head:
      deadline_ = wait_began_ + ms(options.header_timeout);
      break;
    case Wait::body:
      deadline_ = body_deadline(now);
      break;
    case Wait::output:
      deadline_ = last_progress_ + ms(options.output_timeout);
      break;
    case Wait::lingering:
      deadline_ = wait_began_ + ms(options.linger_timeout);
      break;
    case Wait::application:
    case Wait::over:
      deadline_ = never;
      break;
  }
  wait_ = wait;
  if (deadline_ + all_.tick_size_ < due_ || turn_.is_alone()) all_.schedule(*this);
}

// No progress for a while, or less than the minimum rate after that while.
std::uint64_t Connection::body_deadline(std::uint64_t now) noexcept {
  const ServerOptions& options = all_.options_;
  const std::uint64_t received = session_.body_received();
  if (received != received_) last_progress_ = now;
  received_ = received;
  const std::uint64_t patience = ms(options.body_timeout);
  const std::uint64_t by_progress = last_progress_ + patience;
  if (options.body_rate == 0) return by_progress;
  return std::min(by_progress, wait_began_ + patience + received * 1000 / options.body_rate);
}

void Connection::expire() noexcept {
  if (filtered_) filtered_->expire();
  else session_.expire();
  update();
}

Connections::Connections(Loop& loop, Endpoint& endpoint, const ServerOptions& options, Owner& owner)
    : loop_(loop.native()),
      endpoint_(endpoint),
      options_(options),
      owner_(owner),
      idle_timeout_(ms(options.idle_timeout)) {
  const auto shortest = std::min({options.idle_timeout, options.header_timeout, options.body_timeout,
                                  options.output_timeout, options.linger_timeout});
  tick_size_ = std::clamp<std::uint64_t>(ms(shortest) / 4, 1, 1000);
  uv_timer_init(loop_, &timer_);
  timer_.data = this;
}

void Connections::add(int fd, Layer* layer) {
  void* const memory = detail::BlockPool::take(sizeof(Connection));
  auto* const connection = ::new (memory) Connection{*this, fd};
  if (count_++ == 0) {
    current_ = now() / tick_size_;
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<Connections*>(timer->data)->tick(); }, tick_size_, tick_size_);
  }
  connection->place_.insert_before(all_);
  if ((layer && !connection->filter_by(*layer)) || !connection->open()) connection->give_up();
}

// Those that are closed already are among them, while their requests are in flight. Whatever happens, connections are
// freed later.
void Connections::for_each(void (*function)(Connection&) noexcept) noexcept {
  for (Link* link = all_.next; link != &all_;) {
    Link* const next = link->next;
    function(static_cast<Connection::Place*>(link)->connection);
    link = next;
  }
}

void Connections::drain() noexcept {
  for_each([](Connection& connection) noexcept { connection.drain(); });
}

void Connections::close_all() noexcept {
  for_each([](Connection& connection) noexcept { connection.close(CancelReason::shutdown); });
}

void Connections::close_timer() noexcept {
  uv_close(handle(timer_), [](uv_handle_t* closed) {
    auto& self = *static_cast<Connections*>(closed->data);
    self.timer_closed_ = true;
    self.owner_.on_closed();
  });
}

// A slot that is looked at too early only costs another look.
void Connections::schedule(Connection& connection) noexcept {
  const std::uint64_t deadline_tick = connection.deadline_ / tick_size_ + 1;
  const std::uint64_t tick = std::clamp(deadline_tick, current_ + 1, current_ + slots - 1);
  connection.due_ = tick * tick_size_;
  connection.turn_.remove();
  connection.turn_.insert_before(wheel_[tick % slots]);
}

void Connections::tick() noexcept {
  const std::uint64_t time = now();
  const std::uint64_t target = time / tick_size_;
  if (target > current_ + slots) current_ = target - slots;  // The loop was held up: every slot is looked at once.
  while (current_ < target) look_at(wheel_[++current_ % slots], time);
}

void Connections::look_at(Link& slot, std::uint64_t time) noexcept {
  while (!slot.is_alone()) {
    Connection& connection = static_cast<Connection::Place*>(slot.next)->connection;
    connection.turn_.remove();
    connection.due_ = 0;
    if (connection.deadline_ <= time) connection.expire();
    else schedule(connection);
  }
}

}  // namespace umbel::http1
