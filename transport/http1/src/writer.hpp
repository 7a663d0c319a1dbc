// SPDX-License-Identifier: MIT
#pragma once
// Replies as they go on the wire (RFC 9112 section 4).

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "umbel/core/buffer.hpp"
#include "umbel/core/response.hpp"

namespace umbel::http1 {

/// What a reply says about its connection.
enum class Persistence : std::uint8_t {
  implied,  // HTTP/1.1 that goes on: nothing.
  stated,   // HTTP/1.0 that goes on: keep-alive.
  ended     // close.
};

constexpr std::size_t ok_status_size = sizeof "HTTP/1.1 200 OK\r\n" - 1;
constexpr std::size_t date_line_size = sizeof "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" - 1;

/// What the transport adds to a response.
struct Framing {
  const char* ok_head;  // Status line and date of a 200.
  Persistence persistence;
  bool is_head_request;
};

/// Appends `response` to `out`. A status that cannot be sent as a reply becomes 500.
void write_response(Buffer& out, const Response& response, const Framing& framing);

/// How a peer learns where a body ends (RFC 9112 section 6.3).
enum class BodyEnd : std::uint8_t { by_length, by_chunk, by_close };

/// Appends the head of `response`, whose body follows in pieces. `length` counts if the body ends by length. False if
/// this reply has no body.
bool write_stream_head(Buffer& out, const Response& response, const Framing& framing, BodyEnd end,
                       std::uint64_t length);
/// Appends a chunk of at least one byte (RFC 9112 section 7.1).
void write_chunk(Buffer& out, std::string_view bytes);
/// Appends what a body in chunks ends with.
void write_last_chunk(Buffer& out);

/// Appends the transport's own error reply: JSON. `detail` as it stands in a JSON string.
void write_error(Buffer& out, int status, std::string_view detail, const Framing& framing);

}  // namespace umbel::http1
