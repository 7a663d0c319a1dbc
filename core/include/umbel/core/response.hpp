// SPDX-License-Identifier: MIT
#pragma once
// What a client gets.

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/core/body_source.hpp"
#include "umbel/core/buffer.hpp"

namespace umbel {

namespace detail {
/// Throws std::invalid_argument, in plain words, if the field would be broken or ambiguous on the wire.
void check_header(std::string_view name, std::string_view value);
/// Calls `f(name, value)` for each of the lines, `name: value` with CR LF.
template <class F>
void for_each_field(std::string_view lines, F f) {
  while (!lines.empty()) {
    const std::size_t colon = lines.find(':');
    const std::size_t end = lines.find('\r');
    f(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
    lines.remove_prefix(end + 2);
  }
}
template <class W>
concept GivesBuffer = !std::is_lvalue_reference_v<W> && requires(W&& writer) {
  { static_cast<W&&>(writer).take() } -> std::same_as<Buffer>;
};
}  // namespace detail

/// Header fields to be sent, kept as they go on the wire. Names are compared without case. What could split the reply
/// (CR, LF, NUL in a value, anything but a token in a name; RFC 9110 section 5) throws std::invalid_argument, and so
/// does a field that belongs to the transport: Content-Length, Transfer-Encoding, Connection, Date, Trailer, Upgrade.
class ResponseHeaders {
public:
  /// Replaces every field of that name.
  void set(std::string_view name, std::string_view value);
  /// Adds a field, beside others of that name.
  void append(std::string_view name, std::string_view value);
  /// Puts all of `before` in front of what is here.
  void prepend(ResponseHeaders&& before);
  /// Removes all fields of that name, whatever its case.
  void remove(std::string_view name) noexcept;
  /// The first value of that name. Valid until the headers change.
  std::optional<std::string_view> get(std::string_view name) const noexcept;

  bool empty() const noexcept { return lines_.empty(); }
  /// The fields as they go on the wire, each with its CR LF.
  std::string_view lines() const noexcept { return lines_.view(); }

private:
  Buffer lines_;
};

/// A reply: status, headers, and a body that is here, or is made while it is sent. Moves are cheap; short bodies are in
/// recycled memory. The transport adds what is its own: Date, Content-Length or chunks, Connection.
///
///     co_return Response::text("created", 201).header("location", "/items/7");
class Response {
public:
  Response() noexcept = default;
  /// No body.
  explicit Response(int status) noexcept : status_(status) {}

  /// `text/plain; charset=utf-8`. The text is copied.
  static Response text(std::string_view body, int status = 200) { return {status, text_type, Buffer{body}}; }
  /// `text/html; charset=utf-8`. The document is copied.
  static Response html(std::string_view document, int status = 200) { return {status, html_type, Buffer{document}}; }
  /// `application/json`, from text that is JSON already. Copied, not checked.
  static Response json(std::string_view document, int status = 200) { return {status, json_type, Buffer{document}}; }
  /// The same, taken over.
  static Response json(Buffer&& document, int status = 200) { return {status, json_type, std::move(document)}; }
  /// What a JsonWriter wrote (umbel/json/json_writer.hpp): `Response::json(std::move(writer))`.
  template <class Writer>
    requires detail::GivesBuffer<Writer>
  static Response json(Writer&& writer, int status = 200) {
    return {status, json_type, static_cast<Writer&&>(writer).take()};
  }
  /// Any type. Copied.
  static Response bytes(std::string_view content_type, std::string_view body, int status = 200);
  /// A body that the transport pulls from `source` when the head was sent.
  static Response stream(std::string_view content_type, BodySourcePtr source, int status = 200);

  /// The status.
  int status() const noexcept { return status_; }
  /// Empty if none was set.
  std::string_view content_type() const noexcept;
  /// Empty if it is still to be made.
  std::string_view body() const noexcept { return body_.view(); }
  /// Where the body comes from, if it is made while it is sent; else null.
  BodySource* source() const noexcept { return source_.get(); }
  /// The body that is here, for who makes another of it; the response is left with none.
  Buffer take_body() noexcept { return std::move(body_); }
  /// For transports, and for who puts another source around this one: the response keeps its head.
  BodySourcePtr take_source() noexcept { return std::move(source_); }
  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;

  /// Sets the status.
  Response& status(int status) & noexcept { return status_ = status, *this; }
  /// The same of a temporary.
  Response&& status(int status) && noexcept { return status_ = status, std::move(*this); }
  /// Replaces every field of that name. Throws as ResponseHeaders does.
  Response& header(std::string_view name, std::string_view value) &;
  Response&& header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }
  /// Adds a field, beside others of that name: `set-cookie`.
  Response& append_header(std::string_view name, std::string_view value) &;
  Response&& append_header(std::string_view name, std::string_view value) && {
    return std::move(append_header(name, value));
  }
  /// Puts fields in front of those that are here: of two cookies of one name a browser keeps the last. No content type.
  Response& prepend_headers(ResponseHeaders&& before) & { return headers_.prepend(std::move(before)), *this; }
  /// Replaces the body, and a source of one.
  Response& body(Buffer&& body) & noexcept { return source_.reset(), body_ = std::move(body), *this; }
  /// The same: the body is made while it is sent.
  Response& body(BodySourcePtr source) & noexcept { return body_ = Buffer{}, source_ = std::move(source), *this; }

  /// Calls `f(name, value)` for each header field: the content type first, then the others as they were set.
  template <class F>
  void for_each_field(F f) const {
    if (!content_type_.empty()) f(std::string_view{"content-type"}, content_type_);
    detail::for_each_field(headers_.lines(), f);
  }

  /// For transports: the header fields as they go on the wire, without the content type of `known_content_type`.
  std::string_view header_lines() const noexcept { return headers_.lines(); }
  /// For transports: one of our own literals, or empty when the type is among the header lines.
  std::string_view known_content_type() const noexcept { return content_type_; }

  /// For transports: the status as it can be sent, which 200 to 999 can; of any other, a mistake, 500 is made.
  int status_to_send() const noexcept { return status_ >= 200 && status_ <= 999 ? status_ : 500; }

  /// False for 1xx, 204, 205 and 304 (RFC 9110 sections 6.4.1 and 15).
  static constexpr bool may_have_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 205 && status != 304;
  }

private:
  static constexpr std::string_view text_type = "text/plain; charset=utf-8";
  static constexpr std::string_view html_type = "text/html; charset=utf-8";
  static constexpr std::string_view json_type = "application/json";

  Response(int status, std::string_view known_type, Buffer&& body) noexcept
      : status_(status), content_type_(known_type), body_(std::move(body)) {}

  int status_ = 200;
  std::string_view content_type_;  // A literal of ours.
  ResponseHeaders headers_;
  Buffer body_;
  BodySourcePtr source_;
};

}  // namespace umbel
