// SPDX-License-Identifier: MIT
#pragma once
// What the HTTP/1.1 sessions of one Context have in common.

#include <array>
#include <cstddef>
#include <utility>

#include "umbel/core/buffer.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/service.hpp"

namespace umbel::http1 {

class Parser;

/// How much a client may send, and how much is kept for one that does not read. In bytes, but for the last two.
struct Limits {
  std::size_t request_line = 8 * 1024;   // Else 414.
  std::size_t header_block = 32 * 1024;  // Else 431. Of a chunked body's extensions and trailers, too: else 400.
  std::size_t body = 1024 * 1024;        // Else 413, when it is asked for; `Exchange::limit_body` sets another.
  std::size_t output = 256 * 1024;       // Unsent replies of one session. Above, no further request of it is begun.
  std::size_t header_fields = 100;       // Else 431.
  std::size_t in_flight = 4096;          // Requests of all sessions of an Endpoint. Else 503 with Retry-After.
};

/// Service, Context and limits of a group of Sessions, and what they share: the Date that they send, the count of the
/// requests in flight, spare buffers. One thread, its Context's. Outlives its Sessions.
///
///     http1::Endpoint endpoint{app, context};
class Endpoint {
public:
  /// Calls nothing. Whoever makes an Endpoint has called, or calls before the first input, `service.start(context)` and
  /// `service.open`; `service.draining` when it begins to end, and `service.close` when its sessions are over.
  Endpoint(Service& service, Context& context, const Limits& limits = {}) noexcept
      : service_(service), context_(context), limits_(limits) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  /// What answers the requests. Not owned.
  Service& service() const noexcept { return service_; }
  /// Where they are answered.
  Context& context() const noexcept { return context_; }
  /// What a request may have.
  const Limits& limits() const noexcept { return limits_; }
  /// Requests that were served and not replied to yet, or whose replies are held.
  std::size_t in_flight() const noexcept { return in_flight_; }

  /// Where the time of a reply comes from, in place of `context.now()`: a loop's cached time saves a look at the clock.
  /// `function(state)` is steady, like Clock.
  void set_clock(Time (*function)(void*) noexcept, void* state) noexcept {
    clock_ = function;
    clock_state_ = state;
  }

private:
  friend class Session;
  using OkHead = std::array<char, sizeof "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" - 1>;
  static constexpr std::size_t input_size = 4096;
  static constexpr std::size_t spare_output_limit = 64 * 1024;  // Larger ones are not kept.

  /// The start of a reply with status 200: status line and date.
  const OkHead& ok_head() noexcept {
    const Time now = clock_ ? clock_(clock_state_) : context_.now();
    if (now >= date_is_stale_) [[unlikely]]
      make_date(now);
    return head_;
  }
  void make_date(Time now) noexcept;

  char* take_input() {
    return spare_input_ ? std::exchange(spare_input_, nullptr)
                        : static_cast<char*>(detail::BlockPool::take(input_size));
  }
  void give_input(char* block) noexcept {
    if (spare_input_) detail::BlockPool::give(block, input_size);
    else spare_input_ = block;
  }
  Parser* take_parser() { return spare_parser_ ? std::exchange(spare_parser_, nullptr) : make_parser(); }
  void give_parser(Parser* parser) noexcept {
    if (spare_parser_) free_parser(parser);
    else spare_parser_ = parser;
  }
  Parser* make_parser();
  static void free_parser(Parser* parser) noexcept;
  Buffer* take_output() { return spare_output_ ? std::exchange(spare_output_, nullptr) : make_output(); }
  void give_output(Buffer* output) noexcept {
    if (spare_output_ || output->capacity() > spare_output_limit) return free_output(output);
    output->clear();
    spare_output_ = output;
  }
  static Buffer* make_output();
  static void free_output(Buffer* output) noexcept;

  Service& service_;
  Context& context_;
  Limits limits_;
  std::size_t in_flight_ = 0;
  Time (*clock_)(void*) noexcept = nullptr;
  void* clock_state_ = nullptr;
  Time date_is_stale_ = Time::min();
  OkHead head_{};
  // What the last idle session gave back, so that the next need not ask the pool.
  char* spare_input_ = nullptr;
  Parser* spare_parser_ = nullptr;
  Buffer* spare_output_ = nullptr;
};

}  // namespace umbel::http1
