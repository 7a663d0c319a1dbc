// SPDX-License-Identifier: MIT
#include "umbel/gzip/gzip.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_peer.hpp"
#include "temporary_folder.hpp"
#include "umbel/core/event_stream.hpp"
#include "umbel/core/file.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/stream.hpp"
#include "umbel/di/app.hpp"
#include "umbel/loopback/client.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

/// Undoes it as it comes.
class Inflate {
public:
  Inflate() { ::inflateInit2(&stream_, 15 + 16); }
  ~Inflate() { ::inflateEnd(&stream_); }
  std::string add(std::string_view bytes) {
    std::string text;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      char room[65536];
      stream_.next_out = reinterpret_cast<Bytef*>(room);
      stream_.avail_out = sizeof room;
      const int result = ::inflate(&stream_, Z_SYNC_FLUSH);
      is_over_ = result == Z_STREAM_END;
      EXPECT_TRUE(result == Z_OK || is_over_ || result == Z_BUF_ERROR) << result;
      text.append(room, sizeof room - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return text;
  }
  bool is_over() const { return is_over_; }

private:
  z_stream stream_{};
  bool is_over_ = false;
};

std::string inflated(std::string_view bytes) {
  Inflate inflate;
  std::string text = inflate.add(bytes);
  EXPECT_TRUE(inflate.is_over());
  return text;
}

std::string words(std::size_t size) {
  std::string text;
  for (std::uint32_t i = 1; text.size() < size; i = i * 1'103'515'245u + 12'345u) text += std::to_string(i >> 16) + " ";
  return text.substr(0, size);
}

Stream rows(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string row = "row " + std::to_string(i) + "\n";
    co_yield row;
  }
}

class GzipApp : public ::testing::Test {
protected:
  GzipApp() { app.around(Gzip{}); }
  void answer(Response (*f)()) { app.get("/", f); }
  loopback::Reply ask(std::string encoding = "gzip", std::string target = "/", Method method = Method::get) {
    OwnedRequest request{method, std::move(target)};
    if (!encoding.empty()) request.header("Accept-Encoding", encoding);
    return loopback::Client{app}.send(std::move(request));
  }
  static bool is_compressed(const loopback::Reply& reply) { return reply.header("content-encoding") == "gzip"; }

  App app;
};

