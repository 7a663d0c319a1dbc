// SPDX-License-Identifier: MIT
// A server that was there before umbel: Boost.Beast parses HTTP, Asio's coroutines serve the connections. umbel answers
// what Beast has read.
//
//     beast [--apart] [PORT]      0: any free one; --apart: umbel on an io_context and a thread of its own
//
// Tier      T0: the Engine on the server's own io_context; with --apart T1: it is asked from another thread. The
//           connections' code is the same.
// Threads   Beast on the thread of `main`; umbel's graphs there, too, or on the second thread; plain functions on the
//           ThreadPool's. `co_await async_handle(...)` goes on where the coroutine was.
// Ends      SIGTERM: no further connections; idle ones are closed, the others behind their replies. What is left when
//           `patience` is over is cancelled, and with it, by its cancellation slot, what umbel does for it. When the
//           last coroutine has ended, io.run() returns; the Engine goes, its io_context turns once more for what it
//           shared, then port and pool.

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <umbel/asio/asio_port.hpp>
#include <umbel/asio/async_handle.hpp>
#include <umbel/core/work_pool.hpp>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "app.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::beast::flat_buffer;
using boost::system::error_code;
using Message = http::request<http::string_body>;
using Reply = http::response<http::string_body>;

/// What the reply to a message depends on.
struct Question {
  explicit Question(const Message& message)
      : version(message.version()), is_head(message.method() == http::verb::head), keep_alive(message.keep_alive()) {}
  unsigned version;
  bool is_head;
  bool keep_alive;
};

// [translate]
umbel::OwnedRequest to_umbel(Message&& message) {
  umbel::OwnedRequest request{umbel::method_from(std::string_view{message.method_string()}),
                              std::string{message.target()}};
  for (const auto& field : message)
    request.header(std::string_view{field.name_string()}, std::string_view{field.value()});
  request.body(std::move(message.body()));
  return request;
}

Reply to_beast(const umbel::Response& response, const Question& question, bool keep_alive) {
  Reply reply{http::int_to_status(static_cast<unsigned>(response.status())), question.version};
  response.for_each_field([&](std::string_view name, std::string_view value) { reply.insert(name, value); });
  reply.keep_alive(keep_alive);
  if (!question.is_head) reply.body() = response.body();
  reply.prepare_payload();
  if (question.is_head) reply.content_length(response.body().size());
  return reply;
}
// [translate]

/// What the connections have in common. One thread's, that of `main`.
struct Server {
  struct Open {
    asio::cancellation_signal cancel;
    bool is_idle = true;
  };

  Server(asio::io_context& io, umbel::Engine& e) : engine(e), patience(io) {}

  umbel::Engine& engine;
  std::list<Open> open;
  bool is_draining = false;
  asio::steady_timer patience;  // While it drains.
};

// [peer]
/// Ends when the peer has left. What it sends meanwhile, its next requests, waits in `input`.
asio::awaitable<void> peer_left(tcp::socket& socket, flat_buffer& input) {
  constexpr std::size_t most = 64 * 1024;
  for (error_code error; !error;) {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (input.size() < most) {
      const std::size_t size = co_await socket.async_read_some(input.prepare(4096), token);
      input.commit(size);
    } else {
      co_await socket.async_wait(tcp::socket::wait_error, token);
    }
  }
}

/// None if the peer did not wait for it.
asio::awaitable<std::optional<umbel::Response>> answer(Server& server, tcp::socket& socket, flat_buffer& input,
                                                       umbel::OwnedRequest request) {
  using namespace asio::experimental::awaitable_operators;
  // Whoever is second is cancelled, and waited for: umbel's request is joined and torn down when this goes on.
  auto first = co_await (umbel::async_handle(server.engine, std::move(request), asio::use_awaitable) ||
                         peer_left(socket, input));
  if (first.index() == 1) co_return std::nullopt;
  co_return std::move(std::get<0>(first));
}
// [peer]

