// SPDX-License-Identifier: MIT
#pragma once
// What browsers get of the pages: files that are part of the program.

#include <string_view>

#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"

namespace umbel::detail {

/// A file, as it is and as gzip.
struct Asset {
  std::string_view name;  // With a part that changes with the content, but of pages.
  std::string_view type;
  std::string_view etag;         // Of the bytes as they are, with its quotes.
  std::string_view packed_etag;  // Of the gzip: another representation (RFC 9110 section 8.8.3).
  std::string_view bytes;
  std::string_view packed;
};

/// Null if there is none.
const Asset* find_asset(std::string_view name) noexcept;

/// The asset, with whatever the request accepts of encodings; 304 if the client has it (RFC 9110 section 13.1.2).
Response reply_with(const Asset& asset, const Request& request);

/// Whether the client takes gzip: `gzip` or `*`, with no weight or one above 0 (RFC 9110 section 12.5.3).
bool accepts_gzip(const Request& request) noexcept;

}  // namespace umbel::detail
