// SPDX-License-Identifier: MIT
#pragma once
// On what a reply depends beside its URI.

#include <string_view>

#include "umbel/core/response.hpp"

namespace umbel {

/// Adds a request header's name to the reply's Vary (RFC 9110 section 12.5.5), unless it is there, or `*` is: for
/// whoever answers differently by that header, so that caches keep the answers apart.
void add_vary(Response& response, std::string_view name);

}  // namespace umbel
