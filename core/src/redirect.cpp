// SPDX-License-Identifier: MIT
#include "umbel/core/redirect.hpp"

#include <stdexcept>

namespace umbel {

namespace {

// RFC 3986 section 2: unreserved, reserved, and the percent sign of what is encoded already.
constexpr bool may_stand_in_a_uri(unsigned char c) noexcept {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view{"-._~:/?#[]@!$&'()*+,;=%"}.find(static_cast<char>(c)) != std::string_view::npos;
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (may_stand_in_a_uri(byte)) out += c;
    else out.append(1, '%').append(1, hex[byte / 16]).append(1, hex[byte % 16]);
  }
}

constexpr bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Redirect::Redirect(std::string_view location, int status) : status_(status) {
  if (location.empty()) throw std::invalid_argument{"umbel: a Redirect has a location"};
  if (!is_redirect(status)) throw std::invalid_argument{"umbel: a Redirect's status is 301, 302, 303, 307 or 308"};
  append_encoded(location_, location);
}

Response Redirect::respond(const Request&) const { return Response{status_}.header("location", location_); }

}  // namespace umbel
