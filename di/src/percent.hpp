// SPDX-License-Identifier: MIT
#pragma once
// Percent-encoding (RFC 3986 section 2.1).

#include <string_view>

#include "umbel/core/arena.hpp"

namespace umbel::detail {

enum class PlusIs : bool { plus, space };

/// True if every `%` starts two hexadecimal digits, none of them 00.
bool is_well_escaped(std::string_view text) noexcept;

/// Decodes into the arena; the text itself if there is nothing to decode. What is no escape stays as it is.
std::string_view percent_decode(std::string_view text, PlusIs plus, Arena& arena);

}  // namespace umbel::detail
