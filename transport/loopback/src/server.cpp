// SPDX-License-Identifier: MIT
#include "umbel/loopback/server.hpp"

#include <algorithm>
#include <vector>

#include "receiver.hpp"

namespace umbel::loopback {

namespace {

// As a peer would have them: without the white space before a value.
Fields fields_of(const Response& response) {
  Fields fields;
  response.for_each_field([&](std::string_view name, std::string_view value) {
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    fields.emplace_back(in_lower_case(name), value);
  });
  return fields;
}

}  // namespace

Fields Reply::headers() const { return fields_of(response_); }
void Incoming::Leave::operator()(Receiver* receiver) const noexcept { receiver->leave(); }
int Incoming::status() const noexcept { return receiver_->response().status(); }
std::optional<std::string_view> Incoming::header(std::string_view name) const noexcept {
  return receiver_->response().header(name);
}
std::string_view Incoming::content_type() const noexcept { return receiver_->response().content_type(); }
Fields Incoming::headers() const { return fields_of(receiver_->response()); }
bool Incoming::is_complete() const noexcept { return receiver_->is_complete(); }

Task<std::string> Incoming::read() {
  const std::string_view piece = co_await Receiver::Piece{*receiver_};
  co_return std::string{piece};
}

void Outgoing::send(std::string piece) {
  if (piece.empty() || is_dropped_) return;
  pieces_.push_back(std::move(piece));
  wake();
}

void Outgoing::finish(Pulled how) noexcept {
  end_ = how;
  wake();
}

void Outgoing::wake() noexcept {
  if (ready_) context_.enqueue(*std::exchange(ready_, nullptr));
}

Pulled Outgoing::pull(Context&, std::string_view& chunk, Work& ready) noexcept {
  if (pieces_.empty()) {
    if (end_ == Pulled::pending) ready_ = &ready;
    return end_;
  }
  taken_ = std::move(pieces_.front());
  pieces_.pop_front();
  chunk = taken_;
  return Pulled::chunk;
}

void Outgoing::drop() noexcept {
  is_dropped_ = true;
  ready_ = nullptr;
}

void Server::Refusal::serve(Exchange& exchange) noexcept {
  exchange.reply(Response::text("Service Unavailable", 503).header("retry-after", "1"));
}

Server::Server(Service& service, Context& context, Options options)
    : TransportCourse(service, context), options_(options) {}

Server::~Server() {
  finish();
  while (under_way_ > 0) context().run_ready();
}

Capabilities Server::capabilities() const noexcept {
  return {.stream_in = true, .stream_out = true, .disconnect = true, .early_refusal = true, .several_peers = true};
}

// When the task begins: until then there is no request.
void Server::let_in(detail::Call& call) {
  call.set_usual_limit(options_.body_limit);
  if (!lets_in() || in_flight_ >= options_.in_flight) return call.turn_to(refusal_);
  call.keep(*this);
  calls_.push_back(call);
  ++in_flight_;
}

void Server::on_over(detail::Call& call) noexcept {
  calls_.remove(call);
  --in_flight_;
  exchange_is_over();
}

void Server::cancel_all() noexcept {
  std::vector<detail::Call*> all;
  while (detail::Call* const call = calls_.pop_front()) all.push_back(call);
  for (detail::Call* const call : all) calls_.push_back(*call);
  for (detail::Call* const call : all) call->cancel(CancelReason::shutdown);  // Which may be over then.
}

Task<Incoming> Server::open(OwnedRequest request, BodySourcePtr body) {
  const Method method = request.method();
  ServiceCall asked{service(), std::move(request)};
  asked.call().take_body(std::move(body));
  return open(std::move(asked), method);
}

Task<Incoming> Server::open(ServiceCall asked, Method method) {
  let_in(asked.call());
  Response response = co_await asked;
  co_return Incoming{*new Incoming::Receiver{*this, asked.call(), std::move(response), method}};
}

Task<Reply> Server::ask(ServiceCall asked, Method method) {
  let_in(asked.call());
  Response response = co_await asked;
  // Most of them. With a source it would not be over.
  if (asked.call().is_over()) [[likely]] {
    mend(response, method);
    co_return std::move(response);
  }
  Incoming incoming{*new Incoming::Receiver{*this, asked.call(), std::move(response), method}};
  std::string body;
  for (;;) {
    const std::string_view piece = co_await Incoming::Receiver::Piece{*incoming.receiver_};
    if (piece.empty()) break;
    body += piece;
  }
  co_await incoming.receiver_->over();
  Reply reply{std::move(incoming.receiver_->response())};
  reply.body_ = std::move(body);
  reply.is_complete_ = incoming.is_complete();
  co_return reply;
}

}  // namespace umbel::loopback
