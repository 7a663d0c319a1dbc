// SPDX-License-Identifier: MIT
#pragma once
// Sockets that listen. Everything throws std::system_error if the system refuses.

#include <string>
#include <string_view>
#include <vector>

namespace umbel::http1 {

/// A descriptor that is closed when it is not released.
class Descriptor {
public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  int get() const noexcept { return fd_; }
  int release() noexcept;

private:
  int fd_;
};

struct TcpListen {
  std::string_view address;  // In digits.
  int port;
  int backlog;
  bool reuse_port;
};

/// Throws std::invalid_argument if the address or the port is none.
Descriptor listen_tcp(const TcpListen& how);
Descriptor listen_unix_path(const std::string& path, unsigned mode, int backlog);
/// Throws std::invalid_argument, in plain words, if `fd` is not a listening stream socket. Makes it non-blocking.
void check_listening(int fd);
/// Duplicates of the listening sockets that systemd has passed, of this name or, if it is empty, all. Throws
/// std::invalid_argument, in plain words, if a socket is of another kind, or what is said of them makes no sense.
std::vector<Descriptor> passed_sockets(std::string_view name);
void set_nonblocking(int fd);
/// Replies leave at once. Does nothing to sockets that know no delay.
void set_no_delay(int fd) noexcept;
/// The port that a socket is bound to; 0 if it is not of TCP.
int bound_port(int fd) noexcept;

}  // namespace umbel::http1
