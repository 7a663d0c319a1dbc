// SPDX-License-Identifier: MIT
#include "umbel/di/openapi.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "umbel/core/event_stream.hpp"
#include "umbel/core/file.hpp"
#include "umbel/core/redirect.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/di/body_stream.hpp"
#include "umbel/di/form.hpp"
#include "umbel/di/scopes.hpp"
#include "umbel/di/security.hpp"
#include "umbel/di/try.hpp"
#include "umbel/json/json_error.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel {
namespace {

/// What stands between two texts, of the first that is there.
std::string between(const std::string& text, std::string_view before, std::string_view behind) {
  const std::size_t start = text.find(before);
  if (start == std::string::npos) return "";
  const std::size_t end = text.find(behind, start + before.size());
  return text.substr(start + before.size(), end - start - before.size());
}

std::string document_with(auto handler, RouteOptions options = {}) {
  App app;
  app.get(runtime_route("/x/{id}"), handler, options);
  return openapi_document(app);
}

/// All parameters of a handler but those that only the template has.
std::string parameters_of(auto handler) {
  App app;
  app.get(runtime_route("/x"), handler);
  return between(openapi_document(app), "\"parameters\":[", "],\"responses\"");
}

/// The schema of a handler's only parameter.
template <class Parameter>
std::string schema_of() {
  const std::string parameter = parameters_of([](Parameter) {});
  return between(parameter + "$", "\"schema\":", "}$");
}

std::string responses_of(auto handler) { return between(document_with(handler), "\"responses\":", "}}}"); }

std::string security_of(auto handler) { return between(document_with(handler), "\"security\":", ",\"parameters\""); }

enum class Colour { red, dark_blue };

struct Isbn {
  std::string digits;
};

}  // namespace

template <>
struct FromText<Isbn> {
  static constexpr std::string_view format = "isbn";
  static ConvertError convert(std::string_view text, std::optional<Isbn>& out) {
    out = Isbn{std::string{text}};
    return {};
  }
};

namespace {

TEST(OpenApi, TellsTheTypeOfAParameter) {
  EXPECT_EQ((schema_of<Query<"q">>()), R"({"type":"string"})");
  EXPECT_EQ((schema_of<Query<"q", std::string>>()), R"({"type":"string"})");
  EXPECT_EQ((schema_of<Query<"q", bool>>()), R"({"type":"boolean"})");
  EXPECT_EQ((schema_of<Query<"q", int>>()), R"({"type":"integer","format":"int32"})");
  EXPECT_EQ((schema_of<Query<"q", std::int64_t>>()), R"({"type":"integer","format":"int64"})");
  EXPECT_EQ((schema_of<Query<"q", std::uint16_t>>()), R"({"type":"integer","format":"uint16","minimum":0})");
  EXPECT_EQ((schema_of<Query<"q", float>>()), R"({"type":"number","format":"float"})");
  EXPECT_EQ((schema_of<Query<"q", double>>()), R"({"type":"number","format":"double"})");
  EXPECT_EQ((schema_of<Query<"q", Colour>>()), R"({"type":"string","enum":["red","dark_blue"]})");
  EXPECT_EQ((schema_of<Query<"q", Isbn>>()), R"({"type":"string","format":"isbn"})");
}

TEST(OpenApi, TellsDefaults) {
  EXPECT_EQ((schema_of<Query<"q", int, 20>>()), R"({"type":"integer","format":"int32","default":20})");
  EXPECT_EQ((schema_of<Query<"q", double, 0.5>>()), R"({"type":"number","format":"double","default":0.5})");
  EXPECT_EQ((schema_of<Query<"q", bool, false>>()), R"({"type":"boolean","default":false})");
  EXPECT_EQ((schema_of<Query<"q", Colour, Colour::red>>()),
            R"({"type":"string","enum":["red","dark_blue"],"default":"red"})");
  EXPECT_EQ((schema_of<Query<"q", std::string_view, default_to<"a\"b">>>()), R"({"type":"string","default":"a\"b"})");
  EXPECT_EQ((schema_of<Query<"q", std::vector<int>, or_empty>>()),
            R"({"items":{"type":"integer","format":"int32"},"type":"array","default":[]})");
}

TEST(OpenApi, TellsConstraints) {
  EXPECT_EQ((schema_of<Query<"q", int, ge<1>, le<100>>>()),
            R"({"type":"integer","format":"int32","minimum":1,"maximum":100})");
  EXPECT_EQ((schema_of<Query<"q", double, gt<-0.5>, lt<1.5>, multiple_of<0.5>>>()),
            R"({"type":"number","format":"double","exclusiveMinimum":-0.5,"exclusiveMaximum":1.5,"multipleOf":0.5})");
  EXPECT_EQ((schema_of<Query<"q", unsigned, ge<3>>>()), R"({"type":"integer","format":"uint32","minimum":3})");
  EXPECT_EQ((schema_of<Query<"q", std::string_view, min_length<1>, max_length<9>, pattern<"^[a-z]+$">>>()),
            R"({"type":"string","minLength":1,"maxLength":9,"pattern":"^[a-z]+$"})");
}

