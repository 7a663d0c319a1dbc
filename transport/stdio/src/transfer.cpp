// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace umbel::stdio {

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }

/// While it lives, threads that are made have all signals blocked: the host's handlers run elsewhere, and SIGPIPE,
/// which goes to the thread that writes, nowhere. But those by which a terminal stops who is in the background.
class BlockedSignals {
public:
  BlockedSignals() noexcept {
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGTTIN);
    sigdelset(&blocked, SIGTTOU);
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

bool is_file(int fd) noexcept {
  struct stat found{};
  return ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

Transfer::Transfer(Context& context, int fd, Direction direction, Owner& owner)
    : context_(context), fd_(fd), direction_(direction), owner_(owner), report_(*this) {}

Transfer::~Transfer() {
  assert(!busy_ && "a transfer was destroyed before it was over");
  close();
}

void Transfer::open() {
  if (::fcntl(fd_, F_GETFD) < 0) fail("umbel: a descriptor of stdio");
  // What a pipe takes at once when it is writable (pipe(7)); files never block for long.
  most_at_once_ = direction_ == Direction::in || is_file(fd_) ? SIZE_MAX / 2 : PIPE_BUF;
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0) fail("umbel: eventfd");
  watches_ = direction_ == Direction::out;
  shared_ = {};
  const BlockedSignals blocked;
  thread_ = std::thread{[this]() noexcept { run(); }};
}

void Transfer::start(char* data, std::size_t size) {
  busy_ = true;
  {
    const std::lock_guard lock{mutex_};
    shared_.data = data;
    shared_.size = size;
    shared_.done = 0;
    shared_.cancelled = false;
    shared_.asked = true;
  }
  wake();
}

void Transfer::cancel() noexcept {
  if (!busy_) return;
  {
    const std::lock_guard lock{mutex_};
    shared_.cancelled = true;
  }
  wake();
}

bool Transfer::close() noexcept {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock{mutex_};
      shared_.ended = true;
    }
    wake();
    thread_.join();
  }
  if (wake_ >= 0) ::close(std::exchange(wake_, -1));
  const std::lock_guard lock{mutex_};
  return !shared_.posted;
}

void Transfer::wake() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_, &one, sizeof one));  // It cannot fail but if it is up already.
}

// The thread.

void Transfer::run() noexcept {
  for (Shared seen; look(seen);) wait(seen);
}

/// False: it is time to end.
bool Transfer::look(Shared& seen) noexcept {
  std::unique_lock lock{mutex_};
  if (shared_.asked && shared_.cancelled) {
    const std::size_t done = shared_.done;
    lock.unlock();
    finish(done, ECANCELED);
    lock.lock();
  }
  seen = shared_;
  return !seen.ended;
}

void Transfer::wait(const Shared& seen) noexcept {
  const short asked = direction_ == Direction::in ? POLLIN : POLLOUT;
  pollfd polled[] = {{wake_, POLLIN, 0}, {seen.asked || watches_ ? fd_ : -1, seen.asked ? asked : short{0}, 0}};
  if (::poll(polled, 2, -1) < 0) return;
  if (polled[0].revents) {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_, &count, sizeof count));
    return;  // It may be to be cancelled.
  }
  if (polled[1].revents == 0) return;
  if (seen.asked) step(seen);
  else find_gone();
}

void Transfer::step(const Shared& seen) noexcept {
  char* const at = seen.data + seen.done;
  const std::size_t size = std::min(seen.size - seen.done, most_at_once_);
  const ssize_t moved = direction_ == Direction::in ? ::read(fd_, at, size) : ::write(fd_, at, size);
  if (moved < 0) {
    if (errno != EINTR && errno != EAGAIN) finish(seen.done, errno);
    return;
  }
  const std::size_t done = seen.done + static_cast<std::size_t>(moved);
  if (direction_ == Direction::in || done == seen.size) return finish(done, 0);
  const std::lock_guard lock{mutex_};
  shared_.done = done;
}

void Transfer::finish(std::size_t done, int error) noexcept {
  std::unique_lock lock{mutex_};
  shared_.done = done;
  shared_.error = error;
  shared_.asked = false;
  shared_.is_over = true;
  post(std::move(lock));
}

void Transfer::find_gone() noexcept {
  watches_ = false;
  std::unique_lock lock{mutex_};
  shared_.is_gone = true;
  post(std::move(lock));
}

void Transfer::post(std::unique_lock<std::mutex> lock) noexcept {
  if (std::exchange(shared_.posted, true)) return;
  lock.unlock();
  context_.post(static_cast<Work&>(report_));
}

// The Context's thread again.

void Transfer::tell() noexcept {
  Shared seen;
  {
    const std::lock_guard lock{mutex_};
    seen = shared_;
    shared_.posted = shared_.is_over = shared_.is_gone = false;
  }
  if (seen.is_over) {
    busy_ = false;
    owner_.on_transferred(*this, seen.done, seen.error);
  }
  if (seen.is_gone) owner_.on_gone();
}

}  // namespace umbel::stdio
