// SPDX-License-Identifier: MIT
#include "umbel/core/cors.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "http_peer.hpp"
#include "umbel/core/vary.hpp"
#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

class CorsApp : public ::testing::Test {
protected:
  void serve(Cors cors) {
    app.around(std::move(cors));
    app.get("/", [] { return "data"; });
    app.get("/varies", [] { return Response::text("data").header("vary", "Accept"); });
    app.get("/fails", []() -> std::string { throw HttpError{409}; });
  }
  loopback::Reply ask(const Fields& fields, std::string target = "/", Method method = Method::get) {
    OwnedRequest request{method, std::move(target)};
    for (const auto& [name, value] : fields) request.header(name, value);
    return loopback::Client{app}.send(std::move(request));
  }
  loopback::Reply preflight(std::string origin, std::string method, Fields more = {}) {
    more.emplace_back("Origin", std::move(origin));
    more.emplace_back("Access-Control-Request-Method", std::move(method));
    return ask(more, "/", Method::options);
  }
  static std::string header(const loopback::Reply& reply, std::string_view name) {
    return std::string{reply.header(name).value_or("-")};
  }
  static std::string origin_of(const loopback::Reply& reply) { return header(reply, "access-control-allow-origin"); }

  App app;
};

TEST_F(CorsApp, AllowsNobodyUnlessTold) {
  serve(Cors{});

  EXPECT_EQ(origin_of(ask({{"Origin", "https://a.example"}})), "-");
  EXPECT_EQ(ask({{"Origin", "https://a.example"}}).body(), "data") << "it keeps nobody from asking";
  const auto reply = preflight("https://a.example", "GET");
  EXPECT_EQ(reply.status(), 400);
  EXPECT_EQ(reply.body(), "Disallowed CORS origin");
}

TEST_F(CorsApp, NamesAnOriginThatIsAllowed) {
  serve(Cors{}.allow_origins({"https://a.example", "https://b.example"}));

  const auto reply = ask({{"Origin", "https://b.example"}});
  EXPECT_EQ(origin_of(reply), "https://b.example");
  EXPECT_EQ(header(reply, "vary"), "Origin");
  EXPECT_EQ(header(reply, "access-control-allow-credentials"), "-");
  for (const char* origin :
       {"https://a.example.evil.example", "https://a.exampl", "http://a.example", "HTTPS://A.EXAMPLE", "null", ""})
    EXPECT_EQ(origin_of(ask({{"Origin", origin}})), "-") << origin;
}

TEST_F(CorsApp, TellsCachesThatTheOriginMatters) {
  serve(Cors{}.allow_origins({"https://a.example"}));

  EXPECT_EQ(header(ask({}), "vary"), "Origin");
  EXPECT_EQ(header(ask({{"Origin", "https://x.example"}}), "vary"), "Origin");
  EXPECT_EQ(header(ask({}, "/varies"), "vary"), "Accept, Origin");
}

TEST_F(CorsApp, AllowsAllWithAStar) {
  serve(Cors{}.allow_origins({"*"}).expose_headers({"X-A", "X-B"}));

  const auto reply = ask({{"Origin", "https://any.example"}});
  EXPECT_EQ(origin_of(reply), "*");
  EXPECT_EQ(header(reply, "vary"), "-");
  EXPECT_EQ(header(reply, "access-control-expose-headers"), "X-A, X-B");
  EXPECT_EQ(origin_of(ask({})), "-") << "who asks from nowhere is told nothing";
}

// A browser that asks with credentials takes no *, before it has a cookie, too.
TEST_F(CorsApp, NamesWhoeverAsksWithCredentialsThoughAllAreAllowed) {
  serve(Cors{}.allow_origins({"*"}).allow_credentials());

  const auto plain = ask({{"Origin", "https://any.example"}});
  const auto cookie = ask({{"Origin", "https://any.example"}, {"Cookie", "a=b"}});
  EXPECT_EQ(origin_of(plain), "https://any.example");
  EXPECT_EQ(origin_of(cookie), "https://any.example");
  EXPECT_EQ(header(cookie, "vary"), "Origin");
  EXPECT_EQ(header(cookie, "access-control-allow-credentials"), "true");
  EXPECT_EQ(origin_of(preflight("https://any.example", "GET")), "https://any.example");
}

