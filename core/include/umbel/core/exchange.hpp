// SPDX-License-Identifier: MIT
#pragma once
// One request in flight: the seam between transports and services.

#include <cstdint>
#include <string_view>

#include "umbel/core/body_source.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/outcome.hpp"
#include "umbel/core/peer.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/stop.hpp"

namespace umbel {

/// One request, and the one reply that it gets. Owned by the transport, which keeps it, and the memory that its request
/// refers to, until the reply is made; or until `release`, if it is made by `reply_and_hold`. Everything happens on the
/// Context's thread.
class Exchange {
public:
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Its head, and what the body is read from. Valid until the exchange is answered, or released.
  const Request& request() const noexcept { return request_; }
  /// For a service that hands the exchange on to another, see `Request::enter`. Before anybody reads the request.
  void enter(std::size_t size) noexcept { request_.enter(size); }
  /// Where it runs: everything of it happens on that thread.
  Context& context() const noexcept { return *context_; }
  /// Asked to stop once: when the peer is gone, or the transport waits no longer.
  StopToken stop_token() noexcept { return StopToken{stop_}; }
  /// Why `stop_token()` was asked: the peer left, the transport's own deadline, or the drain deadline. Says nothing
  /// before it was.
  CancelReason stop_reason() const noexcept { return stop_reason_; }
  /// When an answer is of no use any more, as the transport was told (a header, a broker's timeout). `Time::max()`:
  /// never. The transport tells; it is the service that keeps it.
  Time deadline() const noexcept { return deadline_; }
  /// What the transport has found out about who asks. Null: nothing.
  const Peer* peer() const noexcept { return peer_; }
  /// Which variant of the service answers, as the service and who chose it agree: an App and its OverrideSet. Null: the
  /// usual one. Opaque to transports.
  const void* variant() const noexcept { return variant_; }
  /// For a service that hands the exchange on to the one that knows the variant.
  void choose(const void* variant) noexcept { variant_ = variant; }

  /// Asks for the whole body. True: `request().body()` holds it now, or `body_error()` tells why not. False: `ready`
  /// is enqueued when it does. Once per exchange; a service that has no use for the body does not call it, and the
  /// transport drops what comes.
  virtual bool collect_body(Work& ready) noexcept = 0;
  /// The next piece of the body, for who does not want it all at once; not together with `collect_body`. Like
  /// `BodySource::pull`: what is read stays valid until the next call or the reply, and until it is asked for more the
  /// transport takes no more from the peer than its own buffers hold. After `failed`, `body_error()` tells why.
  /// A transport that does not override it gives the collected body as one chunk.
  virtual Pulled read_body(std::string_view& chunk, Work& ready) noexcept;
  /// Withdraws the `ready` of a `collect_body` or `read_body` that said to wait. False: it is in the Context's queue
  /// already, or the transport cannot: then it is waited for. The body is not asked for any more.
  virtual bool withdraw_body() noexcept { return false; }
  /// Lets the body be larger or smaller than the transport's own limit says; one that is larger fails with 413, when it
  /// is asked for if its length is known. Before the body is asked for.
  void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes < usual_limit ? bytes : usual_limit - 1; }
  /// The fields behind a body that came in chunks (RFC 9110 section 6.5), when all of it has been read. Never merged
  /// into the headers. Valid while the request is.
  const Headers& trailers() const noexcept { return trailers_; }
  /// The status that the body's failure deserves: 400, 408, 413; 499 if the peer left. 0 if all is well.
  int body_error() const noexcept { return body_error_; }

  /// Answers. Exactly once; then the exchange belongs to the transport again and may be gone. Harmless if the peer has
  /// left. HEAD, 204, 205 and 304 are sent without the body.
  /// A second reply is an assertion in debug builds. In others it is dropped; but it may come to an exchange that is
  /// another by then, or gone: who cannot be sure keeps an Answer, which knows.
  /// If the response has a BodySource, the exchange and all that its request refers to stay until that is dropped; who
  /// has begun to read the body in pieces may read on from there.
  virtual void reply(Response&& response) noexcept = 0;
  /// Answers, in place of `reply`, and keeps the exchange and all that its request refers to until `release`. `sent` is
  /// enqueued on the Context once: when the last byte has left for the peer, or the peer is gone; a BodySource has been
  /// dropped then. Until then
  /// `stop_token()` may still be asked because the peer left; until `release`, because the server shuts down.
  virtual void reply_and_hold(Response&& response, Work& sent) noexcept = 0;
  /// Once, after `sent` has run. The exchange belongs to the transport again and may be gone.
  virtual void release() noexcept = 0;

protected:
  Exchange() noexcept = default;
  ~Exchange() = default;

  /// The head, filled by the transport.
  Request request_;
  /// Never null once the exchange is served.
  Context* context_ = nullptr;
  /// Asked by the transport, when the peer leaves or the server stops.
  StopSource stop_;
  CancelReason stop_reason_ = CancelReason::disconnected;  // Set before `stop_` is asked.
  /// What `body_error()` gives.
  int body_error_ = 0;
  /// How far the body's reading has come.
  enum class Reading : std::uint8_t { untouched, asked, given };
  Reading reading_ = Reading::untouched;  // For those who do not read in pieces.
  /// In `body_limit_`: what the transport says itself.
  static constexpr std::uint64_t usual_limit = ~std::uint64_t{0};
  /// In bytes.
  std::uint64_t body_limit_ = usual_limit;
  /// What `trailers()` gives.
  Headers trailers_;
  /// What `deadline()` gives. Never: Time::max().
  Time deadline_ = Time::max();
  const void* variant_ = nullptr;  // Not owned.
  const Peer* peer_ = nullptr;     // Not owned.
};

}  // namespace umbel
