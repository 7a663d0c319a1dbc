// SPDX-License-Identifier: MIT
#include "umbel/di/validation.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <string>

#include "journal.hpp"
#include "peer.hpp"
#include "umbel/di/params.hpp"

namespace umbel::test {
namespace {

int under(Query<"y", int> y) {
  journal().write("ran");
  return *y;
}
Task<int> beside(Query<"z", double>, Depends<under>) {
  journal().write("ran");
  co_return 1;
}
Task<std::string> bad_in_every_place(Query<"x", int>, Depends<beside>, Header<"h", bool>, Query<"missing">,
                                     Query<"x", int>) {
  journal().write("ran");
  co_return "";
}

TEST(Validation, ListsEveryErrorOfTheGraphInWalkOrderAndRunsNothing) {
  journal().take();
  TestApp test;
  test.app.get("/", bad_in_every_place);
  OwnedRequest request{Method::get, "/?x=a&y=b&z=c"};
  request.header("H", "d");

  const auto peer = test.ask(std::move(request));

  EXPECT_EQ(peer->status(), 422);
  EXPECT_EQ(peer->response().content_type(), "application/json");
  const auto item = [](std::string type, std::string loc, std::string msg, std::string input) {
    return R"({"type":")" + type + R"(","loc":[)" + loc + R"(],"msg":")" + msg + R"(","input":)" + input + "}";
  };
  const std::string not_int = "Input should be a valid integer, unable to parse string as an integer";
  // Rule 29: what a node depends on comes before its own, and its own by kind.
  EXPECT_EQ(peer->body(), R"({"detail":[)" + item("int_parsing", R"("query","y")", not_int, R"("b")") + "," +
                              item("float_parsing", R"("query","z")",
                                   "Input should be a valid number, unable to parse string as a number", R"("c")") +
                              "," + item("int_parsing", R"("query","x")", not_int, R"("a")") + "," +
                              item("missing", R"("query","missing")", "Field required", "null") + "," +
                              item("bool_parsing", R"("header","h")",
                                   "Input should be a valid boolean, unable to interpret input", R"("d")") +
                              "]}");
  EXPECT_EQ(journal().take(), "");
}

TEST(Validation, SendsInputThatIsNoUtf8AsNull) {
  TestApp test;
  test.app.get("/", [](Query<"n", int>) {});

  const auto peer = test.ask("/?n=%ff%fe");

  EXPECT_EQ(peer->status(), 422);
  EXPECT_NE(peer->body().find(R"("input":null)"), std::string::npos) << peer->body();
}

TEST(Validation, EscapesWhatTheClientSent) {
  TestApp test;
  test.app.get("/", [](Query<"n", int>) {});

  EXPECT_NE(test.body("/?n=%22%5C%0A%3Cscript%3E").find(R"("input":"\"\\\n<script>")"), std::string::npos);
}

TEST(Validation, OfAnHttpErrorKeepsItsHeaders) {
  const Response response =
      to_response(Error{HttpError{401, "who?"}.header("www-authenticate", "Bearer").header("x", "")});

  EXPECT_EQ(response.status(), 401);
  EXPECT_EQ(response.header("www-authenticate"), "Bearer");
  EXPECT_EQ(response.header("x"), "");
  EXPECT_EQ(response.body(), R"({"detail":"who?"})");
}

TEST(Validation, InWordsThatAreNoUtf8IsStillJson) {
  ValidationError error;
  error.add({"caf\xe9", "query", "caf\xe9", "caf\xe9", std::nullopt});

  const Response response = to_response(error);

  EXPECT_EQ(response.status(), 422);
  EXPECT_EQ(response.body(), R"({"detail":"Unprocessable Content"})");
}

TEST(Validation, OfADetailThatIsNoUtf8IsStillJson) {
  EXPECT_EQ(to_response(Error{HttpError{400, "\xff"}}).body(), R"({"detail":"not text"})");
}

TEST(Validation, AnswersWhatIsNoHttpErrorWithoutTellingWhat) {
  EXPECT_EQ(to_response(Error{std::make_exception_ptr(7)}).body(), R"({"detail":"Internal Server Error"})");
  EXPECT_EQ(to_response(Error{std::make_exception_ptr(Cancelled{})}).status(), 503);
  EXPECT_EQ(to_response(Error{std::make_exception_ptr(HttpError{404})}).status(), 404);
  EXPECT_EQ(to_response(Error{std::make_exception_ptr(ValidationError{})}).status(), 422);
}

}  // namespace
}  // namespace umbel::test
