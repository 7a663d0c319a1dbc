// SPDX-License-Identifier: MIT
#pragma once
// The request's body, piece by piece.

#include <coroutine>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "umbel/core/error.hpp"
#include "umbel/core/exchange.hpp"
#include "umbel/core/stop.hpp"
#include "umbel/core/task.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// A parameter, by reference, of the one node that reads the body as it comes: for what is too large to be kept, or
/// should not be waited for. The node is a coroutine: a handler, a Task, a Stream.
///
///     Task<Response> upload(BodyStream& body, Exclusive<open_file> file) {
///       for (;;) {
///         const std::string_view chunk = co_await body.read();
///         if (chunk.empty()) break;
///         co_await file->write(chunk);
///       }
///       co_return Response{201};
///     }
///
/// While nobody reads, the transport takes no more from the client than its buffers hold. What is not read when the
/// reply is made is dropped. RouteOptions::body_limit says how large it may be.
class BodyStream {
public:
  /// The resolver makes it. Without an exchange the body is what the request has.
  BodyStream(Exchange* exchange, const Request& request) noexcept : exchange_(exchange), request_(request) {}
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;

  /// One `read` under way.
  class [[nodiscard]] Read {
  public:
    /// BodyStream makes it.
    explicit Read(BodyStream& body) noexcept : body_(body) {}

    void enter(Env& env) noexcept { env_ = &env; }
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiting) noexcept;
    std::string_view await_resume();

  private:
    struct Ready : Work {
      explicit Ready(Read& r) noexcept : Work(run), read(r) {}
      static void run(Work& work) noexcept;
      Read& read;
    };
    struct Stopped : StopCallback {
      explicit Stopped(Read& r) noexcept : StopCallback(run), read(r) {}
      static void run(StopCallback& callback) noexcept;
      Read& read;
    };

    BodyStream& body_;
    Env* env_ = nullptr;
    std::coroutine_handle<> waiting_;
    std::string_view chunk_;
    Pulled pulled_ = Pulled::pending;
    bool is_stopped_ = false;
    Ready ready_{*this};
    Stopped stopped_{*this};
  };

  /// `co_await` gives the next bytes, which stay valid until the next `read` or the node's end; empty when the body is
  /// complete. Throws HttpError if the rest will not come: 413 too large, 408 too slow, 400 broken, 499 the client has
  /// left; and Cancelled.
  Read read() noexcept { return Read{*this}; }

  /// The fields behind a body that came in chunks, when all of it is read. Valid as long as the request.
  Headers trailers() const noexcept { return exchange_ ? exchange_->trailers() : Headers{}; }

private:
  Pulled pull(std::string_view& chunk, Work& ready) noexcept;

  Exchange* exchange_;
  const Request& request_;
  bool is_read_ = false;  // Without an exchange.
};

namespace detail {

/// The kind of the node in whose parameters something stands.
template <class Where>
inline constexpr NodeKind kind_at = NodeKind::coroutine;
template <auto& provider>
inline constexpr NodeKind kind_at<ProviderNamed<provider>> = kind_of<std::remove_cvref_t<decltype(provider)>>();
template <class Handler>
inline constexpr NodeKind kind_at<HandlerNamed<Handler>> = kind_of<std::remove_pointer_t<Handler>>();

template <class Where>
struct CheckReader {
  static_assert(kind_at<Where> == NodeKind::coroutine || kind_at<Where> == NodeKind::resource,
                "umbel: BodyStream is awaited on the loop, so whoever takes it is a coroutine: return a Task, or take "
                "Body<std::string_view>, the whole body");
  static constexpr bool value = true;
};

bool make_body_stream(Resolver& resolver, std::uint32_t index, void* slot);

}  // namespace detail

template <>
struct ParameterTraits<BodyStream&> {
  static constexpr detail::Source source = detail::Source::body_stream;
  static constexpr detail::ValueInfo info{
      source, {}, "BodyStream", sizeof(BodyStream), alignof(BodyStream), detail::make_body_stream, nullptr};
  template <class Where>
  static constexpr detail::Need need() {
    static_assert(detail::CheckReader<Where>::value);
    detail::Need need{source};
    need.value = &info;
    return need;
  }
  static BodyStream& get(detail::Resolver& resolver, const detail::Step&, detail::Input input) noexcept {
    return *static_cast<BodyStream*>(resolver.at(input.at.offset));
  }
};

}  // namespace umbel
