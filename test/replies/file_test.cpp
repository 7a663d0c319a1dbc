// SPDX-License-Identifier: MIT
#include "umbel/core/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "http_peer.hpp"
#include "temporary_folder.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/http_date.hpp"
#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// So large that it comes in pieces, and different everywhere.
std::string large_text(std::size_t size = 1'000'003) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  return text.substr(0, size);
}

class Files : public ::testing::Test {
protected:
  Files() {
    folder.write("small.txt", "hello, file");
    folder.write("large.bin", large);
    folder.write("empty.json", "");
    app.get("/{name}", [root = folder.path()](Path<"name"> name) { return File{root + "/" + std::string{*name}}; });
    app.post("/{name}", [root = folder.path()](Path<"name"> name) { return File{root + "/" + std::string{*name}}; });
    app.get("/awaited/{name}", [root = folder.path()](Path<"name"> name) -> Task<File> {
      std::string path = root + "/" + std::string{*name};
      co_return co_await open_file(std::move(path));
    });
  }
  loopback::Reply ask(std::string target, const Fields& fields = {}, Method method = Method::get) {
    OwnedRequest request{method, std::move(target)};
    for (const auto& [name, value] : fields) request.header(name, value);
    return loopback::Client{app}.send(std::move(request));
  }
  std::string header(const loopback::Reply& reply, std::string_view name) {
    return std::string{reply.header(name).value_or("")};
  }

  const std::string large = large_text();
  TemporaryFolder folder;
  App app;
};

