// SPDX-License-Identifier: MIT
#include "umbel/http1/acceptor.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include "listeners.hpp"
#include "sockets.hpp"

namespace umbel::http1 {

class Acceptor::Impl final : private Listeners::Owner {
public:
  Impl(Loop& loop, const std::vector<Server*>& servers, Options options)
      : loop_(loop), options_(options), seats_(servers.size()), listeners_(loop, {options.backlog, patience}, *this) {
    assert(!servers.empty() && "umbel: an Acceptor without servers");
    for (std::size_t i = 0; i < servers.size(); ++i) seats_[i].server = servers[i];
  }

  ~Impl() {
    listeners_.close();
    for (const Seat& seat : seats_) {
      while (seat.on_the_way.load(std::memory_order_acquire) > 0) std::this_thread::yield();
    }
  }

  void listen_on(Descriptor socket, Layer* layer, std::string path = {}) {
    const int bound = bound_port(socket.get());
    listeners_.add(std::move(socket), layer, std::move(path));
    if (bound > 0) port_ = bound;
  }

  const Options& options() const noexcept { return options_; }
  int port() const noexcept { return port_; }

  void close() noexcept {
    listeners_.accept_the_rest();
    listeners_.close();
  }

private:
  // Nobody tells us that a server has room again.
  static constexpr std::chrono::milliseconds patience{50};

  struct Seat {
    Server* server = nullptr;
    std::atomic<std::size_t> on_the_way{0};  // Handed over, and not arrived.

    std::size_t taken() const noexcept { return server->connections() + on_the_way.load(std::memory_order_relaxed); }
    bool has_room() const noexcept { return taken() < server->options().connections; }
  };

  bool has_room() const noexcept override {
    return std::any_of(seats_.begin(), seats_.end(), [](const Seat& seat) { return seat.has_room(); });
  }

  void accepted(int fd, Layer* layer) noexcept override {
    Seat& seat = choose();
    Context& context = seat.server->context();
    seat.on_the_way.fetch_add(1, std::memory_order_relaxed);
    if (&context == &loop_.context()) return arrive(seat, fd, layer);
    context.post([&seat, fd, layer]() noexcept { arrive(seat, fd, layer); });
  }

  static void arrive(Seat& seat, int fd, Layer* layer) noexcept {
    try {
      seat.server->adopt(fd, layer);
    } catch (const std::exception&) {
      ::close(fd);
    }
    seat.on_the_way.fetch_sub(1, std::memory_order_release);
  }

  /// From the one behind the last that was chosen.
  Seat& choose() noexcept {
    Seat* best = nullptr;
    for (std::size_t i = 1; i <= seats_.size(); ++i) {
      Seat& seat = seats_[(last_ + i) % seats_.size()];
      if (!seat.has_room()) continue;
      if (!best || (options_.deal == Deal::least_connections && seat.taken() < best->taken())) best = &seat;
    }
    if (!best) best = &seats_[(last_ + 1) % seats_.size()];  // Somebody else has filled it meanwhile.
    last_ = static_cast<std::size_t>(best - seats_.data());
    return *best;
  }

  Loop& loop_;
  const Options options_;
  std::vector<Seat> seats_;
  std::size_t last_ = seats_.size() - 1;
  int port_ = 0;
  Listeners listeners_;
};

Acceptor::Acceptor(Loop& loop, std::vector<Server*> servers, Options options)
    : impl_(std::make_unique<Impl>(loop, servers, options)) {}
Acceptor::~Acceptor() = default;

void Acceptor::listen(std::string_view address, int port, Layer* layer) {
  impl_->listen_on(listen_tcp({address, port, impl_->options().backlog, false}), layer);
}

void Acceptor::listen_unix(std::string_view path, unsigned mode, Layer* layer) {
  std::string name{path};
  Descriptor socket = listen_unix_path(name, mode, impl_->options().backlog);
  impl_->listen_on(std::move(socket), layer, std::move(name));
}

void Acceptor::listen_fd(int fd, Layer* layer) {
  check_listening(fd);
  impl_->listen_on(Descriptor{fd}, layer);
}

std::size_t Acceptor::listen_systemd(std::string_view name, Layer* layer) {
  std::vector<Descriptor> sockets = passed_sockets(name);
  for (Descriptor& socket : sockets) impl_->listen_on(std::move(socket), layer);
  return sockets.size();
}

int Acceptor::port() const noexcept { return impl_->port(); }
void Acceptor::close() noexcept { impl_->close(); }

}  // namespace umbel::http1
