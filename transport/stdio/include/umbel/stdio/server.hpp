// SPDX-License-Identifier: MIT
#pragma once
// Requests and replies as lines of JSON, over a pair of descriptors: a filter, a command line, a subprocess.

#include <cstddef>
#include <memory>
#include <system_error>

#include "umbel/core/transport.hpp"
#include "umbel/uv/loop.hpp"

namespace umbel::stdio {

/// How much a peer may send, and how much is kept for one that does not read. In bytes, but for the last one.
struct Limits {
  std::size_t line = 8 * 1024 * 1024;  // Else 413, and the line is skipped.
  std::size_t body = 1024 * 1024;      // Else 413, when it is asked for; `Exchange::limit_body` sets another.
  std::size_t output = 256 * 1024;     // Unsent replies. Above, no line is read and no stream goes on.
  std::size_t in_flight = 64;          // Requests. Further ones wait in the pipe.
};

/// What a Server reads and writes.
struct ServerOptions {
  /// The descriptor that requests are read from.
  int input = 0;
  /// The descriptor that replies are written to.
  int output = 1;
  /// What a request may have.
  Limits limits = {};
};

/// Answers the requests that come as lines on one descriptor by lines on another, by a Service. On the loop's thread,
/// all of it.
///
///     {"id": 7, "method": "POST", "target": "/items?dry=1", "headers": {"x-token": "a"}, "body": "text"}
///     {"id":7,"status":201,"headers":{"location":"/items/7"},"body":"made"}
///
/// A request is one line, an object; all but `target` may be left out:
///
/// - `id`: a string or a number, which the replies bear. Requests with one are answered at the same time, in any order.
///   One without is answered before the next line is read.
/// - `method`: GET, unless told.
/// - `target`: path and query, as in HTTP.
/// - `headers`: an object, or pairs, `[["accept", "a"], ["accept", "b"]]`, for names that are repeated.
/// - `body`, or `body_base64` for bytes that are no text.
/// - `timeout_ms`: how long the reply is of use, Exchange::deadline.
///
/// A reply is one line in the same words, headers in small letters; a value that is not UTF-8 is taken for Latin-1. A
/// body that is made while it is sent takes several: the head with `"stream":true`, then each piece as `chunk` or
/// `chunk_base64`, then `"end":"complete"` or `"end":"broken"`. While the server drains, replies say `"closing":true`:
/// no further line is read.
///
/// A line that is no request gets a reply with status 400 that says which and where; one that is too long 413. Empty
/// lines are skipped. The end of the input ends the server in order, without a limit: what was read is answered. A last
/// line without a newline counts.
///
/// The descriptors may be of any kind: pipes, sockets, terminals, files. They are read and written by two threads of
/// the server's own, and stay as they are: blocking, for whoever shares them. Nobody else reads the input meanwhile.
/// When the output is closed, also while nothing is written, its peer has left: all is cancelled, and the server ends.
/// SIGPIPE is not raised.
class Server final : public Transport {
public:
  /// Neither is owned; both outlive the server. The descriptors are not owned, and stay open as long as it.
  Server(Service& service, Loop& loop, const ServerOptions& options = {});
  /// Ends at once. The loop is run until the service has replied to what is in flight and has closed: not to be called
  /// from one of the loop's callbacks.
  ~Server() override;

  /// Calls `service.start` and `service.open`, and begins to read. Does nothing if it has started. Once it has stopped,
  /// it may be started again: what was read of the input and not begun comes first. Throws StartError if the service
  /// cannot start or the server is draining; std::system_error if a descriptor is none, or there are no threads.
  void start();

  /// `stopped` is enqueued when it has stopped: after the input's end, the output's, `drain` or `stop`. At once if it
  /// has not started. Lives until then; several may wait.
  void when_stopped(Work& stopped);
  /// Why the input could not be read to its end, or the output not be written, the last time it ran; none otherwise.
  std::error_code failure() const noexcept;

  Capabilities capabilities() const noexcept override;
  /// What it does now.
  TransportState state() const noexcept override;
  std::size_t in_flight() const noexcept override;
  void when_open(Notice& opened) noexcept override;

  /// After the delay: reads no more; answers the lines that were read; after the limit cancels what is left.
  void drain(const DrainOptions& options, Work& done) override;
  /// The same, without being told.
  void drain(const DrainOptions& options = {});
  /// Reads and writes no more. A line may be half written.
  void stop() noexcept override;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace umbel::stdio
