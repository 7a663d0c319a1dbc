// SPDX-License-Identifier: MIT
#pragma once
// Bodies as they go on the wire.

#include <cstddef>
#include <string>
#include <string_view>

namespace umbel::test {

struct Dechunked {
  std::string body;
  bool is_complete = false;  // The last chunk is there.
  std::size_t size = 0;      // Of all that was read.
};

/// Reads a chunked body (RFC 9112 section 7.1), as strictly as a test wants it: no extensions, no trailers.
inline Dechunked dechunk(std::string_view text) {
  Dechunked result;
  for (std::size_t at = 0;;) {
    const std::size_t line = text.find("\r\n", at);
    if (line == std::string_view::npos) return result;
    const std::size_t size = std::stoul(std::string{text.substr(at, line - at)}, nullptr, 16);
    if (text.size() < line + 2 + size + 2 || text.substr(line + 2 + size, 2) != "\r\n") return result;
    result.body += text.substr(line + 2, size);
    at = result.size = line + 2 + size + 2;
    if (size == 0) return result.is_complete = true, result;
  }
}

}  // namespace umbel::test