TEST(OpenApi, TellsAListApartFromItsElements) {
  EXPECT_EQ((schema_of<Query<"q", std::vector<int>, max_length<3>, ge<1>>>()),
            R"({"items":{"type":"integer","format":"int32","minimum":1},"type":"array","maxItems":3})");
}

TEST(OpenApi, WritesPatternsAsEcmaScriptDoes) {
  EXPECT_EQ((schema_of<Query<"q", std::string_view, pattern<"\\A\\x{e4}\\\\A\\z">>>()),
            R"({"type":"string","pattern":"^\\u{e4}\\\\A$"})");
}

TEST(OpenApi, LeavesOutADefaultThatJsonCannotSay) {
  EXPECT_EQ((schema_of<Query<"q", double, std::numeric_limits<double>::infinity()>>()),
            R"({"type":"number","format":"double"})");
}

TEST(OpenApi, KeepsTextsThatAreNotAscii) {
  EXPECT_EQ(parameters_of([](Query<"größe", std::string_view, default_to<"groß\n\"/~1\"">> /*size*/) {}),
            R"({"name":"größe","in":"query","required":false,)"
            R"("schema":{"type":"string","default":"groß\n\"/~1\""}})");
}

TEST(OpenApi, SaysWhatADescriptionSays) {
  EXPECT_EQ(parameters_of([](Query<"q", int, description<"How *many*">, 3, ge<1>> /*q*/) {}),
            R"({"name":"q","in":"query","description":"How *many*","required":false,)"
            R"("schema":{"type":"integer","format":"int32","minimum":1,"default":3}})");
  EXPECT_EQ(parameters_of([](Header<"x-a", std::vector<std::string>, description<"All">> /*a*/) {}),
            R"({"name":"x-a","in":"header","description":"All","required":true,)"
            R"("schema":{"items":{"type":"string"},"type":"array"}})");
}

TEST(OpenApi, TellsWhereAParameterIsAndWhetherItIsRequired) {
  EXPECT_EQ(parameters_of([](Header<"x-a", int> /*a*/, Query<"b", std::optional<int>> /*b*/, Cookie<"c"> /*c*/) {}),
            R"({"name":"b","in":"query","required":false,"schema":{"type":"integer","format":"int32"}},)"
            R"({"name":"x-a","in":"header","required":true,"schema":{"type":"integer","format":"int32"}},)"
            R"({"name":"c","in":"cookie","required":true,"schema":{"type":"string"}})");
}

int page_of(Query<"page", int, 1> page) { return *page; }
void check_key(Header<"X-Key"> /*key*/, Depends<page_of> /*page*/) {}
int offset_of(Depends<page_of> page, Query<"size", int, 20> size) { return *page * *size; }

TEST(OpenApi, TellsTheParametersOfTheWholeGraphOnce) {
  App app;
  app.guard<check_key>();
  app.get("/x", [](Header<"x-key"> /*key*/, Depends<offset_of> /*offset*/, Query<"page"> /*page*/) {});

  const std::string document = openapi_document(app);

  EXPECT_EQ(
      between(document, "\"parameters\":[", "],\"responses\""),
      R"({"name":"page","in":"query","required":true,"schema":{"type":"integer","format":"int32","default":1}},)"
      R"({"name":"size","in":"query","required":false,"schema":{"type":"integer","format":"int32","default":20}},)"
      R"({"name":"X-Key","in":"header","required":true,"schema":{"type":"string"}})");
}

TEST(OpenApi, TellsEveryParameterOfATemplate) {
  App app;
  app.get("/a/{number:int}/{name}/{rest:path}", [](Path<"name", Colour> /*name*/) {});

  const std::string document = openapi_document(app);

  EXPECT_NE(document.find(R"("/a/{number}/{name}/{rest}":{"get")"), std::string::npos);
  EXPECT_EQ(between(document, "\"parameters\":[", "],\"responses\""),
            R"({"name":"name","in":"path","required":true,"schema":{"type":"string","enum":["red","dark_blue"]}},)"
            R"({"name":"number","in":"path","required":true,"schema":{"type":"integer","format":"int64"}},)"
            R"({"name":"rest","in":"path","required":true,"schema":{"type":"string"}})");
}

TEST(OpenApi, SortsByPathThenMethod) {
  App app;
  app.post("/b", [] {}).get("/b", [] {}).get("/a", [] {});

  const std::string document = openapi_document(app);

  const std::size_t a = document.find("\"/a\":{\"get\"");
  const std::size_t b = document.find("\"/b\":{\"get\"");
  EXPECT_LT(a, b);
  EXPECT_LT(b, document.find("\"post\""));
}

