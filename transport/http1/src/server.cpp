// SPDX-License-Identifier: MIT
#include "umbel/http1/server.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "sockets.hpp"

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

Time loop_time(void* loop) noexcept { return Time{std::chrono::milliseconds{uv_now(static_cast<uv_loop_t*>(loop))}}; }

}  // namespace

class Server::Impl final : private Connections::Owner {
public:
  Impl(Service& service, Loop& loop, const ServerOptions& options)
      : loop_(loop),
        options_(options),
        endpoint_(service, loop.context(), options.limits),
        connections_(loop, endpoint_, options, *this),
        service_opened_(*this),
        service_closed_(*this),
        drain_timer_(*this),
        pause_timer_(*this) {
    endpoint_.set_clock(loop_time, loop.native());
  }

  ~Impl() {
    stop();
    connections_.close_timer();
    loop_.hold();  // Replies may come from other threads.
    while (connections_.count() > 0 || open_listeners_ > 0 || !connections_.is_timer_closed() ||
           stage_ != Stage::closed) {
      uv_run(loop_.native(), UV_RUN_ONCE);
    }
    loop_.release();
  }

  void start_service() {
    const bool is_running = stage_ == Stage::opening || stage_ == Stage::open;
    if (is_running && !ending_) return;
    if (stage_ != Stage::closed) throw StartError{"umbel: a server that ends takes no connections"};
    endpoint_.service().start(endpoint_.context());
    ending_ = false;
    failure_.reset();
    stage_ = Stage::opening;
    loop_.hold();
    endpoint_.service().open(endpoint_.context(), service_opened_);
    if (failure_) throw StartError{failure_->message()};
  }

  void when_open(Notice& opened) noexcept {
    if (failure_) opened.tell(&*failure_);
    else if (stage_ == Stage::open) opened.tell();
    else opened_ = &opened;
  }

  void listen_on(Descriptor socket, std::string path, Layer* layer) {
    auto listener = std::make_unique<Listener>(Listener{{}, this, socket.get(), layer, std::move(path)});
    listener->poll.data = listener.get();
    if (const int error = uv_poll_init(loop_.native(), &listener->poll, listener->fd); error < 0) {
      throw std::system_error{-error, std::generic_category(), "umbel: cannot watch a listening socket"};
    }
    static_cast<void>(socket.release());
    ++open_listeners_;
    listeners_.push_back(std::move(listener));
    start_accepting(*listeners_.back());
  }

  void add(int fd, Layer* layer) {
    start_service();
    set_nonblocking(fd);
    set_no_delay(fd);
    connections_.add(fd, layer);
  }

  void set_port(int port) noexcept { port_ = port; }
  int port() const noexcept { return port_; }
  const ServerOptions& options() const noexcept { return options_; }
  std::size_t connections() const noexcept { return connections_.count(); }
  std::size_t in_flight() const noexcept { return endpoint_.in_flight(); }

  void drain(std::chrono::milliseconds limit, Work* done) {
    drained_ = done;
    accept_the_rest();
    stop_listening();
    connections_.drain();
    if (connections_.count() > 0) drain_timer_.start(endpoint_.context(), endpoint_.context().now() + limit);
    ending_ = true;
    end_if_over();
  }

  void stop() noexcept {
    drain_timer_.cancel();
    stop_listening();
    connections_.close_all();
    ending_ = true;
    end_if_over();
  }

private:
  enum class Stage : std::uint8_t { closed, opening, open, failed, closing };  // Of the service.

  struct Listener {
    uv_poll_t poll;
    Impl* server;
    int fd;
    Layer* layer;      // Before its connections' sessions; null: none.
    std::string path;  // Of a unix socket.
  };

  /// Calls a member function.
  template <void (Impl::*function)() noexcept>
  struct MemberTimer : Timer {
    explicit MemberTimer(Impl& i) noexcept : Timer(run), impl(i) {}
    static void run(Timer& timer) noexcept { (static_cast<MemberTimer&>(timer).impl.*function)(); }
    Impl& impl;
  };

  template <void (Impl::*function)(const Error*) noexcept>
  struct MemberNotice : Notice {
    explicit MemberNotice(Impl& i) noexcept : Notice(run), impl(i) {}
    static void run(Notice& notice, const Error* error) noexcept {
      (static_cast<MemberNotice&>(notice).impl.*function)(error);
    }
    Impl& impl;
  };

