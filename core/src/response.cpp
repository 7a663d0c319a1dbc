// SPDX-License-Identifier: MIT
#include "umbel/core/response.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <string>

#include "umbel/core/request.hpp"

namespace umbel {

namespace {

constexpr std::array<std::string_view, 6> transport_fields{"content-length", "transfer-encoding", "connection",
                                                           "date",           "trailer",           "upgrade"};

// RFC 9110 section 5.6.2.
constexpr bool is_token_char(unsigned char c) noexcept {
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return alphanumeric || std::string_view{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) != std::string_view::npos;
}

// RFC 9110 section 5.5: visible characters, spaces, tabs, and bytes above ASCII.
constexpr bool is_value_char(unsigned char c) noexcept { return c == '\t' || (c >= ' ' && c != 0x7f); }

// The line of `lines` that starts at `at`, without its CR LF.
std::string_view line_at(std::string_view lines, std::size_t at) noexcept {
  return lines.substr(at, lines.find('\r', at) - at);
}

bool is_named(std::string_view line, std::string_view name) noexcept {
  return line.size() > name.size() && line[name.size()] == ':' &&
         equal_ignoring_case(line.substr(0, name.size()), name);
}

// What is part of the headers themselves does not outlive their growth.
bool lies_in(std::string_view text, std::string_view lines) noexcept {
  const std::less<const char*> before;
  return !before(text.data(), lines.data()) && before(text.data(), lines.data() + lines.size());
}

}  // namespace

namespace detail {

void check_header(std::string_view name, std::string_view value) {
  const auto fail = [&](std::string_view why) {
    std::string printable{name};
    std::replace_if(printable.begin(), printable.end(), [](unsigned char c) { return !is_token_char(c); }, '?');
    throw std::invalid_argument{"umbel: header '" + printable + "': " + std::string{why}};
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_char))
    fail("its name is not a token (RFC 9110, 5.1)");
  if (!std::all_of(value.begin(), value.end(), is_value_char))
    fail("its value has a control character, which could split the reply");
  for (std::string_view field : transport_fields) {
    if (equal_ignoring_case(field, name)) fail("it belongs to the transport, which sets it itself");
  }
}

}  // namespace detail

void ResponseHeaders::append(std::string_view name, std::string_view value) {
  if (lies_in(value, lines_.view())) return append(name, std::string{value});
  detail::check_header(name, value);
  lines_.append(name);
  lines_.append(": ");
  lines_.append(value);
  lines_.append("\r\n");
}

void ResponseHeaders::set(std::string_view name, std::string_view value) {
  if (lies_in(value, lines_.view())) return set(name, std::string{value});
  detail::check_header(name, value);
  remove(name);
  append(name, value);
}

void ResponseHeaders::prepend(ResponseHeaders&& before) {
  before.lines_.append(lines_.view());
  lines_ = std::move(before.lines_);
}

void ResponseHeaders::remove(std::string_view name) noexcept {
  std::size_t at = 0;
  while (at < lines_.size()) {
    const std::size_t length = line_at(lines_.view(), at).size() + 2;
    if (!is_named(line_at(lines_.view(), at), name)) {
      at += length;
      continue;
    }
    char* const line = lines_.data() + at;
    std::copy(line + length, lines_.data() + lines_.size(), line);
    lines_.shrink(length);
  }
}

std::optional<std::string_view> ResponseHeaders::get(std::string_view name) const noexcept {
  const std::string_view lines = lines_.view();
  for (std::size_t at = 0; at < lines.size(); at += line_at(lines, at).size() + 2) {
    const std::string_view line = line_at(lines, at);
    if (is_named(line, name)) return line.substr(name.size() + 2);
  }
  return std::nullopt;
}

Response Response::bytes(std::string_view content_type, std::string_view body, int status) {
  Response response{status, {}, Buffer{body}};
  response.headers_.set("content-type", content_type);
  return response;
}

Response Response::stream(std::string_view content_type, BodySourcePtr source, int status) {
  Response response{status};
  response.headers_.set("content-type", content_type);
  response.source_ = std::move(source);
  return response;
}

std::string_view Response::content_type() const noexcept {
  return content_type_.empty() ? headers_.get("content-type").value_or(std::string_view{}) : content_type_;
}

std::optional<std::string_view> Response::header(std::string_view name) const noexcept {
  if (!content_type_.empty() && equal_ignoring_case(name, "content-type")) return content_type_;
  return headers_.get(name);
}

Response& Response::header(std::string_view name, std::string_view value) & {
  headers_.set(name, value);
  if (equal_ignoring_case(name, "content-type")) content_type_ = {};
  return *this;
}

Response& Response::append_header(std::string_view name, std::string_view value) & {
  if (equal_ignoring_case(name, "content-type")) return header(name, value);
  headers_.append(name, value);
  return *this;
}

}  // namespace umbel
