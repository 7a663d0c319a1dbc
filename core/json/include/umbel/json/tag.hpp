// SPDX-License-Identifier: MIT
#pragma once
// Which of several structs a document is.

#include <string_view>

#include "umbel/json/fixed_string.hpp"

namespace umbel {

/// A member that always has the same text, by which a std::variant is told:
///
///     struct Card {
///       Tag<"card"> kind;
///       std::string number;
///     };
///     struct Transfer {
///       Tag<"transfer"> kind;
///       std::string iban;
///     };
///     struct Payment {
///       std::variant<Card, Transfer> means;  // {"means": {"kind": "card", "number": "4000"}}
///     };
///
/// All alternatives have one of the same name. It need not be the first member of the document, but that is read
/// fastest.
template <FixedString text>
class Tag {
public:
  /// The text.
  static constexpr std::string_view value = text.view();

  constexpr Tag() noexcept {}

  /// There is nothing to differ.
  constexpr bool operator==(const Tag&) const noexcept { return true; }
};

}  // namespace umbel
