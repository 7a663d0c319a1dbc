// SPDX-License-Identifier: MIT
// The corpus as bytes of HTTP/1.1, through a server: the same answers, however the bytes are cut, on a connection that
// lives on, beside a neighbour that nobody disturbs.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../replies/http_peer.hpp"
#include "cases.hpp"
#include "shop.hpp"

namespace umbel::test {
namespace {

struct Told {
  int status = 0;  // 0: nothing came, or not all of it.
  std::string body;
  bool closes = false;
};

/// One reply, with nothing behind it.
Told receive_reply(Connection& connection) {
  std::string all = connection.receive_until("\r\n\r\n");
  const std::size_t head = all.find("\r\n\r\n");
  const std::size_t length = all.find("content-length: ");
  if (!all.starts_with("HTTP/1.1 ") || head == all.npos || length > head) return {};
  const std::size_t whole = head + 4 + std::stoul(all.substr(length + 16));
  while (all.size() < whole) {
    const std::string some = connection.receive_some();
    if (some.empty()) return {};
    all += some;
  }
  EXPECT_EQ(all.size(), whole);
  return {std::stoi(all.substr(9)), all.substr(head + 4), all.find("\r\nconnection: close\r\n") < head};
}

/// As the case has it, and what an HTTP/1.1 client must say besides.
std::string bytes_of_request(JsonValue test) {
  std::string bytes{test["request"].as_string()};
  bytes += " HTTP/1.1\r\nhost: x\r\n";
  if (const auto headers = test.find("headers")) {
    for (const auto [name, value] : headers->as_object())
      bytes.append(name).append(": ").append(value.as_string()).append("\r\n");
  }
  const std::optional<std::string> body = body_of(test);
  if (body) bytes += "content-length: " + std::to_string(body->size()) + "\r\n";
  return bytes + "\r\n" + body.value_or("");
}

/// A server answers what is no request line by itself, and closes: between its words is one space, what stands in it is
/// visible ASCII (RFC 9112 section 3.2), and the path's escapes are escapes, but not of NUL.
bool is_request_line(std::string_view line) {
  const auto is_visible = [](char c) { return c > ' ' && c < 0x7F; };
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  const std::string_view target = line.substr(line.find(' ') + 1);
  if (!std::all_of(target.begin(), target.end(), is_visible)) return false;
  std::string_view path = target.substr(0, target.find('?'));
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    const std::string_view digits = path.substr(at + 1, 2);
    if (digits.size() < 2 || !is_hex(digits[0]) || !is_hex(digits[1]) || digits == "00") return false;
  }
  return true;
}

class CorpusOverHttp1 : public ::testing::TestWithParam<const char*> {
protected:
  CorpusOverHttp1() {
    add_routes(app);
    served.emplace(app);
    neighbour.emplace(*served);
  }

  /// Whoever has another connection is served, in whatever state this one is.
  void serve_the_neighbour() {
    neighbour->send("GET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n");
    const Told told = receive_reply(*neighbour);
    ASSERT_EQ(told.status, 200);
    ASSERT_EQ(told.body, "7");
    ASSERT_FALSE(told.closes);
  }

  /// All cases on one connection, each in `pieces` pieces. The neighbour's answer in between tells that the server has
  /// seen one before the next is sent.
  void send_all(std::size_t pieces) {
    const JsonReader cases = read_corpus(GetParam());
    auto connection = std::make_unique<Connection>(*served);
    for (const JsonValue test : cases.root()["cases"].as_array()) {
      SCOPED_TRACE(std::string{test["name"].as_string()});
      const std::string bytes = bytes_of_request(test);
      const std::size_t size = bytes.size() / pieces + 1;
      for (std::size_t at = 0; at < bytes.size(); at += size) {
        connection->send(std::string_view{bytes}.substr(at, size));
        ASSERT_NO_FATAL_FAILURE(serve_the_neighbour());
      }
      const Told told = receive_reply(*connection);
      const bool is_http = is_request_line(test["request"].as_string());
      EXPECT_EQ(told.status, is_http ? test["status"].as_int() : 400);
      EXPECT_TRUE(!is_http || is_as_told(test, told.body)) << told.body;
      EXPECT_EQ(told.closes, !is_http);
      if (!told.closes && told.status != 0) continue;
      EXPECT_EQ(connection->receive_all(), "");
      connection = std::make_unique<Connection>(*served);
    }
  }

  App app;
  std::optional<Served> served;
  std::optional<Connection> neighbour;
};

TEST_P(CorpusOverHttp1, IsAnsweredAsItSays) { send_all(1); }

TEST_P(CorpusOverHttp1, IsAnsweredAsItSaysInSmallPieces) { send_all(8); }

INSTANTIATE_TEST_SUITE_P(OfFiles, CorpusOverHttp1, ::testing::ValuesIn(corpus_files), name_of_file);

}  // namespace
}  // namespace umbel::test
