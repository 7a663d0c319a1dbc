// SPDX-License-Identifier: MIT
#include "umbel/core/response.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "../support/allocations.hpp"

namespace umbel {
namespace {

class Writes {
public:
  Buffer take() { return Buffer{"{}"}; }
};

TEST(Response, IsAnEmpty200AtFirst) {
  const Response response;

  EXPECT_EQ(response.status(), 200);
  EXPECT_EQ(response.body(), "");
  EXPECT_EQ(response.content_type(), "");
  EXPECT_EQ(response.header_lines(), "");
}

TEST(Response, KnowsItsContentTypes) {
  EXPECT_EQ(Response::text("t").content_type(), "text/plain; charset=utf-8");
  EXPECT_EQ(Response::html("h").content_type(), "text/html; charset=utf-8");
  EXPECT_EQ(Response::json("{}").content_type(), "application/json");
  EXPECT_EQ(Response::json(Buffer{"{}"}).content_type(), "application/json");
  EXPECT_EQ(Response::json(Writes{}, 201).content_type(), "application/json");
  EXPECT_EQ(Response::bytes("image/png", "p").content_type(), "image/png");
}

TEST(Response, KeepsStatusAndBody) {
  const Response response = Response::text("created", 201).header("location", "/items/7");

  EXPECT_EQ(response.status(), 201);
  EXPECT_EQ(response.body(), "created");
  EXPECT_EQ(response.header("Location"), "/items/7");
  EXPECT_EQ(response.header_lines(), "location: /items/7\r\n");
}

TEST(Response, AContentTypeThatIsSetReplacesTheKnownOne) {
  const Response set = Response::text("x").header("Content-Type", "text/markdown");
  const Response appended = Response::text("x").append_header("content-type", "text/markdown");

  for (const Response* response : {&set, &appended}) {
    EXPECT_EQ(response->known_content_type(), "");
    EXPECT_EQ(response->content_type(), "text/markdown");
    EXPECT_EQ(response->header("content-type"), "text/markdown");
  }
}

TEST(Response, MayBeChanged) {
  Response response = Response::text("a");

  response.status(404).header("x", "1").header("x", "2").append_header("set-cookie", "a=1");
  response.append_header("set-cookie", "b=2").body(Buffer{"b"});

  EXPECT_EQ(response.status(), 404);
  EXPECT_EQ(response.body(), "b");
  EXPECT_EQ(response.header_lines(), "x: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n");
}

TEST(Response, TakesFieldsInFrontOfItsOwn) {
  Response response = Response::text("a").header("x", "1");
  ResponseHeaders before;
  before.append("x", "0");
  before.append("y", "2");

  response.prepend_headers(std::move(before));

  EXPECT_EQ(response.header_lines(), "x: 0\r\ny: 2\r\nx: 1\r\n");
  EXPECT_EQ(response.content_type(), "text/plain; charset=utf-8");
}

TEST(Response, HasNoBodyWhereHttpForbidsOne) {
  EXPECT_FALSE(Response::may_have_body(101));
  EXPECT_FALSE(Response::may_have_body(204));
  EXPECT_FALSE(Response::may_have_body(205));
  EXPECT_FALSE(Response::may_have_body(304));
  EXPECT_TRUE(Response::may_have_body(200));
  EXPECT_TRUE(Response::may_have_body(404));
}

TEST(Response, ShortRepliesAllocateNothingInTheSteadyState) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "not under sanitizers";
  const auto make = [] { return Response::text("hello").header("x-a", "1").append_header("x-b", "2"); };
  static_cast<void>(make());

  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) static_cast<void>(make());

  EXPECT_EQ(test::allocations(), before);
}

TEST(ResponseHeaders, SetReplacesAppendAddsRemoveRemoves) {
  ResponseHeaders headers;
  headers.append("a", "1");
  headers.append("b", "2");
  headers.append("A", "3");
  headers.append("c", "");

  EXPECT_EQ(headers.get("a"), "1");
  EXPECT_EQ(headers.get("c"), "");
  EXPECT_EQ(headers.get("d"), std::nullopt);
  headers.set("a", "4");
  EXPECT_EQ(headers.lines(), "b: 2\r\nc: \r\na: 4\r\n");
  headers.remove("C");
  headers.remove("b");
  headers.remove("a");

  EXPECT_TRUE(headers.empty());
}

TEST(ResponseHeaders, TakeAValueOfTheirOwn) {
  const std::string id(40, 'a');
  ResponseHeaders headers;
  headers.set("x-id", id);

  headers.set("x-copy", *headers.get("x-id"));
  headers.set("x-id", *headers.get("x-copy"));
  for (int i = 0; i < 3; ++i) headers.append("x-more", *headers.get("x-id"));

  EXPECT_EQ(headers.get("x-copy"), id);
  EXPECT_EQ(headers.get("x-id"), id);
  EXPECT_EQ(headers.get("x-more"), id);
}

TEST(ResponseHeaders, ANameThatBeginsAnotherIsNotTheSame) {
  ResponseHeaders headers;
  headers.set("x-token-kind", "k");
  headers.set("x-token", "t");

  EXPECT_EQ(headers.get("x-token"), "t");
  headers.remove("x-token");

  EXPECT_EQ(headers.lines(), "x-token-kind: k\r\n");
}

TEST(ResponseHeaders, RefuseWhatCouldSplitTheReply) {
  using namespace std::string_view_literals;
  ResponseHeaders headers;
  for (const std::string_view value : {"a\r\nb: c"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, "\x7f"sv}) {
    EXPECT_THROW(headers.set("x", value), std::invalid_argument);
    EXPECT_THROW(headers.append("x", value), std::invalid_argument);
  }
  for (const std::string_view name : {""sv, "a b"sv, "a:"sv, "a\r\n"sv, "\xc3\xa9"sv}) {
    EXPECT_THROW(headers.set(name, "v"), std::invalid_argument) << name;
  }

  EXPECT_NO_THROW(headers.set("x", "\t caf\xc3\xa9 "));
}

TEST(ResponseHeaders, RefuseTheTransportsOwnFields) {
  ResponseHeaders headers;
  for (const char* const name : {"Content-Length", "transfer-encoding", "CONNECTION", "date", "trailer", "upgrade"}) {
    EXPECT_THROW(headers.set(name, "1"), std::invalid_argument) << name;
  }

  EXPECT_TRUE(headers.empty());
}

TEST(ResponseHeaders, ARefusalNamesTheField) {
  ResponseHeaders headers;
  try {
    headers.set("x-note", "a\nb");
    FAIL() << "should have thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string{error.what()}.find("x-note"), std::string::npos);
  }
}

}  // namespace
}  // namespace umbel
