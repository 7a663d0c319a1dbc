// SPDX-License-Identifier: MIT
#include "request_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "umbel/core/base64.hpp"
#include "umbel/core/error.hpp"

namespace umbel::stdio {

namespace {

constexpr std::array<std::string_view, 7> members{"id",   "method",      "target",    "headers",
                                                  "body", "body_base64", "timeout_ms"};

constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours{24 * 365};

[[noreturn]] void refuse(JsonValue value, std::string_view sentence) {
  throw HttpError{400, value.path() + " " + std::string{sentence}};
}

constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_hex(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) noexcept {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto fits = [](char c) { return is_alphanumeric(c) || marks.find(c) != marks.npos; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// RFC 9110 section 5.5.
bool is_field_value(std::string_view text) noexcept {
  const auto fits = [](unsigned char c) { return c == '\t' || (c >= ' ' && c != 0x7f); };
  return std::all_of(text.begin(), text.end(), fits);
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// RFC 9112 section 3.2.1, and `*` for OPTIONS.
bool is_target(std::string_view text) noexcept {
  const auto fits = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
  return (text.starts_with('/') || text == "*") && std::all_of(text.begin(), text.end(), fits);
}

// As HTTP/1.1 has them: two digits behind each `%` of the path, and no zero byte.
bool has_good_escapes(std::string_view path) noexcept {
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const std::string_view digits = path.substr(at + 1, 2);
    if (digits.size() < 2 || !is_hex(digits[0]) || !is_hex(digits[1]) || digits == "00") return false;
  }
  return true;
}

}  // namespace

void RequestLine::read(std::string_view line) {
  reader_.emplace(line);
  const JsonValue root = reader_->root();
  if (root.type() != JsonType::object) throw HttpError{400, "a request is an object"};
  if (const std::optional<JsonValue> id = root.find("id")) read_id(*id);
  check_members(root);
  for (const JsonMember member : root.as_object()) read_member(member.name, member.value);
  if (target_.empty()) throw HttpError{400, "/target is missing"};
  if (target_ == "*" && method_ != Method::options) refuse(root["target"], "can be * for OPTIONS only");
}

// What is misspelt would be lost in silence, what is there twice be read in two ways.
void RequestLine::check_members(JsonValue root) {
  std::array<bool, members.size()> seen{};
  for (const JsonMember member : root.as_object()) {
    const auto found = std::find(members.begin(), members.end(), member.name);
    if (found == members.end()) refuse(member.value, "is not known");
    if (std::exchange(seen[static_cast<std::size_t>(found - members.begin())], true))
      refuse(member.value, "is there twice");
  }
}

void RequestLine::read_id(JsonValue value) {
  switch (value.type()) {
    case JsonType::null:
      return;
    case JsonType::string:
      id_ = std::string{value.as_string()};
      return;
    case JsonType::real:
      id_ = value.as_double();
      return;
    case JsonType::integer:
      if (value.as_double() < 0) id_ = value.as_int();
      else id_ = value.as_uint();
      return;
    default:
      refuse(value, "should be a string or a number");
  }
}

void RequestLine::read_member(std::string_view name, JsonValue value) {
  if (name == "target") return read_target(value);
  if (name == "method") {
    if (!is_token(value.as_string())) refuse(value, "is no method");
    method_ = method_from(value.as_string());
    return;
  }
  if (name == "headers") return read_headers(value);
  if (name == "body") return read_body(value);
  if (name == "body_base64") return decode_body(value);
  if (name == "timeout_ms") return read_timeout(value);
}

void RequestLine::read_target(JsonValue value) {
  const std::string_view text = value.as_string();
  if (!is_target(text)) refuse(value, "should be a path, and perhaps a query, in visible ASCII");
  if (!has_good_escapes(text.substr(0, text.find('?')))) refuse(value, "has a malformed percent escape");
  target_ = text;
}

void RequestLine::read_headers(JsonValue value) {
  fields_.clear();
  if (value.type() == JsonType::object) {
    for (const JsonMember member : value.as_object()) add_field(member.value, member.name, member.value.as_string());
    return;
  }
  for (const JsonValue pair : value.as_array()) {
    const JsonArray parts = pair.as_array();
    if (parts.size() != 2) refuse(pair, "should be a pair of name and value");
    const JsonValue name = *parts.begin();
    const JsonValue text = *std::next(parts.begin());
    add_field(pair, name.as_string(), text.as_string());
  }
}

void RequestLine::add_field(JsonValue at, std::string_view name, std::string_view value) {
  if (!is_token(name)) refuse(at, "has a name that is no token (RFC 9110, 5.1)");
  if (!is_field_value(value)) refuse(at, "has a control character in its value");
  fields_.push_back(HeaderField{name, trim(value)});
}

void RequestLine::read_body(JsonValue value) {
  if (std::exchange(has_body_, true)) refuse(value, "is a second body");
  body_ = value.as_string();
}

void RequestLine::decode_body(JsonValue value) {
  if (std::exchange(has_body_, true)) refuse(value, "is a second body");
  decoded_ = from_base64(value.as_string());
  if (!decoded_) refuse(value, "is no base64 (RFC 4648, 4)");
}

void RequestLine::read_timeout(JsonValue value) {
  const auto most = static_cast<std::uint64_t>(longest_timeout.count());
  timeout_ = std::chrono::milliseconds{std::min(value.as_uint(), most)};
}

}  // namespace umbel::stdio
