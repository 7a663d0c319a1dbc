// SPDX-License-Identifier: MIT
#pragma once
// Percent-encoding (RFC 3986 section 2.1).

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "umbel/core/arena.hpp"
#include "umbel/di/convert.hpp"

namespace umbel::detail {

enum class PlusIs : bool { plus, space };

/// What is wrong with a text that a client encoded.
enum class Encoding : std::uint8_t {
  good,
  no_escape,  // A `%` without two hexadecimal digits behind it.
  no_utf8,    // The bytes that it stands for are no text (RFC 3629 section 4).
};

/// True if a path is good, and has no %00.
bool is_good_path(std::string_view path) noexcept;
/// Of a text that may have escapes.
Encoding encoding_of(std::string_view text) noexcept;
/// True if it is UTF-8, as RFC 3629 section 4 has it.
bool is_utf8(std::string_view text) noexcept;
/// What the client is told of one that is not good.
ConvertError words_for(Encoding encoding) noexcept;

/// Decodes into the arena; the text itself if there is nothing to decode. What is no escape stays as it is.
std::string_view percent_decode(std::string_view text, PlusIs plus, Arena& arena);
/// The same into `out`, which has room for the text. Returns the size.
std::size_t percent_decode(std::string_view text, PlusIs plus, char* out) noexcept;

}  // namespace umbel::detail
