// SPDX-License-Identifier: MIT
#include "umbel/di/params.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal.hpp"
#include "peer.hpp"
#include "umbel/di/convert.hpp"

namespace umbel::test {

enum class Colour { red, green };
struct Even {
  int value;
};

}  // namespace umbel::test

namespace umbel {

template <>
struct FromText<test::Colour> {
  static ConvertError convert(std::string_view text, std::optional<test::Colour>& out) {
    if (text == "red") out = test::Colour::red;
    if (text == "green") out = test::Colour::green;
    return out ? ConvertError{} : ConvertError{"enum", "Input should be 'red' or 'green'"};
  }
};
template <>
struct FromText<test::Even> {
  static ConvertError convert(std::string_view text, std::optional<test::Even>&) {
    if (text == "throw") throw HttpError{418, "cannot convert"};
    throw 1;
  }
};

}  // namespace umbel

namespace umbel::test {
namespace {

class Params : public ::testing::Test, public TestApp {
protected:
  template <class Handler>
  std::string answer(Handler handler, std::string target) {
    TestApp test;
    test.app.get("/", handler);
    return test.body(std::move(target));
  }
};

std::string text_of(Query<"q"> q) { return std::string{*q}; }

TEST_F(Params, AreDecoded) {
  EXPECT_EQ(answer(text_of, "/?q=a%20b%2Bc%26d"), "a b+c&d");
  EXPECT_EQ(answer(text_of, "/?q=a+b"), "a b");
  EXPECT_EQ(answer(text_of, "/?q=a=b"), "a=b");
  EXPECT_EQ(answer(text_of, "/?q=%00").size(), 1u);
  EXPECT_EQ(answer(text_of, "/?q=%C3%A9%F0%9F%8C%B1"), "\xc3\xa9\xf0\x9f\x8c\xb1");
}

TEST_F(Params, WithoutValidEscapesAreRefused) {
  const std::string words =
      R"("msg":"Input should be percent-encoded, with two hexadecimal digits behind each percent sign")";
  for (const std::string value : {"100%", "%zz", "%4", "a%", "%%41", "%C3%A9%1"}) {
    EXPECT_EQ(answer(text_of, "/?q=" + value), R"({"detail":[{"type":"percent_encoding","loc":["query","q"],)" + words +
                                                   R"(,"input":")" + value + R"("}]})");
  }
  EXPECT_EQ(answer([](Query<"n", std::optional<int>>) { return "ok"; }, "/?n=%zz").find("ok"), std::string::npos);
  EXPECT_EQ(answer(text_of, "/?other=100%&q=a%20b"), "a b") << "of what nobody takes, nobody asks";
  EXPECT_EQ(answer(text_of, "/?%zz=1&q=2"), "2");
}

TEST_F(Params, WhoseEscapesMakeNoTextAreRefused) {
  const std::string words = R"("msg":"Input should be a valid string, unable to parse raw data as a unicode string")";
  for (const std::string value : {"%FF", "a%C3", "%C3+%A9", "%C0%80", "%ED%A0%80", "%F5%80%80%80", "%E2%82"}) {
    EXPECT_EQ(answer(text_of, "/?q=" + value), R"({"detail":[{"type":"string_unicode","loc":["query","q"],)" + words +
                                                   R"(,"input":")" + value + R"("}]})");
  }
}

TEST_F(Params, OfAListThatAreNotEncodedAreEachRefused) {
  const std::string body = answer([](Query<"n", std::vector<int>>) {}, "/?n=1&n=%zz&n=%FF&n=x");

  EXPECT_NE(body.find(R"("type":"percent_encoding","loc":["query","n",1])"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("type":"string_unicode","loc":["query","n",2])"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("type":"int_parsing","loc":["query","n",3])"), std::string::npos) << body;
}

TEST_F(Params, OfAPathThatIsNoTextAreA400) {
  app.get("/{name}", [](Path<"name"> name) { return std::string{*name}; });

  EXPECT_EQ(body("/%C3%A9"), "\xc3\xa9");
  for (const char* const path : {"/%", "/%4", "/%zz", "/%00", "/%FF", "/%C3", "/%C3/%A9", "/%ED%A0%80"}) {
    EXPECT_EQ(status(path), 400) << path;
  }
}

TEST_F(Params, HaveSpacesForPlusesOfTheirOwn) {
  EXPECT_EQ(answer(text_of, "/?q=+"), " ");
  EXPECT_EQ(answer(text_of, "/?q=a+&b=c"), "a ");
  EXPECT_EQ(answer(text_of, "/?q=+a+b"), " a b");
  EXPECT_EQ(answer(text_of, "/?q=ab&b=c+d"), "ab");
  EXPECT_EQ(answer(text_of, "/?b=c+d&q=ab"), "ab");
  EXPECT_EQ(answer(text_of, "/?q+=1&q=2+3&q=4"), "2 3");
}

TEST_F(Params, MayBeEmpty) {
  EXPECT_EQ(answer(text_of, "/?q="), "");
  EXPECT_EQ(answer(text_of, "/?q"), "");
  EXPECT_EQ(answer(text_of, "/?a=1&q&b=2"), "");
  EXPECT_EQ(answer(text_of, "/?q=%20"), " ");
}

TEST_F(Params, OfTheSameNameAreTheFirst) {
  EXPECT_EQ(answer(text_of, "/?q=1&q=2"), "1");
  EXPECT_EQ(answer(text_of, "/?x=0&&q=1&q=2"), "1");
  EXPECT_EQ(answer(text_of, "/?%71=1&q=2"), "1");
  EXPECT_EQ(answer(text_of, "/?q=1&%71=2"), "1");
}

TEST_F(Params, AreFoundByTheirWholeName) {
  EXPECT_EQ(answer(text_of, "/?qq=1&q=2"), "2");
  EXPECT_EQ(answer(text_of, "/?xq=1&q=2"), "2");
  EXPECT_EQ(answer(text_of, "/?Q=1&q=2"), "2") << "case counts";
  EXPECT_EQ(answer(text_of, "/?xq=%20&qx=1&q=2"), "2");
}

TEST_F(Params, HaveKeysThatMayBeEscaped) {
  EXPECT_EQ(answer(text_of, "/?%71=x"), "x");
  EXPECT_EQ(answer([](Query<"a b"> q) { return std::string{*q}; }, "/?a%20b=1"), "1");
  EXPECT_EQ(answer([](Query<"a b"> q) { return std::string{*q}; }, "/?a+b=1"), "1");
  EXPECT_EQ(answer([](Query<"a+b"> q) { return std::string{*q}; }, "/?a%2Bb=1"), "1");
  EXPECT_EQ(answer([](Query<"\xc3\xa9"> q) { return std::string{*q}; }, "/?%C3%A9=1"), "1");
}

TEST_F(Params, HaveDefaults) {  // Rule 29.
  const auto handler = [](Query<"i", int, 20> i, Query<"t", std::string_view, default_to<"abc">> t,
                          Query<"s", std::string, default_to<"def">> s, Query<"b", bool, true> b,
                          Query<"o", std::optional<int>, 7> o) {
    return std::to_string(*i) + std::string{*t} + *s + (*b ? "yes" : "no") + std::to_string(**o);
  };

  EXPECT_EQ(answer(handler, "/"), "20abcdefyes7");
  EXPECT_EQ(answer(handler, "/?i=1&t=2&s=3&b=0&o=4"), "123no4");
}

TEST_F(Params, MayBeMissing) {  // Rule 29.
  const auto handler = [](Query<"i", std::optional<int>> i, Query<"s", std::optional<std::string>> s,
                          Header<"h", std::optional<std::string_view>> h) {
    return std::string{*i ? "i" : "-"} + (*s ? "s" : "-") + (*h ? "h" : "-");
  };

  EXPECT_EQ(answer(handler, "/"), "---");
  EXPECT_EQ(answer(handler, "/?i=1&s="), "is-");
}

TEST_F(Params, OfOnesOwnTypeAreConverted) {
  const auto handler = [](Query<"c", Colour> c) { return *c == Colour::red ? "red" : "green"; };

  EXPECT_EQ(answer(handler, "/?c=green"), "green");
  EXPECT_NE(answer(handler, "/?c=blue").find(R"("type":"enum")"), std::string::npos);
}

TEST_F(Params, WhoseConversionThrowsFailTheRequest) {
  app.get("/", [](Query<"before", std::string>, Query<"e", Even>, Query<"after", std::string>) {});

  EXPECT_EQ(status("/?e=throw&before=x&after=y"), 418);
  EXPECT_EQ(status("/?e=2&before=x&after=y"), 500);
}

TEST_F(Params, OfHeadersAreFoundInAnyCase) {  // Rule 29.
  app.get("/", [](Header<"X-Token"> token, Header<"x-count", int, 1> count) {
    return std::string{*token} + std::to_string(*count);
  });
  OwnedRequest request{Method::get, "/"};
  request.header("x-tOKEN", "first").header("X-Token", "second").header("X-COUNT", "5");

  EXPECT_EQ(ask(std::move(request))->body(), "first5");
}

TEST_F(Params, OfHeadersAreNotDecoded) {
  app.get("/", [](Header<"x"> x) { return std::string{*x}; });
  OwnedRequest request{Method::get, "/"};
  request.header("x", "a+b%20c");

  EXPECT_EQ(ask(std::move(request))->body(), "a+b%20c");
}

TEST_F(Params, OfARepeatedNameAreAList) {  // Rule 29.
  const auto handler = [](Query<"tag", std::vector<std::string>> tags) {
    std::string all;
    for (const std::string& tag : *tags) all += tag + ";";
    return all;
  };

  EXPECT_EQ(answer(handler, "/?tag=a&x=1&tag=b%20c&tag=&%74ag=d+e&tag"), "a;b c;;d e;;");
  EXPECT_EQ(answer(handler, "/"),
            R"({"detail":[{"type":"missing","loc":["query","tag"],"msg":"Field required","input":null}]})");
}

TEST_F(Params, OfAListMayBeMissing) {
  const auto handler = [](Query<"a", std::vector<int>, or_empty> a, Query<"b", std::optional<std::vector<int>>> b) {
    return std::to_string(a->size()) + (*b ? std::to_string((*b)->size()) : "-");
  };

  EXPECT_EQ(answer(handler, "/"), "0-");
  EXPECT_EQ(answer(handler, "/?a=1&a=2&b=3"), "21");
}

TEST_F(Params, OfAListAreEachConvertedAndReported) {
  const auto handler = [](Query<"n", std::vector<int>> n) { return std::to_string(n->size()); };

  EXPECT_EQ(answer(handler, "/?n=1&n=2"), "2");
  const std::string wrong = answer(handler, "/?n=1&n=x&n=3&n=y");
  EXPECT_NE(wrong.find(R"("loc":["query","n",1],)"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find(R"("loc":["query","n",3],)"), std::string::npos) << wrong;
  EXPECT_EQ(wrong.find(R"("n",0])"), std::string::npos) << wrong;
}

TEST_F(Params, OfARepeatedHeaderAreAList) {
  app.get("/", [](Header<"X-Tag", std::vector<std::string_view>> tags) {
    return std::to_string(tags->size()) + std::string{tags->front()} + std::string{tags->back()};
  });
  OwnedRequest request{Method::get, "/"};
  request.header("x-tag", "a, b").header("y", "c").header("X-TAG", "d");

  EXPECT_EQ(ask(std::move(request))->body(), "2a, bd");
}

enum class Size { small, medium, large };

TEST_F(Params, OfAnEnumAreItsNames) {  // Rule 29.
  const auto handler = [](Query<"size", Size, Size::medium> size) { return std::to_string(static_cast<int>(*size)); };

  EXPECT_EQ(answer(handler, "/"), "1");
  EXPECT_EQ(answer(handler, "/?size=large"), "2");
  EXPECT_EQ(answer(handler, "/?size=Large"),
            R"({"detail":[{"type":"enum","loc":["query","size"],"msg":"Input should be 'small', 'medium' or 'large'",)"
            R"("input":"Large","ctx":{"expected":"'small', 'medium' or 'large'"}}]})");
}

class Cookies : public Params {
protected:
  template <class Handler>
  std::string answer_to(std::string_view cookies, Handler handler) {
    TestApp test;
    test.app.get("/", handler);
    OwnedRequest request{Method::get, "/"};
    request.header("Cookie", cookies);
    return test.ask(std::move(request))->body();
  }
};

TEST_F(Cookies, AreFoundByTheirName) {  // Rule 29.
  const auto handler = [](Cookie<"id"> id) { return std::string{*id}; };

  EXPECT_EQ(answer_to("id=7", handler), "7");
  EXPECT_EQ(answer_to("xid=1; id=2; idx=3", handler), "2");
  EXPECT_EQ(answer_to("id=1; id=2", handler), "1") << "the first counts";
  EXPECT_EQ(answer_to("ID=1;id=2", handler), "2") << "case counts";
  EXPECT_EQ(answer_to("a;;=; id = 2 ;", handler), "2");
  EXPECT_EQ(answer_to("id=", handler), "");
  EXPECT_EQ(answer_to("id=a=b", handler), "a=b");
}

TEST_F(Cookies, LoseTheQuotesAroundThemAndNothingElse) {
  const auto handler = [](Cookie<"id"> id) { return std::string{*id}; };

  EXPECT_EQ(answer_to(R"(id="a b")", handler), "a b");
  EXPECT_EQ(answer_to(R"(id="")", handler), "");
  EXPECT_EQ(answer_to(R"(id=")", handler), "\"");
  EXPECT_EQ(answer_to("id=%20+", handler), "%20+");
}

TEST_F(Cookies, MayComeInSeveralFields) {
  app.get("/", [](Cookie<"a"> a, Cookie<"b", int> b) { return std::string{*a} + std::to_string(*b); });
  OwnedRequest request{Method::get, "/"};
  request.header("cookie", "a=x").header("COOKIE", "b=5; a=y");

  EXPECT_EQ(ask(std::move(request))->body(), "x5");
}

TEST_F(Cookies, AreConvertedOrMissing) {
  const auto handler = [](Cookie<"n", int, 3> n, Cookie<"o", std::optional<int>> o) {
    return std::to_string(*n) + (*o ? "o" : "-");
  };
  EXPECT_EQ(answer_to("n=4; o=1", handler), "4o");
  EXPECT_EQ(answer_to("x=1", handler), "3-");
  EXPECT_EQ(answer_to("x=1", [](Cookie<"id">) { return ""; }),
            R"({"detail":[{"type":"missing","loc":["cookie","id"],"msg":"Field required","input":null}]})");
}

TEST_F(Cookies, ShowInTheGraph) {
  app.get("/", [](Cookie<"id">) {});
  app.start(port.context());

  EXPECT_NE(app.graph().text().find("Cookie<\"id\">"), std::string::npos) << app.graph().text();
}

int path_as_int(Path<"item_id", int> id) { return *id; }
Task<std::string> path_twice(Path<"item_id"> text, Depends<path_as_int> number) {
  co_return std::string{*text} + "," + std::to_string(*number);
}

TEST_F(Params, OfThePathMayBeTakenTwiceWithDifferentTypes) {  // Rule 32.
  app.get("/p/{item_id}", path_twice);

  EXPECT_EQ(body("/p/7"), "7,7");
  const auto wrong = ask("/p/seven");
  EXPECT_EQ(wrong->status(), 422);
  EXPECT_EQ(wrong->body(),
            R"({"detail":[{"type":"int_parsing","loc":["path","item_id"],"msg":"Input should be a valid integer, )"
            R"(unable to parse string as an integer","input":"seven"}]})");
}

