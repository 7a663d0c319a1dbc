// SPDX-License-Identifier: MIT
#pragma once
// What a client asks: views into memory that the transport keeps until the request ends.

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace umbel {

/// The methods of RFC 9110 section 9.3 and RFC 5789; `other` is every other token.
enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, connect, trace, other };

/// "GET", "DELETE", ...; "OTHER" for `other`.
std::string_view to_string(Method method) noexcept;
/// Case-sensitive, as RFC 9110 section 9.1 demands.
Method method_from(std::string_view name) noexcept;

/// Equal but for ASCII case, as header names are compared.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// A copy in which A to Z are small letters.
std::string in_lower_case(std::string_view text);

/// A line of a head, or a trailer. Neither text is owned.
struct HeaderField {
  /// As it was sent: compared without regard to case.
  std::string_view name;
  std::string_view value;  // Without white space around it.
};

/// A request's header fields, in the order in which they came. Views: valid while the request is.
class Headers {
public:
  Headers() noexcept = default;
  /// The fields are not owned.
  explicit Headers(std::span<const HeaderField> fields) noexcept : fields_(fields) {}

  /// The first field of that name, whatever its case; null if there is none.
  const HeaderField* find(std::string_view name) const noexcept {
    for (const HeaderField& field : fields_) {
      if (field.name.size() == name.size() && equal_ignoring_case(field.name, name)) return &field;
    }
    return nullptr;
  }
  /// Its value.
  std::optional<std::string_view> get(std::string_view name) const noexcept {
    const HeaderField* const field = find(name);
    return field ? std::optional{field->value} : std::nullopt;
  }

  /// How many fields there are, each line counted.
  std::size_t size() const noexcept { return fields_.size(); }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

private:
  std::span<const HeaderField> fields_;
};

/// A request, as views. The transport owns the memory and keeps it where it is until the request ends.
class Request {
public:
  Request() noexcept = default;
  /// `target` in origin form (RFC 9112 section 3.2.1): path and query, as they were sent, not decoded.
  Request(Method method, std::string_view target, Headers headers, std::string_view body = {}) noexcept
      : method_(method), target_(target), headers_(headers), body_(body) {
    const std::size_t question = target.find('?');
    path_ = target.substr(0, question);
    if (question != std::string_view::npos) query_ = target.substr(question + 1);
    has_escapes_ = target.find('%') != std::string_view::npos;
  }

  /// A target that somebody has looked through already.
  struct KnownTarget {
    /// The path as it was sent, before the question mark.
    std::string_view text;
    std::size_t path_size;  // Up to the question mark, or all of it.
    /// The path has a percent sign, so that it must be decoded.
    bool has_escapes;
  };
  /// For transports, which look at every byte of a target anyway.
  Request(Method method, const KnownTarget& target, Headers headers) noexcept
      : method_(method),
        has_escapes_(target.has_escapes),
        target_(target.text),
        path_(target.text.data(), target.path_size),
        headers_(headers) {
    if (target.path_size < target.text.size()) query_ = target.text.substr(target.path_size + 1);
  }

  /// What is to be done with the target.
  Method method() const noexcept { return method_; }
  /// Path and query, as they were sent.
  std::string_view target() const noexcept { return target_; }
  /// True if there is a `%` anywhere in the target.
  bool has_escapes() const noexcept { return has_escapes_; }
  /// The part before the question mark, not decoded. In a mounted App: what is behind `root()`, `/` if nothing is.
  std::string_view path() const noexcept { return path_; }
  /// The part of the path that led to the mounted App that answers: `/v1`. Empty outside of one.
  std::string_view root() const noexcept { return target_.substr(0, root_size_); }
  /// The part behind the question mark, not decoded; empty if there is none.
  std::string_view query() const noexcept { return query_; }
  /// All fields of the head, in the order in which they came.
  const Headers& headers() const noexcept { return headers_; }
  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const noexcept { return headers_.get(name); }
  /// The whole body, once it was collected (a handler that takes `Body` waits for it); empty before.
  std::string_view body() const noexcept { return body_; }

  /// Whether at least `body_padding` bytes behind the body may be read, whatever they hold: who parses it in steps that
  /// are wider than a byte needs no copy then.
  bool body_is_padded() const noexcept { return body_is_padded_; }
  /// See `body_is_padded`.
  static constexpr std::size_t body_padding = 64;

  /// For transports and `Exchange`. `room`: how many bytes behind the body may be read.
  void set_body(std::string_view body, std::size_t room = 0) noexcept {
    body_ = body;
    body_is_padded_ = room >= body_padding;
  }
  /// For services that hand a request on: moves the path's first `size` bytes to the root. They end before a slash, or
  /// with the path.
  void enter(std::size_t size) noexcept {
    root_size_ += static_cast<std::uint32_t>(size);
    path_ = size == path_.size() ? std::string_view{"/"} : path_.substr(size);
  }

private:
  Method method_ = Method::get;
  bool has_escapes_ = false;
  bool body_is_padded_ = false;
  std::uint32_t root_size_ = 0;
  std::string_view target_;
  std::string_view path_;
  std::string_view query_;
  Headers headers_;
  std::string_view body_;
};

/// A request that owns its text: for tests, queues, and whoever has no transport that keeps the bytes.
///
///     OwnedRequest request{Method::get, "/items/42?q=abc"};
///     request.header("x-token", "fake");
class OwnedRequest {
public:
  /// A request without fields and body.
  OwnedRequest(Method method, std::string target);
  /// Copies everything that `request` refers to.
  explicit OwnedRequest(const Request& request);
  OwnedRequest(const OwnedRequest& other) : OwnedRequest(other.view()) {}
  OwnedRequest(OwnedRequest&&) noexcept = default;
  /// Takes over the text of another one.
  OwnedRequest& operator=(OwnedRequest other) noexcept;

  /// Adds a field.
  OwnedRequest& header(std::string_view name, std::string_view value);
  /// Replaces the body.
  OwnedRequest& body(std::string body);

  /// What is to be done with the target.
  Method method() const noexcept { return method_; }
  /// Valid while this object is, and until it is changed.
  Request view() const noexcept {
    Request request{method_, *target_, Headers{fields_}, body_ ? std::string_view{*body_} : std::string_view{""}};
    if (root_size_ > 0) request.enter(root_size_);
    return request;
  }

private:
  Method method_;
  std::size_t root_size_ = 0;
  // Behind pointers that a move does not change: short strings would move with their owner.
  std::unique_ptr<std::string> target_;
  std::unique_ptr<std::string> body_;  // Null: empty.
  std::forward_list<std::string> texts_;
  std::vector<HeaderField> fields_;
};

}  // namespace umbel
