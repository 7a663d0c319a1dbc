// SPDX-License-Identifier: MIT
#include "file_sending.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>
#include <utility>

namespace umbel::http1 {

namespace {

constexpr std::uint64_t piece_size = 1024 * 1024;  // Then it is another job's turn.

Descriptor duplicate(int fd) noexcept { return Descriptor{::fcntl(fd, F_DUPFD_CLOEXEC, 0)}; }

/// sendfile(2) has no MSG_NOSIGNAL: what it raises on this thread is taken back, whatever the process does about it.
class NoSigpipe {
public:
  NoSigpipe() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  /// A pipe was broken.
  void take_back() noexcept {
    const timespec at_once{};
    while (!was_pending_ && ::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }

private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_;
};

}  // namespace

FileSending* FileSending::make(Context& context, int socket, const FileStretch& stretch, Owner& owner) noexcept {
  Descriptor own_socket = duplicate(socket);
  Descriptor own_file = duplicate(stretch.file);
  if (own_socket.get() < 0 || own_file.get() < 0) return nullptr;
  return new (std::nothrow) FileSending{context, std::move(own_socket), std::move(own_file), stretch, owner};
}

FileSending::FileSending(Context& context, Descriptor&& socket, Descriptor&& file, const FileStretch& stretch,
                         Owner& owner) noexcept
    : Job(execute, come_home),
      context_(context),
      socket_(std::move(socket)),
      file_(std::move(file)),
      owner_(&owner),
      offset_(stretch.offset),
      left_(stretch.size) {}

// A full pool does not stop a reply that has begun.
void FileSending::go_on() noexcept {
  is_away_ = true;
  set_class(JobClass::normal);
  if (context_.submit(*this)) return;
  set_class(JobClass::cleanup);
  context_.submit(*this);
}

void FileSending::execute(Job& job) noexcept {
  auto& sending = static_cast<FileSending&>(job);
  sending.sent_ = 0;
  sending.result_ = sending.send();
}

FileSending::Result FileSending::send() noexcept {
  NoSigpipe no_sigpipe;
  while (left_ > 0 && sent_ < piece_size) {
    auto offset = static_cast<off_t>(offset_);
    const auto size = static_cast<std::size_t>(std::min(left_, piece_size - sent_));
    const ssize_t count = ::sendfile(socket_.get(), file_.get(), &offset, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return Result::blocked;
    if (count < 0 && errno == EPIPE) no_sigpipe.take_back();
    if (count < 0) return errno == EPIPE || errno == ECONNRESET ? Result::lost : Result::failed;
    if (count == 0) return Result::failed;
    sent_ += static_cast<std::uint64_t>(count);
    offset_ += static_cast<std::uint64_t>(count);
    left_ -= static_cast<std::uint64_t>(count);
  }
  return left_ > 0 ? Result::more : Result::ended;
}

void FileSending::come_home(Job& job) noexcept {
  auto& sending = static_cast<FileSending&>(job);
  sending.is_away_ = false;
  if (sending.owner_) sending.owner_->on_file_sent(sending.sent_, sending.result_);
  else delete &sending;
}

void FileSending::drop() noexcept {
  owner_ = nullptr;
  if (!is_away_) {
    delete this;
    return;
  }
  ::shutdown(socket_.get(), SHUT_RDWR);  // The peer need not wait for the job.
  withdraw();
}

}  // namespace umbel::http1
