// SPDX-License-Identifier: MIT
#pragma once
// What a client would like to get: content negotiation by media type.

#include <array>
#include <optional>
#include <string_view>

#include "umbel/core/error.hpp"
#include "umbel/core/media_type.hpp"
#include "umbel/di/depends.hpp"
#include "umbel/di/params.hpp"
#include "umbel/di/response_head.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel {

namespace detail {

template <FixedString... offered>
Result<std::string_view> choose_accepted(const Request& request, ResponseHead& head) {
  static_assert(sizeof...(offered) > 0, "umbel: accepts<...> names the media types that are offered");
  static constexpr std::array<std::string_view, sizeof...(offered)> types{offered.view()...};
  head.append("vary", "Accept").on_error();
  const auto chosen = choose_media_type(request, types);
  if (chosen) return types[*chosen];
  return HttpError{406};
}

}  // namespace detail

/// A provider of the one of these media types that the client wants most (RFC 9110 section 12.5.1); the first, if it
/// does not say or wants several alike. If it takes none of them: 406, and the handler does not run. Adds `Vary:
/// Accept`.
///
///     Response report(Depends<accepts<"application/json", "text/csv">> type) {
///       return *type == "text/csv" ? Response::bytes(*type, csv()) : Response::json(json());
///     }
///
/// As a guard it says what a whole App or Router offers: `app.guard<accepts<"application/json">>()`.
template <FixedString... offered>
inline constexpr auto accepts = on_loop<detail::choose_accepted<offered...>>;

}  // namespace umbel
