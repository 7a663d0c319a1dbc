// SPDX-License-Identifier: MIT
#include "listeners.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace umbel::http1 {

namespace {

constexpr int accepts_in_a_row = 64;
constexpr int spare_descriptors = 32;  // Left for the application: a server without files and databases is no use.

int descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1 << 30) return 1 << 30;
  return static_cast<int>(limit.rlim_cur);
}

bool is_out_of_descriptors(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listeners::Listeners(Loop& loop, const Options& options, Owner& owner)
    : loop_(loop), owner_(owner), options_(options), descriptor_limit_(descriptor_limit()), resume_(*this) {}

Listeners::~Listeners() { close(); }

void Listeners::add(Descriptor socket, Layer* layer, std::string path) {
  auto listener = std::make_unique<Listener>(Listener{{}, this, socket.get(), layer, std::move(path), open_});
  listener->poll.data = listener.get();
  if (const int error = uv_poll_init(loop_.native(), &listener->poll, listener->fd); error < 0) {
    throw std::system_error{-error, std::generic_category(), "umbel: cannot watch a listening socket"};
  }
  static_cast<void>(socket.release());
  ++*open_;
  listeners_.push_back(std::move(listener));
  start(*listeners_.back());
}

void Listeners::start(Listener& listener) noexcept {
  uv_poll_start(&listener.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
    const auto& ready = *static_cast<Listener*>(poll->data);
    ready.all->accept_from(ready);
  });
}

void Listeners::accept_from(const Listener& listener) noexcept {
  for (int i = 0; i < accepts_in_a_row; ++i) {
    if (!owner_.has_room() || !may_take_descriptor(listener.fd)) return pause();
    const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_out_of_descriptors(errno)) return pause();
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0) continue;  // A connection that is gone already, or a signal.
    if (fd >= descriptor_limit_ - spare_descriptors - 1) is_near_limit_ = true;
    owner_.accepted(fd, listener.layer);
  }
}

// False if the next descriptor, the lowest that is free, is one of the last. It is looked for only if they have been
// scarce before.
bool Listeners::may_take_descriptor(int any) const noexcept {
  if (!is_near_limit_) return true;
  const int next = ::fcntl(any, F_DUPFD_CLOEXEC, 0);
  if (next >= 0) ::close(next);
  return next >= 0 && next < descriptor_limit_ - spare_descriptors;
}

// Each listener's queue is no longer than its backlog.
void Listeners::accept_the_rest() noexcept {
  for (const auto& listener : listeners_) {
    for (int i = 0; i <= options_.backlog; i += accepts_in_a_row) accept_from(*listener);
  }
}

void Listeners::pause() noexcept {
  if (paused_) return;
  paused_ = true;
  for (const auto& listener : listeners_) uv_poll_stop(&listener->poll);
  resume_.start(loop_.context(), loop_.context().now() + options_.patience);
}

void Listeners::go_on() noexcept {
  if (!paused_) return;
  paused_ = false;
  resume_.cancel();
  for (const auto& listener : listeners_) start(*listener);
}

void Listeners::close() noexcept {
  paused_ = false;
  resume_.cancel();
  for (auto& listener : listeners_) close(listener.release());
  listeners_.clear();
}

void Listeners::close(Listener* listener) noexcept {
  uv_close(reinterpret_cast<uv_handle_t*>(&listener->poll), [](uv_handle_t* closed) {
    const std::unique_ptr<Listener> owned{static_cast<Listener*>(closed->data)};
    --*owned->open;
  });
  ::close(listener->fd);
  if (!listener->path.empty()) ::unlink(listener->path.c_str());
}

}  // namespace umbel::http1
