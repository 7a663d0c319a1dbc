// SPDX-License-Identifier: MIT
#pragma once
// Server-sent events, as a coroutine (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2).

#include <chrono>
#include <coroutine>
#include <optional>
#include <string_view>

#include "umbel/core/buffer.hpp"
#include "umbel/core/stream.hpp"

namespace umbel {

/// One event. Views: they live until it is yielded.
struct Event {
  std::string_view data = {};   // Several lines become several `data` fields.
  std::string_view event = {};  // Its type; empty: "message". One line.
  std::string_view id = {};     // What a client that comes back sends as Last-Event-ID. One line, without NUL.
  std::optional<std::chrono::milliseconds> retry = {};  // How long the client waits before it comes back.
};

namespace detail {
struct EventPromise;
/// Appends the event as it goes on the wire. Throws std::invalid_argument if `event` or `id` cannot be one line.
void write_event(Buffer& out, const Event& event);
}  // namespace detail

/// A handler that sends events as long as the client listens. Like Stream, but for what it yields.
///
///     EventStream prices(State<Market> market, Header<"last-event-id", std::optional<std::string_view>> last) {
///       for (auto quotes = market->since(*last);;) {
///         const std::string quote = co_await quotes.next();
///         co_yield Event{.data = quote, .event = "quote"};
///       }
///     }
///
/// The reply has the type text/event-stream and is not cached. A text that is yielded is an event's data. When nothing
/// was yielded for 15 s, a comment is sent, so that the way stays open and a client that is gone is found out.
class [[nodiscard]] EventStream : public detail::StreamHolder<detail::EventPromise> {
public:
  using StreamHolder::StreamHolder;
  /// Of the reply.
  static constexpr std::string_view content_type = "text/event-stream";
  /// A comment line is sent when nothing else was for so long, so that proxies keep the connection and a peer that left
  /// is found.
  static constexpr Duration heartbeat = std::chrono::seconds{15};
};

namespace detail {

struct EventPromise : StreamPromiseBase {
  Buffer text;

  EventPromise() noexcept {
    heartbeat = EventStream::heartbeat;
    filler = ":\n\n";
  }
  EventStream get_return_object() noexcept {
    return EventStream{std::coroutine_handle<EventPromise>::from_promise(*this)};
  }
  auto yield_value(const Event& event) {
    text.clear();
    write_event(text, event);
    return give(text.view());
  }
  auto yield_value(std::string_view data) { return yield_value(Event{.data = data}); }
};

}  // namespace detail
}  // namespace umbel