TEST_F(GzipApp, CompressesForWhoTakesIt) {
  answer([] { return Response::text(words(5'000)).header("etag", "\"a\"").header("accept-ranges", "bytes"); });

  const auto reply = ask();
  EXPECT_TRUE(is_compressed(reply));
  EXPECT_EQ(inflated(reply.body()), words(5'000));
  EXPECT_LT(reply.body().size(), 3'500u);
  EXPECT_EQ(reply.header("vary"), "Accept-Encoding");
  EXPECT_EQ(reply.header("etag"), "W/\"a\"");
  EXPECT_EQ(reply.header("accept-ranges"), "none");
  const auto plain = ask("");
  EXPECT_FALSE(is_compressed(plain));
  EXPECT_EQ(plain.body(), words(5'000));
  EXPECT_EQ(plain.header("vary"), "Accept-Encoding");
  EXPECT_EQ(plain.header("etag"), "\"a\"");
}

TEST_F(GzipApp, GoesByTheWeights) {
  answer([] { return Response::text(words(5'000)); });

  for (const char* yes :
       {"gzip", "GZIP", "x-gzip", "br, gzip;q=0.1", "*", "deflate, *;q=0.5", "gzip;q=0.5, identity;q=0.5",
        "identity;q=0, *", "gzip ; q=1.000", "gzip;level=1", "gzip;q=0, x-gzip"})
    EXPECT_TRUE(is_compressed(ask(yes))) << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "identity",
                         "gzip;q=0.5, identity", "gzip;q=x", "gzip;q=2", "gzip;q=", "gzipped", ",", "identity;q=0"})
    EXPECT_FALSE(is_compressed(ask(no))) << no;
}

TEST_F(GzipApp, LeavesOthersAlone) {
  app.get("/small", [] { return words(499); });
  app.get("/image", [] { return Response::bytes("image/png", words(5'000)); });
  app.get("/encoded", [] { return Response::text(words(5'000)).header("content-encoding", "br"); });
  app.get("/part", [] { return Response::text(words(5'000), 206); });
  app.get("/kept", [] { return Response::text(words(5'000)).header("cache-control", "private, no-transform"); });
  app.get("/random", [] {
    std::mt19937 random{7};
    std::string text(2'000, ' ');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  });
  app.get("/nothing", [] {});
  app.get("/untyped", [] {
    Response response;
    response.body(Buffer{words(5'000)});
    return response;
  });

  for (const char* target : {"/small", "/image", "/encoded", "/part", "/kept", "/random", "/nothing", "/untyped"})
    EXPECT_FALSE(is_compressed(ask("gzip", target))) << target;
  EXPECT_EQ(ask("gzip", "/image").header("vary"), std::nullopt);
  EXPECT_EQ(ask("gzip", "/random").header("vary"), "Accept-Encoding");
  EXPECT_EQ(ask("gzip", "/encoded").header("content-encoding"), "br");
}

TEST_F(GzipApp, LeavesHeadsAlone) {
  answer([] { return Response::text(words(5'000)); });

  const auto reply = ask("gzip", "/", Method::head);
  EXPECT_FALSE(is_compressed(reply));
  EXPECT_EQ(reply.header("vary"), "Accept-Encoding");
}

TEST_F(GzipApp, ComparesAndTellsTheTagsOfWhatItWouldHaveSent) {
  TemporaryFolder folder;
  folder.write("a.txt", words(5'000));
  app.get("/", [&] { return File{folder.path_of("a.txt")}; });
  const auto ask_again = [&](const loopback::Reply& first, std::string encoding) {
    OwnedRequest request{Method::get, "/"};
    request.header("accept-encoding", encoding).header("if-none-match", *first.header("etag"));
    return loopback::Client{app}.send(std::move(request));
  };

  for (const char* encoding : {"gzip", "identity"}) {
    const auto first = ask(encoding);
    const auto again = ask_again(first, encoding);
    EXPECT_EQ(first.status(), 200);
    EXPECT_EQ(again.status(), 304);
    EXPECT_EQ(again.header("etag"), first.header("etag"));
    EXPECT_EQ(again.header("vary"), "Accept-Encoding");
    EXPECT_EQ(again.body(), "");
  }
}

TEST_F(GzipApp, CompressesErrorsAndTypesWithSuffixes) {
  app.get("/error", []() -> Response { throw HttpError{409, words(1'000)}; });
  app.get("/problem", [] { return Response::bytes("Application/Problem+JSON; x=y", words(1'000)); });

  EXPECT_TRUE(is_compressed(ask("gzip", "/error")));
  EXPECT_TRUE(is_compressed(ask("gzip", "/problem")));
}

TEST_F(GzipApp, CompressesBodiesOfAnySize) {
  for (const std::size_t size :
       {500u, 511u, 512u, 513u, 16'383u, 16'384u, 16'385u, 65'536u, 65'537u, 131'072u, 3'000'001u}) {
    App sized;
    sized.around(Gzip{{.level = 1}});
    sized.get("/", [size] { return words(size); });
    OwnedRequest request{Method::get, "/"};
    request.header("accept-encoding", "gzip");
    const auto reply = loopback::Client{sized}.send(std::move(request));
    EXPECT_TRUE(is_compressed(reply)) << size;
    EXPECT_EQ(inflated(reply.body()), words(size)) << size;
  }
}

TEST_F(GzipApp, CompressesFilesAndStreams) {
  TemporaryFolder folder;
  folder.write("large.txt", words(1'000'000));
  app.get("/file", [&] { return File{folder.path_of("large.txt")}; });
  app.get("/rows", [] { return Response::stream("text/csv", rows(50'000)); });

  const auto file = ask("gzip", "/file");
  EXPECT_EQ(inflated(file.body()), words(1'000'000));
  EXPECT_TRUE(file.header("etag").value_or("").starts_with("W/"));
  const auto table = ask("gzip", "/rows");
  EXPECT_TRUE(is_compressed(table));
  EXPECT_TRUE(inflated(table.body()).ends_with("row 49999\n"));
}

TEST_F(GzipApp, BreaksOffWithItsSource) {
  app.get("/fails", [] {
    return Response::stream("text/plain", []() -> Stream {
      co_yield "first";
      throw std::runtime_error{"secret"};
    }());
  });

  EXPECT_FALSE(ask("gzip", "/fails").is_complete());
}

Stream slow_words() {
  co_yield "one ";
  co_await sleep(1s);
  co_yield "two ";
  co_await sleep(1s);
  co_yield "three";
}

TEST(GzipStream, FlushesWhenItsSourceWaits) {
  testing::ManualPort port;
  Response response = Response::stream("text/plain", slow_words());
  Gzip{}.compress(response, Gzip::Wish::compressed);
  struct Ready : Work {
    Ready() noexcept : Work([](Work& work) noexcept { ++static_cast<Ready&>(work).runs; }) {}
    int runs = 0;
  } ready;
  Inflate inflate;
  const auto pull = [&]() -> std::string {
    std::string_view chunk;
    const Pulled pulled = response.source()->pull(port.context(), chunk, ready);
    if (pulled == Pulled::pending) return "[pending]";
    return pulled == Pulled::end ? "[end]" : inflate.add(chunk);
  };

  EXPECT_EQ(pull(), "one ");
  EXPECT_EQ(pull(), "[pending]");
  port.advance(1s);
  EXPECT_EQ(ready.runs, 1);
  EXPECT_EQ(pull(), "two ");
  EXPECT_EQ(pull(), "[pending]");
  port.advance(1s);
  EXPECT_EQ(pull(), "three");
  EXPECT_EQ(pull(), "[end]");
  EXPECT_TRUE(inflate.is_over());
}

TEST(GzipStream, MayBeDroppedAtAnyTime) {
  for (int pulls = 0; pulls < 6; ++pulls) {
    for (const bool is_large : {false, true}) {
      testing::ManualPort port;
      Response response = is_large ? Response::text(words(300'000)) : Response::stream("text/plain", slow_words());
      Gzip{}.compress(response, Gzip::Wish::compressed);
      struct Ready : Work {
        Ready() noexcept : Work([](Work&) noexcept {}) {}
      } ready;
      for (int i = 0; i < pulls; ++i) {
        std::string_view chunk;
        response.source()->pull(port.context(), chunk, ready);
        if (i % 2) port.pool().run_all();
        if (i % 3 == 1) port.run();
      }
      response.take_source().reset();
      port.pool().run_all();
      port.run();
      EXPECT_TRUE(port.context().is_idle());
      EXPECT_EQ(port.context().jobs_away(), 0u);
    }
  }
}

TEST(GzipStream, CompressesLargePiecesOnWorkers) {
  testing::ManualPort port;
  port.pool().set_limit(0);
  Response response = Response::text(words(100'000));
  Gzip{}.compress(response, Gzip::Wish::compressed);
  struct Ready : Work {
    Ready() noexcept : Work([](Work&) noexcept {}) {}
  } ready;
  std::string_view chunk;

  EXPECT_EQ(response.source()->pull(port.context(), chunk, ready), Pulled::pending);
  EXPECT_EQ(port.pool().waiting(), 1u) << "though the pool is full";
  response.take_source().reset();
  port.pool().run_all();
  port.run();
}

EventStream ticks() {
  co_yield words(1'000);
  co_yield words(1'000);
}

TEST_F(GzipApp, LeavesEventsAlone) {
  app.get("/events", ticks);

  EXPECT_FALSE(is_compressed(ask("gzip", "/events")));
}

TEST_F(GzipApp, GoesOverTheWire) {
  app.get("/short", [] { return std::string(1'000, 'x'); });
  app.get("/long", [] { return words(1'000'000); });
  const Served served{app};

  const std::string brief = ask_http(served, "GET /short HTTP/1.1\r\naccept-encoding: gzip\r\n");
  const std::size_t body = brief.find("\r\n\r\n") + 4;
  EXPECT_NE(brief.find("content-length: " + std::to_string(brief.size() - body) + "\r\n"), std::string::npos) << brief;
  EXPECT_EQ(inflated(std::string_view{brief}.substr(body)), std::string(1'000, 'x'));
  const std::string pieces = ask_http(served, "GET /long HTTP/1.1\r\naccept-encoding: gzip\r\n");
  EXPECT_NE(pieces.find("transfer-encoding: chunked\r\n"), std::string::npos);
  const std::string old = ask_http(served, "GET /long HTTP/1.0\r\naccept-encoding: gzip\r\n");
  EXPECT_EQ(inflated(std::string_view{old}.substr(old.find("\r\n\r\n") + 4)), words(1'000'000));
}

TEST(GzipLevel, IsBetween1And9) {
  EXPECT_THROW(Gzip{{.level = 0}}, std::invalid_argument);
  EXPECT_THROW(Gzip{{.level = 10}}, std::invalid_argument);
}

}  // namespace
}  // namespace umbel::test
