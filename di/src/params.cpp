// SPDX-License-Identifier: MIT
#include "umbel/di/params.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "percent.hpp"
#include "run_state.hpp"
#include "umbel/di/plan.hpp"
#include "umbel/json/detail/plain_text.hpp"
#include "umbel/json/model_reader.hpp"

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

namespace {

/// Bytes that come one by one, as RFC 3629 section 4 allows them.
class Utf8Check {
public:
  /// False if no text goes on so.
  bool push(int byte) noexcept {
    if (left_ > 0) {
      const bool is_good = byte >= min_ && byte <= max_;
      --left_, min_ = 0x80, max_ = 0xBF;
      return is_good;
    }
    const CodePointShape shape = code_point_shape(static_cast<unsigned char>(byte));
    if (shape.length > 1) left_ = shape.length - 1, min_ = shape.second_min, max_ = shape.second_max;
    return shape.length > 0;
  }
  bool is_whole() const noexcept { return left_ == 0; }

private:
  std::size_t left_ = 0;
  int min_ = 0x80;
  int max_ = 0xBF;
};

/// `lowest`: of the bytes that an escape may stand for.
Encoding encoding_with(std::string_view text, int lowest) noexcept {
  Utf8Check check;
  for (std::size_t at = 0; at < text.size(); ++at) {
    int byte = static_cast<unsigned char>(text[at]);
    if (byte == '%') {
      byte = escaped(text, at);
      if (byte < lowest) return Encoding::no_escape;
      at += 2;
    }
    if (!check.push(byte)) return Encoding::no_utf8;
  }
  return check.is_whole() ? Encoding::good : Encoding::no_utf8;
}

}  // namespace

bool is_good_path(std::string_view path) noexcept { return encoding_with(path, 1) == Encoding::good; }

Encoding encoding_of(std::string_view text) noexcept { return encoding_with(text, 0); }

bool is_utf8(std::string_view text) noexcept {
  Utf8Check check;
  for (const char c : text) {
    if (!check.push(static_cast<unsigned char>(c))) return false;
  }
  return check.is_whole();
}

ConvertError words_for(Encoding encoding) noexcept {
  if (encoding == Encoding::no_utf8)
    return {"string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string"};
  return {"percent_encoding", "Input should be percent-encoded, with two hexadecimal digits behind each percent sign"};
}

std::size_t percent_decode(std::string_view text, PlusIs plus, char* out) noexcept {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? escaped(text, at) : -1;
    if (byte >= 0) at += 2;
    const char plain = text[at] == '+' && plus == PlusIs::space ? ' ' : text[at];
    out[size++] = byte >= 0 ? static_cast<char>(byte) : plain;
  }
  return size;
}

std::string_view percent_decode(std::string_view text, PlusIs plus, Arena& arena) {
  const std::string_view special = plus == PlusIs::space ? "%+" : "%";
  if (text.find_first_of(special) == std::string_view::npos) return text;
  auto* const decoded = static_cast<char*>(arena.allocate(text.size()));
  return {decoded, percent_decode(text, plus, decoded)};
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

QueryText Resolver::query_value(const QueryName& name) {
  // A plus stands for a space in a key, too; but few names have one.
  if (escapes_ == Escapes::some || name.has_space) return escaped_query_value(name.text);
  bool has_plus = false;
  const std::string_view value = raw_query_value(request_->query(), name.text, has_plus);
  if (has_plus) [[unlikely]]
    return escaped_query_value(name.text);
  return {value, value.data() ? QueryText::State::good : QueryText::State::missing};
}

namespace {

/// Takes the first value of that name off the front of a query.
QueryText take_value(std::string_view& rest, std::string_view name, Arena& arena) {
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.empty() || percent_decode(pair.substr(0, equals), PlusIs::space, arena) != name) continue;
    const std::string_view sent = pair.substr(std::min(equals + 1, pair.size()));
    switch (encoding_of(sent)) {
      case Encoding::good:
        return {percent_decode(sent, PlusIs::space, arena), QueryText::State::good};
      case Encoding::no_escape:
        return {sent, QueryText::State::no_escape};
      case Encoding::no_utf8:
        return {sent, QueryText::State::no_utf8};
    }
  }
  return {{}, QueryText::State::missing};
}

}  // namespace

QueryText Resolver::escaped_query_value(std::string_view name) {
  std::string_view rest = request_->query();
  return take_value(rest, name, arena_);
}

// --- several of one name --------------------------------------------------------------------------------------------

QueryText QueryValues::next() { return take_value(rest_, name_, *arena_); }

QueryText HeaderValues::next() noexcept {
  while (at_ != end_) {
    const HeaderField& field = *at_++;
    if (equal_ignoring_case(field.name, name_)) return {field.value, QueryText::State::good};
  }
  return {{}, QueryText::State::missing};
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
  if (invalid->items().size() < most_model_errors) invalid->add(std::move(item));
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

void report_encoding(Resolver& resolver, const ValueInfo& info, const QueryText& sent, ListIndex index) {
  const ConvertError error =
      words_for(sent.state == QueryText::State::no_escape ? Encoding::no_escape : Encoding::no_utf8);
  report_text(resolver, info, error, sent.text, index);
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
