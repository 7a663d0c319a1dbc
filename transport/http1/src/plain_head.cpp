// SPDX-License-Identifier: MIT
#include "plain_head.hpp"

#include <cstring>
#include <memory>

#include "field_name.hpp"
#include "octets.hpp"

namespace umbel::http1 {

namespace {

constexpr std::string_view shortest = "GET / HTTP/1.1\r\n\r\n";

template <std::size_t n>
bool stands_at(const char* at, const char (&text)[n]) noexcept {
  return std::memcmp(at, text, n - 1) == 0;
}

// The loops need no bound: the input ends with an empty line, and a line end is in every class.
const char* skip_to(const char* at, unsigned cls) noexcept {
  while (!(class_of(*at) & cls)) ++at;
  return at;
}

// True if one of eight bytes is a control or DEL: Hacker's Delight, section 6-1.
inline bool has_control(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t is_zero_if_del = bytes ^ ones * 0x7f;
  return (((bytes - ones * ' ') & ~bytes) | ((is_zero_if_del - ones) & ~is_zero_if_del)) & ones * 0x80;
}

// Values are what is long in a head: eight bytes at once as long as there is nothing to be seen.
inline const char* skip_value(const char* at, const char* end) noexcept {
  for (std::uint64_t bytes = 0; end - at >= 8; at += 8) {
    std::memcpy(&bytes, at, 8);
    if (has_control(bytes)) break;
  }
  return skip_to(at, not_in_value);
}

// Up to the space behind it. Null if it is not plain.
inline const char* read_target(const char* at, Request::KnownTarget& target) noexcept {
  const char* const begin = at;
  at = skip_to(at, not_in_target | question_mark | percent_sign);
  target.path_size = static_cast<std::size_t>(at - begin);
  target.has_escapes = false;
  if (*at == '?') {
    while (*(at = skip_to(at, not_in_target | percent_sign)) == '%') target.has_escapes = true, ++at;
  }
  target.text = {begin, static_cast<std::size_t>(at - begin)};
  return *at == ' ' ? at : nullptr;
}

enum class Kind : std::uint8_t { ordinary, host, connection, special };

constexpr std::uint64_t bit(std::size_t size) noexcept { return std::uint64_t{1} << size; }
constexpr std::uint64_t special_sizes = bit(4) | bit(6) | bit(7) | bit(10) | bit(14) | bit(16) | bit(17);

// The fields that llhttp looks at, and Host and Expect.
inline Kind kind_of(std::string_view name) noexcept {
  if (name.size() > 17 || !(special_sizes >> name.size() & 1)) return Kind::ordinary;
  switch (name.size()) {
    case 4:
      return is_host(name.data()) ? Kind::host : Kind::ordinary;
    case 6:
      return is_named(name, "expect") ? Kind::special : Kind::ordinary;
    case 7:
      return is_named(name, "upgrade") ? Kind::special : Kind::ordinary;
    case 10:
      return is_named(name, "connection") ? Kind::connection : Kind::ordinary;
    case 14:
      return is_named(name, "content-length") ? Kind::special : Kind::ordinary;
    case 16:
      return is_named(name, "proxy-connection") ? Kind::special : Kind::ordinary;
    default:
      return is_named(name, "transfer-encoding") ? Kind::special : Kind::ordinary;
  }
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// Reads "name: value" and its line end. Null if it is not plain.
inline const char* read_field(const char* at, const char* end, HeaderField& field, Kind& kind) noexcept {
  const char* const name_end = skip_to(at, not_in_name);
  if (*name_end != ':' || name_end == at) return nullptr;
  field.name = {at, static_cast<std::size_t>(name_end - at)};
  kind = kind_of(field.name);
  const char* value = name_end + 1;
  while (is_blank(*value)) ++value;
  const char* const line_end = kind == Kind::host ? skip_to(value, not_in_host) : skip_value(value, end);
  if (!stands_at(line_end, "\r\n") || is_blank(line_end[2])) return nullptr;
  const char* value_end = line_end;
  while (value_end != value && is_blank(value_end[-1])) --value_end;
  field.value = {value, static_cast<std::size_t>(value_end - value)};
  return line_end + 2;
}

}  // namespace

const char* read_plain_head(std::string_view input, const PlainLimits& limits, HeaderField* fields,
                            Request& request) noexcept {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  if (input.size() < shortest.size() || !stands_at(begin, "GET /") || !stands_at(end - 4, "\r\n\r\n")) return nullptr;
  Request::KnownTarget target;  // Left unset.
  const char* at = read_target(begin + 4, target);
  constexpr std::string_view version = " HTTP/1.1\r\n";
  if (!at || static_cast<std::size_t>(end - at) < version.size() + 2) return nullptr;
  if (!stands_at(at, " HTTP/1.1\r\n")) return nullptr;
  at += version.size();
  std::size_t count = 0;
  int hosts = 0;
  for (; *at != '\r'; ++count) {
    if (count == limits.fields) return nullptr;
    Kind kind{};
    at = read_field(at, end, fields[count], kind);
    if (!at || kind == Kind::special) return nullptr;
    if (kind == Kind::host) ++hosts;
    else if (kind == Kind::connection && !equal_ignoring_case(fields[count].value, "keep-alive")) return nullptr;
  }
  if (hosts != 1 || at[1] != '\n' || static_cast<std::size_t>(at + 2 - begin) > limits.size) return nullptr;
  std::construct_at(&request, Method::get, target, Headers{{fields, count}});
  return at + 2;
}

}  // namespace umbel::http1
