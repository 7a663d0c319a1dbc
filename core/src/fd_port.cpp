// SPDX-License-Identifier: MIT
#include "umbel/core/fd_port.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace umbel {

namespace {

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    throw std::system_error{errno, std::generic_category(), "umbel::FdPort: epoll_ctl"};
}

// True if there was something to read.
bool drain(int fd) noexcept {
  std::uint64_t count = 0;
  ssize_t result = read(fd, &count, sizeof count);
  while (result < 0 && errno == EINTR) result = read(fd, &count, sizeof count);
  return result > 0;
}

}  // namespace

FdPort::Descriptor::Descriptor(int fd, const char* what) : fd_(fd) {
  if (fd < 0) throw std::system_error{errno, std::generic_category(), what};
}
FdPort::Descriptor::~Descriptor() { close(fd_); }

FdPort::FdPort(WorkPool& pool)
    : epoll_(epoll_create1(EPOLL_CLOEXEC), "umbel::FdPort: epoll_create1"),
      event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "umbel::FdPort: eventfd"),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "umbel::FdPort: timerfd_create"),
      context_(*this, pool) {
  watch(epoll_.get(), event_.get());
  watch(epoll_.get(), timer_.get());
}

FdPort::~FdPort() {
  while (context_.jobs_away() > 0) {
    pollfd ready{epoll_.get(), POLLIN, 0};
    poll(&ready, 1, -1);
    on_readable();
  }
}

void FdPort::wake() noexcept {
  if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  while (write(event_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

// An alarm that comes too early costs one look, moving it away costs a system call for every request with a time limit.
void FdPort::arm(Time when) noexcept {
  if (when >= armed_) return;
  armed_ = when;
  // steady_clock is CLOCK_MONOTONIC here. A time of zero would disarm.
  const auto since = std::max<std::int64_t>(1, std::chrono::nanoseconds{when.time_since_epoch()}.count());
  itimerspec spec{};
  spec.it_value.tv_sec = since / 1'000'000'000;
  spec.it_value.tv_nsec = since % 1'000'000'000;
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void FdPort::on_readable() noexcept {
  if (is_busy_.exchange(true, std::memory_order_acquire)) {
    assert(context_.is_here() && "umbel: FdPort::on_readable is called by two threads at once");
    return;  // What made us readable still does: we are called again.
  }
  const bool is_ours = context_.thread().enter();
  assert(is_ours && "umbel: an FdPort goes to another thread, and the first has not said `thread().leave()`");
  static_cast<void>(is_ours);
  // The flag falls only when its byte was read, else the byte of a waker that is between flag and write would stay
  // readable for ever; and before the work is taken, so that whoever still finds it up has posted what we then take.
  if (signalled_.load(std::memory_order_acquire) && drain(event_.get()))
    signalled_.exchange(false, std::memory_order_acq_rel);
  if (armed_ <= now() && drain(timer_.get())) armed_ = Time::max();
  context_.run_ready();
  is_busy_.store(false, std::memory_order_release);
}

}  // namespace umbel
