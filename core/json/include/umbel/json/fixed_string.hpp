// SPDX-License-Identifier: MIT
#pragma once
// Text as a template argument: the "item_id" of Path<"item_id", int>.

#include <cstddef>
#include <string_view>

namespace umbel {

/// A string literal that a template can take. Written as the literal itself.
template <std::size_t N>
struct FixedString {
  /// With a zero behind it.
  char text[N]{};

  /// A literal.
  consteval FixedString(const char (&literal)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = literal[i];
  }
  /// The text.
  constexpr std::string_view view() const noexcept { return {text, N - 1}; }
  /// It is "".
  constexpr bool empty() const noexcept { return N == 1; }
};

}  // namespace umbel
