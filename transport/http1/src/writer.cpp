// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include <bit>
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
  void put_number(std::uint64_t number) noexcept {
    if (number < 10) return put_digit(number);
    if (number < 100) return put_digit(number / 10), put_digit(number % 10);
    std::uint64_t power = 1;
    while (number / 10 >= power) power *= 10;
    for (; power > 0; power /= 10) put_digit(number / power % 10);
  }
  void put_hex(std::size_t number) noexcept {
    int shift = (std::bit_width(number) - 1) / 4 * 4;
    for (; shift >= 0; shift -= 4) *at_++ = "0123456789abcdef"[number >> shift & 15];
  }
  char* at() const noexcept { return at_; }

private:
  void put_digit(std::uint64_t digit) noexcept { *at_++ = static_cast<char>('0' + digit); }

  char* at_;
};

// Everything that is written besides what a response brings, and the reason phrase: the longest has 31 letters.
constexpr std::size_t frame_size = 256;

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

// All but what concerns the body and the connection.
inline void put_start(Cursor& out, int status, const Response& response, const Framing& framing) noexcept {
  if (status == 200) [[likely]] {
    out.put<ok_status_size + date_line_size>(framing.ok_head);
  } else {
    put_status_line(out, status);
    out.put<date_line_size>(framing.ok_head + ok_status_size);
  }
  if (const string_view type = response.known_content_type(); !type.empty()) {
    out.put("content-type: ");
    out.put(type);
    out.put("\r\n");
  }
  if (const string_view lines = response.header_lines(); !lines.empty()) out.put(lines);
}

inline void put_length(Cursor& out, std::uint64_t length) noexcept {
  out.put("content-length: ");
  out.put_number(length);
  out.put("\r\n");
}

}  // namespace

void write_response(Buffer& out, const Response& response, const Framing& framing) {
  const int status = response.status_to_send();
  const string_view body = response.body();
  char* const begin =
      out.room(frame_size + response.known_content_type().size() + response.header_lines().size() + body.size());
  Cursor cursor{begin};
  put_start(cursor, status, response, framing);
  // RFC 9110 section 8.6: no Content-Length in 204; 304 would have to know the length of what was not asked for. And
  // section 15.3.6: 205 may say that it has none.
  const bool with_body = Response::may_have_body(status);
  if (with_body || status == 205) put_length(cursor, with_body ? body.size() : 0);
  put_persistence(cursor, framing.persistence);
  if (with_body && !framing.is_head_request) cursor.put(body);
  out.grew(static_cast<std::size_t>(cursor.at() - begin));
}

bool write_stream_head(Buffer& out, const Response& response, const Framing& framing, BodyEnd end,
                       std::uint64_t length) {
  const int status = response.status_to_send();
  char* const begin = out.room(frame_size + response.known_content_type().size() + response.header_lines().size());
  Cursor cursor{begin};
  put_start(cursor, status, response, framing);
  const bool with_body = Response::may_have_body(status);
  if (status == 205) put_length(cursor, 0);
  else if (with_body && end == BodyEnd::by_length) put_length(cursor, length);
  else if (with_body && end == BodyEnd::by_chunk) cursor.put("transfer-encoding: chunked\r\n");
  put_persistence(cursor, framing.persistence);
  out.grew(static_cast<std::size_t>(cursor.at() - begin));
  return with_body && !framing.is_head_request;
}

void write_chunk(Buffer& out, string_view bytes) {
  constexpr std::size_t around = sizeof "0123456789abcdef\r\n\r\n";
  char* const begin = out.room(bytes.size() + around);
  Cursor cursor{begin};
  cursor.put_hex(bytes.size());
  cursor.put("\r\n");
  cursor.put(bytes);
  cursor.put("\r\n");
  out.grew(static_cast<std::size_t>(cursor.at() - begin));
}

void write_last_chunk(Buffer& out) { out.append("0\r\n\r\n"); }

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
