// SPDX-License-Identifier: MIT
// umbel behind libevent's HTTP server.
//
//     evhttp [PORT]      0: any free one
//
// Tier      T1: `engine.submit` with a callback. The Context is on the program's own event_base, as one descriptor more
//           (FdPort), so that the callback runs where evhttp's own do.
// Threads   All on the one thread that dispatches events; plain functions on the ThreadPool's.
// Ends      SIGTERM: nobody new is let in; when what is in flight was replied to, the loop is left. When patience is
//           over the engine stops, which replies to the rest.

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>

#include <umbel/core/fd_port.hpp>
#include <umbel/core/work_pool.hpp>
#include <umbel/di/engine.hpp>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "app.hpp"

namespace {

// [translate]
umbel::Method method_of(evhttp_request* request) {
  switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
      return umbel::Method::get;
    case EVHTTP_REQ_HEAD:
      return umbel::Method::head;
    case EVHTTP_REQ_POST:
      return umbel::Method::post;
    case EVHTTP_REQ_PUT:
      return umbel::Method::put;
    case EVHTTP_REQ_DELETE:
      return umbel::Method::delete_;
    case EVHTTP_REQ_PATCH:
      return umbel::Method::patch;
    case EVHTTP_REQ_OPTIONS:
      return umbel::Method::options;
    default:
      return umbel::Method::other;
  }
}

umbel::OwnedRequest to_umbel(evhttp_request* request) {
  umbel::OwnedRequest asked{method_of(request), evhttp_request_get_uri(request)};
  const evkeyvalq* const headers = evhttp_request_get_input_headers(request);
  for (const evkeyval* field = headers->tqh_first; field; field = field->next.tqe_next)
    asked.header(field->key, field->value);
  evbuffer* const input = evhttp_request_get_input_buffer(request);
  std::string body(evbuffer_get_length(input), '\0');
  evbuffer_remove(input, body.data(), body.size());
  asked.body(std::move(body));
  return asked;
}

void send(evhttp_request* request, const umbel::Response& reply) {
  reply.for_each_field([&](std::string_view name, std::string_view value) {
    evhttp_add_header(evhttp_request_get_output_headers(request), std::string{name}.c_str(),
                      std::string{value}.c_str());
  });
  evbuffer_add(evhttp_request_get_output_buffer(request), reply.body().data(), reply.body().size());
  evhttp_send_reply(request, reply.status(), nullptr, nullptr);
}
// [translate]

struct FreeEvent {
  void operator()(event* freed) const noexcept { event_free(freed); }
};
using Event = std::unique_ptr<event, FreeEvent>;
struct FreeBase {
  void operator()(event_base* freed) const noexcept { event_base_free(freed); }
};
struct FreeHttp {
  void operator()(evhttp* freed) const noexcept { evhttp_free(freed); }
};

/// The program: evhttp, and umbel that answers.
class Program {
public:
  Program(umbel::App& app, int port) : engine_(app, port_.context()) {
    // [watch]
    watch_ = Event{event_new(
        base_.get(), port_.fd(), EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* umbel) { static_cast<umbel::FdPort*>(umbel)->on_readable(); }, &port_)};
    event_add(watch_.get(), nullptr);
    // [watch]
    evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(
        http_.get(), [](evhttp_request* request, void* self) { static_cast<Program*>(self)->answer(request); }, this);
    socket_ = evhttp_bind_socket_with_handle(http_.get(), "127.0.0.1", static_cast<ev_uint16_t>(port));
    term_ = Event{evsignal_new(
        base_.get(), SIGTERM, [](evutil_socket_t, short, void* self) { static_cast<Program*>(self)->drain(); }, this)};
    event_add(term_.get(), nullptr);
    patience_ = Event{evtimer_new(
        base_.get(), [](evutil_socket_t, short, void* self) { static_cast<Program*>(self)->lose_patience(); }, this)};
  }

  bool listens() const noexcept { return socket_ != nullptr; }
  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(evhttp_bound_socket_get_fd(socket_), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  void run() {
    event_base_dispatch(base_.get());
    while (engine_.in_flight() > 0) event_base_loop(base_.get(), EVLOOP_ONCE);
  }

private:
  // [answer]
  void answer(evhttp_request* request) {
    ++unsent_;
    evhttp_request_set_on_complete_cb(
        request, [](evhttp_request*, void* self) { static_cast<Program*>(self)->was_sent(); }, this);
    engine_.submit(to_umbel(request), [request](umbel::Response reply) noexcept { send(request, reply); });
  }
  // [answer]

  void was_sent() {
    --unsent_;
    leave_if_over();
  }
  void drain() {
    is_draining_ = true;
    evhttp_del_accept_socket(http_.get(), std::exchange(socket_, nullptr));
    const timeval patience{hosts::patience.count() / 1000, hosts::patience.count() % 1000 * 1000};
    evtimer_add(patience_.get(), &patience);
    leave_if_over();
  }
  // evhttp does not tell when a reply is lost because its peer has left: so that those are not waited for.
  void lose_patience() {
    engine_.stop();
    const timeval for_the_rest{1, 0};
    event_base_loopexit(base_.get(), &for_the_rest);
  }
  void leave_if_over() {
    if (is_draining_ && unsent_ == 0) event_base_loopexit(base_.get(), nullptr);
  }

  umbel::ThreadPool pool_;
  umbel::FdPort port_{pool_};
  umbel::Engine engine_;
  std::unique_ptr<event_base, FreeBase> base_{event_base_new()};
  std::unique_ptr<evhttp, FreeHttp> http_{evhttp_new(base_.get())};
  evhttp_bound_socket* socket_ = nullptr;
  Event watch_;
  Event term_;
  Event patience_;
  int unsent_ = 0;
  bool is_draining_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  hosts::Sessions sessions;
  umbel::App app;
  hosts::add_to(app, sessions);
  {
    Program program{app, argc > 1 ? std::atoi(argv[1]) : 8000};
    if (!program.listens()) return 1;
    hosts::announce(program.port());
    program.run();
  }
  return hosts::sum_up(sessions);
}
