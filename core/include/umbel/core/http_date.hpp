// SPDX-License-Identifier: MIT
#pragma once
// Points of time as HTTP writes them.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace umbel {

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). Of the years 0 to 9999.
std::string to_http_date(std::chrono::sys_seconds time);

/// From any of the three forms that RFC 9110 section 5.6.7 has servers accept; what is none of them gives nothing. A
/// year of two digits that would lie more than 50 years after `now` is of the century before.
std::optional<std::chrono::sys_seconds> http_date_from(
    std::string_view text,
    std::chrono::sys_seconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));

}  // namespace umbel
