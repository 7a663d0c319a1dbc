// SPDX-License-Identifier: MIT
#pragma once
// What may stand between a connection's bytes and its Session: TLS, and whatever else changes bytes on their way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "umbel/core/context.hpp"
#include "umbel/core/peer.hpp"
#include "umbel/http1/session.hpp"

namespace umbel::http1 {

/// One connection's filter. Like a Session it has no input or output of its own, no clock and no thread that anybody
/// could see. The outer bytes are those of the connection: `prepare`, `commit`, `output`, `consumed`, as a Session has
/// them. The inner ones are HTTP: `read` and `write`.
///
/// Filters are written by whoever adds a layer; FilteredSession is what calls them. On the thread of its Context, all
/// of it. Nothing throws.
class Filter {
public:
  /// How far the peers have come with one another.
  enum class State : std::uint8_t {
    opening,  // It talks with the peer on its own account; there are no inner bytes yet.
    open,
    ended,  // The peer has said that it will send nothing more, and all that it sent was read. It still reads.
    failed  // No inner bytes any more. `output()` may hold a last word to the peer; what comes in is dropped.
  };

  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  /// Only if not `busy()`.
  virtual ~Filter() = default;

  /// How far it is; changes only in calls of the members below, and before `host.on_change()`.
  virtual State state() const noexcept = 0;

  /// Where the next outer bytes go. Empty if there is no room for now. The same place until `commit`.
  virtual std::span<char> prepare() noexcept = 0;
  /// So many bytes were written where `prepare` said.
  virtual void commit(std::size_t bytes) noexcept = 0;
  /// Fills `room` with inner bytes; returns how many, 0 if none are complete.
  virtual std::size_t read(std::span<char> room) noexcept = 0;
  /// `read` may give something. False does not mean that nothing has begun: see `in_piece`.
  virtual bool readable() const noexcept = 0;
  /// Outer bytes have come that are of no use before others come, too.
  virtual bool in_piece() const noexcept = 0;

  /// Takes inner bytes; returns how many. Fewer than all if `output()` is long: what it keeps is bounded.
  virtual std::size_t write(std::string_view bytes) noexcept = 0;
  /// Nothing more will be written: tells the peer, if there is a way to say so.
  virtual void close() noexcept = 0;
  /// What is to be sent now. Stays where it is until the next call that is not const.
  virtual std::string_view output() const noexcept = 0;
  /// The first bytes of `output()` are sent.
  virtual void consumed(std::size_t bytes) noexcept = 0;

  /// The connection is given up. `output()` is empty from now on, the state `failed`.
  virtual void abort() noexcept = 0;
  /// Something of it is on another thread. No room, no output; `host.on_change()` will be called.
  virtual bool busy() const noexcept { return false; }
  /// What the filter knows of the peer once it is open; as long as it lives.
  virtual const Peer* peer() const noexcept { return nullptr; }

protected:
  Filter() noexcept = default;
};

/// Makes the filters of a listener's connections. Any thread; it outlives what it made.
class Layer {
public:
  /// `host` is told when something has changed outside of a call of the filter's. Both outlive the filter. Null if it
  /// cannot: then the connection is closed.
  virtual std::unique_ptr<Filter> make(Context& context, Session::Host& host) noexcept = 0;

protected:
  ~Layer() = default;
};

/// A Session behind a Filter. It has a Session's face, and the words there hold here as well, for the outer bytes: an
/// owner moves them, and follows the advice.
///
///     http1::Session session{endpoint, host};
///     http1::FilteredSession secure{session, layer.make(context, host)};
///     secure.commit(recv(fd, secure.prepare().data(), secure.prepare().size(), 0));
///     secure.consumed(send(fd, secure.output().data(), secure.output().size(), MSG_NOSIGNAL));
///
/// Inner output is taken only as fast as the outer is sent, and consumed when it was sent: the session's limits, its
/// Wait and its word that a reply was sent mean the peer and not the filter.
///
/// What an owner closes without the filter's knowing is a truncation: it aborts the session, so that nobody takes half
/// a message for a whole one.
class FilteredSession {
public:
  /// The session outlives this, and is touched through this alone.
  FilteredSession(Session& session, std::unique_ptr<Filter> filter) noexcept
      : session_(session), filter_(std::move(filter)) {}
  FilteredSession(const FilteredSession&) = delete;
  FilteredSession& operator=(const FilteredSession&) = delete;
  /// Only if not `busy()`.
  ~FilteredSession() = default;

  /// As Session's, and so are all below, of outer bytes in place of the session's own.
  std::span<char> prepare() noexcept;
  /// So many bytes were written where `prepare` said.
  void commit(std::size_t bytes) noexcept;
  /// Takes outer bytes; returns how many.
  [[nodiscard]] std::size_t feed(std::string_view bytes) noexcept;
  /// The peer sends nothing more.
  void eof() noexcept;
  /// The connection is given up.
  void abort(CancelReason reason = CancelReason::disconnected) noexcept;
  /// Ends after the reply that is in flight.
  void drain() noexcept;
  /// While the filter opens, or in the middle of one of its pieces, `wait()` is `head`, and this gives the peer up.
  void expire() noexcept;

  /// What is to be sent now.
  std::string_view output() noexcept;
  /// The first bytes of `output()` are sent; returns what is to be sent next.
  std::string_view consumed(std::size_t bytes) noexcept;

  /// What the owner should do next.
  Advice advice() const noexcept;
  /// What it waits for, and by which clock.
  Wait wait() const noexcept;
  /// The advice is `read`, the wait `idle`.
  bool is_idle() const noexcept;
  /// A request is in flight, or the filter has something on another thread: it must not be destroyed.
  bool busy() const noexcept;
  /// How many heads were begun.
  std::uint64_t requests() const noexcept { return session_.requests(); }
  /// Bytes of the present request's body that have come.
  std::uint64_t body_received() const noexcept { return session_.body_received(); }

private:
  using State = Filter::State;

  void pump() noexcept;
  void receive() noexcept;
  void send() noexcept;
  void follow_state() noexcept;
  void drain_now() noexcept;

  Session& session_;
  std::unique_ptr<Filter> filter_;
  State seen_ = State::opening;  // What the session was told of.
  bool prepared_ = false;        // Between `prepare` and `commit`.
  bool drains_ = false;          // `drain` was called, and the session was not told yet.
  bool stalled_ = false;         // The filter reads nothing before its output is sent.
  bool closed_ = false;          // The filter was told that nothing more is written.
  bool lost_ = false;
  std::size_t taken_ = 0;  // Of the session's output: written to the filter, and not yet sent.
};

}  // namespace umbel::http1
