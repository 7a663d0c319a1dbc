// SPDX-License-Identifier: MIT
#pragma once
// Tells at compile time whether a text may stand between quotes as it is.

#include <cstddef>
#include <string_view>

namespace umbel::detail {

struct CodePointShape {
  std::size_t length;        // In bytes; 0 if no character begins so.
  unsigned char second_min;  // The second byte is where overlong forms and surrogates show (RFC 3629, section 4).
  unsigned char second_max;
};

constexpr CodePointShape code_point_shape(unsigned char lead) noexcept {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// The length of the character at the front of `text`, which is not empty; 0 if it is not UTF-8.
constexpr std::size_t code_point_length(std::string_view text) noexcept {
  const CodePointShape shape = code_point_shape(static_cast<unsigned char>(text[0]));
  if (shape.length > text.size()) return 0;
  for (std::size_t i = 1; i < shape.length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char min = i == 1 ? shape.second_min : 0x80;
    const unsigned char max = i == 1 ? shape.second_max : 0xBF;
    if (byte < min || byte > max) return 0;
  }
  return shape.length;
}

/// Valid UTF-8 without quotes, backslashes and control characters (RFC 8259, section 7).
constexpr bool is_plain_json_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t length = code_point_length(text);
    if (length == 0 || first < 0x20 || first == '"' || first == '\\') return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace umbel::detail
