// SPDX-License-Identifier: MIT
#include "sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace umbel::http1 {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), "umbel: " + what};
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address parse_address(const std::string& text, int port) {
  Address address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (port < 0 || port > 65535) throw std::invalid_argument{"umbel: " + std::to_string(port) + " is not a port"};
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof *v6;
  } else {
    throw std::invalid_argument{"umbel: '" + text + "' is not an IP address in digits"};
  }
  return address;
}

Address unix_address(const std::string& path) {
  Address address;
  auto* const un = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty() || path.size() >= sizeof un->sun_path) {
    throw std::invalid_argument{"umbel: '" + path + "' is empty or too long for the path of a unix socket"};
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof *un;
  return address;
}

Descriptor open_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  return Descriptor{fd};
}

void turn_on(int fd, int level, int option) {
  const int on = 1;
  if (::setsockopt(fd, level, option, &on, sizeof on) < 0) fail("setsockopt");
}

// A file whose server is gone refuses connections; anything else is left alone.
void remove_stale(const std::string& path, const Address& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) return;
  const Descriptor probe = open_socket(AF_UNIX);
  if (::connect(probe.get(), address.get(), address.size) < 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

constexpr int first_passed = 3;  // SD_LISTEN_FDS_START

std::string_view variable(const char* name) noexcept {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

/// Nothing if the variable is not set.
std::optional<int> number_in(const char* name) {
  const std::string_view text = variable(name);
  if (text.empty()) return {};
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw std::invalid_argument{"umbel: " + std::string{name} + " is '" + std::string{text} + "', which is no number"};
  }
  return number;
}

/// How many descriptors are meant for this process.
int passed_count() {
  if (number_in("LISTEN_PID") != ::getpid()) return 0;
  return number_in("LISTEN_FDS").value_or(0);
}

/// One for each descriptor, or none if they have no names.
std::vector<std::string_view> passed_names(int count) {
  std::vector<std::string_view> names;
  const std::string_view all = variable("LISTEN_FDNAMES");
  if (all.empty()) return names;
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find(':', at), all.size());
    names.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  if (static_cast<int>(names.size()) != count) {
    throw std::invalid_argument{"umbel: LISTEN_FDNAMES has " + std::to_string(names.size()) +
                                " names for LISTEN_FDS = " + std::to_string(count)};
  }
  return names;
}

Descriptor duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, first_passed);
  if (copy < 0) fail("cannot duplicate descriptor " + std::to_string(fd));
  return Descriptor{copy};
}

int int_option(int fd, int option) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

}  // namespace

void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) fail("fcntl");
}

void set_no_delay(int fd) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

Descriptor listen_tcp(const TcpListen& how) {
  const std::string text{how.address};
  const Address address = parse_address(text, how.port);
  Descriptor socket = open_socket(address.storage.ss_family);
  turn_on(socket.get(), SOL_SOCKET, SO_REUSEADDR);
  if (how.reuse_port) turn_on(socket.get(), SOL_SOCKET, SO_REUSEPORT);
  if (::bind(socket.get(), address.get(), address.size) < 0)
    fail("cannot bind " + text + " port " + std::to_string(how.port));
  if (::listen(socket.get(), how.backlog) < 0) fail("cannot listen on " + text + " port " + std::to_string(how.port));
  return socket;
}

Descriptor listen_unix_path(const std::string& path, unsigned mode, int backlog) {
  const Address address = unix_address(path);
  remove_stale(path, address);
  Descriptor socket = open_socket(AF_UNIX);
  if (::bind(socket.get(), address.get(), address.size) < 0) fail("cannot bind " + path);
  if (::chmod(path.c_str(), mode) < 0 || ::listen(socket.get(), backlog) < 0) fail("cannot listen on " + path);
  return socket;
}

void check_listening(int fd) {
  const std::string name = "umbel: descriptor " + std::to_string(fd);
  if (int_option(fd, SO_TYPE) != SOCK_STREAM) throw std::invalid_argument{name + " is not a stream socket"};
  if (int_option(fd, SO_ACCEPTCONN) != 1) throw std::invalid_argument{name + " does not listen"};
  set_nonblocking(fd);
}

std::vector<Descriptor> passed_sockets(std::string_view name) {
  const int count = passed_count();
  const std::vector<std::string_view> names = passed_names(count);
  std::vector<Descriptor> sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = first_passed + i;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (!name.empty() && (names.empty() || names[static_cast<std::size_t>(i)] != name)) continue;
    check_listening(fd);
    sockets.push_back(duplicate(fd));
  }
  return sockets;
}

int bound_port(int fd) noexcept {
  Address address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) < 0) return 0;
  if (address.storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(address.get())->sin_port);
  if (address.storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_port);
  return 0;
}

}  // namespace umbel::http1
