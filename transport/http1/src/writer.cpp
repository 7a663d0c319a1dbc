// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include <cstddef>
#include <cstring>

#include "umbel/core/error.hpp"

namespace umbel::http1 {

namespace {

using std::string_view;

// Writes into room that was reserved before.
class Cursor {
public:
  explicit Cursor(char* at) noexcept : at_(at) {}

  void put(string_view text) noexcept {
    if (text.empty()) return;  // It may be null then.
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  template <std::size_t n>
  void put(const char (&literal)[n]) noexcept {
    put<n - 1>(&literal[0]);
  }
  template <std::size_t n>
  void put(const char* text) noexcept {
    std::memcpy(at_, text, n);
    at_ += n;
  }
  void put_number(std::size_t number) noexcept {
    if (number < 10) return put_digit(number);
    if (number < 100) return put_digit(number / 10), put_digit(number % 10);
    std::size_t power = 1;
    while (number / 10 >= power) power *= 10;
    for (; power > 0; power /= 10) put_digit(number / power % 10);
  }
  char* at() const noexcept { return at_; }

private:
  void put_digit(std::size_t digit) noexcept { *at_++ = static_cast<char>('0' + digit); }

  char* at_;
};

// Everything that is written besides what a response brings, and the reason phrase: the longest has 31 letters.
constexpr std::size_t frame_size = 256;

bool is_final(int status) noexcept { return status >= 200 && status <= 999; }

void put_status_line(Cursor& out, int status) noexcept {
  out.put("HTTP/1.1 ");
  out.put_number(static_cast<std::size_t>(status));
  out.put(" ");
  out.put(reason_phrase(status));
  out.put("\r\n");
}

inline void put_persistence(Cursor& out, Persistence persistence) noexcept {
  if (persistence == Persistence::ended) out.put("connection: close\r\n\r\n");
  else if (persistence == Persistence::stated) out.put("connection: keep-alive\r\n\r\n");
  else out.put("\r\n");
}

}  // namespace

void write_response(Buffer& out, const Response& response, const Framing& framing) {
  const int status = is_final(response.status()) ? response.status() : 500;
  const string_view type = response.known_content_type();
  const string_view lines = response.header_lines();
  const string_view body = response.body();
  char* const begin = out.room(frame_size + type.size() + lines.size() + body.size());
  Cursor cursor{begin};
  if (status == 200) [[likely]] {
    cursor.put<ok_status_size + date_line_size>(framing.ok_head);
  } else {
    put_status_line(cursor, status);
    cursor.put<date_line_size>(framing.ok_head + ok_status_size);
  }
  if (!type.empty()) {
    cursor.put("content-type: ");
    cursor.put(type);
    cursor.put("\r\n");
  }
  if (!lines.empty()) cursor.put(lines);
  // RFC 9110 section 8.6: no Content-Length in 204; 304 would have to know the length of what was not asked for.
  // Section 15.3.6: 205 has no content.
  const bool has_body = Response::may_have_body(status) && status != 205;
  if (has_body || status == 205) {
    cursor.put("content-length: ");
    cursor.put_number(has_body ? body.size() : 0);
    cursor.put("\r\n");
  }
  put_persistence(cursor, framing.persistence);
  if (has_body && !framing.is_head_request) cursor.put(body);
  out.grew(static_cast<std::size_t>(cursor.at() - begin));
}

void write_error(Buffer& out, int status, string_view detail, const Framing& framing) {
  constexpr string_view before = "{\"detail\":\"";
  constexpr string_view after = "\"}";
  char* const begin = out.room(frame_size + detail.size());
  Cursor cursor{begin};
  put_status_line(cursor, status);
  cursor.put<date_line_size>(framing.ok_head + ok_status_size);
  cursor.put("content-type: application/json\r\ncontent-length: ");
  cursor.put_number(before.size() + detail.size() + after.size());
  cursor.put("\r\n");
  put_persistence(cursor, framing.persistence);
  if (!framing.is_head_request) {
    cursor.put(before);
    cursor.put(detail);
    cursor.put(after);
  }
  out.grew(static_cast<std::size_t>(cursor.at() - begin));
}

}  // namespace umbel::http1
