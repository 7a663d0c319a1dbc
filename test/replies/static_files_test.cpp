// SPDX-License-Identifier: MIT
#include "umbel/di/static_files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "http_peer.hpp"
#include "temporary_folder.hpp"
#include "umbel/core/redirect.hpp"
#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

class StaticFiles : public ::testing::Test {
protected:
  StaticFiles() {
    folder.write("secret.txt", "SECRET");
    folder.write("public/index.html", "home");
    folder.write("public/a.txt", "a");
    folder.write("public/with space \xC3\xA4%.txt", "odd");
    folder.write("public/sub/b.css", "b");
    folder.write("public/sub/index.html", "sub");
    folder.write("public/bare/c.js", "c");
    folder.write("public/.hidden", "SECRET");
    folder.write("public/.git/config", "SECRET");
    folder.write("public/back\\slash", "backslash");
    folder.write("public-not/x.txt", "SECRET");
    link(folder.path_of("secret.txt"), "public/out.txt");
    link("a.txt", "public/in.txt");
    link(folder.path(), "public/up");
    link("sub", "public/sub_link");
  }
  void link(const std::string& to, std::string_view name) {
    ASSERT_EQ(::symlink(to.c_str(), folder.path_of(name).c_str()), 0);
  }
  void serve(const StaticFileOptions& options = {}) {
    app.include("/s", static_files(folder.path_of("public"), options));
  }
  loopback::Reply get(std::string target) { return loopback::Client{app}.get(std::move(target)); }
  /// The status, and the body of 200.
  std::string answer(std::string target) {
    const auto reply = get(std::move(target));
    return std::to_string(reply.status()) + (reply.status() == 200 ? " " + reply.body() : "");
  }

  TemporaryFolder folder;
  App app;
};

TEST_F(StaticFiles, AreServedByTheirPaths) {
  serve({.cache_control = "max-age=60"});

  EXPECT_EQ(answer("/s/a.txt"), "200 a");
  EXPECT_EQ(answer("/s/sub/b.css"), "200 b");
  EXPECT_EQ(answer("/s/with%20space%20%C3%A4%25.txt"), "200 odd");
  EXPECT_EQ(answer("/s/back%5Cslash"), "200 backslash");
  const auto reply = get("/s/sub/b.css?v=1");
  EXPECT_EQ(reply.content_type(), "text/css; charset=utf-8");
  EXPECT_EQ(reply.header("cache-control"), "max-age=60");
  EXPECT_TRUE(reply.header("etag").has_value());
}

TEST_F(StaticFiles, OfAFolderAreItsIndex) {
  serve();

  EXPECT_EQ(answer("/s/"), "200 home");
  EXPECT_EQ(answer("/s/sub/"), "200 sub");
  EXPECT_EQ(answer("/s/bare/"), "404");
  EXPECT_EQ(answer("/s/bare"), "404") << "folders are not listed";
  EXPECT_EQ(answer("/s/a.txt/"), "404");
}

TEST_F(StaticFiles, SendWhoForgotTheSlashThere) {
  serve();
  folder.write("public/x:y/index.html", "colon");

  EXPECT_EQ(get("/s/sub").status(), 307);
  EXPECT_EQ(get("/s/sub").header("location"), "./sub/");
  EXPECT_EQ(get("/s/sub?a=b").header("location"), "./sub/?a=b");
  EXPECT_EQ(get("/s/x:y").header("location"), "./x:y/");
}

TEST_F(StaticFiles, AtTheRootRedirectToNoOtherHost) {
  app.include(static_files(folder.path_of("public")));
  folder.write("public/evil.example/index.html", "evil");

  EXPECT_EQ(answer("/"), "200 home");
  EXPECT_EQ(get("//evil.example").status(), 404);
  EXPECT_EQ(get("/evil.example").header("location"), "./evil.example/");
  EXPECT_EQ(get("/%2fevil.example").status(), 404);
}

TEST_F(StaticFiles, MayHaveAnotherIndexOrNone) {
  serve({.index = "b.css"});
  EXPECT_EQ(answer("/s/sub/"), "200 b");
  EXPECT_EQ(answer("/s/"), "404");

  App none;
  none.include(static_files(folder.path_of("public"), {.index = {}}));
  EXPECT_EQ(loopback::Client{none}.get("/sub/").status(), 404);
  EXPECT_EQ(loopback::Client{none}.get("/sub").status(), 404);
}

TEST_F(StaticFiles, ThatAreHiddenAreShownIfAsked) {
  serve();
  app.include("/all", static_files(folder.path_of("public"), {.hidden = HiddenFiles::served}));

  for (const char* path : {".hidden", ".git/config", "%2ehidden", "sub/../.hidden"}) {
    EXPECT_EQ(answer("/s/" + std::string{path}), "404") << path;
  }
  EXPECT_EQ(answer("/all/.hidden"), "200 SECRET");
  EXPECT_EQ(answer("/all/.git/config"), "200 SECRET");
  EXPECT_EQ(answer("/all/.."), "404");
  EXPECT_EQ(answer("/all/./a.txt"), "404");
}

TEST_F(StaticFiles, FollowLinksIfTheyAreTold) {
  serve();
  app.include("/all", static_files(folder.path_of("public"), {.symlinks = Symlinks::followed}));

  for (const char* path : {"out.txt", "in.txt", "up/secret.txt", "sub_link/b.css", "sub_link/", "sub_link"})
    EXPECT_EQ(answer("/s/" + std::string{path}), "404") << path;
  EXPECT_EQ(answer("/all/out.txt"), "200 SECRET");
  EXPECT_EQ(answer("/all/in.txt"), "200 a");
  EXPECT_EQ(answer("/all/sub_link/b.css"), "200 b");
}

