// SPDX-License-Identifier: MIT
#pragma once
// RFC 4648, section 4: bytes as text.

#include <optional>
#include <string>
#include <string_view>

namespace umbel {

/// In the usual alphabet, padded.
std::string to_base64(std::string_view bytes);
/// Strict: padded, nothing else between, no bits that are lost. Empty otherwise.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace umbel
