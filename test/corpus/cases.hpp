// SPDX-License-Identifier: MIT
#pragma once
// The corpus: requests, and what their clients are told. A `body` is UTF-8; in `bytes`, U+0080 to U+00FF are single
// bytes. A case with a `type` in place of an `answer` is told that type, whatever else the error says.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "umbel/json/json_reader.hpp"

namespace umbel::test {

/// The files of the corpus, and their names as tests.
inline constexpr const char* corpus_files[] = {"queries.json", "paths.json",     "headers.json",
                                               "forms.json",   "multipart.json", "json.json"};
inline std::string name_of_file(const ::testing::TestParamInfo<const char*>& file) {
  const std::string_view name = file.param;
  return std::string{name.substr(0, name.find('.'))};
}

inline JsonReader read_corpus(const char* name) {
  std::ifstream file{std::string{UMBEL_CORPUS "/"} + name};
  return JsonReader{std::string{std::istreambuf_iterator<char>{file}, {}}, {.depth = 200}};
}

inline bool is_same(JsonValue one, JsonValue other);

inline bool is_number(JsonValue value) { return value.type() == JsonType::integer || value.type() == JsonType::real; }

inline bool has_same_elements(JsonArray one, JsonArray other) {
  if (one.size() != other.size()) return false;
  auto at = other.begin();
  for (const JsonValue element : one) {
    if (!is_same(element, *at)) return false;
    ++at;
  }
  return true;
}

inline bool has_same_members(JsonObject one, JsonValue other) {
  if (one.size() != other.as_object().size()) return false;
  for (const auto [name, value] : one) {
    const std::optional<JsonValue> same = other.find(name);
    if (!same || !is_same(value, *same)) return false;
  }
  return true;
}

/// Whatever the order of the members, and however numbers are written.
inline bool is_same(JsonValue one, JsonValue other) {
  if (is_number(one) && is_number(other)) return one.as_double() == other.as_double();
  if (one.type() != other.type()) return false;
  switch (one.type()) {
    case JsonType::array:
      return has_same_elements(one.as_array(), other.as_array());
    case JsonType::object:
      return has_same_members(one.as_object(), other);
    case JsonType::string:
      return one.as_string() == other.as_string();
    case JsonType::boolean:
      return one.as_bool() == other.as_bool();
    default:
      return true;
  }
}

/// The body of the reply is the one that the case tells.
inline bool is_as_told(JsonValue test, const std::string& body) {
  const JsonReader answer{body};
  const auto type = test.find("type");
  if (!type) return is_same(test["answer"], answer.root());
  const JsonArray detail = answer.root()["detail"].as_array();
  const JsonValue error = *detail.begin();
  return detail.size() == 1 && error["type"].as_string() == type->as_string() &&
         error["loc"].as_array().begin().operator*().as_string() == "body";
}

/// The bytes that the characters stand for.
inline std::string bytes_of(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) bytes += text[i];
    else bytes += static_cast<char>((first & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F));
  }
  return bytes;
}

/// Null if the case has none.
inline std::optional<std::string> body_of(JsonValue test) {
  if (const auto bytes = test.find("bytes")) return bytes_of(bytes->as_string());
  if (const auto body = test.find("body")) return std::string{body->as_string()};
  return std::nullopt;
}

}  // namespace umbel::test