TEST(OpenApi, TellsTheParametersOfARoutersPrefix) {
  App app;
  Router<"/{shop}/items"> items;
  items.get("/{id:int}", [](Path<"shop"> /*shop*/) {});
  app.include("/v1", items);

  const std::string document = openapi_document(app);

  EXPECT_NE(document.find(R"("/v1/{shop}/items/{id}":{"get")"), std::string::npos);
  EXPECT_EQ(between(document, "\"parameters\":[", "],\"responses\""),
            R"({"name":"shop","in":"path","required":true,"schema":{"type":"string"}},)"
            R"({"name":"id","in":"path","required":true,"schema":{"type":"integer","format":"int64"}})");
}

TEST(OpenApi, TellsHeadAndOptionsWhereTheyAreDeclaredAlone) {
  App app;
  app.get("/a", [] {}).route(Method::head, "/b", [] {}).route(Method::options, "/b", [] {});

  const std::string document = openapi_document(app);

  EXPECT_EQ(document.find("\"head\""), document.rfind("\"head\""));
  EXPECT_NE(document.find(R"("/b":{"head":{"summary":"HEAD /b","operationId":"b_head")"), std::string::npos);
  EXPECT_NE(document.find(R"("options":{"summary":"OPTIONS /b","operationId":"b_options")"), std::string::npos);
}

TEST(OpenApi, LeavesOutWhatIsNotInTheSchemaAndItsModels) {
  struct Secret {
    int n;
  };
  App app;
  Router<"/hidden"> hidden;
  hidden.get("/x", [](Depends<bearer>) { return Secret{1}; });
  app.include(hidden, {.include_in_schema = false});
  app.post("/y", [](Body<Secret>) {}, {.include_in_schema = false});

  EXPECT_TRUE(openapi_document(app).ends_with(R"("paths":{}})"));
}

Stream lines() { co_return; }
EventStream events() { co_return; }
Task<Result<std::string>> say() { co_return std::string{"a"}; }

TEST(OpenApi, TellsWhatAHandlerReturns) {
  EXPECT_EQ(responses_of([] {}), R"({"204":{"description":"Successful Response")");
  EXPECT_EQ(responses_of([] { return Response{200}; }), R"({"200":{"description":"Successful Response")");
  const std::string text =
      R"({"200":{"description":"Successful Response","content":{"text/plain":{"schema":{"type":"string")";
  EXPECT_EQ(responses_of([] { return "text"; }), text);
  EXPECT_EQ(responses_of(say), text);
  EXPECT_EQ(between(document_with(lines), "\"content\":{", ":"), "\"application/octet-stream\"");
  EXPECT_EQ(between(document_with(events), "\"content\":{", ":"), "\"text/event-stream\"");
}

struct Csv {
  static constexpr std::string_view content_type = "text/csv";
  Response respond(const Request& /*request*/) const { return Response{200}; }
};
struct Teapot {
  Response respond(const Request& /*request*/) const { return Response{418}; }
};
Task<File> find_file() { co_return File{"/nowhere"}; }

