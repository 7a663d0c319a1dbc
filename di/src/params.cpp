// SPDX-License-Identifier: MIT
#include "umbel/di/params.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "percent.hpp"
#include "run_state.hpp"
#include "umbel/di/plan.hpp"

namespace umbel::detail {

namespace {

constexpr int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that the escape at `at` stands for; negative if it is none.
constexpr int escaped(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size()) return -1;
  const int high = digit(text[at + 1]);
  const int low = digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

constexpr std::string_view source_name(Source source) noexcept {
  switch (source) {
    case Source::path:
      return "path";
    case Source::query:
      return "query";
    case Source::header:
      return "header";
    case Source::cookie:
      return "cookie";
    default:
      return "body";
  }
}

}  // namespace

bool is_well_escaped(std::string_view text) noexcept {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (escaped(text, at) <= 0) return false;
  }
  return true;
}

std::string_view percent_decode(std::string_view text, PlusIs plus, Arena& arena) {
  const std::string_view special = plus == PlusIs::space ? "%+" : "%";
  if (text.find_first_of(special) == std::string_view::npos) return text;
  auto* const decoded = static_cast<char*>(arena.allocate(text.size()));
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? escaped(text, at) : -1;
    if (byte >= 0) at += 2;
    const char plain = text[at] == '+' && plus == PlusIs::space ? ' ' : text[at];
    decoded[size++] = byte >= 0 ? static_cast<char>(byte) : plain;
  }
  return {decoded, size};
}

std::string_view Resolver::path_value(std::uint32_t index) {
  const Capture& sent = static_cast<const Capture*>(at(plan_->captures_))[index];
  const std::string_view text{sent.data, sent.size};
  return escapes_ == Escapes::none ? text : percent_decode(text, PlusIs::plus, arena_);
}

namespace {

bool is_same(const char* text, std::string_view name) noexcept {
  std::size_t i = 0;
  while (i != name.size() && text[i] == name[i]) ++i;
  return i == name.size();
}

/// The first `name=value`, or `name` alone, in a query whose keys need no decoding; null data if there is none. If
/// there is a plus in it, that far.
std::string_view raw_query_value(std::string_view query, std::string_view name, bool& has_plus) noexcept {
  const char* at = query.data();
  const char* const end = at + query.size();
  while (static_cast<std::size_t>(end - at) >= name.size() && at != end) {
    const char* const behind = at + name.size();
    if (is_same(at, name) && (behind == end || *behind == '=' || *behind == '&')) {
      const char* const value = behind + (behind != end && *behind == '=');
      const char* stop = value;
      while (stop != end && *stop != '&' && *stop != '+') ++stop;
      has_plus = stop != end && *stop == '+';
      return {value, static_cast<std::size_t>(stop - value)};
    }
    while (at != end && *at != '&') ++at;
    if (at != end) ++at;
  }
  return {};
}

}  // namespace

std::optional<std::string_view> Resolver::query_value(const QueryName& name) {
  // A plus stands for a space in a key, too; but few names have one.
  if (escapes_ == Escapes::some || name.has_space) return escaped_query_value(name.text);
  bool has_plus = false;
  const std::string_view value = raw_query_value(request_->query(), name.text, has_plus);
  if (has_plus) [[unlikely]]
    return escaped_query_value(name.text);
  return value.data() ? std::optional{value} : std::nullopt;
}

std::optional<std::string_view> Resolver::escaped_query_value(std::string_view name) {
  std::string_view rest = request_->query();
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals), PlusIs::space, arena_) != name) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())), PlusIs::space, arena_);
  }
  return std::nullopt;
}

// --- several of one name --------------------------------------------------------------------------------------------

std::optional<std::string_view> QueryValues::next() {
  while (!rest_.empty()) {
    const std::string_view pair = rest_.substr(0, rest_.find('&'));
    rest_.remove_prefix(std::min(pair.size() + 1, rest_.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (percent_decode(pair.substr(0, equals), PlusIs::space, *arena_) != name_) continue;
    if (pair.empty()) continue;
    return percent_decode(pair.substr(std::min(equals + 1, pair.size())), PlusIs::space, *arena_);
  }
  return std::nullopt;
}

std::optional<std::string_view> HeaderValues::next() noexcept {
  while (at_ != end_) {
    const HeaderField& field = *at_++;
    if (equal_ignoring_case(field.name, name_)) return field.value;
  }
  return std::nullopt;
}

// --- cookies --------------------------------------------------------------------------------------------------------

namespace {

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

std::string_view without_quotes(std::string_view value) noexcept {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

std::optional<std::string_view> cookie_in(std::string_view pairs, std::string_view name) noexcept {
  while (!pairs.empty()) {
    const std::string_view pair = pairs.substr(0, pairs.find(';'));
    pairs.remove_prefix(std::min(pair.size() + 1, pairs.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || trimmed(pair.substr(0, equals)) != name) continue;
    return without_quotes(trimmed(pair.substr(equals + 1)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> cookie_value(const Headers& headers, std::string_view name) noexcept {
  for (const HeaderField& field : headers) {
    if (!equal_ignoring_case(field.name, "cookie")) continue;
    if (const auto value = cookie_in(field.value, name)) return value;
  }
  return std::nullopt;
}

// --- what is wrong --------------------------------------------------------------------------------------------------

void Resolver::report(ValidationItem item) {
  std::unique_ptr<ValidationError>& invalid = trouble().invalid;
  if (!invalid) invalid = std::make_unique<ValidationError>();
  invalid->add(std::move(item));
}

namespace {

std::vector<LocationPart> location(const ValueInfo& info, ListIndex index) {
  std::vector<LocationPart> loc{source_name(info.source), info.name};
  if (index != no_index) loc.emplace_back(index);
  return loc;
}

void add_bound(ValidationItem& item, const Violation& broken) {
  broken.bound.visit([&](auto bound) { item.context(broken.key, bound); });
}

}  // namespace

void report_missing(Resolver& resolver, const ValueInfo& info) {
  resolver.report(ValidationItem{"missing", location(info, no_index), "Field required"});
}

void report_text(Resolver& resolver, const ValueInfo& info, const ConvertError& error, std::string_view text,
                 ListIndex index) {
  ValidationItem item{std::string{error.type}, location(info, index), std::string{error.message}, text};
  if (!error.expected.empty()) item.context("expected", error.expected);
  resolver.report(std::move(item));
}

void report_broken(Resolver& resolver, const ValueInfo& info, const Violation& broken, std::string_view text,
                   ListIndex index) {
  ValidationItem item{std::string{broken.type}, location(info, index), message_of(broken), text};
  add_bound(item, broken);
  resolver.report(std::move(item));
}

void report_list(Resolver& resolver, const ValueInfo& info, const Violation& broken, std::size_t size,
                 std::string input) {
  ValidationItem item{std::string{broken.type}, location(info, no_index), message_of(broken) + std::to_string(size)};
  item.input = std::move(input);
  item.context("field_type", "List");
  add_bound(item, broken);
  item.context("actual_length", size);
  resolver.report(std::move(item));
}

void append_text(std::string& json, std::string_view text) {
  json += json.empty() ? '[' : ',';
  json += ValidationItem{"", {}, "", text}.input;
}

}  // namespace umbel::detail
