// SPDX-License-Identifier: MIT
#include "umbel/core/fd_port.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace umbel {

namespace {

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error{errno, std::generic_category(), what};
  return fd;
}

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "umbel::FdPort: epoll_ctl");
}

void drain(int fd) noexcept {
  std::uint64_t count = 0;
  while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {}
}

// Closes what was opened if a later step throws.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  int release() noexcept { return std::exchange(fd, -1); }
};

}  // namespace

FdPort::FdPort(WorkPool& pool) : context_(*this, pool) {
  Descriptor epoll{checked(epoll_create1(EPOLL_CLOEXEC), "umbel::FdPort: epoll_create1")};
  Descriptor event{checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "umbel::FdPort: eventfd")};
  Descriptor timer{checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "umbel::FdPort: timerfd")};
  watch(epoll.fd, event.fd);
  watch(epoll.fd, timer.fd);
  epoll_ = epoll.release();
  event_ = event.release();
  timer_ = timer.release();
}

FdPort::~FdPort() {
  while (context_.jobs_away() > 0) {
    pollfd ready{epoll_, POLLIN, 0};
    poll(&ready, 1, -1);
    on_readable();
  }
  close(timer_);
  close(event_);
  close(epoll_);
}

void FdPort::wake() noexcept {
  if (signalled_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  while (write(event_, &one, sizeof one) < 0 && errno == EINTR) {}
}

void FdPort::arm(Time when) noexcept {
  itimerspec spec{};
  if (when != Time::max()) {
    // steady_clock is CLOCK_MONOTONIC here. A time of zero would disarm.
    const auto since = std::max<std::int64_t>(1, std::chrono::nanoseconds{when.time_since_epoch()}.count());
    spec.it_value.tv_sec = since / 1'000'000'000;
    spec.it_value.tv_nsec = since % 1'000'000'000;
  }
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void FdPort::on_readable() noexcept {
  // Read before the flag falls: a wake between the two finds the flag up, and its work is taken by run_ready.
  if (signalled_.load(std::memory_order_acquire)) {
    drain(event_);
    signalled_.store(false, std::memory_order_release);
  }
  drain(timer_);
  context_.run_ready();
}

}  // namespace umbel
