// SPDX-License-Identifier: MIT
#pragma once
// The names of the fields that concern the transport.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "umbel/core/request.hpp"

namespace umbel::http1 {

/// `name` is not empty, `small` in small letters. The first is looked at before a call is made.
template <std::size_t n>
bool is_named(std::string_view name, const char (&small)[n]) noexcept {
  return (name[0] | 0x20) == small[0] && equal_ignoring_case(name, {small, n - 1});
}

/// The same for the field that every request has; `name` has four letters. Only letters become these letters when the
/// bit is set.
inline bool is_host(const char* name) noexcept {
  std::uint32_t letters = 0;
  std::uint32_t wanted = 0;
  std::memcpy(&letters, name, 4);
  std::memcpy(&wanted, "host", 4);
  return (letters | 0x20202020) == wanted;
}

}  // namespace umbel::http1
