// SPDX-License-Identifier: MIT
#pragma once
// What nodes say of the reply before there is one: its status, headers, cookies.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "umbel/core/buffer.hpp"
#include "umbel/di/provider.hpp"

namespace umbel {

/// Whether a browser sends a cookie with a request that another site made it send (RFC 6265bis, section 4.1.2.7).
enum class SameSite : std::uint8_t {
  unstated,  // As the browser likes.
  lax,       // With links that are followed.
  strict,    // Never.
  none,      // Always. Needs `secure`.
};

/// The attributes of a cookie (RFC 6265, section 4.1.2).
struct CookieOptions {
  std::optional<std::chrono::seconds> max_age{};      // Left out, as `expires`: it goes with the browser's session.
  std::optional<std::chrono::sys_seconds> expires{};  // For browsers without max_age; the latter wins.
  std::string_view domain{};                          // Hosts below it get the cookie too. Empty: this host alone.
  std::string_view path = "/";                        // Empty: the request's folder.
  /// Whether other sites' requests bring it.
  SameSite same_site = SameSite::lax;
  bool secure = false;     // Only over TLS.
  bool http_only = false;  // Hidden from scripts.
};

namespace detail {
class MergedHead;
}

/// A parameter, by reference, with which a node shapes a reply that it does not make itself.
///
///     User current_user(Header<"x-token"> token, ResponseHead& head) {
///       head.set("x-request-id", new_id()).on_error();
///       head.set_cookie("seen", "1", {.max_age = 24h, .http_only = true});
///
/// All nodes of a request shape one head: setting replaces what nodes declared earlier set, appending adds to it; the
/// last status counts, and beats the one that the handler's return type means. Declaration order decides, whatever runs
/// first. A resource may still write in its tear-down, unless it outlives the reply (Lifetime::request).
///
/// If the handler returns a Response, that wins: its status stands, and of a name that both have set, its header; what
/// was appended is added. If the request fails, the reply is the error's, and only headers marked `on_error` are added
/// to it; likewise of a node whose failure is only a value (Try, Lazy). A reply has one content type, and none that
/// must not have a body (204, 304) keeps one. `Engine::call` makes no reply, so nothing comes of it there.
///
/// Names and values are checked as ResponseHeaders does: std::invalid_argument. Takes no memory until used. Used by its
/// node alone, on whatever thread it runs; valid until the request ends.
class ResponseHead {
public:
  /// What was just added.
  class Field {
  public:
    /// It is sent with an error, too.
    void on_error() && noexcept;

  private:
    friend class ResponseHead;
    Field(ResponseHead& head, std::size_t at) noexcept : head_(head), at_(at) {}
    ResponseHead& head_;
    std::size_t at_;
  };

  /// The resolver makes it. A unit test may too, to look at what a node did.
  ResponseHead() noexcept = default;
  ResponseHead(const ResponseHead&) = delete;
  ResponseHead& operator=(const ResponseHead&) = delete;

  /// A final one, 200 to 999; else throws std::invalid_argument.
  void status(int status);
  /// Replaces every field of that name.
  Field set(std::string_view name, std::string_view value);
  /// Adds a field, beside others of that name. A second content type replaces the first.
  Field append(std::string_view name, std::string_view value);

  /// Appends `set-cookie`. Of cookies with the same name the browser keeps the last: a Response's own come after those
  /// of nodes. Throws std::invalid_argument unless the name is a token and the value consists of what cookies can carry
  /// (RFC 6265, section 4.1.1: no spaces, quotes, commas, semicolons, backslashes; encode others).
  Field set_cookie(std::string_view name, std::string_view value, const CookieOptions& options = {});
  /// Has the browser forget a cookie, which was set with the same path and domain.
  Field delete_cookie(std::string_view name, CookieOptions options = {});

  /// What this node has set; 0: nothing.
  int status() const noexcept { return status_; }
  /// The last value that this node has set or appended.
  std::optional<std::string_view> get(std::string_view name) const noexcept;

private:
  friend class detail::MergedHead;
  Field add(char flags, std::string_view name, std::string_view value);

  // What a record in `log_` begins with; the header's line follows, with its CR LF.
  static constexpr char appended = 1;
  static constexpr char survives = 2;

  int status_ = 0;
  Buffer log_;
};

template <>
struct ParameterTraits<ResponseHead&> : detail::OwnTraits<ResponseHead, detail::Source::response_head, "ResponseHead"> {
};

}  // namespace umbel
