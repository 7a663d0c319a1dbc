// SPDX-License-Identifier: MIT
#include "umbel/di/body.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../support/drive.hpp"
#include "peer.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/di/app.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

struct Price {
  Bounded<double, gt<0>> amount;
  Defaulted<std::string> currency = "EUR";
};
struct Item {
  std::string name;
  std::vector<Price> prices;
};
struct User {
  int id;
};

int counted = 0;
int count_up() { return ++counted; }

std::string show(Body<Item> item) {
  std::string text = item->name;
  for (const Price& price : item->prices)
    text += " " + std::to_string(static_cast<int>(*price.amount)) + *price.currency;
  return text;
}
std::string show_two(Body<Item, "item"> item, Body<User, "user"> user, Query<"q", int, 0>) {
  return item->name + std::to_string(user->id);
}
std::string show_number(Body<User, "user"> user, Body<int, "importance"> importance) {
  return std::to_string(user->id + *importance);
}

const Item* address_of(Body<Item> item) { return &*item; }
std::string show_sameness(Body<Item> item, Depends<address_of> address) { return &*item == *address ? "one" : "two"; }

void guard(Header<"x-token", std::string_view, default_to<"">> token) {
  if (*token != "fake") throw HttpError{401};
}

loopback::Reply post(App& app, std::string target, std::string body, std::string_view type = "application/json") {
  loopback::Client client{app};
  OwnedRequest request{Method::post, std::move(target)};
  if (!type.empty()) request.header("content-type", type);
  request.body(std::move(body));
  return client.send(std::move(request));
}

/// `type loc input` of each item, as they came: {"detail":[{"type":...}]} taken apart by eye would be too long.
std::string told(const loopback::Reply& reply) {
  if (reply.status() != 422) return std::to_string(reply.status()) + " " + std::string{reply.body()};
  JsonReader reader{reply.body()};
  std::string text;
  for (const JsonValue item : reader.root()["detail"].as_array()) {
    if (!text.empty()) text += "; ";
    text += item["type"].as_string();
    for (const JsonValue part : item["loc"].as_array())
      text += '/' + (part.type() == JsonType::string ? std::string{part.as_string()} : std::to_string(part.as_int()));
  }
  return text;
}

class BodyOfAModel : public ::testing::Test {
protected:
  BodyOfAModel() {
    app.post("/items", show);
    app.post("/two", show_two);
    app.post("/number", show_number);
  }
  std::string items(std::string body, std::string_view type = "application/json") {
    return told(post(app, "/items", std::move(body), type));
  }
  App app;
};

constexpr const char* good = R"({"name":"lamp","prices":[{"amount":3},{"amount":4,"currency":"USD"}]})";

TEST_F(BodyOfAModel, IsReadIntoIt) { EXPECT_EQ(items(good), "200 lamp 3EUR 4USD"); }

TEST_F(BodyOfAModel, TellsAllThatIsWrongWithItsPlace) {
  EXPECT_EQ(items(R"({"prices":[{"amount":-1},{"amount":"x"},{}]})"),
            "greater_than/body/prices/0/amount; float_parsing/body/prices/1/amount; missing/body/prices/2/amount; "
            "missing/body/name");
}

TEST_F(BodyOfAModel, IsToldInFastApisWords) {
  const loopback::Reply reply = post(app, "/items", R"({"name":"lamp","prices":[{"amount":0}]})");

  EXPECT_EQ(reply.body(), R"({"detail":[{"type":"greater_than","loc":["body","prices",0,"amount"],)"
                          R"("msg":"Input should be greater than 0","input":0,"ctx":{"gt":0.0}}]})");
}

TEST_F(BodyOfAModel, IsMissingIfThereIsNone) {
  EXPECT_EQ(items(""), "missing/body");
  EXPECT_EQ(items(" \n"), "missing/body");
  EXPECT_EQ(items("null"), "missing/body");
  EXPECT_EQ(items("", ""), "missing/body");
}

TEST_F(BodyOfAModel, TellsWhereItIsNoJson) {
  EXPECT_EQ(items("{\"name\": nul}"), "json_invalid/body/12");
  const loopback::Reply reply = post(app, "/items", "{");
  EXPECT_NE(reply.body().find(R"("msg":"JSON decode error","input":{},"ctx":{"error":)"), std::string_view::npos);
}

