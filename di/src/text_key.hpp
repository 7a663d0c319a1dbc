// SPDX-License-Identifier: MIT
#pragma once
// A text's length and its ends, by which nearly all texts can be told apart without a call.

#include <algorithm>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace umbel::detail {

/// The length, the first and the last eight bytes: all there is to say of a text of up to 16.
struct TextKey {
  std::size_t size;
  std::uint64_t first;
  std::uint64_t last;
  auto operator<=>(const TextKey&) const = default;

  static TextKey of(std::string_view text) noexcept {
    const std::size_t size = text.size();
    if (size >= 8) return {size, load(text.data(), 8), load(text.data() + size - 8, 8)};
    if (size >= 4) return {size, load(text.data(), 4) | load(text.data() + size - 4, 4) << 32, 0};
    std::uint64_t bytes = 0;
    for (const char c : text) bytes = bytes << 8 | static_cast<unsigned char>(c);
    return {size, bytes, 0};
  }

  /// Of the whole text, whose key this is.
  std::size_t hash(std::string_view text) const noexcept {
    constexpr std::uint64_t prime = 0x9e3779b97f4a7c15;
    std::uint64_t hash = (first + size) * prime;
    for (std::size_t i = 8; i + 8 < size; i += 8) hash = std::rotl((hash ^ load(text.data() + i, 8)) * prime, 29);
    return static_cast<std::size_t>(((hash ^ last) * prime) >> 32);
  }

  /// Of two texts with the same key, whether they are the same text.
  static bool is_same_between_ends(std::string_view a, std::string_view b) noexcept {
    for (std::size_t i = 8; i + 8 < a.size(); i += 8) {
      if (load(a.data() + i, 8) != load(b.data() + i, 8)) return false;
    }
    return true;
  }

private:
  static std::uint64_t load(const char* at, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, at, bytes);
    return value;
  }
};

}  // namespace umbel::detail
