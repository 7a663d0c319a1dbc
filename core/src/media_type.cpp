// SPDX-License-Identifier: MIT
#include "umbel/core/media_type.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace umbel {

namespace {

using std::string_view;

constexpr string_view unknown_type = "application/octet-stream";

// Text has a charset, as FastAPI's file responses have it. In order, for a binary search.
constexpr std::pair<string_view, string_view> types[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"geojson", "application/geo+json"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jar", "application/java-archive"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"m4a", "audio/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};
static_assert(std::is_sorted(std::begin(types), std::end(types)));

string_view trimmed(string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The text up to the next `separator` that does not stand in quotes (RFC 9110 section 5.6.4), which is taken as well.
string_view take_part(string_view& rest, char separator) noexcept {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (is_quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') is_quoted = !is_quoted;
    else if (is_quoted && rest[end] == '\\') ++end;
  }
  end = std::min(end, rest.size());
  const string_view part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// In thousandths; of what is none, nothing (section 12.4.2).
std::optional<int> weight_from(string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int place = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    weight += (digit - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? std::optional{weight} : std::nullopt;
}

string_view unquoted(string_view value) noexcept {
  return value.size() >= 2 && value.front() == '"' && value.back() == '"' ? value.substr(1, value.size() - 2) : value;
}

struct Parameter {
  string_view name;
  string_view value;
};

std::optional<Parameter> take_parameter(string_view& rest) noexcept {
  const string_view part = take_part(rest, ';');
  const std::size_t equals = part.find('=');
  if (equals == 0 || equals == string_view::npos) return std::nullopt;
  return Parameter{trimmed(part.substr(0, equals)), unquoted(trimmed(part.substr(equals + 1)))};
}

bool has_parameter(string_view parameters, const Parameter& wanted) noexcept {
  while (!parameters.empty()) {
    const auto own = take_parameter(parameters);
    if (own && equal_ignoring_case(own->name, wanted.name) && equal_ignoring_case(own->value, wanted.value))
      return true;
  }
  return false;
}

/// How exactly a range names the type: 0 if it does not, 1 of `*/*`, 2 of `text/*`, 3 of the type, more with
/// parameters.
int fit_of(string_view range, string_view type) noexcept {
  if (range == "*/*") return 1;
  if (equal_ignoring_case(range, type)) return 3;
  const std::size_t slash = range.find('/');
  const bool is_family = slash != string_view::npos && range.substr(slash) == "/*" && type.size() > slash;
  return is_family && equal_ignoring_case(range.substr(0, slash + 1), type.substr(0, slash + 1)) ? 2 : 0;
}

struct Wish {
  int fit = 0;
  int weight = 0;
};

/// A media range with its parameters and weight; no fit if it is about something else, or malformed.
Wish wish_from(string_view element, string_view type, string_view parameters) noexcept {
  Wish wish{fit_of(take_part(element, ';'), type), 1000};
  while (wish.fit > 0 && !element.empty()) {
    const auto parameter = take_parameter(element);
    if (!parameter) continue;
    if (equal_ignoring_case(parameter->name, "q")) {
      const auto weight = weight_from(parameter->value);
      return weight ? Wish{wish.fit, *weight} : Wish{};
    }
    if (!has_parameter(parameters, *parameter)) return {};
    ++wish.fit;
  }
  return wish;
}

}  // namespace

std::string_view media_type_of(std::string_view file_name) noexcept {
  const std::size_t dot = file_name.rfind('.');
  const std::size_t slash = file_name.rfind('/');
  if (dot == string_view::npos || (slash != string_view::npos && slash > dot)) return unknown_type;
  std::array<char, 16> lower{};
  const string_view extension = file_name.substr(dot + 1);
  if (extension.size() > lower.size()) return unknown_type;
  std::transform(extension.begin(), extension.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  const string_view wanted{lower.data(), extension.size()};
  const auto found = std::lower_bound(std::begin(types), std::end(types), wanted,
                                      [](const auto& entry, string_view name) { return entry.first < name; });
  return found != std::end(types) && found->first == wanted ? found->second : unknown_type;
}

int acceptance(const Request& request, std::string_view type) {
  string_view parameters = type;
  const string_view essence = take_part(parameters, ';');
  bool is_asked = false;
  Wish best;
  for (const HeaderField& field : request.headers()) {
    if (!equal_ignoring_case(field.name, "accept")) continue;
    string_view rest = field.value;
    while (!rest.empty()) {
      const string_view element = take_part(rest, ',');
      if (element.empty()) continue;
      is_asked = true;
      const Wish wish = wish_from(element, essence, parameters);
      if (wish.fit > best.fit) best = wish;
    }
  }
  return is_asked ? best.weight : 1000;
}

std::optional<std::size_t> choose_media_type(const Request& request, std::span<const std::string_view> offered) {
  std::optional<std::size_t> best;
  int most = 0;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const int wanted = acceptance(request, offered[i]);
    if (wanted > most) most = wanted, best = i;
  }
  return best;
}

}  // namespace umbel
