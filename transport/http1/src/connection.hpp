// SPDX-License-Identifier: MIT
#pragma once
// The sockets of a Server, and how long each may wait.

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "file_sending.hpp"
#include "umbel/http1/filter.hpp"
#include "umbel/http1/server.hpp"
#include "umbel/http1/session.hpp"

namespace umbel::http1 {

class Connections;

/// A circular list of things that are in one list, or two, or none.
struct Link {
  Link* previous = this;
  Link* next = this;

  bool is_alone() const noexcept { return next == this; }
  void insert_before(Link& other) noexcept {
    previous = other.previous;
    next = &other;
    previous->next = next->previous = this;
  }
  void remove() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
};

/// One socket and its Session. Watched by uv_poll_t and not by uv_tcp_t: libuv writes without MSG_NOSIGNAL, so that a
/// peer's reset would raise SIGPIPE; and reading straight into the session costs less.
///
/// Lives until the handle is closed and the session not busy.
class Connection final : private Session::Host, private FileSending::Owner {
public:
  Connection(Connections& all, int fd);
  /// Puts a filter of `layer` before the session; false if there is none to be had. Before `open`.
  bool filter_by(Layer& layer) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Starts to watch the socket. False if libuv cannot.
  bool open() noexcept;
  /// In place of `open`, or if it cannot.
  void give_up() noexcept;
  void drain() noexcept;
  /// Closes at once; what is in flight is cancelled for this reason.
  void close(CancelReason reason) noexcept;

private:
  friend class Connections;

  /// Frees the connection, from the Context's queue: never in a call of the session's.
  struct Reaper : Work {
    explicit Reaper(Connection& c) noexcept : Work(run), connection(c) {}
    static void run(Work& work) noexcept;
    Connection& connection;
    bool queued = false;
  };
  /// In the list of all, and in a slot of the wheel.
  struct Place : Link {
    explicit Place(Connection& c) noexcept : connection(c) {}
    Connection& connection;
  };

  ~Connection() = default;
  void on_change() noexcept override;
  void on_events(int events) noexcept;
  void read(auto& session) noexcept;
  void update() noexcept;
  void update(auto& session) noexcept;
  void be_idle() noexcept;
  void flush(auto& session) noexcept;
  void flush_file() noexcept;
  void on_file_sent(std::uint64_t bytes, FileSending::Result result) noexcept override;
  void drain(auto& session) noexcept;
  void follow(Advice advice) noexcept;
  void half_close() noexcept;
  void poll(int events) noexcept;
  void set_deadline(Wait wait) noexcept;
  std::uint64_t body_deadline(std::uint64_t now) noexcept;
  void expire() noexcept;
  void reap_if_done() noexcept;

  Connections& all_;
  Session session_;
  std::unique_ptr<FilteredSession> filtered_;           // In its place, if there is one: all goes through it.
  std::unique_ptr<FileSending, DropFileSending> file_;  // Of the stretch that `session_.file()` tells of.
  uv_poll_t poll_;
  int fd_;
  int polled_ = 0;
  bool corked_ = false;   // An update follows anyway.
  bool blocked_ = false;  // The socket takes nothing more for now.
  bool half_closed_ = false;
  bool closing_ = false;
  bool closed_ = false;  // libuv has let go of the handle.
  Wait wait_ = Wait::idle;
  std::uint64_t deadline_ = 0;  // When `wait_` has lasted too long. In the loop's milliseconds, like all that follow.
  std::uint64_t wait_began_ = 0;
  std::uint64_t last_progress_ = 0;  // Of a body or of the output.
  std::uint64_t request_ = 0;        // Its number, and the bytes of its body, when `wait_` was looked at.
  std::uint64_t received_ = 0;
  std::uint64_t due_ = 0;  // When the wheel looks at us: a tick after `deadline_` at the latest.
  Place place_;
  Place turn_;
  Reaper reaper_;
};

/// All connections of a Server. Their deadlines are in a wheel whose slots are looked at in turn: a deadline that moves
/// away, as it does with every request, costs a store; only one that comes nearer costs a change of the slot.
class Connections {
public:
  class Owner {
  public:
    /// There is one less.
    virtual void on_closed() noexcept = 0;

  protected:
    ~Owner() = default;
  };

  Connections(Loop& loop, Endpoint& endpoint, const ServerOptions& options, Owner& owner);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// Takes the descriptor. `layer` may be null, else it outlives us.
  void add(int fd, Layer* layer = nullptr);
  void drain() noexcept;
  /// What is in flight is cancelled: the server shuts down.
  void close_all() noexcept;
  /// Lets the timer go; `owner.on_closed()` is called when it is gone. Once, at the end.
  void close_timer() noexcept;

  std::size_t count() const noexcept { return count_; }
  bool is_timer_closed() const noexcept { return timer_closed_; }
  std::uint64_t now() const noexcept { return uv_now(loop_); }

private:
  friend class Connection;
  static constexpr std::size_t slots = 64;

  void for_each(void (*function)(Connection&) noexcept) noexcept;
  void schedule(Connection& connection) noexcept;
  void tick() noexcept;
  void look_at(Link& slot, std::uint64_t now) noexcept;

  uv_loop_t* loop_;
  Endpoint& endpoint_;
  ServerOptions options_;
  Owner& owner_;
  std::size_t count_ = 0;
  Link all_;
  std::array<Link, slots> wheel_;
  std::uint64_t idle_timeout_;
  std::uint64_t tick_size_;
  std::uint64_t current_ = 0;  // The tick that was looked at last.
  uv_timer_t timer_;
  bool timer_closed_ = false;
};

}  // namespace umbel::http1
