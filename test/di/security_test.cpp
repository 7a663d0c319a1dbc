// SPDX-License-Identifier: MIT
#include "umbel/di/security.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "peer.hpp"

namespace umbel::test {
namespace {

class Security : public ::testing::Test, public TestApp {
protected:
  std::unique_ptr<Peer> ask_with(std::string_view name, std::string_view value) {
    OwnedRequest request{Method::get, "/"};
    request.header(name, value);
    return ask(std::move(request));
  }
  std::string body_with(std::string_view name, std::string_view value) { return ask_with(name, value)->body(); }

  static void expect_refused(const Peer& peer, std::string_view challenge,
                             std::string_view detail = "Not authenticated") {
    EXPECT_EQ(peer.status(), 401);
    EXPECT_EQ(peer.body(), R"({"detail":")" + std::string{detail} + R"("})");
    EXPECT_EQ(peer.header("www-authenticate"), challenge);
  }
};

TEST_F(Security, OfABearerGivesItsToken) {
  app.get("/", [](Depends<bearer> bearer) { return std::string{bearer->token}; });

  EXPECT_EQ(body_with("Authorization", "Bearer abc.def"), "abc.def");
  EXPECT_EQ(body_with("authorization", "bEARER abc"), "abc");
  EXPECT_EQ(body_with("authorization", "Bearer   abc d"), "abc d");
}

TEST_F(Security, OfABearerRefusesEverythingElse) {
  app.get("/", [](Depends<bearer>) {});

  expect_refused(*ask("/"), "Bearer");
  for (const char* field : {"", "Bearer", "Bearer ", "Basic YTpi", "Bearerabc", "abc"})
    expect_refused(*ask_with("authorization", field), "Bearer");
}

Task<std::string> hello(Depends<bearer> bearer, Depends<optional_basic> basic, Depends<api_key_header<"x-key">> key) {
  co_return std::string{bearer->token} + (*basic ? "!" : "?") + std::string{*key};
}

TEST_F(Security, TakesNoHop) {
  app.get("/", hello);
  OwnedRequest request{Method::get, "/"};
  request.header("authorization", "Bearer abc").header("x-key", "k");

  const auto peer = begin(std::move(request));

  EXPECT_EQ(peer->body(), "abc?k") << "before anything was turned";
}

TEST_F(Security, OfAnOptionalBearerRefusesNobody) {
  app.get("/", [](Depends<optional_bearer> bearer) { return std::string{*bearer ? (*bearer)->token : "nobody"}; });

  EXPECT_EQ(body_with("authorization", "Bearer abc"), "abc");
  EXPECT_EQ(body_with("authorization", "Basic YTpi"), "nobody");
  EXPECT_EQ(body("/"), "nobody");
}

std::string name_and_password(Depends<basic> who) { return who->username + "|" + who->password; }

TEST_F(Security, OfBasicGivesNameAndPassword) {
  app.get("/", name_and_password);

  EXPECT_EQ(body_with("authorization", "Basic YWxpY2U6c2VjcmV0"), "alice|secret");
  EXPECT_EQ(body_with("authorization", "bASIC Og=="), "|");
  EXPECT_EQ(body_with("authorization", "Basic YTpiOmM="), "a|b:c") << "the first colon divides";
  EXPECT_EQ(body_with("authorization", "Basic w6k6w7w="), "\u00e9|\u00fc");
}

TEST_F(Security, OfBasicRefusesEverythingElse) {
  app.get("/", name_and_password);

  expect_refused(*ask("/"), "Basic");
  for (const char* field : {"", "Bearer abc", "Basicx YTpi"})
    expect_refused(*ask_with("authorization", field), "Basic");
}

TEST_F(Security, OfBasicRefusesWhatCannotBeRead) {
  app.get("/", name_and_password);

  for (const char* sent : {"", "YWxpY2U=", "YTpi!", "YTp", "YTpi=", "YTpi====", "Y===", "YTo=YTo=", "YTpiYR==", "AAAA",
                           "YQo6Yg==", "YTp_"}) {
    expect_refused(*ask_with("authorization", "Basic " + std::string{sent}), "Basic",
                   "Invalid authentication credentials");
  }
}

TEST_F(Security, OfBasicNamesItsRealm) {
  app.get("/", [](Depends<basic_realm<"staff only">> who) { return who->username; });

  EXPECT_EQ(body_with("authorization", "Basic YTpi"), "a");
  expect_refused(*ask("/"), R"(Basic realm="staff only")");
  expect_refused(*ask_with("authorization", "Basic ?"), R"(Basic realm="staff only")",
                 "Invalid authentication credentials");
}

TEST_F(Security, OfOptionalBasicRefusesOnlyWhatCannotBeRead) {
  app.get("/", [](Depends<optional_basic> who) { return *who ? (*who)->username : std::string{"nobody"}; });

  EXPECT_EQ(body_with("authorization", "Basic YTpi"), "a");
  EXPECT_EQ(body_with("authorization", "Bearer YTpi"), "nobody");
  EXPECT_EQ(body("/"), "nobody");
  expect_refused(*ask_with("authorization", "Basic ?"), "Basic", "Invalid authentication credentials");
}

TEST_F(Security, OfAKeyIsFoundInAHeaderAQueryOrACookie) {
  app.get("/", [](Depends<api_key_header<"x-key">> key) { return std::string{*key}; });
  app.get("/query", [](Depends<api_key_query<"key">> key) { return std::string{*key}; });
  app.get("/cookie", [](Depends<api_key_cookie<"key">> key) { return std::string{*key}; });
  OwnedRequest with_cookie{Method::get, "/cookie"};
  with_cookie.header("cookie", "other=1; key=k3");

  EXPECT_EQ(body_with("X-Key", "k1"), "k1");
  EXPECT_EQ(body("/query?key=k2"), "k2");
  EXPECT_EQ(ask(std::move(with_cookie))->body(), "k3");
  expect_refused(*ask("/"), "APIKey");
  expect_refused(*ask_with("x-key", ""), "APIKey");
  expect_refused(*ask("/query"), "APIKey");
  expect_refused(*ask("/query?key="), "APIKey");
  expect_refused(*ask("/cookie"), "APIKey");
}

TEST_F(Security, OfAnOptionalKeyRefusesNobody) {
  const auto shown = [](std::optional<std::string_view> key) { return std::string{key.value_or("nobody")}; };
  app.get("/", [=](Depends<optional_api_key_header<"x-key">> key) { return shown(*key); });
  app.get("/query", [=](Depends<optional_api_key_query<"key">> key) { return shown(*key); });
  app.get("/cookie", [=](Depends<optional_api_key_cookie<"key">> key) { return shown(*key); });

  EXPECT_EQ(body("/") + body("/query?key=") + body("/cookie"), "nobodynobodynobody");
  EXPECT_EQ(body_with("x-key", "k"), "k");
  EXPECT_EQ(body("/query?key=k"), "k");
}

TEST(ConstantTimeEqual, ComparesWholeTexts) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("Secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secre"));
  EXPECT_FALSE(constant_time_equal("", "s"));
  EXPECT_FALSE(constant_time_equal({"a\0", 2}, "a"));
  EXPECT_FALSE(constant_time_equal("a", {"a\0", 2}));
}

}  // namespace
}  // namespace umbel::test
