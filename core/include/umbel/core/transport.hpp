// SPDX-License-Identifier: MIT
#pragma once
// What all transports have in common once they exist: what they can do, how far they are, and how they end.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "umbel/core/context.hpp"
#include "umbel/core/service.hpp"

namespace umbel {

/// What a transport can do for a service and its peers. Whatever is false is not there at all, and an option of the
/// transport's that needs it is an error; a service need not ask, it is answered all the same.
struct Capabilities {
  bool stream_in = false;      // `Exchange::read_body` gives pieces as they come. Otherwise the whole body as one.
  bool stream_out = false;     // A BodySource's pieces leave as they are made. Otherwise when the last one is there.
  bool trailers = false;       // `Exchange::trailers` may have some.
  bool disconnect = false;     // A peer that leaves is noticed, and asks `Exchange::stop_token` to stop.
  bool deadline = false;       // A peer may say how long it waits: `Exchange::deadline`.
  bool half_close = false;     // A peer that will send nothing more can still be answered.
  bool keep_alive = false;     // One connection carries several requests. In that case `drain` lets peers know.
  bool early_refusal = false;  // A peer may wait with a body until it is asked for: a guard can refuse before.
  bool several_peers = false;  // Many connections at once. Otherwise a peer is alone, as on standard input.
};

/// How far a transport is. From `stopped` it may be started again.
///
///     stopped -> starting -> ready -> draining -> stopped
///
/// A service that cannot open leads from `starting` to `draining` and `stopped`, and so does a transport that is told
/// to end while it starts.
enum class TransportState : std::uint8_t {
  stopped,   // Nothing is accepted, nothing is in flight, the service is closed.
  starting,  // Peers may come, but the service has not opened: what they ask waits in it.
  ready,     // The service has opened.
  draining   // It ends: `drain` or `stop` was called, or the service cannot open.
};

/// How a transport ends.
struct DrainOptions {
  /// For so long all goes on as before, but for the readiness, which fails at once: those who look at it send their
  /// requests elsewhere before the first one would be refused. Longer than they take to notice. `max()`: until `drain`
  /// is called again.
  std::chrono::milliseconds delay{0};
  std::chrono::milliseconds limit{10'000};  // After the delay: what is in flight then is cancelled.
};

/// A way for requests to come to a Service. How one is started is each transport's own affair: it listens on sockets,
/// reads a file, subscribes to a subject. On the Context's thread, all of it.
///
/// It calls `start` and `open` of its service when it starts, `draining` when it begins to end and `close` when the
/// last exchange is over, once each; several transports may have one service at the same time, on one Context or many.
///
/// Destroying a transport that is not stopped stops it, and waits.
class Transport {
public:
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  /// The same at any time.
  virtual Capabilities capabilities() const noexcept = 0;
  /// What it does now. On its loop's thread.
  virtual TransportState state() const noexcept = 0;
  /// Exchanges that are not replied to yet, or whose replies are held.
  virtual std::size_t in_flight() const noexcept = 0;

  /// `opened` is told when the service has opened, or why it cannot; at once if that is known. In the latter case the
  /// transport stops. Lives until it is told, or the transport is gone. Several may wait.
  virtual void when_open(Notice& opened) noexcept = 0;

  /// Ends in order: the service hears that it drains, so that the readiness fails; after `delay` nobody new is let in,
  /// and each peer is let go with the reply that it waits for; after `limit` more what is in flight is cancelled, for
  /// CancelReason::shutdown, and its tear-down still runs; then the service is closed. `done` is enqueued when all of
  /// that is over, and lives until then; several may wait.
  ///
  /// Called again: the times count anew. A transport that is stopped is done at once.
  virtual void drain(const DrainOptions& options, Work& done) = 0;

  /// Ends at once: what is in flight is cancelled now. It is over, and the state `stopped`, when the service has
  /// replied to it and has closed.
  virtual void stop() noexcept = 0;

protected:
  Transport() noexcept = default;
};

}  // namespace umbel
