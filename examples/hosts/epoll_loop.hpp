// SPDX-License-Identifier: MIT
#pragma once
// A program's loop on epoll, as many have written it. Knows nothing of umbel.

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace hosts {

[[noreturn]] inline void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }

/// Closes it in the end.
class Descriptor {
public:
  Descriptor(int fd, const char* what) : fd_(fd) {
    if (fd < 0) fail(what);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { close(); }

  int get() const noexcept { return fd_; }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

private:
  int fd_;
};

/// Whoever is told of a descriptor.
class Watched {
public:
  /// EPOLLIN and so on.
  virtual void on_events(std::uint32_t events) noexcept = 0;

protected:
  ~Watched() = default;
};

class EpollLoop {
public:
  EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC), "epoll_create1") {}

  void watch(int fd, std::uint32_t events, Watched& watched) { control(EPOLL_CTL_ADD, fd, events, &watched); }
  void change(int fd, std::uint32_t events, Watched& watched) { control(EPOLL_CTL_MOD, fd, events, &watched); }
  /// It is told nothing more, not even what epoll has reported already.
  void forget(int fd, Watched& watched) noexcept {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    for (int i = next_; i < count_; ++i) {
      if (reported_[static_cast<std::size_t>(i)].data.ptr == &watched)
        reported_[static_cast<std::size_t>(i)].data.ptr = nullptr;
    }
  }

  /// Waits, -1: as long as it takes, and tells those whose descriptors are ready.
  void turn(int milliseconds) noexcept {
    count_ = epoll_wait(epoll_.get(), reported_.data(), static_cast<int>(reported_.size()), milliseconds);
    for (next_ = 0; next_ < count_;) {
      const epoll_event& event = reported_[static_cast<std::size_t>(next_++)];
      if (event.data.ptr) static_cast<Watched*>(event.data.ptr)->on_events(event.events);
    }
  }

private:
  void control(int what, int fd, std::uint32_t events, Watched* watched) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = watched;
    if (epoll_ctl(epoll_.get(), what, fd, &event) < 0) fail("epoll_ctl");
  }

  Descriptor epoll_;
  std::array<epoll_event, 64> reported_{};
  int count_ = 0;
  int next_ = 0;  // Of those that are reported.
};

/// SIGTERM, as an event of the loop. Made before the program's first thread, which would get the signal otherwise.
class Termination : private Watched {
public:
  explicit Termination(EpollLoop& loop) : fd_(block_and_open(), "signalfd") { loop.watch(fd_.get(), EPOLLIN, *this); }
  bool has_come() const noexcept { return has_come_; }

private:
  static int block_and_open() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  void on_events(std::uint32_t) noexcept override {
    signalfd_siginfo read_and_dropped;
    has_come_ = ::read(fd_.get(), &read_and_dropped, sizeof read_and_dropped) > 0 || has_come_;
  }

  Descriptor fd_;
  bool has_come_ = false;
};

}  // namespace hosts
