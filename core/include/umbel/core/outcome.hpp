// SPDX-License-Identifier: MIT
#pragma once
// How a request ended.

#include <cstdint>

namespace umbel {

/// Why a request is cancelled.
enum class CancelReason : std::uint8_t {
  disconnected,  // The peer has left.
  deadline,      // An answer would come too late.
  shutdown       // The server ends, and waits no longer.
};

}  // namespace umbel
