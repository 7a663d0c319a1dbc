// SPDX-License-Identifier: MIT
#include "umbel/http1/server.hpp"

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "listeners.hpp"
#include "sockets.hpp"

namespace umbel::http1 {

namespace {

constexpr std::chrono::milliseconds for_ever = std::chrono::hours{24 * 365 * 100};

Time loop_time(void* loop) noexcept { return Time{std::chrono::milliseconds{uv_now(static_cast<uv_loop_t*>(loop))}}; }

}  // namespace

class Server::Impl final : private Connections::Owner, private Listeners::Owner, private ServiceUser {
public:
  Impl(Service& service, Loop& loop, const ServerOptions& options)
      : loop_(loop),
        options_(options),
        endpoint_(service, loop.context(), options.limits),
        connections_(loop, endpoint_, options, *this),
        listeners_(loop, {options.backlog}, *this),
        service_opened_(*this),
        service_closed_(*this),
        delay_timer_(*this),
        limit_timer_(*this) {
    endpoint_.set_clock(loop_time, loop.native());
  }

  ~Impl() {
    assert(context().is_here() && "umbel: a Server is destroyed on another thread than its loop's");
    if (context().is_here()) {
      if (in_flight() > 0) context().expect_outside("umbel: a Server with requests in flight is destroyed");
      end_here();
    } else {
      end_over_there();
    }
  }

  void start_service() {
    check_thread();
    const bool is_running = stage_ == Stage::opening || stage_ == Stage::open;
    if (is_running && ending_ != Ending::now) return;
    if (stage_ != Stage::closed) throw StartError{"umbel: a server that ends takes no connections"};
    if (!has_service_) throw StartError{"umbel: the service of this server was destroyed"};
    endpoint_.service().start(endpoint_.context());
    endpoint_.service().used_by(*this);
    ending_ = Ending::no;
    failure_.reset();
    stage_ = Stage::opening;
    loop_.hold();
    endpoint_.service().open(endpoint_.context(), service_opened_);
    if (failure_) throw StartError{failure_->message()};
  }

  void when_open(Notice& opened) noexcept {
    if (failure_) opened.tell(&*failure_);
    else if (stage_ == Stage::open) opened.tell();
    else openers_.push_back(&opened);
  }

  void listen_on(Descriptor socket, Layer* layer, std::string path = {}) {
    const int bound = bound_port(socket.get());
    listeners_.add(std::move(socket), layer, std::move(path));
    if (bound > 0) port_ = bound;
  }

  void add(int fd, Layer* layer) {
    start_service();
    set_nonblocking(fd);
    accepted(fd, layer);
  }

  int port() const noexcept { return port_; }
  const ServerOptions& options() const noexcept { return options_; }
  Context& context() const noexcept { return endpoint_.context(); }
  std::size_t connections() const noexcept { return load_.load(std::memory_order_relaxed); }
  std::size_t in_flight() const noexcept { return endpoint_.in_flight(); }

  TransportState state() const noexcept {
    if (stage_ == Stage::closed) return TransportState::stopped;
    if (ending_ != Ending::no || stage_ == Stage::failed) return TransportState::draining;
    return stage_ == Stage::opening ? TransportState::starting : TransportState::ready;
  }

  void drain(const DrainOptions& options, Work* done) {
    if (!is_here()) return context().post([this, options, done]() noexcept { drain(options, done); });
    if (done) drained_.push_back(done);
    limit_ = options.limit;
    const bool is_running = stage_ == Stage::opening || stage_ == Stage::open;
    if (!is_running || ending_ == Ending::now || options.delay.count() <= 0) return let_go();
    ending_ = Ending::soon;
    tell_draining();
    start(delay_timer_, options.delay);
  }

  void stop() noexcept {
    if (!is_here()) return context().post([this]() noexcept { stop(); });
    limit_timer_.cancel();
    end();
    listeners_.close();
    connections_.close_all();
    end_if_over();
  }

private:
  enum class Stage : std::uint8_t { closed, opening, open, failed, closing };  // Of the service.
  enum class Ending : std::uint8_t { no, soon, now };                          // soon: after the delay.

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

  bool is_here() const noexcept {
    const bool is = context().is_here();
    assert(is && "umbel: a Server is used on another thread than its loop's: Context::post is the way to it");
    return is;
  }
  void check_thread() const {
    if (!is_here()) throw std::logic_error{"umbel: a Server is used on another thread than its loop's"};
  }

  void begin_to_end() noexcept {
    stop();
    connections_.close_timer();
    loop_.hold();  // Replies may come from other threads.
  }
  bool has_ended() const noexcept {
    return connections_.count() == 0 && listeners_.are_closed() && connections_.is_timer_closed() &&
           stage_ == Stage::closed;
  }
  void end_here() noexcept {
    begin_to_end();
    while (!has_ended()) turn();
    loop_.release();
  }
  // As long as the loop's thread turns it.
  void end_over_there() {
    std::promise<void> begun;
    context().post([&]() noexcept { begin_to_end(), begun.set_value(); });
    begun.get_future().wait();
    for (bool is_over = false; !is_over; std::this_thread::sleep_for(std::chrono::milliseconds{1})) {
      std::promise<bool> answer;
      context().post([&]() noexcept {
        if (has_ended()) loop_.release();
        answer.set_value(has_ended());
      });
      is_over = answer.get_future().get();
    }
  }

  Context& home() noexcept override { return context(); }
  void turn() noexcept override { uv_run(loop_.native(), UV_RUN_ONCE); }
  void stop_using() noexcept override {
    has_service_ = false;
    stop();
  }

