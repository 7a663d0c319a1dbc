// SPDX-License-Identifier: MIT
#pragma once
// The names of members, as the compiler writes them.

#include <array>
#include <cstddef>
#include <string_view>

namespace umbel::detail {

// Its return type bears no other name, lest g++ explain that one behind the pointer.
template <const auto* pointer>
constexpr std::basic_string_view<char> pretty_member() noexcept {
  return __PRETTY_FUNCTION__;
}

/// `id` of `... [with const auto* pointer = (& room<User>.Room<User>::value.User::id)]` and of
/// `... [pointer = &room.value.id]`. Read from the end: whatever the type's name contains stands before.
constexpr std::string_view member_name_in(std::string_view pretty) noexcept {
  pretty.remove_suffix(pretty.ends_with(")]") ? 2 : 1);
  return pretty.substr(pretty.find_last_of(".:") + 1);
}

/// The name with what stands around it in JSON: `"id":`.
template <std::size_t size>
struct QuotedName {
  constexpr explicit QuotedName(std::string_view name) noexcept {
    char* at = text;
    *at++ = '"';
    for (const char c : name) *at++ = c;
    *at++ = '"';
    *at++ = ':';
  }
  constexpr std::string_view view() const noexcept { return {text, size + 3}; }

  char text[size + 3]{};
};

// The compiler's text is long: only the name is kept in the program.
template <const auto* pointer>
inline constexpr QuotedName<member_name_in(pretty_member<pointer>()).size()> member_name{
    member_name_in(pretty_member<pointer>())};

constexpr std::string_view unquoted(std::string_view quoted) noexcept { return quoted.substr(1, quoted.size() - 3); }

}  // namespace umbel::detail
