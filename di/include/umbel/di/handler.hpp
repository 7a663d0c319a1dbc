// SPDX-License-Identifier: MIT
#pragma once
// What answers a route: any callable whose parameters can be provided, and what its return value means as a reply.

#include <concepts>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/core/response.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// A type that knows the reply that it means, so that a handler may return it: Redirect, File, or one of your own. What
/// it throws is answered like what a handler throws. On the loop: it waits for nothing.
///
///     struct Csv {
///       std::string rows;
///       Response respond(const Request&) const { return Response::bytes("text/csv", rows); }
///     };
template <class T>
concept Responds = requires(T&& value, const Request& request) {
  { std::move(value).respond(request) } -> std::same_as<Response>;
};

}  // namespace umbel

namespace umbel::detail {

/// The node of a handler of type H: the App keeps the object itself.
template <class H>
struct HandlerNode {
  static constexpr NodeInfo make() {
    if constexpr (WrapsProvider<H>) return make_node<CallHandler<H>>(H::umbel_wrapped()->name, H::umbel_wrapped());
    else return make_node<CallHandler<H>>("handler", nullptr);
  }
  static constexpr NodeInfo info = make();
};

template <class T>
inline constexpr bool is_text = std::convertible_to<const T&, std::string_view>;
template <>
inline constexpr bool is_text<void> = false;

template <class Value, class Where>
inline constexpr bool can_be_a_reply = std::is_void_v<Value> || std::is_same_v<Value, Response> || is_text<Value> ||
                                       Responds<Value> || Returned<Value>::is_stream;

/// Turns what a handler returned into its reply.
template <class R, class Where>
struct Reply {
  using Slot = typename Returned<R>::Slot;
  using Value = typename Returned<R>::Value;
  static constexpr bool is_response = std::is_same_v<Value, Response> || Responds<Value>;
  static_assert(can_be_a_reply<Value, Where>,
                "umbel: a handler returns a Response, text, or nothing (204), or a Task or Result of these, or it is a "
                "Stream or EventStream. Make a Response of it: Response::json(...), Response::text(...)");

  static constexpr auto function() {
    Response* (*respond)(const Resolver&, void*, void*) = nullptr;  // The slot is the Response itself.
    if constexpr (!std::is_same_v<Slot, Response>) respond = &make;
    return respond;
  }

private:
  static Response* make([[maybe_unused]] const Resolver& resolver, [[maybe_unused]] void* slot, void* room) {
    if constexpr (Returned<R>::is_stream) {
      auto& reply =
          *::new (room) Response{Response::stream(R::content_type, BodySourcePtr{static_cast<StreamRun*>(slot)})};
      // Proxies keep nothing of it back.
      if constexpr (std::is_same_v<R, EventStream>)
        reply.header("cache-control", "no-cache").header("x-accel-buffering", "no");
      return &reply;
    } else if constexpr (std::is_void_v<Value>) {
      return ::new (room) Response{204};
    } else if constexpr (std::is_same_v<Value, Response>) {
      return ::new (room) Response{std::move(**static_cast<Slot*>(slot))};
    } else if constexpr (Responds<Value>) {
      if constexpr (Returned<R>::is_result)
        return ::new (room) Response{std::move(**static_cast<Slot*>(slot)).respond(resolver.request())};
      else return ::new (room) Response{std::move(*static_cast<Slot*>(slot)).respond(resolver.request())};
    } else if constexpr (Returned<R>::is_result) {
      return ::new (room) Response{Response::text(**static_cast<Slot*>(slot))};
    } else {
      return ::new (room) Response{Response::text(*static_cast<Slot*>(slot))};
    }
  }
};

/// Owns a handler of any type.
class HandlerBox {
public:
  template <class H>
  static HandlerBox of(H handler) {
    HandlerBox box = of_node(std::move(handler));
    if constexpr (HasSignature<H>) {
      using Made = Reply<typename Signature<H>::Result, HandlerNamed<H>>;
      box.respond_ = Made::function();
      box.returns_response_ = Made::is_response;
      box.streams_ = Returned<typename Signature<H>::Result>::is_stream;
    }
    if constexpr (requires { H::umbel_before_open(); }) box.before_open_ = &H::umbel_before_open;
    return box;
  }
  /// The same of a callable that makes no reply.
  template <class H>
  static HandlerBox of_node(H handler) {
    HandlerBox box;
    if constexpr (std::is_pointer_v<H>) box.function_ = reinterpret_cast<const void*>(handler);
    box.object_ = {new H(std::move(handler)), [](void* object) { delete static_cast<H*>(object); }};
    box.info_ = &HandlerNode<H>::info;
    return box;
  }

  const void* object() const noexcept { return object_.get(); }
  const NodeInfo& info() const noexcept { return *info_; }
  auto respond() const noexcept { return respond_; }
  /// Whether the reply is the handler's own, to which a ResponseHead only adds.
  bool returns_response() const noexcept { return returns_response_; }
  /// Whether its resources are wanted until the last byte is sent.
  bool streams() const noexcept { return streams_; }
  /// What is answered while the App opens. Null: the request waits.
  auto before_open() const noexcept { return before_open_; }
  /// The handler's name, if the program's symbols tell it; else "handler".
  std::string name() const;

private:
  HandlerBox() noexcept : object_(nullptr, nullptr) {}

  std::unique_ptr<void, void (*)(void*)> object_;
  const NodeInfo* info_ = nullptr;
  Response* (*respond_)(const Resolver& resolver, void* slot, void* room) = nullptr;
  bool returns_response_ = false;
  bool streams_ = false;
  Response (*before_open_)() = nullptr;
  const void* function_ = nullptr;  // The address of a plain function.
};

}  // namespace umbel::detail
