// SPDX-License-Identifier: MIT
#include "price_service.hpp"

#include <netinet/in.h>
#include <uv.h>

#include <cstdint>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace shop {

namespace {

std::string answer_to(const std::string& line) {
  static constexpr std::int64_t cents[] = {199, 249, 179, 149, 219, 329};
  std::istringstream words{line};
  std::string verb, group;
  std::size_t item = 0;
  words >> verb >> item >> group;
  if (verb != "price" || item < 1 || item > std::size(cents)) return "unknown\n";
  return std::to_string(group == "trade" ? cents[item - 1] * 4 / 5 : cents[item - 1]) + "\n";
}

struct Answer {
  uv_write_t write;
  std::string text;
};

/// A connection. Deletes itself when it is closed.
struct Customer {
  uv_tcp_t socket{};
  std::set<Customer*>* customers = nullptr;  // Null: we are closing.
  char room[256];
  std::string text;  // The start of a line.
};

template <class Handle>
uv_handle_t* handle_of(Handle& socket) noexcept {
  return reinterpret_cast<uv_handle_t*>(&socket);
}
template <class Handle>
uv_stream_t* stream_of(Handle& socket) noexcept {
  return reinterpret_cast<uv_stream_t*>(&socket);
}
Customer& customer_of(void* handle) noexcept {
  return *static_cast<Customer*>(static_cast<uv_handle_t*>(handle)->data);
}

void close(Customer& customer) {
  if (!customer.customers) return;
  customer.customers->erase(&customer);
  customer.customers = nullptr;
  uv_close(handle_of(customer.socket), [](uv_handle_t* handle) { delete &customer_of(handle); });
}

void reply(Customer& customer, std::string text) {
  auto* const answer = new Answer{{}, std::move(text)};
  const uv_buf_t bytes = uv_buf_init(answer->text.data(), static_cast<unsigned>(answer->text.size()));
  const auto written = [](uv_write_t* write, int) { delete reinterpret_cast<Answer*>(write); };
  if (uv_write(&answer->write, stream_of(customer.socket), &bytes, 1, written) != 0) delete answer;
}

void on_room_needed(uv_handle_t* handle, std::size_t, uv_buf_t* room) {
  Customer& customer = customer_of(handle);
  *room = uv_buf_init(customer.room, sizeof customer.room);
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* room) {
  Customer& customer = customer_of(stream);
  if (size < 0) return close(customer);
  customer.text.append(room->base, static_cast<std::size_t>(size));
  for (std::size_t end; (end = customer.text.find('\n')) != std::string::npos; customer.text.erase(0, end + 1))
    reply(customer, answer_to(customer.text.substr(0, end)));
}

}  // namespace

struct PriceService::Listener {
  void close() {
    while (!customers.empty()) shop::close(**customers.begin());
    uv_close(handle_of(socket), [](uv_handle_t* handle) { delete static_cast<Listener*>(handle->data); });
  }

  uv_tcp_t socket{};
  std::set<Customer*> customers;
};

PriceService::PriceService(umbel::Loop& loop) : listener_(new Listener) {
  uv_tcp_init(loop.native(), &listener_->socket);
  listener_->socket.data = listener_;
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&listener_->socket, reinterpret_cast<const sockaddr*>(&address), 0);
  const auto on_connection = [](uv_stream_t* stream, int status) {
    if (status != 0) return;
    auto* const customer = new Customer;
    uv_tcp_init(stream->loop, &customer->socket);
    customer->socket.data = customer;
    customer->customers = &static_cast<Listener*>(stream->data)->customers;
    customer->customers->insert(customer);
    if (uv_accept(stream, stream_of(customer->socket)) != 0) return close(*customer);
    uv_read_start(stream_of(customer->socket), on_room_needed, on_read);
  };
  if (uv_listen(stream_of(listener_->socket), 128, on_connection) == 0) return;
  listener_->close();
  throw std::runtime_error{"The price service cannot listen"};
}

PriceService::~PriceService() { listener_->close(); }

int PriceService::port() const {
  sockaddr_in address{};
  int size = sizeof address;
  uv_tcp_getsockname(&listener_->socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace shop
