// SPDX-License-Identifier: MIT
#pragma once
// A coroutine that makes a body piece by piece.

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "umbel/core/body_source.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/core/context.hpp"
#include "umbel/core/task.hpp"

namespace umbel {

namespace detail {

/// Hands a chunk out and waits until the next one is wanted.
template <class Promise>
class ChunkAwaiter {
public:
  explicit ChunkAwaiter(Promise& promise) noexcept : promise_(promise) {}
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return promise_.continuation.next(); }
  void await_resume() const noexcept {}

private:
  Promise& promise_;
};

struct StreamPromiseBase : TaskPromiseBase {
  std::string_view chunk;  // What was yielded.
  bool has_chunk = false;  // It was not taken yet.
  Duration heartbeat{};    // When nothing was yielded for so long, `filler` is sent. 0: never.
  std::string_view filler{};

  void return_void() const noexcept {}
  ChunkAwaiter<StreamPromiseBase> give(std::string_view text) noexcept {
    chunk = text;
    has_chunk = true;
    return ChunkAwaiter<StreamPromiseBase>{*this};
  }
};

/// A stream's coroutine, whatever its promise.
struct StreamHandle {
  template <class Promise>
  StreamHandle(std::coroutine_handle<Promise> handle) noexcept : coroutine(handle), promise(&handle.promise()) {}

  std::coroutine_handle<> coroutine;
  StreamPromiseBase* promise;
};

/// Drives a stream's coroutine: from outside by pulls, until it is dropped.
class StreamRun : public BodySource, Ending, Work {
public:
  /// Owns the coroutine. The environment outlives the run.
  StreamRun(StreamHandle stream, Env& env) noexcept
      : Ending{went_on}, Work(end), coroutine_(stream.coroutine), promise_(stream.promise), env_(env) {
    promise_->env = &env_;
  }
  StreamRun(const StreamRun&) = delete;
  StreamRun& operator=(const StreamRun&) = delete;
  virtual ~StreamRun() {
    if (coroutine_) coroutine_.destroy();
  }

  /// As far as the next chunk, or the end. False: `waiting` is told when it comes so far. Before any pull, once.
  bool resume(Ending& waiting) noexcept;
  /// Why it has failed; null if it has not. Before it is over.
  std::exception_ptr& thrown() noexcept { return promise_->thrown; }

  Pulled pull(Context& context, std::string_view& chunk, Work& ready) noexcept override;
  /// A coroutine that waits is asked to stop, and ends when it can; one that has yielded is destroyed where it stands.
  void drop() noexcept override;

  /// It was dropped, and its coroutine is gone.
  bool is_over() const noexcept { return !coroutine_; }
  /// Is enqueued when it is over, once it was dropped.
  void when_over(umbel::Work& work) noexcept { over_ = &work; }
  /// When it is over: what it has failed with; null if it has not.
  const std::exception_ptr& failure() const noexcept { return failure_; }
  /// When it is over: whether it was dropped before its end.
  bool was_cut() const noexcept { return was_cut_; }

protected:
  /// It is over; the last thing that happens to it.
  virtual void ended() noexcept {
    if (over_) env_.context->enqueue(*over_);
  }

private:
  struct Beat : Timer {
    explicit Beat(StreamRun& r) noexcept : Timer(due), run(r) {}
    static void due(Timer& timer) noexcept;
    StreamRun& run;
    bool is_due = false;
  };

  Pulled wait(umbel::Work& ready) noexcept;
  void close() noexcept;
  static std::coroutine_handle<> went_on(Ending& ending) noexcept;
  static void end(umbel::Work& work) noexcept;

  std::coroutine_handle<> coroutine_;
  StreamPromiseBase* promise_;
  Env& env_;
  umbel::Work* ready_ = nullptr;  // Of a pull that waits.
  umbel::Work* over_ = nullptr;
  bool waits_ = false;  // The coroutine awaits something.
  bool is_dropped_ = false;
  bool was_cut_ = false;
  Beat beat_{*this};
  std::exception_ptr failure_;
};

/// A stream that belongs to itself.
class FreeStream final : public StreamRun {
public:
  /// Takes the memory first, and only then the coroutine.
  template <class Holder>
  static BodySourcePtr make(Holder& holder) {
    void* const memory = BlockPool::take(sizeof(FreeStream));
    return BodySourcePtr{::new (memory) FreeStream{holder.release()}};
  }

private:
  explicit FreeStream(StreamHandle stream) noexcept : StreamRun(stream, own_) {}
  ~FreeStream() override = default;
  void ended() noexcept override;
  Env own_;
};

/// What all streams' coroutines return.
template <class Promise>
class StreamHolder : public CoroutineHolder<Promise> {
public:
  using CoroutineHolder<Promise>::CoroutineHolder;
  /// A body for `Response::stream`.
  operator BodySourcePtr() && { return FreeStream::make(*this); }
};

struct StreamPromise;

}  // namespace detail

/// A coroutine that makes a body while it is sent: it runs on when the peer has taken enough of what it has yielded.
///
///     Stream rows(Exclusive<open_database> db, ResponseHead& head) {      // a handler
///       head.set("content-type", "text/csv");
///       auto found = co_await db->query("select ...");
///       while (auto row = co_await found.next()) co_yield row->csv();
///     }
///
/// What is yielded is text - std::string_view, std::string, Buffer - and lives until the coroutine goes on; an empty
/// one sends nothing. As a handler, what it takes lives until the last byte is sent, and its parameters with it. The
/// head is held back until the first `co_yield`: what is thrown before becomes a proper reply; what is thrown later
/// breaks the connection off, so that the peer can tell, and goes to `Observer::late_error`.
///
/// When the peer leaves, a coroutine that awaits is asked to stop; one that has yielded does not run on: it is
/// destroyed where it stands.
///
/// Elsewhere it is the body of a Response: `Response::stream("text/csv", rows())`. Then it must not refer to anything
/// of the request but what its parameters hold by value: it may outlive it.
class [[nodiscard]] Stream : public detail::StreamHolder<detail::StreamPromise> {
public:
  using StreamHolder::StreamHolder;
  /// Of the reply, unless the handler makes its Response itself.
  static constexpr std::string_view content_type = "application/octet-stream";
};

namespace detail {

struct StreamPromise : StreamPromiseBase {
  Stream get_return_object() noexcept { return Stream{std::coroutine_handle<StreamPromise>::from_promise(*this)}; }
  auto yield_value(std::string_view text) noexcept { return give(text); }
  auto yield_value(const Buffer& text) noexcept { return give(text.view()); }
};

}  // namespace detail
}  // namespace umbel
