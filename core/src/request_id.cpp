// SPDX-License-Identifier: MIT
#include "umbel/core/request_id.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

namespace umbel {

namespace {

constexpr std::size_t longest = 128;

constexpr bool is_safe(char c) noexcept {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view{"-_.:+/="}.find(c) != std::string_view::npos;
}

}  // namespace

RequestId::RequestId(std::string_view header) : header_(header) { detail::check_header(header, {}); }

bool RequestId::is_well_formed(std::string_view id) noexcept {
  return !id.empty() && id.size() <= longest && std::all_of(id.begin(), id.end(), is_safe);
}

std::string RequestId::make() {
  constexpr std::string_view hex = "0123456789abcdef";
  std::array<unsigned char, 16> random{};
  // So few bytes come whole, once the kernel has any (getrandom(2)).
  while (::getrandom(random.data(), random.size(), 0) < 0) {
    if (errno != EINTR) throw std::system_error{errno, std::generic_category(), "umbel: getrandom"};
  }
  std::string id;
  for (const unsigned char byte : random) id.append(1, hex[byte / 16]).append(1, hex[byte % 16]);
  return id;
}

std::string RequestId::id_of(const Request& request) const {
  return came_with_it(request) ? std::string{*request.header(header_)} : make();
}

bool RequestId::came_with_it(const Request& request) const noexcept {
  const auto id = request.header(header_);
  return id && is_well_formed(*id);
}

std::vector<HeaderField> RequestId::fields_with(const Request& request, std::string_view id) const {
  std::vector<HeaderField> fields;
  fields.reserve(request.headers().size() + 1);
  for (const HeaderField& field : request.headers()) {
    if (!equal_ignoring_case(field.name, header_)) fields.push_back(field);
  }
  fields.push_back({header_, id});
  return fields;
}

}  // namespace umbel
