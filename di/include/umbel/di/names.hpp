// SPDX-License-Identifier: MIT
#pragma once
// The names of functions and types as the compiler writes them, for messages and drawings. Not for identity.

#include <cstddef>
#include <string_view>
#include <utility>

namespace umbel::detail {

/// The text between the first `from` and the matching end of the template argument.
constexpr std::string_view argument_in(std::string_view pretty, std::string_view from) noexcept {
  const std::size_t start = pretty.find(from) + from.size();
  std::size_t depth = 0;
  std::size_t end = start;
  for (; end < pretty.size(); ++end) {
    const char c = pretty[end];
    if (c == '<' || c == '(' || c == '[' || c == '{') ++depth;
    if (depth == 0 && (c == ']' || c == ';' || c == ',')) break;
    if (c == '>' || c == ')' || c == ']' || c == '}') --depth;
  }
  return pretty.substr(start, end - start);
}

template <auto& object>
constexpr std::string_view pretty_object() noexcept {
  return argument_in(__PRETTY_FUNCTION__, "object = ");
}
template <class T>
constexpr std::string_view pretty_type() noexcept {
  return argument_in(__PRETTY_FUNCTION__, "T = ");
}

/// A copy of just the name, so that the program need not carry the whole signature.
template <auto name>
struct KeptName {
  template <std::size_t... I>
  static constexpr auto copy(std::index_sequence<I...>) noexcept {
    struct Text {
      char chars[sizeof...(I) + 1];
    };
    return Text{{name()[I]..., '\0'}};
  }
  static constexpr auto text = copy(std::make_index_sequence<name().size()>{});
  static constexpr std::string_view view{text.chars, name().size()};
};

/// `load_user` for the function load_user.
template <auto& object>
inline constexpr std::string_view object_name = KeptName<pretty_object<object>>::view;
/// `Pool` for the class Pool.
template <class T>
inline constexpr std::string_view type_name = KeptName<pretty_type<T>>::view;

}  // namespace umbel::detail