TEST_F(BodyOfAModel, IsADocumentOfItsKind) {
  EXPECT_EQ(items("[]"), "model_attributes_type/body");
  EXPECT_EQ(items("7"), "model_attributes_type/body");
  EXPECT_EQ(items("\"text\""), "model_attributes_type/body");
}

TEST_F(BodyOfAModel, IsJsonBecauseItsTypeSaysSo) {
  for (const std::string_view type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
        "application/vnd.shop.item+json", "application/problem+json ; q=1", "application/json; charset=us-ascii"})
    EXPECT_EQ(items(good, type), "200 lamp 3EUR 4USD") << type;
  for (const std::string_view type :
       {"", "text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp", "application/+json",
        "application/json; charset=utf-16", "application/json; charset=iso-8859-1", "application/", "json", ";"})
    EXPECT_EQ(items(good, type), "model_attributes_type/body") << type;
}

TEST_F(BodyOfAModel, OfAnotherTypeMayBeA415) {
  App strict;
  strict.on_wrong_type(OnWrongType::unsupported);
  strict.post("/items", show);
  strict.post("/lenient", show, {.on_wrong_type = OnWrongType::invalid});

  EXPECT_EQ(post(strict, "/items", good, "text/plain").status(), 415);
  EXPECT_EQ(post(strict, "/items", good).status(), 200);
  EXPECT_EQ(post(strict, "/items", "", "").status(), 422);
  EXPECT_EQ(post(strict, "/lenient", good, "text/plain").status(), 422);
}

TEST_F(BodyOfAModel, OfSeveralIsAMember) {
  EXPECT_EQ(told(post(app, "/two", R"({"user":{"id":7},"item":{"name":"lamp","prices":[]}})")), "200 lamp7");
  EXPECT_EQ(told(post(app, "/two", R"({"user":{"id":"x"},"item":{"name":1,"prices":[]}})")),
            "int_parsing/body/user/id; string_type/body/item/name");
  EXPECT_EQ(told(post(app, "/two", R"({"user":{"id":7}})")), "missing/body/item");
  EXPECT_EQ(told(post(app, "/two", "")), "missing/body/item; missing/body/user");
  EXPECT_EQ(told(post(app, "/two", "[]")), "missing/body/item; missing/body/user");
  EXPECT_EQ(told(post(app, "/two", "{", "application/json")), "json_invalid/body/1");
  EXPECT_EQ(told(post(app, "/two", good, "text/plain")), "missing/body/item; missing/body/user");
}

TEST_F(BodyOfAModel, WithANameMayBeAnyPartOfAModel) {
  EXPECT_EQ(told(post(app, "/number", R"({"user":{"id":7},"importance":5})")), "200 12");
  EXPECT_EQ(told(post(app, "/number", R"({"user":{"id":7},"importance":"much"})")), "int_parsing/body/importance");
}

TEST_F(BodyOfAModel, StandsBehindOtherMistakes) {
  EXPECT_EQ(told(post(app, "/two?q=x", R"({"user":{},"item":null})")),
            "int_parsing/query/q; missing/body/user/id; model_attributes_type/body/item");
  EXPECT_EQ(told(post(app, "/two?q=x", R"({"user":{"id":1},"item":{"name":"","prices":[]}})")), "int_parsing/query/q");
}

TEST_F(BodyOfAModel, IsOneForAllWhoTakeIt) {
  app.post("/shared", show_sameness);

  EXPECT_EQ(told(post(app, "/shared", good)), "200 one");
}

TEST_F(BodyOfAModel, AloneIsTheBodyWhateverItsName) {
  struct Own {
    static std::string show(Body<User, "user"> user) { return std::to_string(user->id); }
    static std::string number(Body<int, "n"> n) { return std::to_string(*n); }
  };
  app.post("/named", Own::show);
  app.post("/number-alone", Own::number);

  EXPECT_EQ(told(post(app, "/named", R"({"id":7})")), "200 7");
  EXPECT_EQ(told(post(app, "/number-alone", " 7 ")), "200 7");
  EXPECT_EQ(told(post(app, "/number-alone", "7,8")), "json_invalid/body/1");
  EXPECT_EQ(told(post(app, "/number-alone", "\"x\"")), "int_parsing/body");
}

