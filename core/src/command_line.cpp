// SPDX-License-Identifier: MIT
#include "umbel/core/command_line.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace umbel {

namespace {

// RFC 3986 section 2.3.
bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
}

}  // namespace

OwnedRequest command_line(int argc, const char* const* argv) {
  std::string path;
  std::string query;
  bool only_words = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (only_words || !argument.starts_with("--")) {
      append_encoded(path += '/', argument);
      continue;
    }
    argument.remove_prefix(2);
    if (argument.empty()) {
      only_words = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    std::string_view value = "true";
    if (equals != std::string_view::npos) value = argument.substr(equals + 1);
    else if (i + 1 < argc && !std::string_view{argv[i + 1]}.starts_with("--")) value = argv[++i];
    query += query.empty() ? '?' : '&';
    append_encoded(query, argument.substr(0, equals));
    append_encoded(query += '=', value);
  }
  if (path.empty()) path.push_back('/');
  path += query;
  return OwnedRequest{Method::get, std::move(path)};
}

}  // namespace umbel