  void start(Timer& timer, std::chrono::milliseconds duration) {
    timer.start(endpoint_.context(), endpoint_.context().now() + std::min(duration, for_ever));
  }

  // The delay is over: nobody new, and each peer goes with the reply that it waits for.
  void let_go() noexcept {
    end();
    listeners_.accept_the_rest();
    listeners_.close();
    connections_.drain();
    if (connections_.count() > 0) start(limit_timer_, limit_);
    end_if_over();
  }

  void end() noexcept {
    delay_timer_.cancel();
    ending_ = Ending::now;
    tell_draining();
  }

  // Once for each time that it was open.
  void tell_draining() noexcept {
    if (stage_ != Stage::open || std::exchange(told_draining_, true)) return;
    endpoint_.service().draining(endpoint_.context());
  }

  bool has_room() const noexcept override { return connections_.count() < options_.connections; }
  void accepted(int fd, Layer* layer) noexcept override {
    set_no_delay(fd);
    connections_.add(fd, layer);
    load_.store(connections_.count(), std::memory_order_relaxed);
  }

  void on_closed() noexcept override {
    load_.store(connections_.count(), std::memory_order_relaxed);
    if (has_room()) listeners_.go_on();
    end_if_over();
  }

  void on_service_opened(const Error* error) noexcept {
    loop_.release();
    stage_ = error ? Stage::failed : Stage::open;
    told_draining_ = false;
    if (error) failure_ = *error;
    if (ending_ != Ending::no) tell_draining();
    for (Notice* const opened : std::exchange(openers_, {})) opened->tell(error);
    if (!error) return end_if_over();
    endpoint_.service().left_by(*this);
    stop();
  }

  void close_service() noexcept {
    stage_ = Stage::closing;
    loop_.hold();
    endpoint_.service().close(endpoint_.context(), service_closed_);
  }

  void on_service_closed(const Error*) noexcept {
    loop_.release();
    stage_ = Stage::closed;
    endpoint_.service().left_by(*this);
    end_if_over();
  }

  // The end, once it has begun: connections, then the service, then whoever waits.
  void end_if_over() noexcept {
    if (connections_.count() > 0) return;
    limit_timer_.cancel();  // It would keep a borrowed loop alive.
    if (ending_ != Ending::now) return;
    if (stage_ == Stage::open) return close_service();
    if (stage_ == Stage::failed) stage_ = Stage::closed;
    if (stage_ != Stage::closed) return;
    for (Work* const done : std::exchange(drained_, {})) endpoint_.context().enqueue(*done);
  }

  Loop& loop_;
  ServerOptions options_;
  Endpoint endpoint_;
  Connections connections_;
  Listeners listeners_;
  std::atomic<std::size_t> load_{0};  // The connections, for other threads.
  int port_ = 0;
  Stage stage_ = Stage::closed;
  Ending ending_ = Ending::no;
  bool told_draining_ = false;
  bool has_service_ = true;  // It has not gone before us.
  std::chrono::milliseconds limit_{0};
  std::vector<Notice*> openers_;
  std::vector<Work*> drained_;
  std::optional<Error> failure_;  // Why the service did not open.
  MemberNotice<&Impl::on_service_opened> service_opened_;
  MemberNotice<&Impl::on_service_closed> service_closed_;
  MemberTimer<&Impl::let_go> delay_timer_;
  MemberTimer<&Impl::stop> limit_timer_;
};

Server::Server(Service& service, Loop& loop, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(service, loop, options)) {}
Server::~Server() = default;

void Server::start() { impl_->start_service(); }

void Server::listen(std::string_view address, int port, Layer* layer) {
  impl_->start_service();
  const ServerOptions& options = impl_->options();
  impl_->listen_on(listen_tcp({address, port, options.backlog, options.reuse_port}), layer);
}

void Server::listen_unix(std::string_view path, unsigned mode, Layer* layer) {
  impl_->start_service();
  std::string name{path};
  Descriptor socket = listen_unix_path(name, mode, impl_->options().backlog);
  impl_->listen_on(std::move(socket), layer, std::move(name));
}

void Server::listen_fd(int fd, Layer* layer) {
  check_listening(fd);
  impl_->start_service();
  impl_->listen_on(Descriptor{fd}, layer);
}

std::size_t Server::listen_systemd(std::string_view name, Layer* layer) {
  std::vector<Descriptor> sockets = passed_sockets(name);
  if (sockets.empty()) return 0;
  impl_->start_service();
  for (Descriptor& socket : sockets) impl_->listen_on(std::move(socket), layer);
  return sockets.size();
}

void Server::adopt(int fd, Layer* layer) { impl_->add(fd, layer); }

int Server::port() const noexcept { return impl_->port(); }
std::size_t Server::connections() const noexcept { return impl_->connections(); }
const ServerOptions& Server::options() const noexcept { return impl_->options(); }
Context& Server::context() const noexcept { return impl_->context(); }

Capabilities Server::capabilities() const noexcept {
  return {.stream_in = true,
          .stream_out = true,
          .trailers = true,
          .disconnect = true,
          .half_close = true,
          .keep_alive = true,
          .early_refusal = true,
          .several_peers = true};
}
TransportState Server::state() const noexcept { return impl_->state(); }
std::size_t Server::in_flight() const noexcept { return impl_->in_flight(); }
void Server::when_open(Notice& opened) noexcept { impl_->when_open(opened); }
void Server::drain(const DrainOptions& options, Work& done) { impl_->drain(options, &done); }
void Server::drain(const DrainOptions& options) { impl_->drain(options, nullptr); }
void Server::stop() noexcept { impl_->stop(); }

}  // namespace umbel::http1
