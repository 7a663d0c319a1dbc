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
#include "umbel/di/body.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/provider.hpp"
#include "umbel/di/status.hpp"

namespace umbel {

class File;
class Redirect;

/// A type that knows the reply that it means, so that a handler may return it: Redirect, File, or one of your own. What
/// it throws is answered like what a handler throws. On the loop: it waits for nothing.
///
///     struct Csv {
///       static constexpr std::string_view content_type = "text/csv";
///       std::string rows;
///       Response respond(const Request&) const { return Response::bytes(content_type, rows); }
///     };
///
/// A constant `content_type` is for documents; they know nothing of a reply without it.
template <class T>
concept Responds = requires(T&& value, const Request& request) {
  { std::move(value).respond(request) } -> std::same_as<Response>;
};

}  // namespace umbel

namespace umbel::detail {

struct Shape;

/// What documents say of a handler's reply. A constant.
struct ReplyInfo {
  int status = 200;
  std::string_view content_type = {};  // Empty: nobody knows, or there is nothing.
  const Shape* shape = nullptr;        // Of JSON.
};

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

/// 0: it is none.
template <class T>
inline constexpr int status_of = 0;
template <int code, class T>
inline constexpr int status_of<umbel::Status<code, T>> = code;
template <class T>
inline constexpr bool is_status = status_of<T> != 0;

/// What can be written by itself: text as text, a document as JSON.
template <class Value>
inline constexpr bool can_be_written = is_text<Value> || is_document<Value>;
template <int code, class T>
inline constexpr bool can_be_written<umbel::Status<code, T>> = std::is_void_v<T> || can_be_written<T>;

template <class Value, class Where>
inline constexpr bool can_be_a_reply = std::is_void_v<Value> || std::is_same_v<Value, Response> || Responds<Value> ||
                                       Returned<Value>::is_stream || can_be_written<Value>;

/// JSON of the document. Throws JsonError for what JSON cannot say.
Response json_of(const Shape& shape, const void* document, int status);

template <class Value>
Response reply_of(Value& value, int status = 200) {
  if constexpr (is_status<Value>) {
    using Inner = typename Value::Value;
    constexpr int code = status_of<Value>;
    Response reply{code};
    if constexpr (!std::is_void_v<Inner>) reply = reply_of(*value, code);
    reply.prepend_headers(value.take_headers());
    return reply;
  } else if constexpr (is_text<Value>) {
    return Response::text(value, status);
  } else {
    return json_of(ShapeOf<std::remove_const_t<Value>>::value, &value, status);
  }
}

template <class Value>
constexpr ReplyInfo info_of_value(int status) noexcept {
  if constexpr (is_status<Value>) return info_of_value<typename Value::Value>(status_of<Value>);
  else if constexpr (std::is_void_v<Value>) return {.status = status};
  else if constexpr (is_text<Value>) return {.status = status, .content_type = "text/plain"};
  else return {status, "application/json", &ShapeOf<std::remove_const_t<Value>>::value};
}

template <class T>
constexpr ReplyInfo info_of_responding() noexcept {
  if constexpr (std::is_same_v<T, Redirect>) return {.status = 307};
  else if constexpr (std::is_same_v<T, File>) return {.content_type = "*/*"};
  else if constexpr (requires { std::string_view{T::content_type}; }) return {.content_type = T::content_type};
  else return {};
}

/// Turns what a handler returned into its reply.
template <class R, class Where>
struct Reply {
  using Slot = typename Returned<R>::Slot;
  using Value = typename Returned<R>::Value;
  static constexpr bool is_response = std::is_same_v<Value, Response> || Responds<Value>;
  static_assert(can_be_a_reply<Value, Where>,
                "umbel: a handler returns a Response, text, a model (a struct, or a std::vector, std::map or "
                "std::optional of structs), one of these with a status, Created<T>, nothing (204), a File, a Redirect, "
                "another type that has Response respond(const Request&), or a Task or Result of these, or it is a "
                "Stream or EventStream. Make a struct of it, or a Response: Response::text(...), Response::json(...)");

  static constexpr ReplyInfo make_info() noexcept {
    if constexpr (Returned<R>::is_stream) return {.content_type = R::content_type};
    else if constexpr (std::is_void_v<Value>) return {.status = 204};
    else if constexpr (is_response) return info_of_responding<Value>();
    else return info_of_value<Value>(200);
  }
  static constexpr ReplyInfo info = make_info();

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
      return ::new (room) Response{reply_of(**static_cast<Slot*>(slot))};
    } else {
      return ::new (room) Response{reply_of(*static_cast<Slot*>(slot))};
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
      box.reply_info_ = &Made::info;
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
  /// Null of a callable that makes no reply.
  const ReplyInfo* reply_info() const noexcept { return reply_info_; }
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
  const ReplyInfo* reply_info_ = nullptr;
  bool returns_response_ = false;
  bool streams_ = false;
  Response (*before_open_)() = nullptr;
  const void* function_ = nullptr;  // The address of a plain function.
};

}  // namespace umbel::detail
