// SPDX-License-Identifier: MIT
#pragma once
// HTTP/1.1 without sockets: bytes in, bytes out.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "umbel/core/body_source.hpp"
#include "umbel/http1/endpoint.hpp"

namespace umbel::http1 {

/// What a session waits for. Its owner measures how long, and calls `expire` when it is too long.
enum class Wait : std::uint8_t {
  idle,         // For a request. `expire` ends the session without a word.
  head,         // For the rest of a request's head. `expire` answers 408 and ends.
  body,         // For the rest of a request's body. `expire` fails the body with 408 and ends after the reply.
  application,  // For a reply or its next piece, for the release of one that is held, or for whoever reads the body in
                // pieces to ask for more. `expire` does nothing.
  output,       // For the peer to take what is in `output()`, or `file()`. `expire` gives the session up.
  lingering,    // For the peer to close, after our last byte. `expire` ends the session.
  over          // For nothing: close the connection.
};

/// What the owner does about its connection now. `output()` and `file()` are written first in all cases but `reset`.
enum class Advice : std::uint8_t {
  read,    // Read on.
  pause,   // Do not read for now: a request is in flight and no room is left, its body is not asked for, or the peer
           // does not take its replies.
  finish,  // Once output() is empty: half-close, and read on, until the peer closes or `lingering` lasts too long.
  close,   // Once output() is empty: close.
  reset    // Close at once: the peer is gone, or is not worth waiting for.
};

/// One connection's side of HTTP/1.1 (RFC 9112): parses what comes in, has the Endpoint's Service answer, and keeps the
/// replies to be sent. No input or output of its own, no clock, no thread: an owner moves the bytes.
///
///     session.commit(recv(fd, session.prepare().data(), session.prepare().size(), 0));
///     session.consumed(send(fd, session.output().data(), session.output().size(), MSG_NOSIGNAL));
///     if (session.advice() == Advice::close) ...
///
/// The same bytes give the same replies, however they are cut. One request is in flight at a time; what the peer sends
/// behind it is kept, within limits, until its reply is made, or released if it is held. A service that replies at once
/// adds to one batch of output. Nothing recurses: a thousand requests at once need no more stack than one.
///
/// A reply whose body is a BodySource is pulled from the Context's queue while little output is unsent. It goes in
/// chunks if its size is not known; to an HTTP/1.0 peer it ends with the connection. One that fails, or that comes to
/// another size than it announced, ends the connection before its end, so that the peer can tell. One that is a stretch
/// of a file goes to an owner that can have the kernel send it.
///
/// On the thread of the Endpoint's Context. Steady state: no heap allocation. An idle session holds no buffers.
class Session {
public:
  /// Whoever owns a Session.
  class Host {
  public:
    /// Something has changed outside of a call of the owner's: a reply was made from the event loop. There may be
    /// output, the advice may be another, the session may have become free to be destroyed; but not in this call.
    virtual void on_change() noexcept = 0;

  protected:
    ~Host() = default;
  };

  /// Both outlive the session.
  Session(Endpoint& endpoint, Host& host);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Only if not `busy()`.
  ~Session();

  /// Where the next input goes. Empty if the advice is `pause`, `close` or `reset`. The same place until `commit`.
  std::span<char> prepare() noexcept;
  /// `bytes` of it are filled, perhaps none: parses, serves, collects.
  void commit(std::size_t bytes) noexcept;
  /// For owners that have the bytes already: copies. Returns how many were taken; less than all if the advice has
  /// become `pause` or worse, then the rest is for later.
  [[nodiscard]] std::size_t feed(std::string_view bytes) noexcept;
  /// The peer will send nothing more. What is in flight is asked to stop, for most peers that close one half have
  /// closed both; a reply that is made all the same can still be sent, but a body is not pulled any more. Nothing
  /// further is begun.
  void eof() noexcept;
  /// The connection is broken, or given up for another reason. What is in flight is asked to stop, and its reply will
  /// be dropped.
  void abort(CancelReason reason = CancelReason::disconnected) noexcept;
  /// Ends the session after the reply that is in flight, or at once if it is idle. Between `prepare` and `commit`, what
  /// is committed is still served.
  void drain() noexcept;
  /// What `wait()` says has lasted too long.
  void expire() noexcept;

  /// What is to be written now. Stays where it is until it is consumed, whatever is replied meanwhile.
  std::string_view output() noexcept;
  /// The first `bytes` of `output()` are written. May serve what waited for room. Returns what is to be written next.
  std::string_view consumed(std::size_t bytes) noexcept;

  /// The owner can have the kernel send a file: see `file`. Else files are read, and come by `output`. Before the first
  /// input.
  void send_files() noexcept;
  /// The rest of a file that is to be written now, where `output()` is empty; size 0: none. While it is, `output()`
  /// stays empty. The descriptor is open until the next call that is not const: who needs it longer duplicates it.
  FileStretch file() const noexcept;
  /// The first `bytes` of `file()`, at least one, are written. May serve what waits behind it.
  void file_sent(std::uint64_t bytes) noexcept;
  /// The owner cannot write `file()`, or what it has of it is over before its size. It is read instead, if nothing of
  /// it was written, and else broken off.
  void file_failed() noexcept;

  /// What the owner should do next: read, write, or close.
  Advice advice() const noexcept;
  /// What the session waits for, so that the owner knows which clock runs.
  Wait wait() const noexcept;
  /// The advice is `read`, the wait `idle`: what most calls of `commit` and `consumed` end with.
  bool is_idle() const noexcept;
  /// What all requests say of who asks: `Exchange::peer`. Lives as long as they do.
  void set_peer(const Peer* peer) noexcept;
  /// A request is in flight, or our work is in the Context's queue: the session must not be destroyed.
  bool busy() const noexcept;
  /// How many heads were begun: tells one `Wait::head` from the next.
  std::uint64_t requests() const noexcept;
  /// Bytes of the present request's body that have come: tells a slow peer from one that pretends.
  std::uint64_t body_received() const noexcept;

private:
  class Impl;
  Impl* impl_;  // Owned; in recycled memory.
};

}  // namespace umbel::http1
