// SPDX-License-Identifier: MIT
#include "umbel/core/vary.hpp"

#include <algorithm>
#include <string>

#include "umbel/core/request.hpp"

namespace umbel {

namespace {

bool lists(std::string_view list, std::string_view name) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, comma);
    element.remove_prefix(std::min(element.find_first_not_of(" \t"), element.size()));
    element = element.substr(0, element.find_last_not_of(" \t") + 1);
    if (element == "*" || equal_ignoring_case(element, name)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

void add_vary(Response& response, std::string_view name) {
  std::string all;
  response.for_each_field([&](std::string_view field, std::string_view value) {
    if (equal_ignoring_case(field, "vary")) all.append(all.empty() ? "" : ", ").append(value);
  });
  if (lists(all, name)) return;
  response.header("vary", all.append(all.empty() ? "" : ", ").append(name));
}

}  // namespace umbel