TEST(OpenApi, TellsWhatAReplyOfItsOwnTypeIs) {
  EXPECT_EQ(responses_of([] { return Redirect{"/"}; }), R"({"307":{"description":"Successful Response")");
  EXPECT_EQ(responses_of(find_file), R"({"200":{"description":"Successful Response","content":{"*/*":{"schema":)"
                                     R"({"type":"string","format":"binary")");
  EXPECT_EQ(responses_of([] { return Csv{}; }),
            R"({"200":{"description":"Successful Response","content":{"text/csv":{"schema":{"type":"string")");
  EXPECT_EQ(responses_of([] { return Teapot{}; }), R"({"200":{"description":"Successful Response")");
}

struct First {
  int a;
};
struct Second {
  int b;
};

// As they are read: each from the whole body, or from the member that both name.
TEST(OpenApi, TellsSeveralBodiesOfOneNameAsAllOfThem) {
  const std::string both =
      R"({"allOf":[{"$ref":"#/components/schemas/First"},{"$ref":"#/components/schemas/Second"}]})";

  EXPECT_NE(document_with([](Body<First>, Body<Second>) {}).find(R"("schema":)" + both), std::string::npos);
  EXPECT_NE(document_with([](Body<First, "x">, Body<Second, "x">, Body<int, "y">) {
            }).find(R"("properties":{"x":)" + both + R"(,"y":{"type":"integer",)"),
            std::string::npos)
      << document_with([](Body<First, "x">, Body<Second, "x">, Body<int, "y">) {});
}

TEST(OpenApi, TellsOfA422WhereThereCanBeOne) {
  const auto has_422 = [](auto handler) { return document_with(handler).find("\"422\"") != std::string::npos; };
  EXPECT_FALSE(has_422([] {}));
  EXPECT_FALSE(has_422([](Path<"id">) {}));
  EXPECT_FALSE(has_422([](Header<"q", std::optional<std::string>>) {}));
  EXPECT_TRUE(has_422([](Query<"q", std::optional<std::string>>) {}));  // Of a bad percent-escape.
  EXPECT_TRUE(has_422([](Path<"id", int>) {}));
  EXPECT_TRUE(has_422([](Query<"q">) {}));
  EXPECT_TRUE(has_422([](Query<"q", int, 1>) {}));
  EXPECT_TRUE(has_422([](Query<"q", std::optional<std::string>, max_length<3>>) {}));

  const std::string document = document_with([](Query<"q">) {});
  EXPECT_NE(document.find(R"("422":{"description":"Validation Error","content":{"application/json":{"schema":)"
                          R"({"$ref":"#/components/schemas/HTTPValidationError"}}}})"),
            std::string::npos);
  EXPECT_NE(document.find(R"("components":{"schemas":{"HTTPValidationError":{)"), std::string::npos);
}

Task<void> take_pieces(BodyStream& /*body*/) { co_return; }

TEST(OpenApi, TellsThatABodyIsTaken) {
  const std::string any = R"("requestBody":{"content":{"*/*":{}}})";
  EXPECT_NE(document_with([](Body<>) {}).find(any), std::string::npos);
  EXPECT_NE(document_with(take_pieces).find(any), std::string::npos);
  EXPECT_EQ(document_with([] {}).find("requestBody"), std::string::npos);
}

TEST(OpenApi, TellsCredentialsAsSecurityAndNotAsParameters) {
  const std::string document = document_with([](Depends<bearer>) {});

  EXPECT_NE(document.find(R"("security":[{"HTTPBearer":[]}])"), std::string::npos);
  EXPECT_NE(document.find(R"("401":{"description":"Not authenticated"})"), std::string::npos);
  EXPECT_NE(document.find(R"("securitySchemes":{"HTTPBearer":{"type":"http","scheme":"bearer"}})"), std::string::npos);
  EXPECT_EQ(document.find("authorization"), std::string::npos);
}

TEST(OpenApi, KnowsEveryReadyMadeScheme) {
  const std::string document =
      document_with([](Depends<basic>, Depends<api_key_header<"x-key">>, Depends<api_key_query<"key">>,
                       Depends<api_key_cookie<"one">>, Depends<api_key_cookie<"two">>) {});

  EXPECT_EQ(between(document, "\"securitySchemes\":", "}}}") + "}}",
            R"({"APIKeyCookie_one":{"type":"apiKey","in":"cookie","name":"one"},)"
            R"("APIKeyCookie_two":{"type":"apiKey","in":"cookie","name":"two"},)"
            R"("APIKeyHeader":{"type":"apiKey","in":"header","name":"x-key"},)"
            R"("APIKeyQuery":{"type":"apiKey","in":"query","name":"key"},)"
            R"("HTTPBasic":{"type":"http","scheme":"basic"}})");
}

TEST(OpenApi, NamesSchemesOfAnyKeyAsComponentsAreNamed) {
  const std::string document =
      document_with([](Depends<api_key_query<"a b">>, Depends<api_key_query<"a/b">>, Depends<api_key_query<"ä~">>) {});

  EXPECT_EQ(between(document, "\"security\":[", "]"), R"({"APIKeyQuery_a_b":[)");
  EXPECT_EQ(between(document, "\"securitySchemes\":", "}}}") + "}}",
            R"({"APIKeyQuery____":{"type":"apiKey","in":"query","name":"ä~"},)"
            R"("APIKeyQuery_a_b":{"type":"apiKey","in":"query","name":"a b"},)"
            R"("APIKeyQuery_a_b_2":{"type":"apiKey","in":"query","name":"a/b"}})");
}

TEST(OpenApi, TellsOptionalCredentialsAsAlternatives) {
  EXPECT_EQ(security_of([](Depends<optional_bearer>) {}), R"([{"HTTPBearer":[]},{}])");
  EXPECT_EQ(security_of([](Try<bearer>) {}), R"([{"HTTPBearer":[]},{}])");
  EXPECT_EQ(security_of([](Try<bearer>, Depends<bearer>) {}), R"([{"HTTPBearer":[]}])");
  EXPECT_EQ(security_of([](Depends<basic>, Depends<optional_api_key_query<"key">>) {}),
            R"([{"HTTPBasic":[],"APIKeyQuery":[]},{"HTTPBasic":[]}])");
}

std::string user_of(Scopes /*scopes*/, Depends<bearer> token) { return std::string{token->token}; }
int items_of(Depends<user_of, scopes<"items:read">> /*user*/) { return 1; }

TEST(OpenApi, TellsTheScopesThatAreAskedForOnTheWay) {
  EXPECT_EQ(security_of([](Depends<items_of>, Depends<user_of, scopes<"me">>) {}),
            R"([{"HTTPBearer":["items:read","me"]}])");
}

Response read_item() { return Response{200}; }

TEST(OpenApi, MakesSummaryAndIdOfTheHandlersName) {
  const std::string document = document_with(on_loop<read_item>);
  EXPECT_NE(document.find(R"("summary":"Read Item","operationId":"read_item_x__id__get")"), std::string::npos);
}

TEST(OpenApi, TakesTheRouteWhereAHandlerHasNoName) {
  const std::string document = document_with([] {});
  EXPECT_NE(document.find(R"("summary":"GET /x/{id}","operationId":"x__id__get")"), std::string::npos);
}

TEST(OpenApi, SaysWhatTheRoutesOptionsSay) {
  const std::string document = document_with([] {}, {.tags = tags<"items", "all">,
                                                     .summary = "One item",
                                                     .description = "By its number.",
                                                     .operation_id = "item",
                                                     .deprecated = true});
  EXPECT_NE(document.find(R"({"get":{"tags":["items","all"],"summary":"One item","description":"By its number.",)"
                          R"("operationId":"item","deprecated":true,"parameters")"),
            std::string::npos);
}

TEST(OpenApi, HasThePrefixesAndTagsOfRouters) {
  Router<"/users/{user_id}"> users;
  users.tag<"users">().get("/orders", [](Path<"user_id", int>) {}, {.tags = tags<"orders">});
  App app;
  app.include("/v1", users, {.deprecated = true});

  const std::string document = openapi_document(app);

  EXPECT_NE(document.find(R"("/v1/users/{user_id}/orders":{"get":{"tags":["users","orders"])"), std::string::npos);
  EXPECT_NE(document.find(R"("deprecated":true)"), std::string::npos);
}

TEST(OpenApi, LeavesOutWhatIsNotToBeTold) {
  App app, inner;
  Router internal;
  internal.get("/metrics", [] {});
  app.include("/internal", internal, {.include_in_schema = false});
  inner.get("/inside", [] {});
  app.mount("/inner", inner);
  app.get("/hidden", [] {}, {.include_in_schema = false});
  app.route(Method::connect, "/connect", [] {});

  EXPECT_EQ(openapi_document(app), R"({"openapi":"3.1.0","info":{"title":"umbel","version":"0.1.0"},"paths":{}})");
}

TEST(OpenApi, TellsApartIdsThatAreMadeTwice) {
  App app;
  app.get("/a-b", on_loop<read_item>).get("/a_b", on_loop<read_item>);

  const std::string document = openapi_document(app);

  EXPECT_NE(document.find(R"("operationId":"read_item_a_b_get")"), std::string::npos);
  EXPECT_NE(document.find(R"("operationId":"read_item_a_b_get_2")"), std::string::npos);
}

TEST(OpenApi, RefusesAnIdThatIsGivenTwice) {
  App app;
  app.get("/a", [] {}, {.operation_id = "same"}).get("/b", [] {}, {.operation_id = "same"});

  try {
    openapi_document(app);
    FAIL() << "it was made";
  } catch (const StartError& error) {
    EXPECT_NE(std::string{error.what()}.find("GET /b: another route has the operation id \"same\", too"),
              std::string::npos);
  }
}

TEST(OpenApi, SaysWhatItsOptionsSay) {
  App app;
  const OpenApiServer servers[] = {{"https://a.example", "Here"}, {"/v1"}};

  const std::string document = openapi_document(app, {.title = "Shop",
                                                      .version = "1.2.0",
                                                      .summary = "Sells",
                                                      .description = "*Herbs*",
                                                      .license = "MIT",
                                                      .servers = servers});

  EXPECT_EQ(document, R"({"openapi":"3.1.0","info":{"title":"Shop","summary":"Sells","description":"*Herbs*",)"
                      R"("license":{"name":"MIT","identifier":"MIT"},"version":"1.2.0"},)"
                      R"("servers":[{"url":"https://a.example","description":"Here"},{"url":"/v1"}],"paths":{}})");
}

TEST(OpenApi, RefusesATextThatIsNoUtf8) {
  App app;
  EXPECT_THROW(openapi_document(app, {.title = "\xff"}), JsonError);
}

template <class T>
struct Holder {
  T v;
};

/// The schema of a model's member.
template <class T>
std::string member_of() {
  const std::string document = document_with([] { return Holder<T>{}; });
  return between(document, "\"Holder", "\"title\"");
}
std::string member(std::string_view schema, std::string_view required = R"(,"required":["v"])") {
  return R"("properties":{"v":)" + std::string{schema} + R"(},"type":"object")" + std::string{required} + ",";
}

template <class T>
void expect_member(std::string_view schema, std::string_view required = R"(,"required":["v"])") {
  const std::string told = member_of<T>();
  EXPECT_EQ(told.substr(std::min(told.find("\"properties\""), told.size())), member(schema, required));
}

struct Leaf {
  int n;
};
struct Branch {
  std::vector<Branch> branches;
};

TEST(OpenApiModel, TellsTheTypeOfAMember) {
  expect_member<bool>(R"({"type":"boolean"})");
  expect_member<std::int8_t>(R"({"type":"integer","format":"int8"})");
  expect_member<std::uint64_t>(R"({"type":"integer","format":"uint64","minimum":0})");
  expect_member<float>(R"({"type":"number","format":"float"})");
  expect_member<std::string>(R"({"type":"string"})");
  expect_member<Colour>(R"({"type":"string","enum":["red","dark_blue"]})");
  expect_member<Leaf>(R"({"$ref":"#/components/schemas/Leaf"})");
}

TEST(OpenApiModel, TellsWhatIsAroundAType) {
  expect_member<std::optional<Leaf>>(R"({"anyOf":[{"$ref":"#/components/schemas/Leaf"},{"type":"null"}]})", "");
  expect_member<std::vector<Leaf>>(R"({"items":{"$ref":"#/components/schemas/Leaf"},"type":"array"})");
  expect_member<std::array<bool, 3>>(R"({"items":{"type":"boolean"},"type":"array","minItems":3,"maxItems":3})");
  expect_member<std::map<std::string, bool>>(R"({"additionalProperties":{"type":"boolean"},"type":"object"})");
}

struct Card {
  Tag<"card"> kind;
  std::string number;
};
struct Share;
struct Transfer {
  Tag<"bank/transfer"> kind;
  std::vector<Share> shares;
};
struct Share {
  std::variant<Card, Transfer> means;
};

TEST(OpenApiModel, TellsAVariantByItsTag) {
  const std::string both =
      R"({"oneOf":[{"$ref":"#/components/schemas/Card"},{"$ref":"#/components/schemas/Transfer"}],)"
      R"("discriminator":{"propertyName":"kind","mapping":{"card":"#/components/schemas/Card",)"
      R"("bank/transfer":"#/components/schemas/Transfer"}}})";
  expect_member<std::variant<Card, Transfer>>(both);
  expect_member<std::optional<std::variant<Card, Transfer>>>(R"({"anyOf":[)" + both + R"(,{"type":"null"}]})", "");
  const std::string document = document_with([](Body<std::variant<Card, Transfer>>) {});
  EXPECT_NE(document.find(R"("requestBody":{"content":{"application/json":{"schema":)" + both), std::string::npos);
  EXPECT_NE(document.find(R"("Card":{"properties":{"kind":{"type":"string","const":"card"},"number":)"),
            std::string::npos);
  EXPECT_NE(document.find(R"("Share":{"properties":{"means":)" + both), std::string::npos);
}

TEST(OpenApiModel, TellsDatesAndTimes) {
  expect_member<std::chrono::year_month_day>(R"({"type":"string","format":"date"})");
  expect_member<std::chrono::sys_days>(R"({"type":"string","format":"date"})");
  expect_member<std::chrono::sys_seconds>(R"({"type":"string","format":"date-time"})");
  expect_member<std::chrono::sys_time<std::chrono::nanoseconds>>(R"({"type":"string","format":"date-time"})");
}

TEST(OpenApiModel, TellsConstraints) {
  expect_member<Bounded<unsigned, ge<1>, lt<9>>>(
      R"({"type":"integer","format":"uint32","minimum":1,"exclusiveMaximum":9})");
  expect_member<std::optional<Text<min_length<2>, pattern<"^a">>>>(
      R"({"anyOf":[{"type":"string","minLength":2,"pattern":"^a"},{"type":"null"}]})", "");
  expect_member<Constrained<std::vector<int>, max_length<2>>>(
      R"({"items":{"type":"integer","format":"int32"},"type":"array","maxItems":2})");
}

struct Settings {
  Defaulted<int> count = 3;
  Defaulted<std::vector<std::string>> tags;
  Defaulted<Leaf> leaf = Leaf{4};
  Defaulted<double> none = std::numeric_limits<double>::quiet_NaN();
  Defaulted<std::chrono::year_month_day> day = std::chrono::year_month_day{std::chrono::sys_days{}};
  Defaulted<std::string> text = "ß\"\\";
};

TEST(OpenApiModel, TellsDefaults) {
  const std::string document = document_with([] { return Settings{}; });
  EXPECT_EQ(between(document, R"("Settings":{"properties":)", ",\"title\""),
            R"({"count":{"type":"integer","format":"int32","default":3},)"
            R"("tags":{"items":{"type":"string"},"type":"array","default":[]},)"
            R"("leaf":{"$ref":"#/components/schemas/Leaf","default":{"n":4}},)"
            R"("none":{"type":"number","format":"double"},)"
            R"("day":{"type":"string","format":"date","default":"1970-01-01"},)"
            R"("text":{"type":"string","default":"ß\"\\"}},"type":"object")");
}

TEST(OpenApiModel, IsToldOnceHoweverOftenItIsNamed) {
  const std::string document = document_with([](Body<std::vector<Branch>>) { return Branch{}; });
  EXPECT_EQ(between(document, "\"Branch\":", ",\"title\""),
            R"({"properties":{"branches":{"items":{"$ref":"#/components/schemas/Branch"},"type":"array"}},)"
            R"("type":"object","required":["branches"])");
  EXPECT_EQ(document.find("Branch_2"), std::string::npos);
}

namespace v1 {
struct Same {
  int a;
};
}  // namespace v1
namespace v2 {
struct Same {
  int b;
};
}  // namespace v2
struct ValidationError {
  int code;
};

TEST(OpenApiModel, HasANameOfItsOwn) {
  const std::string document =
      document_with([](Body<v1::Same, "one">, Body<v2::Same, "two">, Body<ValidationError, "three">) {});
  EXPECT_NE(document.find(R"("umbel__v1__Same":{"properties":{"a")"), std::string::npos);
  EXPECT_NE(document.find(R"("umbel__v2__Same":{"properties":{"b")"), std::string::npos);
  EXPECT_NE(document.find(R"("umbel__ValidationError":{"properties":{"code")"), std::string::npos);
  EXPECT_NE(document.find(R"("ValidationError":{"properties":{"loc")"), std::string::npos);
  EXPECT_NE(document_with([] { return Holder<Leaf>{}; }).find(R"("Holder_Leaf_":{"properties")"), std::string::npos);
}

template <auto... numbers>
struct Numbered {
  int n;
};
struct Größe {
  int n;
};

/// The name that a reply's model has.
template <class T>
std::string name_of() {
  return between(document_with([] { return T{}; }), "#/components/schemas/", "\"");
}

TEST(OpenApiModel, HasTheSameNameWhateverTheCompilerCallsIt) {
  EXPECT_EQ(name_of<Holder<std::string>>(), "Holder_string_");
  EXPECT_EQ((name_of<Holder<std::map<std::string, Leaf>>>()), "Holder_map_string_Leaf__");
  EXPECT_EQ(name_of<Holder<long>>(), "Holder_long_");
  EXPECT_EQ(name_of<Holder<unsigned short>>(), "Holder_unsignedshort_");
  EXPECT_EQ(name_of<Holder<unsigned long long>>(), "Holder_unsignedlonglong_");
  EXPECT_EQ(name_of<Holder<signed char>>(), "Holder_signedchar_");
  EXPECT_EQ(name_of<Holder<unsigned>>(), "Holder_unsignedint_");
  EXPECT_EQ(name_of<Holder<Holder<bool>>>(), "Holder_Holder_bool__");
  EXPECT_EQ((name_of<Numbered<3UL, 4U, Colour::red>>()), "Numbered_3_4_red_");
  EXPECT_EQ(name_of<Holder<std::chrono::sys_days>>(), "Holder_time_point_system_clock_duration_long_ratio_86400____");
  EXPECT_EQ(name_of<Größe>(), "Gr__e");
}

struct Signup {
  Text<min_length<1>> name;
  std::optional<int> age;
  Defaulted<bool> wants_mail = false;
  Defaulted<std::vector<std::string>> topics;
};
struct Upload {
  std::optional<std::string> title;
  std::optional<UploadedFile> picture;
};
struct Album {
  std::vector<UploadedFile> pictures;
};

TEST(OpenApiForm, IsUrlencodedUnlessItHasFiles) {
  const auto body_of = [](auto handler) { return between(document_with(handler), "\"requestBody\":", ",\"responses"); };
  EXPECT_EQ(body_of([](Form<Signup>) {}), R"({"content":{"application/x-www-form-urlencoded":{"schema":)"
                                          R"({"$ref":"#/components/schemas/Signup"}}},"required":true})");
  EXPECT_EQ(body_of([](Form<Upload>) {}),
            R"({"content":{"multipart/form-data":{"schema":{"$ref":"#/components/schemas/Upload"}}}})");
  EXPECT_EQ(body_of([](Form<Album>) {}),
            R"({"content":{"multipart/form-data":{"schema":{"$ref":"#/components/schemas/Album"}}},"required":true})");
  EXPECT_NE(document_with([](Form<Upload>) {}).find("\"422\""), std::string::npos);
}

TEST(OpenApiForm, HasNoFieldThatIsNull) {
  EXPECT_EQ(between(document_with([](Form<Signup>) {}), R"("Signup":{"properties":)", ",\"title\""),
            R"({"name":{"type":"string","minLength":1},"age":{"type":"integer","format":"int32"},)"
            R"("wants_mail":{"type":"boolean","default":false},)"
            R"("topics":{"items":{"type":"string"},"type":"array","default":[]}},"type":"object","required":["name"])");
  const std::string file = R"({"type":"string","contentMediaType":"application/octet-stream"})";
  EXPECT_EQ(between(document_with([](Form<Upload>) {}), R"("Upload":{"properties":)", ",\"title\""),
            R"({"title":{"type":"string"},"picture":)" + file + R"(},"type":"object")");
  EXPECT_EQ(between(document_with([](Form<Album>) {}), R"("Album":{"properties":)", ",\"title\""),
            R"({"pictures":{"items":)" + file + R"(,"type":"array"}},"type":"object","required":["pictures"])");
}

TEST(OpenApiForm, IsAnotherComponentThanTheSameStructAsJson) {
  const std::string document = document_with([](Form<Signup> form) { return *form; });
  EXPECT_NE(document.find(R"("umbel__Signup":{"properties":{"name":{"type":"string","minLength":1},"age":{"type")"),
            std::string::npos);
  EXPECT_NE(document.find(R"("umbel__Signup_2":{"properties":{"name":{"type":"string","minLength":1},"age":{"anyOf")"),
            std::string::npos);
}

TEST(OpenApiModel, IsABodyOrSeveralAre) {
  const auto body_of = [](const std::string& document) {
    return between(document, "\"requestBody\":", ",\"responses");
  };
  EXPECT_EQ(body_of(document_with([](Body<Leaf>) {})),
            R"({"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Leaf"}}},"required":true})");
  EXPECT_EQ(body_of(document_with([](Body<std::optional<Leaf>>) {})),
            R"({"content":{"application/json":{"schema":{"anyOf":[{"$ref":"#/components/schemas/Leaf"},)"
            R"({"type":"null"}]}}}})");
  EXPECT_EQ(body_of(document_with([](Body<Leaf, "leaf">, Body<std::optional<int>, "n">, Body<Leaf, "leaf">) {})),
            R"({"content":{"application/json":{"schema":{"properties":{"leaf":{"$ref":"#/components/schemas/Leaf"},)"
            R"("n":{"anyOf":[{"type":"integer","format":"int32"},{"type":"null"}]}},"type":"object",)"
            R"("required":["leaf"]}}},"required":true})");
}

TEST(OpenApiModel, IsAReplyWithAStatus) {
  const std::string content = R"("content":{"application/json":{"schema":{"$ref":"#/components/schemas/Leaf"}}})";
  EXPECT_EQ(between(document_with([] { return Leaf{1}; }), "\"responses\":", "}}}}},\"components"),
            R"({"200":{"description":"Successful Response",)" + content);
  EXPECT_EQ(between(document_with([] { return Created<Leaf>{Leaf{1}}; }), "\"responses\":", "}}}}},\"components"),
            R"({"201":{"description":"Successful Response",)" + content);
  EXPECT_NE(document_with([] { return Accepted<>{}; }).find(R"({"202":{"description":"Successful Response"}})"),
            std::string::npos);
}

struct Closed {
  int n;
};

}  // namespace

template <>
struct ModelTraits<Closed> {
  static constexpr bool forbids_extra = true;
};

namespace {

TEST(OpenApiModel, SaysThatNothingElseIsTaken) {
  EXPECT_NE(document_with([] { return Closed{1}; }).find(R"("Closed":{"additionalProperties":false,"properties")"),
            std::string::npos);
}

TEST(OpenApiRoute, GivesTheDocumentOfAllRoutes) {
  App app;
  openapi_route(app, {.title = "Shop"});
  app.get("/later", [] {});
  const std::string document = openapi_document(app, {.title = "Shop"});

  loopback::Client client{app};
  const auto reply = client.get("/openapi.json");

  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.body(), document);
  EXPECT_NE(document.find("\"/later\""), std::string::npos);
  EXPECT_EQ(document.find("openapi.json"), std::string::npos);
}

TEST(OpenApiRoute, SaysWhereAnAppIsMounted) {
  App app, inner;
  openapi_route(inner, {.path = "/doc"});
  inner.get("/x", [] {});
  app.mount("/inner", inner);

  loopback::Client client{app};

  EXPECT_NE(client.get("/inner/doc").body().find(R"("servers":[{"url":"/inner"}],"paths":{"/x")"), std::string::npos);
}

TEST(OpenApiRoute, KeepsTheServersThatAreGiven) {
  App app, inner;
  const OpenApiServer servers[] = {{"https://a.example"}};
  openapi_route(inner, {.servers = servers});
  app.mount("/inner", inner);

  loopback::Client client{app};

  EXPECT_NE(client.get("/inner/openapi.json").body().find(R"("servers":[{"url":"https://a.example"}])"),
            std::string::npos);
}

TEST(OpenApiRoute, StopsTheStartWhereItsDocumentCannotBeMade) {
  App ids, text;
  openapi_route(ids);
  ids.get("/a", [] {}, {.operation_id = "same"}).get("/b", [] {}, {.operation_id = "same"});
  openapi_route(text, {.title = "\xff"});

  EXPECT_THROW(loopback::Client{ids}, StartError);
  EXPECT_THROW(loopback::Client{text}, StartError);
}

}  // namespace
}  // namespace umbel
