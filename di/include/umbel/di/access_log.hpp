// SPDX-License-Identifier: MIT
#pragma once
// A line for every reply.

#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/di/observer.hpp"

namespace umbel {

/// Writes a line for every request when it is answered, where the program says.
///
///     AccessLog log{stderr};
///     app.observe(log);
///
/// One line, here broken in two:
///
///     time=2026-03-01T12:00:00.000250Z method=GET target="/items/42?q=abc" route="GET /items/{item_id}"
///     status=200 bytes=51 duration_us=132
///
/// This is logfmt: `key=value`, a space between, the keys always there and in this order; new ones may come behind
/// them. Not the Common Log Format, whose first three columns - host, ident, user - a Request does not know, and which
/// has no place for a route and a duration. `target` and `route` are always quoted, with `\"` and `\\` escaped, and
/// every byte that is not visible ASCII or a space as `\xHH`: no request can forge a line or a field, or reach a
/// terminal.
///
/// `time` is when the request came, in UTC; `route` is empty if none answers; `bytes` is the body that was made, which
/// HEAD does not send; `duration_us` is whole microseconds from there to the reply, its transmission aside. A client
/// that has left is logged with the status that it did not get. Not heard: what a transport refuses by itself, and what
/// a function around the App answers without asking it.
///
/// Any number of Contexts: lines are written one at a time, whole. Whoever writes slowly holds up all of them.
class AccessLog : public Observer {
public:
  /// The clock that a line's date is of.
  using Wall = std::chrono::system_clock;
  /// Gets each line without its end. Never called twice at a time. Must not throw, nor log to the same AccessLog.
  using Sink = std::function<void(std::string_view line)>;

  /// The sink hears every line; on the thread of the request's Context.
  explicit AccessLog(Sink sink) : sink_(std::move(sink)) {}
  /// Lines end in "\n". The file is not owned, not flushed (`setvbuf(file, nullptr, _IOLBF, 0)` writes every line at
  /// once), and outlives us. What cannot be written is lost; `std::ferror` tells.
  explicit AccessLog(std::FILE* file);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// From now on each line ends in ` request_id="..."`, the request's header of that name, empty if it has none: what
  /// RequestId gives. Before the App starts.
  AccessLog& with_request_ids(std::string header = "x-request-id") {
    return request_id_header_ = std::move(header), *this;
  }

  /// Writes the line.
  void replied(const ReplyEvent& event) noexcept override;

  /// Appends the line to `out`, as of a request that was answered at `when`; without its end.
  static void write_line(std::string& out, const ReplyEvent& event, Wall::time_point when);

private:
  Sink sink_;
  std::string request_id_header_;  // Empty: lines have none.
  std::mutex mutex_;
  std::string line_;  // Kept for its memory.
};

}  // namespace umbel