TEST_F(BodyOfAModel, MayBeTwoModels) {
  struct Own {
    static std::string named(Body<User, "a"> one, Body<std::map<std::string, int>, "a"> other, Body<User, "b"> b) {
      return std::to_string(one->id + other->at("id") + b->id);
    }
    static std::string whole(Body<User> one, Body<std::map<std::string, int>> other) {
      return std::to_string(one->id + other->at("id"));
    }
  };
  app.post("/named", Own::named);
  app.post("/whole", Own::whole);

  EXPECT_EQ(told(post(app, "/named", R"({"a":{"id":1},"b":{"id":2}})")), "200 4");
  EXPECT_EQ(told(post(app, "/whole", R"({"id":1})")), "200 2");
  EXPECT_EQ(told(post(app, "/whole", "{")), "json_invalid/body/1");
}

TEST_F(BodyOfAModel, MayBeAList) {
  struct Own {
    static std::string sum(Body<std::vector<User>> users) {
      int sum = 0;
      for (const User& user : *users) sum += user.id;
      return std::to_string(sum);
    }
    static std::string pair(Body<std::array<int, 2>> pair) { return std::to_string((*pair)[0] * (*pair)[1]); }
  };
  app.post("/list", Own::sum);
  app.post("/pair", Own::pair);

  EXPECT_EQ(told(post(app, "/list", R"([{"id":1},{"id":2}])")), "200 3");
  EXPECT_EQ(told(post(app, "/list", R"([{"id":1},{}])")), "missing/body/1/id");
  EXPECT_EQ(told(post(app, "/list", "{}")), "list_type/body");
  EXPECT_EQ(told(post(app, "/list", "[]", "text/plain")), "list_type/body");
  EXPECT_EQ(told(post(app, "/pair", "[6,7]")), "200 42");
  EXPECT_EQ(told(post(app, "/pair", "[6]")), "too_short/body");
}

TEST_F(BodyOfAModel, MayBeAbsentIfItIsAnOptional) {
  struct Own {
    static std::string show(Body<std::optional<User>> user) { return *user ? std::to_string((*user)->id) : "nobody"; }
  };
  app.post("/optional", Own::show);

  EXPECT_EQ(told(post(app, "/optional", R"({"id":7})")), "200 7");
  EXPECT_EQ(told(post(app, "/optional", "")), "200 nobody");
  EXPECT_EQ(told(post(app, "/optional", "null")), "200 nobody");
  EXPECT_EQ(told(post(app, "/optional", "7")), "model_attributes_type/body");
  EXPECT_EQ(told(post(app, "/optional", "{}")), "missing/body/id");
}

struct Glance {
  std::string_view name;
  std::vector<std::string_view> tags;
};

std::string read_glance(const Glance& glance) {
  std::string text{glance.name};
  for (const std::string_view tag : glance.tags) text.append(" ").append(tag);
  return text;
}

struct Waiting {
  static Task<int> one(Body<Glance>) {
    co_await sleep(std::chrono::milliseconds{1});
    co_return 1;
  }
  static Task<int> two(Body<Glance>) {
    co_await sleep(std::chrono::milliseconds{1});
    co_return 2;
  }
  static std::string both(Depends<one> one, Depends<two> two, Body<Glance> glance) {
    return std::to_string(*one + *two) + read_glance(*glance);
  }
};

TEST_F(BodyOfAModel, ThatIsThereHoldsNobodyUp) {
  TestApp test;
  test.app.post("/both", on_loop<Waiting::both>);
  test.app.start(test.port.context());
  OwnedRequest request{Method::post, "/both"};
  request.header("content-type", "application/json").body(R"({"name":"x","tags":[]})");
  Peer peer{test.port.context(), std::move(request)};

  peer.ask(test.app);
  test.port.advance(std::chrono::milliseconds{1});
  test.run();

  EXPECT_EQ(peer.body(), "3x");  // Within the one millisecond: they waited at the same time.
}

