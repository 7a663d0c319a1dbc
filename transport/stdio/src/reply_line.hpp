// SPDX-License-Identifier: MIT
#pragma once
// Replies as lines.

#include <string_view>

#include "request_line.hpp"
#include "umbel/core/response.hpp"

namespace umbel::stdio {

/// What the head of a reply says besides.
enum class Body { whole, none, streamed };
enum class Input { goes_on, closing };

/// Append a line to `out`, whatever the bytes of the response are.
void write_reply(Buffer& out, const Id& id, const Response& response, Body body, Input input);
void write_error(Buffer& out, const Id& id, int status, std::string_view detail, Input input);
void write_chunk(Buffer& out, const Id& id, std::string_view chunk);
enum class StreamEnd { complete, broken };
void write_stream_end(Buffer& out, const Id& id, StreamEnd end);

}  // namespace umbel::stdio