  void start_accepting(Listener& listener) noexcept {
    uv_poll_start(&listener.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      auto& ready = *static_cast<Listener*>(poll->data);
      ready.server->accept_from(ready);
    });
  }

  void accept_from(Listener& listener) noexcept {
    for (int i = 0; i < accepts_in_a_row; ++i) {
      if (connections_.count() >= options_.connections || !may_take_descriptor(listener.fd)) return pause();
      const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && is_out_of_descriptors(errno)) return pause();
      if (fd < 0 && errno == EAGAIN) return;
      if (fd < 0) continue;  // A connection that is gone already, or a signal.
      set_no_delay(fd);
      connections_.add(fd, listener.layer);
      if (fd >= descriptor_limit_ - spare_descriptors - 1) is_near_limit_ = true;
    }
  }

  // False if the next descriptor, the lowest that is free, is one of the last. It is looked for only if they have been
  // scarce before.
  bool may_take_descriptor(int any) const noexcept {
    if (!is_near_limit_) return true;
    const int next = ::fcntl(any, F_DUPFD_CLOEXEC, 0);
    if (next >= 0) ::close(next);
    return next >= 0 && next < descriptor_limit_ - spare_descriptors;
  }

  // Those whom the kernel has told that they are connected, and perhaps has a request of. Each listener's queue is
  // no longer than its backlog.
  void accept_the_rest() noexcept {
    for (const auto& listener : listeners_) {
      for (int i = 0; i <= options_.backlog; i += accepts_in_a_row) accept_from(*listener);
    }
  }

  // Further connections wait in the kernel until one of ours is closed, or a second has passed.
  void pause() noexcept {
    if (paused_) return;
    paused_ = true;
    for (const auto& listener : listeners_) uv_poll_stop(&listener->poll);
    pause_timer_.start(endpoint_.context(), endpoint_.context().now() + std::chrono::seconds{1});
  }

  void go_on() noexcept {
    if (!paused_) return;
    paused_ = false;
    pause_timer_.cancel();
    for (const auto& listener : listeners_) start_accepting(*listener);
  }

  void stop_listening() noexcept {
    paused_ = false;
    pause_timer_.cancel();
    for (auto& listener : listeners_) close(listener.release());
    listeners_.clear();
  }

  void close(Listener* listener) noexcept {
    uv_close(reinterpret_cast<uv_handle_t*>(&listener->poll), [](uv_handle_t* closed) {
      const std::unique_ptr<Listener> owned{static_cast<Listener*>(closed->data)};
      --owned->server->open_listeners_;
    });
    ::close(listener->fd);
    if (!listener->path.empty()) ::unlink(listener->path.c_str());
  }

  void on_closed() noexcept override {
    if (connections_.count() < options_.connections) go_on();
    end_if_over();
  }

  void on_service_opened(const Error* error) noexcept {
    loop_.release();
    stage_ = error ? Stage::failed : Stage::open;
    if (error) failure_ = *error;
    if (opened_) std::exchange(opened_, nullptr)->tell(error);
    if (error) stop();
    else end_if_over();
  }

  void close_service() noexcept {
    stage_ = Stage::closing;
    loop_.hold();
    endpoint_.service().close(endpoint_.context(), service_closed_);
  }

  void on_service_closed(const Error*) noexcept {
    loop_.release();
    stage_ = Stage::closed;
    end_if_over();
  }

  // The end, once it has begun: connections, then the service, then whoever waits.
  void end_if_over() noexcept {
    if (connections_.count() > 0) return;
    drain_timer_.cancel();  // It would keep a borrowed loop alive.
    if (!ending_) return;
    if (stage_ == Stage::open) return close_service();
    if (stage_ == Stage::failed) stage_ = Stage::closed;
    if (stage_ == Stage::closed && drained_) endpoint_.context().enqueue(*std::exchange(drained_, nullptr));
  }

  Loop& loop_;
  ServerOptions options_;
  Endpoint endpoint_;
  Connections connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::size_t open_listeners_ = 0;  // Those that close counted.
  int port_ = 0;
  const int descriptor_limit_ = descriptor_limit();
  Stage stage_ = Stage::closed;
  bool ending_ = false;
  bool paused_ = false;
  bool is_near_limit_ = false;  // A connection has got the last descriptor that is ours to take, or a later one.
  Notice* opened_ = nullptr;
  Work* drained_ = nullptr;
  std::optional<Error> failure_;  // Why the service did not open.
  MemberNotice<&Impl::on_service_opened> service_opened_;
  MemberNotice<&Impl::on_service_closed> service_closed_;
  MemberTimer<&Impl::stop> drain_timer_;
  MemberTimer<&Impl::go_on> pause_timer_;
};

Server::Server(Service& service, Loop& loop, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(service, loop, options)) {}
Server::~Server() = default;

void Server::listen(std::string_view address, int port, Layer* layer) {
  impl_->start_service();
  const ServerOptions& options = impl_->options();
  Descriptor socket = listen_tcp({address, port, options.backlog, options.reuse_port});
  const int bound = bound_port(socket.get());
  impl_->listen_on(std::move(socket), {}, layer);
  impl_->set_port(bound);
}

void Server::listen_unix(std::string_view path, unsigned mode, Layer* layer) {
  impl_->start_service();
  std::string name{path};
  Descriptor socket = listen_unix_path(name, mode, impl_->options().backlog);
  impl_->listen_on(std::move(socket), std::move(name), layer);
}

void Server::listen_fd(int fd, Layer* layer) {
  check_listening(fd);
  impl_->start_service();
  impl_->listen_on(Descriptor{fd}, {}, layer);
  if (const int bound = bound_port(fd)) impl_->set_port(bound);
}

void Server::adopt(int fd, Layer* layer) { impl_->add(fd, layer); }
void Server::when_open(Notice& opened) noexcept { impl_->when_open(opened); }

int Server::port() const noexcept { return impl_->port(); }
std::size_t Server::connections() const noexcept { return impl_->connections(); }
std::size_t Server::in_flight() const noexcept { return impl_->in_flight(); }

void Server::drain(std::chrono::milliseconds limit) { impl_->drain(limit, nullptr); }
void Server::drain(std::chrono::milliseconds limit, Work& done) { impl_->drain(limit, &done); }
void Server::stop() noexcept { impl_->stop(); }

}  // namespace umbel::http1