TEST_F(Params, ConvertByTheirOwnTypeAndDefault) {  // Rule 32.
  app.get("/", [](Query<"n", int, 1> one, Query<"n", int, 2> two, Query<"n", std::string_view, default_to<"x">> text) {
    return std::to_string(*one) + std::to_string(*two) + std::string{*text};
  });

  EXPECT_EQ(body("/"), "12x");
  EXPECT_EQ(body("/?n=5"), "555");
}

TEST_F(Params, LieInTheRequestUntilItEnds) {
  app.get("/{name}", [](Path<"name"> name, Query<"q"> q) -> Task<std::string> {
    co_await sleep(std::chrono::seconds{1});
    co_return std::string{*name} + std::string{*q};
  });

  const auto peer = begin("/a%20name?q=a+query");
  port.advance(std::chrono::seconds{1});

  EXPECT_EQ(peer->body(), "a namea query");
}

struct Counter {
  int value = 0;
};

TEST_F(Params, OfTheApplicationAreSharedAndDistinguishedByName) {
  Counter borrowed{10};
  app.state(Counter{1}).state<"replica">(Counter{2}).borrow<"borrowed">(borrowed);
  app.get("/", [](State<Counter> one, State<Counter, "replica"> two, State<const Counter, "borrowed"> three) {
    return std::to_string(one->value++) + std::to_string(two->value) + std::to_string((*three).value);
  });

  EXPECT_EQ(body("/"), "1210");
  EXPECT_EQ(body("/"), "2210");
}

TEST_F(Params, GiveTheRequestItself) {
  app.get("/", [](const Request& request) { return std::string{request.target()}; });

  EXPECT_EQ(body("/?a=b"), "/?a=b");
}

TEST(Parameter, CanBeMadeByAUnitTest) {
  const std::string text = "kept";
  const Query<"q", std::string> query{text};
  const Query<"n", int> number{7};
  Counter counter{3};
  const State<Counter> state{counter};
  const int made = 5;
  const Depends<path_as_int> dependency{made};

  EXPECT_EQ(*query, "kept");
  EXPECT_EQ(query->size(), 4u);
  EXPECT_EQ(*number + *dependency + state->value, 15);
}

}  // namespace
}  // namespace umbel::test
