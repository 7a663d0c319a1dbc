// SPDX-License-Identifier: MIT
#include "umbel/di/validation.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <string>
#include <vector>

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

TEST(Validation, ListsEveryErrorOfTheGraphInWalkOrderAndRunsNothing) {  // Rules 29 and 30.
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

TEST(Validation, SendsInputWhoseEscapesAreNoUtf8AsItCame) {
  TestApp test;
  test.app.get("/", [](Query<"n", int>) {});

  const auto peer = test.ask("/?n=%ff%fe");

  EXPECT_EQ(peer->status(), 422);
  EXPECT_NE(peer->body().find(R"("input":"%ff%fe")"), std::string::npos) << peer->body();
}

TEST(Validation, SendsInputThatIsNoUtf8AsNull) {
  TestApp test;
  test.app.get("/", [](Query<"n", int>) {});

  const auto peer = test.ask("/?n=\xff\xfe");

  EXPECT_EQ(peer->status(), 422);
  EXPECT_NE(peer->body().find(R"("input":null)"), std::string::npos) << peer->body();
}

TEST(Validation, TellsTheFirstHundred) {
  TestApp test;
  test.app.get("/", [](Query<"n", std::vector<int>>, Query<"m", int>) {});
  std::string target = "/?n=x";
  for (int i = 1; i < 150; ++i) target += "&n=x";

  const std::string body = test.body(target);

  EXPECT_NE(body.find(R"("loc":["query","n",99])"), std::string::npos);
  EXPECT_EQ(body.find(R"("loc":["query","n",100])"), std::string::npos);
  EXPECT_EQ(body.find(R"("loc":["query","m"])"), std::string::npos);
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
  error.add({"caf\xe9", {"query", "caf\xe9"}, "caf\xe9"});

  const Response response = to_response(error);

  EXPECT_EQ(response.status(), 422);
  EXPECT_EQ(response.body(), R"({"detail":"Unprocessable Content"})");
}

std::string window(Query<"from", int> from, Query<"until", int> until) {
  if (*until < *from)
    throw ValidationError{"value_error", {"query", "until"}, "until lies before from", std::to_string(*until)};
  return "fine";
}
Task<std::string> later_window(Query<"from", int> from, Query<"until", int> until) {
  if (*until < *from) {
    throw ValidationError{"value_error", {"query", "until"}, "too early"}.add(
        ValidationItem{"value_error", {"body", "items", 3, "price"}, "too dear", "7"}
            .context("most", 5)
            .context("reason", "a \"rule\"")
            .context("share", 0.5));
  }
  co_return "fine";
}

TEST(Validation, ThrownByANodeIsTheAnswer) {
  TestApp test;
  test.app.get("/", window);
  test.app.get("/later", later_window);

  EXPECT_EQ(test.body("/?from=1&until=2"), "fine");
  EXPECT_EQ(test.status("/?from=2&until=1"), 422);
  EXPECT_EQ(
      test.body("/?from=2&until=1"),
      R"({"detail":[{"type":"value_error","loc":["query","until"],"msg":"until lies before from","input":"1"}]})");
  EXPECT_EQ(test.body("/later?from=2&until=1"),
            R"({"detail":[{"type":"value_error","loc":["query","until"],"msg":"too early","input":null},)"
            R"({"type":"value_error","loc":["body","items",3,"price"],"msg":"too dear","input":"7",)"
            R"("ctx":{"most":5,"reason":"a \"rule\"","share":0.5}}]})");
}

TEST(Validation, LeavesOutOfTheContextWhatJsonCannotSay) {
  const auto item =
      ValidationItem{"t", {"query", "q"}, "m"}.context("a", "\xff").context("b", 0.0 / 0.0).context("c", -1);

  EXPECT_EQ(item.ctx, R"("c":-1)");
}

TEST(Validation, KnowsNamesFromIndices) {
  const ValidationItem item{"t", {"query", "q", 0}, "m"};

  EXPECT_EQ(item.loc, (std::vector<LocationPart>{"query", std::string{"q"}, 0u}));
  EXPECT_FALSE(item.loc[1].is_index());
  EXPECT_TRUE(item.loc[2].is_index());
  EXPECT_NE(LocationPart{0}, LocationPart{""});
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
