// SPDX-License-Identifier: MIT
#include "umbel/di/params.hpp"

#include "percent.hpp"
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
    case Source::path: return "path";
    case Source::query: return "query";
    case Source::header: return "header";
    default: return "body";
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
  return percent_decode({sent.data, sent.size}, PlusIs::plus, arena_);
}

std::optional<std::string_view> Resolver::query_value(std::string_view name) {
  std::string_view rest = request_->query();
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : pair.size());
    const std::size_t equals = pair.find('=');
    std::string_view key = pair.substr(0, equals);
    if (key != name) {
      if (key.size() <= name.size() || key.find_first_of("%+") == std::string_view::npos) continue;
      key = percent_decode(key, PlusIs::space, arena_);
      if (key != name) continue;
    }
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
    return percent_decode(value, PlusIs::space, arena_);
  }
  return std::nullopt;
}

void Resolver::report(const ValueInfo& value, ConvertError error, std::optional<std::string_view> input) {
  if (!invalid_) invalid_ = std::make_unique<ValidationError>();
  std::optional<std::string> sent;
  if (input) sent.emplace(*input);
  invalid_->add({error.type, source_name(value.source), value.name, error.message, std::move(sent)});
}

}  // namespace umbel::detail