// [connection]
asio::awaitable<void> serve(Server& server, tcp::socket socket, Server::Open& self) {
  flat_buffer input;
  for (bool keep_alive = true; keep_alive;) {
    http::request_parser<http::string_body> parser;
    self.is_idle = true;
    if (server.is_draining && input.size() == 0) co_return;
    co_await http::async_read_header(socket, input, parser, asio::use_awaitable);
    self.is_idle = false;
    co_await http::async_read(socket, input, parser, asio::use_awaitable);
    Message message = parser.release();
    const Question question{message};

    const std::optional<umbel::Response> response =
        co_await answer(server, socket, input, to_umbel(std::move(message)));
    if (!response) co_return;
    keep_alive = question.keep_alive && !server.is_draining;
    const Reply reply = to_beast(*response, question, keep_alive);
    co_await http::async_write(socket, reply, asio::use_awaitable);
  }
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}
// [connection]

asio::awaitable<void> accept(Server& server, tcp::acceptor& acceptor) {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    const auto place = server.open.emplace(server.open.end());
    asio::co_spawn(executor, serve(server, std::move(socket), *place),
                   asio::bind_cancellation_slot(place->cancel.slot(), [&server, place](std::exception_ptr) {
                     server.open.erase(place);
                     if (server.open.empty()) server.patience.cancel();
                   }));
  }
}

// [end]
void cancel(Server& server, bool only_idle) {
  for (auto place = server.open.begin(); place != server.open.end();) {
    Server::Open& open = *place++;  // It may be gone when it is cancelled.
    if (open.is_idle || !only_idle) open.cancel.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> end_in_order(Server& server, tcp::acceptor& acceptor) {
  const auto executor = co_await asio::this_coro::executor;
  asio::signal_set signals{executor, SIGTERM};
  co_await signals.async_wait(asio::use_awaitable);
  acceptor.close();
  server.is_draining = true;
  cancel(server, true);
  if (server.open.empty()) co_return;
  server.patience.expires_after(hosts::patience);
  co_await server.patience.async_wait(asio::use_awaitable);  // Throws if it was not needed.
  cancel(server, false);
}
// [end]

void run_server(asio::io_context& io, umbel::Engine& engine, int port) {
  Server server{io, engine};
  tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)}};
  hosts::announce(acceptor.local_endpoint().port());
  asio::co_spawn(io, accept(server, acceptor), [](std::exception_ptr) {});
  asio::co_spawn(io, end_in_order(server, acceptor), [](std::exception_ptr) {});
  io.run();
}

// [together]
void serve_on_one_thread(umbel::App& app, int port) {
  asio::io_context io{1};
  umbel::ThreadPool pool;
  umbel::AsioPort asio_port{io, pool};
  {
    umbel::Engine engine{app, asio_port.context()};
    run_server(io, engine, port);
  }
  io.restart();
  io.run();  // What the App shared on this Context is torn down.
}
// [together]

// [apart]
void serve_from_another_thread(umbel::App& app, int port) {
  asio::io_context umbels;
  umbel::ThreadPool pool;
  umbel::AsioPort asio_port{umbels, pool};
  std::optional<umbel::Engine> engine{std::in_place, app, asio_port.context()};
  auto guard = std::optional{asio::make_work_guard(umbels)};
  std::thread thread{[&umbels] { umbels.run(); }};

  asio::io_context io{1};
  run_server(io, *engine, port);

  asio::post(umbels, [&] {
    engine.reset();
    guard.reset();
  });
  thread.join();
}
// [apart]

}  // namespace

int main(int argc, char** argv) {
  const bool is_apart = argc > 1 && argv[1] == std::string_view{"--apart"};
  const int port = argc > 1 + is_apart ? std::atoi(argv[1 + is_apart]) : 8000;
  hosts::Sessions sessions;
  {
    umbel::App app;
    hosts::add_to(app, sessions);
    if (is_apart) serve_from_another_thread(app, port);
    else serve_on_one_thread(app, port);
  }
  return hosts::sum_up(sessions);
}
