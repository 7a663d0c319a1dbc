// SPDX-License-Identifier: MIT
#include "umbel/json/constraints.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>

namespace umbel::detail {

namespace {

// The shortest decimal that reads back as the same, never with an exponent.
std::string bound_text(const Bound& bound) {
  char text[512];
  const auto write = [&](auto number) {
    if constexpr (std::is_same_v<decltype(number), std::string_view>) return std::string{number};
    else if constexpr (std::is_same_v<decltype(number), double>)
      return std::string{text, std::to_chars(text, text + sizeof text, number, std::chars_format::fixed).ptr};
    else return std::string{text, std::to_chars(text, text + sizeof text, number).ptr};
  };
  return bound.visit(write);
}

}  // namespace

std::string message_of(const Violation& broken) {
  return std::string{broken.before}.append(bound_text(broken.bound)).append(broken.after);
}

}  // namespace umbel::detail
