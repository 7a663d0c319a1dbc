// SPDX-License-Identifier: MIT
#pragma once
// Which assets there are, and where they lie in pages.bin. asset_table.cpp is made by di/pages/embed.

#include <cstddef>
#include <string_view>

namespace umbel::detail {

struct AssetEntry {
  std::string_view name, type, tag;
  std::size_t bytes, byte_count, packed, packed_count;
};

extern const AssetEntry asset_table[];
extern const std::size_t asset_count;

}  // namespace umbel::detail
