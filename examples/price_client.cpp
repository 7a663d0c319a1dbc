// SPDX-License-Identifier: MIT
#include "price_client.hpp"

#include <uv.h>

#include <umbel/core/completion.hpp>
#include <umbel/core/error.hpp>

#include <charconv>
#include <deque>
#include <string>
#include <utility>

namespace shop {

using namespace umbel;

/// Answers come in the order of the questions. When the connection breaks, everybody who waits hears of it.
class PriceClient::Connection {
public:
  using Setter = Completion<std::string>::Setter;

  static std::shared_ptr<Connection> open(uv_loop_t* loop, int port) {
    auto connection = std::make_shared<Connection>();
    connection->self_ = connection;  // libuv needs the handle until it is closed.
    uv_tcp_init(loop, &connection->socket_);
    connection->socket_.data = connection.get();
    connection->connect(port);
    return connection;
  }

  bool is_open() const noexcept { return is_open_; }

  void ask(std::string line, Setter answer) {
    waiting_.push_back(std::move(answer));
    auto* const question = new Question{{}, std::move(line)};
    question->write.data = this;
    const uv_buf_t bytes = uv_buf_init(question->line.data(), static_cast<unsigned>(question->line.size()));
    // Before the connection is made, libuv keeps what is written.
    if (uv_write(&question->write, stream(), &bytes, 1, on_written) == 0) return;
    delete question;
    close();
  }

  void close() noexcept {
    if (!std::exchange(is_open_, false)) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
    for (Setter& waiting : waiting_) waiting.error(HttpError{502, "The price service does not answer"});
    waiting_.clear();
  }

private:
  struct Question {
    uv_write_t write;
    std::string line;
  };

  uv_stream_t* stream() noexcept { return reinterpret_cast<uv_stream_t*>(&socket_); }

  void connect(int port) {
    sockaddr_in address{};
    uv_ip4_addr("127.0.0.1", port, &address);
    connect_.data = this;
    const auto* const target = reinterpret_cast<const sockaddr*>(&address);
    if (uv_tcp_connect(&connect_, &socket_, target, on_connected) != 0) close();
  }

  void take(std::string_view bytes) {
    text_ += bytes;
    for (std::size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
      if (waiting_.empty()) return close();  // An answer that nobody asked for.
      waiting_.front().value(text_.substr(0, end));
      waiting_.pop_front();
    }
  }

  static Connection& of(void* data) noexcept { return *static_cast<Connection*>(data); }

  static void on_connected(uv_connect_t* request, int status) {
    Connection& self = of(request->data);
    if (!self.is_open_) return;
    if (status != 0 || uv_read_start(self.stream(), on_room_needed, on_read) != 0) self.close();
  }
  static void on_written(uv_write_t* request, int status) {
    const std::unique_ptr<Question> question{reinterpret_cast<Question*>(request)};
    if (status != 0) of(request->data).close();
  }
  static void on_room_needed(uv_handle_t* handle, std::size_t, uv_buf_t* room) {
    Connection& self = of(handle->data);
    *room = uv_buf_init(self.room_, sizeof self.room_);
  }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* room) {
    if (size < 0) of(stream->data).close();
    else of(stream->data).take({room->base, static_cast<std::size_t>(size)});
  }
  static void on_closed(uv_handle_t* handle) { of(handle->data).self_.reset(); }

  uv_tcp_t socket_{};
  uv_connect_t connect_{};
  char room_[256];
  std::string text_;  // The start of a line.
  std::deque<Setter> waiting_;
  bool is_open_ = true;
  std::shared_ptr<Connection> self_;
};

PriceClient::PriceClient(Loop& loop, int port) : loop_(loop), port_(port) {}

PriceClient::~PriceClient() {
  if (connection_) connection_->close();
}

PriceClient::Connection& PriceClient::connection() {
  if (!connection_ || !connection_->is_open()) connection_ = Connection::open(loop_.native(), port_);
  return *connection_;
}

Task<std::optional<std::int64_t>> PriceClient::price_of(std::int64_t item_id, std::string_view price_group) {
  Completion<std::string> answer;
  connection().ask("price " + std::to_string(item_id) + " " + std::string{price_group} + "\n", answer.setter());
  const std::string line = co_await answer;
  std::int64_t cents = 0;
  const bool is_price = std::from_chars(line.data(), line.data() + line.size(), cents).ec == std::errc{};
  if (is_price) co_return cents;
  co_return std::nullopt;
}

}  // namespace shop
