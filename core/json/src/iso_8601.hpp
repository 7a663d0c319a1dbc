// SPDX-License-Identifier: MIT
#pragma once
// Dates and moments as text: ISO 8601, as RFC 3339 section 5.6 narrows it down.

#include <chrono>
#include <string_view>

#include "umbel/json/detail/shape.hpp"

namespace umbel::detail {

/// What is wrong with the text, in pydantic's words; empty if nothing is. `2026-11-23`
std::string_view parse_date(std::string_view text, std::chrono::year_month_day& out) noexcept;
/// `2026-11-23T08:30:00.125+01:00`. Seconds may be left out, as pydantic has it; a space may stand for the T. Without
/// an offset it is no moment: `has_offset` is false then.
std::string_view parse_moment(std::string_view text, Moment& out, bool& has_offset) noexcept;

/// Room for any of them.
struct MomentText {
  std::string_view view() const noexcept { return {text, size}; }
  char text[40];
  std::size_t size = 0;
};
/// Empty if it is no date, or the year has not four digits.
MomentText to_text(std::chrono::year_month_day date) noexcept;
/// In UTC, with `digits` of a fraction, or without one if it is 0. Empty if the year has not four digits.
MomentText to_text(Moment moment, unsigned digits) noexcept;

}  // namespace umbel::detail
