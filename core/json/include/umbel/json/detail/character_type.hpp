// SPDX-License-Identifier: MIT
#pragma once
// The integral types that are no numbers.

#include <concepts>

namespace umbel::detail {

template <class T>
concept CharacterType = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                        std::same_as<T, char16_t> || std::same_as<T, char32_t>;

}  // namespace umbel::detail
