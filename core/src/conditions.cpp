// SPDX-License-Identifier: MIT
#include "umbel/core/conditions.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "umbel/core/http_date.hpp"

namespace umbel {

namespace {

using std::string_view;

void trim_front(string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

string_view trimmed(string_view text) noexcept {
  trim_front(text);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

constexpr bool is_weak(string_view etag) noexcept { return etag.starts_with("W/"); }
constexpr string_view opaque(string_view etag) noexcept { return is_weak(etag) ? etag.substr(2) : etag; }

// Section 8.8.3.2.
bool match_strongly(string_view a, string_view b) noexcept { return !is_weak(a) && a == b; }
bool match_weakly(string_view a, string_view b) noexcept { return opaque(a) == opaque(b); }

/// The next tag of a list; empty at its end, or where it is malformed.
string_view take_tag(string_view& list) noexcept {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
  const std::size_t quote = is_weak(list) ? 2 : 0;
  if (list.size() <= quote || list[quote] != '"') return {};
  const std::size_t end = list.find('"', quote + 1);
  if (end == string_view::npos) return {};
  const string_view tag = list.substr(0, end + 1);
  list.remove_prefix(tag.size());
  return tag;
}

template <class Match>
bool lists(string_view list, string_view etag, Match match) noexcept {
  if (trimmed(list) == "*") return true;
  for (string_view tag = take_tag(list); !tag.empty(); tag = take_tag(list)) {
    if (!etag.empty() && match(tag, etag)) return true;
  }
  return false;
}

/// Of all fields of that name; nothing if there is none.
template <class Match>
std::optional<bool> field_lists(const Request& request, string_view name, string_view etag, Match match) noexcept {
  std::optional<bool> found;
  for (const HeaderField& field : request.headers()) {
    if (equal_ignoring_case(field.name, name)) found = found.value_or(false) || lists(field.value, etag, match);
  }
  return found;
}

std::optional<std::chrono::sys_seconds> date_in(const Request& request, string_view name) noexcept {
  const auto text = request.header(name);
  return text ? http_date_from(*text) : std::nullopt;
}

// Section 13.1.5: a date is a strong validator if the state could not have changed again within its second.
bool range_still_holds(const Request& request, const Validators& validators, std::chrono::sys_seconds now) {
  const auto field = request.header("if-range");
  if (!field) return true;
  if (field->starts_with('"') || is_weak(*field)) return match_strongly(*field, validators.etag);
  const auto date = http_date_from(*field);
  return date && date == validators.last_modified && *date + std::chrono::seconds{1} <= now;
}

/// Digits; as many as there are, and a number that is too large is as large as can be.
std::optional<std::uint64_t> take_number(string_view& text) noexcept {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::optional<std::uint64_t> number;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    const std::uint64_t before = number.value_or(0);
    number = before > (most - digit) / 10 ? most : before * 10 + digit;
  }
  return number;
}

enum class Spec : std::uint8_t { malformed, outside, inside };

// Section 14.1.2.
Spec read_spec(string_view text, std::uint64_t size, ByteRange& range) noexcept {
  const auto first = take_number(text);
  if (!text.starts_with('-')) return Spec::malformed;
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!text.empty() || (!first && !last) || (first && last && *last < *first)) return Spec::malformed;
  if (!first) {
    const std::uint64_t suffix = std::min(*last, size);
    range = {size - suffix, suffix};
    return suffix > 0 ? Spec::inside : Spec::outside;
  }
  if (*first >= size) return Spec::outside;
  range = {*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
  return Spec::inside;
}

AskedRange read_ranges(string_view set, std::uint64_t size) noexcept {
  std::size_t count = 0;
  std::size_t inside = 0;
  AskedRange asked;
  while (!set.empty()) {
    const std::size_t comma = std::min(set.find(','), set.size());
    const string_view spec = trimmed(set.substr(0, comma));
    set.remove_prefix(std::min(comma + 1, set.size()));
    if (spec.empty()) continue;
    ++count;
    ByteRange range{0, 0};
    const Spec read = read_spec(spec, size, range);
    if (read == Spec::malformed) return {};
    if (read == Spec::inside && ++inside == 1) asked = {AskedRange::Kind::part, range};
  }
  if (inside > 1 || count == 0) return {};
  if (inside == 0) asked.kind = AskedRange::Kind::unsatisfiable;
  return asked;
}

}  // namespace

Condition check_conditions(const Request& request, const Validators& validators) noexcept {
  const bool is_safe = request.method() == Method::get || request.method() == Method::head;
  if (const auto found = field_lists(request, "if-match", validators.etag, match_strongly)) {
    if (!*found) return Condition::failed;
  } else if (const auto date = date_in(request, "if-unmodified-since"); date && validators.last_modified) {
    if (*validators.last_modified > *date) return Condition::failed;
  }
  if (const auto found = field_lists(request, "if-none-match", validators.etag, match_weakly)) {
    if (*found) return is_safe ? Condition::not_modified : Condition::failed;
  } else if (const auto date = date_in(request, "if-modified-since"); is_safe && date && validators.last_modified) {
    if (*validators.last_modified <= *date) return Condition::not_modified;
  }
  return Condition::holds;
}

AskedRange check_range(const Request& request, const Validators& validators, std::uint64_t size,
                       std::chrono::sys_seconds now) {
  constexpr string_view unit = "bytes=";
  const auto field = request.method() == Method::get ? request.header("range") : std::nullopt;
  if (!field || field->size() < unit.size() || !equal_ignoring_case(field->substr(0, unit.size()), unit)) return {};
  if (!range_still_holds(request, validators, now)) return {};
  return read_ranges(field->substr(unit.size()), size);
}

}  // namespace umbel
