// SPDX-License-Identifier: MIT
#pragma once
// What each byte may be part of.

#include <array>
#include <cstdint>
#include <string_view>

namespace umbel::http1 {

// What a byte may not be, and what in a target wants a closer look. RFC 3986 section 3.2.2, RFC 9110 sections 5.5 and
// 5.6.2, RFC 9112 section 3.2.
enum : std::uint8_t {
  not_in_target = 1,
  not_in_host = 2,
  not_in_name = 4,   // Of a field.
  not_in_value = 8,  // Of a field.
  question_mark = 16,
  percent_sign = 32
};

constexpr std::array<std::uint8_t, 256> make_octet_classes() {
  std::array<std::uint8_t, 256> made{};
  constexpr std::string_view host_marks = "-._~!$&'()*+,;=%:[]";
  constexpr std::string_view name_marks = "!#$%&'*+-.^_`|~";
  for (unsigned c = 0; c < 256; ++c) {
    const bool visible = c > ' ' && c < 0x7f;
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const auto is_one_of = [c](std::string_view marks) {
      return c != 0 && marks.find(static_cast<char>(c)) != marks.npos;
    };
    const bool in_host = alphanumeric || is_one_of(host_marks);
    const bool in_name = alphanumeric || is_one_of(name_marks);
    const bool in_value = visible || c >= 0x80 || c == ' ' || c == '\t';
    const bool in_target = visible && c != '#';
    made[c] = static_cast<std::uint8_t>((in_target ? 0 : not_in_target) | (in_host ? 0 : not_in_host) |
                                        (in_name ? 0 : not_in_name) | (in_value ? 0 : not_in_value) |
                                        (c == '?' ? question_mark : 0) | (c == '%' ? percent_sign : 0));
  }
  return made;
}
inline constexpr auto octet_classes = make_octet_classes();

inline unsigned class_of(char c) noexcept { return octet_classes[static_cast<unsigned char>(c)]; }

/// The classes of all bytes of `text` together. Without a branch per byte.
inline unsigned classes_in(std::string_view text) noexcept {
  const char* at = text.data();
  unsigned found = 0;
  for (std::size_t fours = text.size() / 4; fours > 0; --fours, at += 4) {
    found |= class_of(at[0]) | class_of(at[1]) | class_of(at[2]) | class_of(at[3]);
  }
  for (std::size_t rest = text.size() % 4; rest > 0; --rest, ++at) found |= class_of(*at);
  return found;
}

inline bool has_class(std::string_view text, unsigned cls) noexcept { return classes_in(text) & cls; }

}  // namespace umbel::http1