TEST_F(StaticFiles, MayStandBehindALinkThemselves) {
  link("public", "current");
  app.include(static_files(folder.path_of("current")));

  EXPECT_EQ(answer("/a.txt"), "200 a");
}

TEST_F(StaticFiles, MayBeReplacedAsAWhole) {
  serve();
  EXPECT_EQ(answer("/s/a.txt"), "200 a");

  folder.write("new/a.txt", "new");
  std::filesystem::rename(folder.path_of("public"), folder.path_of("old"));
  EXPECT_EQ(answer("/s/a.txt"), "404");
  std::filesystem::rename(folder.path_of("new"), folder.path_of("public"));

  EXPECT_EQ(answer("/s/a.txt"), "200 new");
}

TEST_F(StaticFiles, NeedAFolder) {
  EXPECT_THROW(static_files(folder.path_of("none")), std::system_error);
  EXPECT_THROW(static_files(folder.path_of("secret.txt")), std::system_error);
  EXPECT_THROW(static_files(folder.path_of("public"), {.cache_control = "a\r\nb"}), std::invalid_argument);
}

TEST_F(StaticFiles, LetTheAppSayThatThereIsNone) {
  serve();
  app.on_error<HttpError>([](const HttpError& error) { return Response::html("<p>gone</p>", error.status()); });

  EXPECT_EQ(get("/s/none").status(), 404);
  EXPECT_EQ(get("/s/none").body(), "<p>gone</p>");
}

TEST_F(StaticFiles, AreOnlyRead) {
  serve();

  EXPECT_EQ(loopback::Client{app}.post("/s/a.txt", "x").status(), 405);
  EXPECT_EQ(loopback::Client{app}.send(OwnedRequest{Method::head, "/s/a.txt"}).status(), 200);
}

TEST_F(StaticFiles, DoNotLetAnybodyOut) {
  serve();
  const Served served{app};
  for (const char* path : {"/s/../secret.txt",
                           "/s/..%2fsecret.txt",
                           "/s/%2e%2e/secret.txt",
                           "/s/%2e%2e%2fsecret.txt",
                           "/s/..\\secret.txt",
                           "/s/..%5csecret.txt",
                           "/s/sub/../../secret.txt",
                           "/s/sub/..%2f..%2fsecret.txt",
                           "/s//etc/passwd",
                           "/s/%2fetc/passwd",
                           "/s/%2fetc%2fpasswd",
                           "/s/%252e%252e%252fsecret.txt",
                           "/s/..%c0%afsecret.txt",
                           "/s/a.txt%00.png",
                           "/s/%00",
                           "/s/..;/secret.txt",
                           "/s/.../secret.txt",
                           "/s/a.txt/../../secret.txt",
                           "/s/../public-not/x.txt",
                           "/s/sub%2f%2e%2e%2f%2e%2e%2fsecret.txt",
                           "/s/./../secret.txt",
                           "/s/../s/../secret.txt"}) {
    const std::string reply = ask_http(served, "GET " + std::string{path} + " HTTP/1.1\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 404 ") || reply.starts_with("HTTP/1.1 400 ")) << path << "\n" << reply;
  }
}

/// What a path means, told without a disk: nothing, or a file's content.
std::string meaning_of(const std::vector<std::string>& segments) {
  std::string joined = segments.front();
  for (std::size_t i = 1; i < segments.size(); ++i) joined += "/" + segments[i];
  if (joined == "a.txt") return "a";
  if (joined == "sub/b.css") return "b";
  if (joined == "bare/c.js") return "c";
  if (joined == "back\\slash") return "backslash";
  return {};
}

TEST_F(StaticFiles, OfRandomPathsAreTheRightOnes) {
  serve();
  loopback::Client client{app};
  std::mt19937 random{20260301};
  const std::vector<std::string> words{"..",      ".",           "",     "a.txt", "sub",
                                       "b.css",   "bare",        "c.js", "up",    "secret.txt",
                                       "out.txt", "back\\slash", ".git", "%",     "public-not"};
  const auto pick = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>{0, count - 1}(random); };
  int found = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::vector<std::string> segments(1 + pick(3));
    std::string target = "/s";
    for (std::string& segment : segments) {
      segment = words[pick(words.size())];
      target += target.size() > 2 && pick(4) == 0 ? "%2F" : "/";
      for (const char c : segment) {
        constexpr std::string_view hex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (c == '%' || pick(4) == 0) target.append("%").append(1, hex[byte / 16]).append(1, hex[byte % 16]);
        else target += c;
      }
    }
    const auto reply = client.get(target);
    EXPECT_EQ(reply.body().find("SECRET"), std::string::npos) << target;
    const std::string expected = meaning_of(segments);
    found += !expected.empty();
    if (expected.empty()) {
      const bool is_index = segments.back().empty() || segments == std::vector<std::string>{"sub"};
      EXPECT_TRUE(is_index || reply.status() == 404 || reply.status() == 400) << target << " " << reply.status();
    } else {
      EXPECT_EQ(reply.body(), expected) << target;
    }
  }
  EXPECT_GT(found, 100);
}

}  // namespace
}  // namespace umbel::test
