// SPDX-License-Identifier: MIT
// What is wrong with requests, and what their clients are told, in process: each case of the files beside this one is
// sent, and its answer held against the one that is written there.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "cases.hpp"
#include "shop.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

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
  if (std::optional<std::string> body = body_of(test)) request.body(std::move(*body));
  return request;
}

class Corpus : public ::testing::TestWithParam<const char*> {
protected:
  Corpus() { add_routes(app); }

  App app;
};

TEST_P(Corpus, IsAnsweredAsItSays) {
  const JsonReader cases = read_corpus(GetParam());
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

INSTANTIATE_TEST_SUITE_P(OfFiles, Corpus, ::testing::ValuesIn(corpus_files), name_of_file);

}  // namespace
}  // namespace umbel::test
