// SPDX-License-Identifier: MIT
#pragma once
// Media types: of files, by their names, and of those that a client accepts.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "umbel/core/request.hpp"

namespace umbel {

/// What a file with such a name holds, by its extension, whatever its case: `text/html; charset=utf-8` of `.html`.
/// `application/octet-stream` if nothing is known of it. A literal.
std::string_view media_type_of(std::string_view file_name) noexcept;

/// How much a client wants a media type, in thousandths; 0: not at all. By the Accept fields of RFC 9110 section
/// 12.5.1: the most specific range that fits decides, `text/html;level=1` before `text/html`, that before `text/*`,
/// that before `*/*`. Without an Accept field it takes everything alike: 1000. `type` is a media type with its
/// parameters, if it has any. What of the field is malformed is passed over.
int acceptance(const Request& request, std::string_view type);

/// The index of the type that the client wants most; of several that it wants alike, the first. Nothing if it accepts
/// none of them, which is a 406.
std::optional<std::size_t> choose_media_type(const Request& request, std::span<const std::string_view> offered);

}  // namespace umbel