TEST_F(Files, AreSentWithWhatIsKnownOfThem) {
  const auto reply = ask("/small.txt");

  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.body(), "hello, file");
  EXPECT_EQ(reply.content_type(), "text/plain; charset=utf-8");
  EXPECT_EQ(reply.header("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(reply.header("accept-ranges"), "bytes");
  EXPECT_EQ(header(reply, "etag"), "\"ae1b981bc490a00-b\"");
  EXPECT_EQ(ask("/empty.json").body(), "");
  EXPECT_EQ(ask("/empty.json").content_type(), "application/json");
}

TEST_F(Files, ComeInPiecesIfTheyAreLarge) {
  EXPECT_EQ(ask("/large.bin").body(), large);
  EXPECT_EQ(ask("/large.bin").content_type(), "application/octet-stream");
  for (const std::size_t size : {65'535u, 65'536u, 65'537u, 131'072u, 131'073u}) {
    folder.write("edge", large.substr(0, size));
    EXPECT_EQ(ask("/edge").body(), large.substr(0, size)) << size;
  }
}

TEST_F(Files, MayBeOpenedByCoroutines) {
  EXPECT_EQ(ask("/awaited/large.bin").body(), large);
  EXPECT_EQ(ask("/awaited/small.txt").body(), "hello, file");
  EXPECT_EQ(ask("/awaited/none").status(), 404);
}

TEST_F(Files, ThatAreNoneAre404) {
  ::mkfifo(folder.path_of("pipe").c_str(), 0600);
  EXPECT_EQ(ask("/none").status(), 404);
  EXPECT_EQ(ask("/none").body(), R"({"detail":"Not Found"})");
  EXPECT_EQ(ask("/pipe").status(), 404);
  EXPECT_EQ(ask("/small.txt%2fx").status(), 404);
  EXPECT_EQ(ask("/.").status(), 404) << "a folder";
  EXPECT_THROW(File{folder.path()}, HttpError);
  EXPECT_THROW((File{folder.path_of("small.txt") + std::string(1, '\0') + ".png"}), HttpError);
  EXPECT_THROW(File{folder.path_of(std::string(5000, 'x'))}, HttpError);
}

TEST_F(Files, ThatWeMayNotReadAre403) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ::chmod(folder.write("secret", "x").c_str(), 0);

  EXPECT_EQ(ask("/secret").status(), 403);
}

TEST_F(Files, AreNotSentAgain) {
  const std::string etag = header(ask("/large.bin"), "etag");

  for (const Fields& fields : {Fields{{"If-None-Match", etag}}, Fields{{"If-None-Match", "\"x\", W/" + etag}},
                               Fields{{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}}}) {
    const auto reply = ask("/large.bin", fields);
    EXPECT_EQ(reply.status(), 304);
    EXPECT_EQ(reply.body(), "");
    EXPECT_EQ(header(reply, "etag"), etag);
    EXPECT_EQ(reply.content_type(), "");
  }
  EXPECT_EQ(ask("/large.bin", {{"If-None-Match", "\"x\""}}).status(), 200);
  EXPECT_EQ(ask("/large.bin", {{"If-Match", "\"x\""}}).status(), 412);
  EXPECT_EQ(ask("/large.bin", {{"If-Match", etag}}).status(), 200);
  EXPECT_EQ(ask("/small.txt", {{"If-None-Match", "*"}}, Method::post).status(), 200) << "it was done already";
}

TEST_F(Files, AreSentInParts) {
  const auto part = [&](std::string target, std::string range, const Fields& more = {}) {
    Fields fields = more;
    fields.emplace_back("Range", range);
    const auto reply = ask(std::move(target), fields);
    return std::to_string(reply.status()) + " " + header(reply, "content-range") + " " + reply.body();
  };

  EXPECT_EQ(part("/small.txt", "bytes=0-4"), "206 bytes 0-4/11 hello");
  EXPECT_EQ(part("/small.txt", "bytes=-4"), "206 bytes 7-10/11 file");
  EXPECT_EQ(part("/small.txt", "bytes=0-10"), "206 bytes 0-10/11 hello, file");
  EXPECT_EQ(part("/small.txt", "bytes=11-"), "416 bytes */11 {\"detail\":\"Range Not Satisfiable\"}");
  EXPECT_EQ(part("/small.txt", "bytes=0-1,3-4"), "200  hello, file");
  EXPECT_EQ(part("/small.txt", "bytes=0-4", {{"If-Range", "\"x\""}}), "200  hello, file");
  EXPECT_EQ(part("/empty.json", "bytes=0-").substr(0, 13), "416 bytes */0");
  EXPECT_EQ(part("/large.bin", "bytes=65530-200000"),
            "206 bytes 65530-200000/1000003 " + large.substr(65'530, 200'001 - 65'530));
  EXPECT_EQ(part("/large.bin", "bytes=-1"), "206 bytes 1000002-1000002/1000003 " + large.substr(1'000'002));
}

TEST_F(Files, HaveWeakTagsWhileTheyMayStillChange) {
  const std::string path = folder.write("new", "x", std::time(nullptr));
  EXPECT_TRUE(File{path}.etag().starts_with("W/\""));
  folder.write("new", "x", std::time(nullptr) + 1'000);
  const File future{path};
  EXPECT_TRUE(future.etag().starts_with("W/\""));
  EXPECT_LE(future.last_modified(), std::chrono::system_clock::now());
  folder.write("new", "x");
  const std::string before = File{path}.etag();
  EXPECT_TRUE(before.starts_with('"'));
  folder.write("new", "xy");
  EXPECT_NE(File{path}.etag(), before);
}

TEST_F(Files, TakeAnotherTypeAndHeaders) {
  File file{folder.path_of("small.txt")};
  file.content_type("text/csv").header("cache-control", "no-cache");
  EXPECT_THROW(file.header("x", "a\r\nb"), std::invalid_argument);
  EXPECT_THROW(file.content_type("a\r\nb"), std::invalid_argument);
  const Response response = std::move(file).respond(Request{});

  EXPECT_EQ(response.content_type(), "text/csv");
  EXPECT_EQ(response.header("cache-control"), "no-cache");
}

TEST_F(Files, AreSavedUnderTheNameThatTheyAreGiven) {
  const auto disposition = [&](std::string_view name) {
    const Response response = File{folder.path_of("small.txt")}.download(name).respond(Request{});
    return std::string{response.header("content-disposition").value_or("")};
  };

  EXPECT_EQ(disposition("a b.pdf"), "attachment; filename=\"a b.pdf\"");
  EXPECT_EQ(disposition("M\xC3\xA4rz.pdf"), "attachment; filename=\"M__rz.pdf\"; filename*=UTF-8''M%C3%A4rz.pdf");
  EXPECT_EQ(disposition("100%.txt"), "attachment; filename=\"100%.txt\"; filename*=UTF-8''100%25.txt");
  EXPECT_EQ(disposition("../etc/\"x\"\\y\r\nset-cookie: a"), "attachment; filename=\".._etc__x__y__set-cookie: a\"");
  EXPECT_EQ(disposition("a'(b)*.txt"), "attachment; filename=\"a'(b)*.txt\"");
}

TEST_F(Files, GoOverTheWireWithTheirLength) {
  const Served served{app};
  const std::string small = "content-length: 11\r\n";

  const std::string reply = ask_http(served, "GET /small.txt HTTP/1.1\r\n");
  EXPECT_TRUE(
      reply.starts_with("HTTP/1.1 200 OK\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                        "etag: \"ae1b981bc490a00-b\"\r\ncontent-type: text/plain; charset=utf-8\r\n"
                        "accept-ranges: bytes\r\n" +
                        small))
      << reply;
  EXPECT_TRUE(reply.ends_with("\r\n\r\nhello, file"));
  const std::string large_reply = ask_http(served, "GET /large.bin HTTP/1.1\r\n");
  EXPECT_NE(large_reply.find("content-length: 1000003\r\n"), std::string::npos);
  EXPECT_EQ(large_reply.substr(large_reply.find("\r\n\r\n") + 4), large);
}

TEST_F(Files, AreOnlyHeadsForHead) {
  const Served served{app};

  for (const auto& [name, length] : {std::pair{"small.txt", "11"}, std::pair{"large.bin", "1000003"}}) {
    const std::string reply = ask_http(served, "HEAD /" + std::string{name} + " HTTP/1.1\r\nrange: bytes=0-1\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(reply.find("content-length: " + std::string{length} + "\r\n"), std::string::npos);
    EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
  }
}

TEST_F(Files, WithoutABodySayNoLength) {
  const Served served{app};

  const std::string reply = ask_http(served, "GET /small.txt HTTP/1.1\r\nif-none-match: *\r\n");

  EXPECT_EQ(reply,
            "HTTP/1.1 304 Not Modified\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "etag: \"ae1b981bc490a00-b\"\r\nconnection: close\r\n\r\n");
}

TEST_F(Files, ThatShrinkWhileTheyAreSentBreakOff) {
  const Response response = File{folder.path_of("large.bin")}.respond(Request{});
  EXPECT_EQ(response.source()->size(), large.size());
  app.get("/shrinks/now", [root = folder.path()] {
    File file{root + "/large.bin"};
    EXPECT_EQ(::truncate((root + "/large.bin").c_str(), 100'000), 0);
    return file;
  });

  const auto reply = ask("/shrinks/now");

  EXPECT_FALSE(reply.is_complete());
  EXPECT_EQ(reply.body(), large.substr(0, 65'536));
}

TEST_F(Files, AreHeldUpByASlowPeer) {
  const std::string huge = large_text(32 << 20);
  folder.write("huge", huge);
  const Served served{app};
  Connection slow{served, 4096};
  slow.send("GET /huge HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");

  // Others are answered meanwhile.
  EXPECT_TRUE(ask_http(served, "GET /small.txt HTTP/1.1\r\n").ends_with("hello, file"));
  const std::string reply = slow.receive_all();

  EXPECT_EQ(reply.size() - reply.find("\r\n\r\n") - 4, huge.size());
  EXPECT_TRUE(reply.ends_with(huge.substr(huge.size() - 1000)));
}

TEST_F(Files, MayBeLeftInTheMiddle) {
  folder.write("huge", large_text(8 << 20));
  const Served served{app};
  for (int i = 0; i < 10; ++i) {
    Connection leaves{served, 4096};
    leaves.send("GET /huge HTTP/1.1\r\nhost: x\r\n\r\n");
    EXPECT_NE(leaves.receive_some(), "");
  }

  EXPECT_TRUE(ask_http(served, "GET /small.txt HTTP/1.1\r\n").ends_with("hello, file"));
}

}  // namespace
}  // namespace umbel::test
