// SPDX-License-Identifier: MIT
// What is wrong with requests, and what their clients are told: each case of the files beside this one is sent, and its
// answer held against the one that is written there. A `body` is UTF-8; in `bytes`, U+0080 to U+00FF are single bytes.
// A case with a `type` in place of an `answer` is told that type, whatever else the error says.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "shop.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

bool is_same(JsonValue one, JsonValue other);

bool is_number(JsonValue value) { return value.type() == JsonType::integer || value.type() == JsonType::real; }

bool has_same_elements(JsonArray one, JsonArray other) {
  if (one.size() != other.size()) return false;
  auto at = other.begin();
  for (const JsonValue element : one) {
    if (!is_same(element, *at)) return false;
    ++at;
  }
  return true;
}

bool has_same_members(JsonObject one, JsonValue other) {
  if (one.size() != other.as_object().size()) return false;
  for (const auto [name, value] : one) {
    const std::optional<JsonValue> same = other.find(name);
    if (!same || !is_same(value, *same)) return false;
  }
  return true;
}

/// Whatever the order of the members, and however numbers are written.
bool is_same(JsonValue one, JsonValue other) {
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

/// The bytes that the characters stand for.
std::string bytes_of(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) bytes += text[i];
    else bytes += static_cast<char>((first & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F));
  }
  return bytes;
}

Method method_of(std::string_view name) {
  for (const Method method : {Method::get, Method::post, Method::put, Method::patch, Method::delete_}) {
    if (to_string(method) == name) return method;
  }
  throw std::invalid_argument{"an unknown method"};
}

OwnedRequest request_of(JsonValue test) {
  const std::string line{test["request"].as_string()};
  const std::size_t space = line.find(' ');
  OwnedRequest request{method_of(std::string_view{line}.substr(0, space)), line.substr(space + 1)};
  if (const auto headers = test.find("headers")) {
    for (const auto [name, value] : headers->as_object())
      request.header(std::string{name}, std::string{value.as_string()});
  }
  if (const auto bytes = test.find("bytes")) request.body(bytes_of(bytes->as_string()));
  else if (const auto body = test.find("body")) request.body(std::string{body->as_string()});
  return request;
}

class Corpus : public ::testing::TestWithParam<const char*> {
protected:
  Corpus() { add_routes(app); }

  static bool is_as_told(JsonValue test, const std::string& body) {
    const JsonReader answer{body};
    const auto type = test.find("type");
    if (!type) return is_same(test["answer"], answer.root());
    const JsonArray detail = answer.root()["detail"].as_array();
    const JsonValue error = *detail.begin();
    return detail.size() == 1 && error["type"].as_string() == type->as_string() &&
           error["loc"].as_array().begin().operator*().as_string() == "body";
  }

  App app;
};

TEST_P(Corpus, IsAnsweredAsItSays) {
  std::ifstream file{std::string{UMBEL_CORPUS "/"} + GetParam()};
  const JsonReader cases{std::string{std::istreambuf_iterator<char>{file}, {}}, {.depth = 200}};
  loopback::Client client{app};
  std::size_t count = 0;
  for (const JsonValue test : cases.root()["cases"].as_array()) {
    const loopback::Reply reply = client.send(request_of(test));
    EXPECT_EQ(reply.status(), test["status"].as_int()) << test["name"].as_string();
    EXPECT_TRUE(is_as_told(test, reply.body())) << test["name"].as_string() << "\n" << reply.body();
    ++count;
  }
  EXPECT_GT(count, 30u);
}

INSTANTIATE_TEST_SUITE_P(OfFiles, Corpus,
                         ::testing::Values("queries.json", "paths.json", "headers.json", "forms.json", "multipart.json",
                                           "json.json"),
                         [](const auto& file) {
                           const std::string_view name = file.param;
                           return std::string{name.substr(0, name.find('.'))};
                         });

}  // namespace
}  // namespace umbel::test
