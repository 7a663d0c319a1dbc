// SPDX-License-Identifier: MIT
#pragma once
// Who hears what happens: what access logs, metrics and traces are made of, and what the client must not see.
// access_log.hpp and chrome_trace.hpp have two observers that are ready to use.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "umbel/core/context.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/request.hpp"

namespace umbel {

/// A node that failed.
struct Failure {
  const void* id;          // Of the request.
  std::string_view route;  // "GET /items/{item_id}"; "call price_of" for what Engine::call was asked.
  std::string_view node;   // "open_session"; "request" if its body did not come, or a conversion threw.
  const Error& error;      // Valid during the call.
  bool suppressed;         // Another node, declared before it, failed too, and answers.
};

/// A tear-down or a background task that failed when the reply was sent already.
struct LateError {
  const void* id;  // Of the request.
  /// "GET /items/{item_id}"
  std::string_view route;
  /// The name of the node that failed.
  std::string_view node;
  const Error& error;  // Valid during the call.
};

/// A request, from the moment when its route is known. All of it is valid during the call.
struct RequestEvent {
  const void* id;          // The same in all events of a request; another one's when it is over.
  std::string_view route;  // "GET /items/{item_id}"; "call price_of"; empty if no route answers it: 404, 405, OPTIONS.
  /// Valid during the call.
  const Request& request;
  Time time;  // Of the Context's clock, which is monotonic.
};

/// The reply is handed to the transport. If the peer has left, nobody gets it.
struct ReplyEvent {
  /// Tells the request from others that are in flight.
  const void* id;
  /// "GET /items/{item_id}"; empty if no route answered.
  std::string_view route;
  /// Valid during the call.
  const Request& request;
  /// When the reply was made.
  Time time;
  Duration took;  // Since request_started.
  /// Of the reply.
  int status;
  std::size_t body_bytes;  // As made: what HEAD, 204 and 304 leave out is in it.
};

/// What a node does. Each that is requested comes to one of finished, failed and cancelled, once; each that is closing
/// comes to closed. What never gets what it needs is never requested.
enum class Moment : std::uint8_t {
  requested,  // It is about to run; on a worker, perhaps behind those that it needs.
  started,    // It runs.
  suspended,  // It awaits something, for the first time. How it goes on is not told.
  finished,   // It has made its value.
  failed,     // Or has not; without `started`, no worker would take it.
  cancelled,  // It was asked to stop, and has; without `started`, it was not run after all.
  closing,    // Its tear-down begins.
  closed,     // Its tear-down is over.
};

/// One node of one request, at one moment.
struct NodeEvent {
  const void* id;  // Of the request.
  /// "GET /items/{item_id}"
  std::string_view route;
  /// The node's name.
  std::string_view node;
  std::size_t number;  // In GraphRoute::nodes of the route.
  /// What the node has come to.
  Moment moment;
  bool on_worker;  // It runs, and is torn down, on the work queue.
  Time time;       // When it happened. What a worker does is told when the worker is done: other nodes' later moments
                   // may have been told before.
  const Error* error;  // failed, cancelled if it ran; closed if the tear-down failed. Else null.
  bool is_resource;    // What it has made is torn down: `closing` and `closed` follow `finished`.
  /// What had to be done before it could run, a bit for each number, 64 in a word: what it takes, guards, and those
  /// that took something exclusively. Valid as long as the App.
  std::span<const std::uint64_t> needs;
};

/// A node's code did not give the loop back for too long.
struct BlockedEvent {
  const void* id;  // Of the request.
  /// "GET /items/{item_id}"
  std::string_view route;
  /// The name of the node that had the loop.
  std::string_view node;
  Time time;  // When it began to.
  /// How long it had it.
  Duration duration;
};

/// Hears what happens. Given to `App::observe`, not owned, called on the Context's thread of the request, so by all
/// threads that serve. Must not throw, and should not take long. An App without one pays nothing.
class Observer {
public:
  virtual ~Observer() = default;
  /// A request was taken in; nothing of it has run.
  virtual void request_started(const RequestEvent&) noexcept {}
  /// A node has come to another moment of its life.
  virtual void node(const NodeEvent&) noexcept {}
  /// A node failed, whether or not its error became the reply.
  virtual void node_failed(const Failure&) noexcept {}
  /// A reply was made; none of its bytes is sent.
  virtual void replied(const ReplyEvent&) noexcept {}
  /// Something failed when the reply could not be changed any more.
  virtual void late_error(const LateError&) noexcept {}
  /// For tests: asked once for each node that was just told to be requested. An error that is given is the node's,
  /// which does not run. testing::Faults does it.
  virtual std::unique_ptr<Error> fail_instead(const NodeEvent&) noexcept { return nullptr; }
  /// Everything is torn down. The request that came with the id may be gone.
  virtual void request_ended(const void* id, Time time) noexcept { static_cast<void>(id), static_cast<void>(time); }

  /// A node that keeps the loop at least this long is reported. Read once per route, at the start, and constant. Zero:
  /// nothing is measured.
  ///
  /// Covered are `on_loop` functions whole, and of coroutines and resources, handlers and streams included, each piece
  /// from their start, or from where they were resumed, to the next wait or the end. Not covered are the conversion of
  /// parameters and replies, and what a coroutine does behind an awaitable that is not umbel's, which resumes it by
  /// itself; what workers do blocks nobody.
  virtual Duration blocked_after() const noexcept { return Duration::zero(); }
  /// A node kept the loop longer than `blocked_after()`.
  virtual void loop_blocked(const BlockedEvent&) noexcept {}
};

}  // namespace umbel