// Others are read on the same thread meanwhile.
TEST_F(BodyOfAModel, MayReferToTheBodyUntilTheRequestEnds) {
  struct Own {
    static Task<std::string> late(Body<Glance> glance) {
      co_await sleep(std::chrono::milliseconds{1});
      co_return read_glance(*glance);
    }
  };
  TestApp test;
  test.app.post("/late", Own::late);
  test.app.start(test.port.context());
  const auto asked = [](std::string body) {
    OwnedRequest request{Method::post, "/late"};
    request.header("content-type", "application/json").body(std::move(body));
    return request;
  };
  Peer first{test.port.context(), asked(R"({"name":"one","tags":["a","b\tc"]})")};
  Peer second{test.port.context(), asked(R"({"name":"other\n","tags":["\"\"\"\"\"\""]})")};

  first.ask(test.app);
  second.ask(test.app);
  test.port.advance(std::chrono::milliseconds{1});
  test.run();

  EXPECT_EQ(first.body(), "one a b\tc");
  EXPECT_EQ(second.body(), "other\n \"\"\"\"\"\"");
}

TEST_F(BodyOfAModel, MayBeATextThatRefersToTheBody) {
  struct Own {
    static std::string whole(Body<std::string_view, "text"> text) { return std::string{*text}; }
    static std::string two(Body<std::string_view, "text"> text, Body<Glance, "glance"> glance) {
      return std::string{*text} + ": " + read_glance(*glance);
    }
  };
  app.post("/whole", Own::whole);
  app.post("/both", Own::two);

  EXPECT_EQ(told(post(app, "/whole", R"("a\tb")")), "200 a\tb");
  EXPECT_EQ(told(post(app, "/whole", R"( "ab" )")), "200 ab");
  EXPECT_EQ(told(post(app, "/whole", "7")), "string_type/body");
  EXPECT_EQ(told(post(app, "/both", R"({"text":"x","glance":{"name":"y","tags":["\u007a"]}})")), "200 x: y z");
}

TEST_F(BodyOfAModel, HasALimitOfItsSize) {
  App small;
  small.post("/items", show, {.body_limit = 100});

  EXPECT_EQ(post(small, "/items", std::string(good) + std::string(100, ' ')).status(), 413);
  EXPECT_EQ(post(small, "/items", good).status(), 200);
}

TEST_F(BodyOfAModel, IsNotReadBeforeAllGuardsHavePassed) {
  app.post("/guarded", show, {.guards = guards<guard>});

  EXPECT_EQ(post(app, "/guarded", "{").status(), 401);
  loopback::Client client{app};
  OwnedRequest request{Method::post, "/guarded"};
  request.header("content-type", "application/json").header("x-token", "fake").body("{");
  EXPECT_EQ(told(client.send(std::move(request))), "json_invalid/body/1");
}

TEST_F(BodyOfAModel, OfAnInvalidRequestRunsNoNode) {
  struct Own {
    static std::string show(Body<User> user, Depends<count_up>) { return std::to_string(user->id); }
    static Task<std::string> show_later(Body<User> user, Depends<count_up>) { co_return std::to_string(user->id); }
  };
  app.post("/nodes", Own::show);
  app.post("/tasks", Own::show_later);
  app.post("/timed", Own::show, {.deadline = std::chrono::seconds{9}});
  counted = 0;

  for (const std::string target : {"/nodes", "/tasks", "/timed"})
    EXPECT_EQ(told(post(app, target, "{}")), "missing/body/id");
  EXPECT_EQ(counted, 0);
  EXPECT_EQ(told(post(app, "/timed", R"({"id":7})")), "200 7");
  EXPECT_EQ(counted, 1);
}