TEST_F(CorsApp, AsksAPredicate) {
  serve(Cors{}.allow_origins_if([](std::string_view origin) { return origin.ends_with(".shop.example"); }));

  EXPECT_EQ(origin_of(ask({{"Origin", "https://eu.shop.example"}})), "https://eu.shop.example");
  EXPECT_EQ(origin_of(ask({{"Origin", "https://shop.example.evil"}})), "-");
  EXPECT_EQ(preflight("https://eu.shop.example", "GET").status(), 200);
}

TEST_F(CorsApp, AnswersPreflights) {
  serve(Cors{}
            .allow_origins({"https://a.example"})
            .allow_methods({"GET", "POST"})
            .allow_headers({"X-Token"})
            .max_age(std::chrono::seconds{60}));

  const auto reply =
      preflight("https://a.example", "POST", {{"Access-Control-Request-Headers", "x-token, content-type"}});
  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.body(), "OK");
  EXPECT_EQ(origin_of(reply), "https://a.example");
  EXPECT_EQ(header(reply, "access-control-allow-methods"), "GET, POST");
  EXPECT_EQ(header(reply, "access-control-allow-headers"),
            "Accept, Accept-Language, Content-Language, Content-Type, X-Token");
  EXPECT_EQ(header(reply, "access-control-max-age"), "60");
  EXPECT_EQ(header(reply, "vary"), "Origin");

  EXPECT_EQ(preflight("https://a.example", "DELETE").body(), "Disallowed CORS method");
  EXPECT_EQ(preflight("https://a.example", "post").body(), "Disallowed CORS method");
  const auto bad = preflight("https://x.example", "PUT", {{"Access-Control-Request-Headers", "x-token,x-other"}});
  EXPECT_EQ(bad.status(), 400);
  EXPECT_EQ(bad.body(), "Disallowed CORS origin, method, headers");
  EXPECT_EQ(origin_of(bad), "-");
}

TEST_F(CorsApp, MirrorsHeadersIfAllAreAllowed) {
  serve(Cors{}.allow_origins({"*"}).allow_methods({"*"}).allow_headers({"*"}));

  const auto reply = preflight("https://a.example", "PATCH", {{"Access-Control-Request-Headers", "x-anything"}});
  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(origin_of(reply), "*");
  EXPECT_EQ(header(reply, "access-control-allow-headers"), "x-anything");
  EXPECT_EQ(header(reply, "access-control-allow-methods"), "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
}

TEST_F(CorsApp, LeavesOtherOptionsToTheApp) {
  serve(Cors{}.allow_origins({"https://a.example"}));

  const auto reply = ask({{"Origin", "https://a.example"}}, "/", Method::options);
  EXPECT_EQ(reply.status(), 204);
  EXPECT_EQ(origin_of(reply), "https://a.example");
  EXPECT_TRUE(reply.header("allow").has_value());
}

TEST_F(CorsApp, LetsScriptsReadErrors) {
  serve(Cors{}.allow_origins({"https://a.example"}));

  EXPECT_EQ(origin_of(ask({{"Origin", "https://a.example"}}, "/fails")), "https://a.example");
  EXPECT_EQ(origin_of(ask({{"Origin", "https://a.example"}}, "/none")), "https://a.example");
}

TEST_F(CorsApp, RefusesToBeBuiltOfWhatSplitsReplies) {
  EXPECT_THROW(Cors{}.allow_origins({"https://a\r\nx: y"}), std::invalid_argument);
  EXPECT_THROW(Cors{}.expose_headers({"a\nb"}), std::invalid_argument);
}

TEST_F(CorsApp, GoesOverTheWire) {
  serve(Cors{}.allow_origins({"https://a.example"}));
  const Served served{app};

  EXPECT_EQ(ask_http(served, "GET / HTTP/1.1\r\norigin: https://a.example\r\n"),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nvary: Origin\r\n"
            "access-control-allow-origin: https://a.example\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndata");
}

TEST(Vary, IsAddedOnce) {
  const auto vary = [](Response response, std::string_view name) {
    add_vary(response, name);
    return std::string{response.header("vary").value_or("")};
  };

  EXPECT_EQ(vary(Response{}, "Origin"), "Origin");
  EXPECT_EQ(vary(Response{}.header("vary", "accept ,ORIGIN"), "Origin"), "accept ,ORIGIN");
  EXPECT_EQ(vary(Response{}.header("vary", "*"), "Origin"), "*");
  EXPECT_EQ(vary(Response{}.append_header("vary", "a").append_header("vary", "b"), "c"), "a, b, c");
}

}  // namespace
}  // namespace umbel::test