TEST_F(BodyOfAModel, NestedTooDeeplyIsNoJson) {
  std::string deep = R"({"name":"a","prices":[],"x":)" + std::string(100'000, '[');
  EXPECT_TRUE(items(deep).starts_with("json_invalid/body"));
  deep += std::string(100'000, ']') + "}";
  EXPECT_TRUE(items(deep).starts_with("json_invalid/body"));
}

TEST_F(BodyOfAModel, IsDefinedForWhatOthersReadInTwoWays) {
  EXPECT_EQ(items("{\"name\":\"\\ud800\",\"prices\":[]}"), "json_invalid/body/9");
  EXPECT_TRUE(items("{\"name\":\"\xff\",\"prices\":[]}").starts_with("json_invalid/body"));
  EXPECT_EQ(items(R"({"name":"a","name":"b","prices":[]})"), "duplicate_key/body/name");
  EXPECT_TRUE(items(R"({"name":"a","prices":[{"amount":NaN}]})").starts_with("json_invalid/body"));
  EXPECT_TRUE(items(R"({"name":"a","prices":[{"amount":Infinity}]})").starts_with("json_invalid/body"));
  EXPECT_TRUE(items(R"({"name":"a","prices":[{"amount":1e400}]})").starts_with("json_invalid/body"));
  EXPECT_EQ(items(R"({"name":"a","prices":[{"amount":"NaN"}]})"), "finite_number/body/prices/0/amount");
  EXPECT_EQ(told(post(app, "/number", R"({"user":{"id":1e3},"importance":2147483648})")),
            "int_parsing_size/body/importance");
  EXPECT_TRUE(items(std::string("{\0\"\0n\0", 6)).starts_with("json_invalid/body"));
  EXPECT_TRUE(items(std::string("\xff\xfe{\0}\0", 6)).starts_with("json_invalid/body"));
}

TEST_F(BodyOfAModel, IsRefusedAtTheStartIfItCannotBeAMember) {
  struct Own {
    static std::string show(Body<User> one, Body<User, "two"> two) { return std::to_string(one->id + two->id); }
  };
  App wrong;
  wrong.post("/", Own::show);

  try {
    post(wrong, "/", "{}");
    ADD_FAILURE() << "it has started";
  } catch (const StartError& error) {
    EXPECT_NE(std::string_view{error.what()}.find("it takes several bodies"), std::string_view::npos) << error.what();
  }
}

class LateBody : public ::testing::TestWithParam<std::string>, public TestApp {
protected:
  LateBody() {
    app.post("/plain", show_user);
    app.post("/loop", on_loop<show_user>);
    app.post("/task", show_later, {.deadline = std::chrono::seconds{9}, .guards = guards<guard_later>});
    app.start(port.context());
  }
  static std::string show_user(Body<User> user, Query<"q", int, 0>) { return std::to_string(user->id); }
  static Task<std::string> show_later(Body<User> user, Query<"q", int, 0>) { co_return std::to_string(user->id); }
  static Task<void> guard_later() { co_await sleep(std::chrono::milliseconds{1}); }

  std::string answer_to(std::string target, std::string body) {
    OwnedRequest request{Method::post, std::move(target)};
    request.header("content-type", "application/json");
    Peer peer{port.context(), std::move(request)};
    peer.hold_body();
    peer.ask(app);
    port.advance(std::chrono::milliseconds{1});
    EXPECT_TRUE(peer.body_was_asked_for());
    EXPECT_EQ(peer.replies(), 0u);
    peer.deliver_body(body);
    run();
    return std::to_string(peer.status()) + " " + peer.body();
  }
};

TEST_P(LateBody, IsReadWhenItIsThere) { EXPECT_EQ(answer_to(GetParam(), R"({"id":7})"), "200 7"); }

TEST_P(LateBody, IsTheReasonOfA422) {
  EXPECT_TRUE(answer_to(GetParam(), "{}").starts_with(R"(422 {"detail":[{"type":"missing","loc":["body",)"));
}

TEST_P(LateBody, OfAnInvalidRequestIsToldWithTheRest) {
  const std::string answer = answer_to(GetParam() + "?q=x", "{}");

  EXPECT_TRUE(answer.starts_with(R"(422 {"detail":[{"type":"int_parsing","loc":["query","q"])")) << answer;
  EXPECT_NE(answer.find(R"("loc":["body","id"])"), std::string::npos) << answer;
}

INSTANTIATE_TEST_SUITE_P(OfAModel, LateBody, ::testing::Values("/plain", "/loop", "/task"));

int id_of(Body<User> user) { return user->id; }

Task<int> call_id_of(Engine& engine, OwnedRequest request) { co_return co_await engine.call<id_of>(request.view()); }

TEST(BodyOfACall, IsRead) {
  TestApp test;
  Engine engine{test.app, test.port.context()};
  const auto asked = [&](std::string body) {
    OwnedRequest request{Method::post, "/"};
    request.header("content-type", "application/json").body(std::move(body));
    Started<int> started{test.port, call_id_of(engine, std::move(request))};
    test.run();
    return std::move(started.result());
  };

  EXPECT_EQ(asked(R"({"id":7})").value(), 7);
  EXPECT_THROW(asked("{}").value(), ValidationError);
}

}  // namespace
}  // namespace umbel::test
