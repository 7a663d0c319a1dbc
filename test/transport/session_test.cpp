// SPDX-License-Identifier: MIT
#include "umbel/http1/session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/allocations.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::http1 {
namespace {

using std::string;
using std::string_view;

/// Answers at once: `METHOD target host|body`, where the body is asked for if the path is /echo, after a turn of the
/// loop if it is /late-echo. /late is answered when the test says so.
class TestService : public Service {
public:
  struct Collector : Work {
    explicit Collector(Exchange& e) : Work(run), exchange(e) {}
    static void run(Work& work) noexcept {
      auto* const self = static_cast<Collector*>(&work);
      answer(self->exchange);
      delete self;
    }
    Exchange& exchange;
  };

  void serve(Exchange& exchange) noexcept override {
    ++served;
    const string_view path = exchange.request().path();
    if (path == "/late") late.push_back(&exchange);
    else if (path == "/big") exchange.reply(Response::text(string(size, 'x')));
    else if (path == "/status") exchange.reply(Response::text("gone", std::stoi(string{exchange.request().query()})));
    else if (path.starts_with("/echo")) collect(exchange);
    else answer(exchange);
  }

  static void collect(Exchange& exchange) {
    auto* const collector = new Collector{exchange};
    if (!exchange.collect_body(*collector)) return;
    delete collector;
    answer(exchange);
  }

  static void answer(Exchange& exchange) {
    const Request& request = exchange.request();
    if (exchange.body_error() != 0) return exchange.reply(Response::text("failed", exchange.body_error()));
    string text{to_string(request.method())};
    text += ' ';
    text += request.target();
    text += ' ';
    text += request.header("host").value_or("-");
    text += '|';
    text += request.body();
    exchange.reply(Response::text(text));
  }

  /// The oldest that was not answered, for the test to answer.
  Exchange& take() {
    Exchange& oldest = *late.front();
    late.erase(late.begin());
    return oldest;
  }

  int served = 0;
  std::size_t size = 0;
  std::vector<Exchange*> late;
};

class Connected : public Session::Host {
public:
  explicit Connected(const Limits& limits = {}) : endpoint(service, port.context(), limits), session(endpoint, *this) {}
  ~Connected() {
    session.abort();
    for (Exchange* const exchange : std::exchange(service.late, {})) exchange->reply(Response{204});
    port.run();
  }

  void on_change() noexcept override { ++changes; }

  /// Feeds as long as something is taken, and takes what is to be sent.
  string& send(string_view bytes) {
    fed = 0;
    for (std::size_t taken = 1; taken > 0 && fed < bytes.size();) {
      taken = session.feed(bytes.substr(fed));
      fed += taken;
      port.run();
      take();
    }
    return sent;
  }
  string& take() {
    while (!session.output().empty()) {
      sent += session.output();
      session.consumed(session.output().size());
    }
    return sent;
  }

  testing::ManualPort port;
  TestService service;
  Endpoint endpoint;
  Session session;
  string sent;
  std::size_t fed = 0;
  int changes = 0;
};

string without_date(const string& text) {
  static const std::regex date{
      "date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\r\n"};
  return std::regex_replace(text, date, "");
}

string ok(string_view text, string_view more = {}) {
  string result = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ";
  result += std::to_string(text.size());
  result += "\r\n";
  result += more;
  result += "\r\n";
  result += text;
  return result;
}

enum class End { none, eof };

struct Outcome {
  string sent;
  int served;
  Advice advice;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.sent << "served " << outcome.served << ", advice " << static_cast<int>(outcome.advice);
}

Outcome run_cut(string_view input, const std::vector<std::size_t>& cuts, const Limits& limits, End end) {
  Connected c{limits};
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    c.send(input.substr(from, cut - from));
    from = cut;
  }
  c.send(input.substr(from));
  if (end == End::eof) c.session.eof();
  return {without_date(c.take()), c.service.served, c.session.advice()};
}

/// The outcome of the input in one piece, which must be that of the input in any pieces.
Outcome run(string_view input, const Limits& limits = {}, End end = End::none) {
  const Outcome whole = run_cut(input, {}, limits, end);
  std::vector<std::size_t> bytes;
  for (std::size_t i = 1; i < input.size(); ++i) bytes.push_back(i);
  EXPECT_EQ(run_cut(input, bytes, limits, end), whole) << "byte by byte: " << input.substr(0, 300);
  std::mt19937 random{static_cast<unsigned>(input.size())};
  for (int round = 0; round < 50 && !input.empty(); ++round) {
    std::vector<std::size_t> cuts;
    const std::size_t count = round % 4 + 1;
    for (std::size_t i = 0; i < count; ++i) cuts.push_back(random() % input.size());
    std::sort(cuts.begin(), cuts.end());
    EXPECT_EQ(run_cut(input, cuts, limits, end), whole) << "cut at " << cuts.front() << ": " << input.substr(0, 300);
  }
  return whole;
}

int status_of(const string& sent) { return sent.size() < 12 ? 0 : std::stoi(sent.substr(9, 3)); }

/// The input is refused by the transport with this status, and the connection ends.
void expect_refused(string_view input, int status, const Limits& limits = {}) {
  const Outcome outcome = run(input, limits);

  EXPECT_EQ(status_of(outcome.sent), status) << input.substr(0, 300) << "\n" << outcome.sent;
  EXPECT_EQ(outcome.served, 0) << input.substr(0, 300);
  EXPECT_EQ(outcome.advice, Advice::finish);
  EXPECT_NE(outcome.sent.find("connection: close\r\n"), string::npos);
  EXPECT_NE(outcome.sent.find("content-type: application/json\r\n"), string::npos);
  EXPECT_NE(outcome.sent.find("{\"detail\":\""), string::npos);
}

/// The input is served, with this text, and the connection goes on.
void expect_served(string_view input, string_view text) {
  EXPECT_EQ(run(input), (Outcome{ok(text), 1, Advice::read})) << input;
}

string get(string_view target, string_view more = {}) {
  return "GET " + string{target} + " HTTP/1.1\r\nHost: a\r\n" + string{more} + "\r\n";
}

// Heads.

TEST(Session, AnswersARequest) { expect_served(get("/x?y=1"), "GET /x?y=1 a|"); }

TEST(Session, SendsADate) {
  Connected c;

  EXPECT_NE(c.send(get("/")), without_date(c.sent));
}

TEST(Session, IgnoresEmptyLinesBeforeARequest) { expect_served("\r\n\r\n" + get("/"), "GET / a|"); }

TEST(Session, KeepsMethodsApart) {
  expect_served("DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /a a|");
  expect_served("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * a|");
  expect_served("PATCH /a HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /a a|");
  expect_served("PROPFIND /a HTTP/1.1\r\nHost: a\r\n\r\n", "OTHER /a a|");
}

TEST(Session, TrimsHeaderValues) {
  expect_served("GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n", "GET / a|");
  expect_served("GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY: \r\n\r\n", "GET / a|");
  expect_served("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / |");
}

TEST(Session, RefusesWhatLlhttpLetsPass) {
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nx:\rTransfer-Encoding: chunked\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nx: y\rTransfer-Encoding: chunked\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\n\rX", 400);
  expect_refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nX: b\r\n Content-Length: 5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nX:\r\n b\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nX: b\r\n \r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n d\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
  expect_refused("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

TEST(Session, RefusesAmbiguousFraming) {
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nhello", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

TEST(Session, KnowsNoTransferCodingButChunked) {
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", 501);
}

TEST(Session, RefusesBrokenBytes) {
  expect_refused(string_view{"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 35}, 400);
  expect_refused("GET / HTTP/1.1\nHost: a\n\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400);
  expect_refused("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET / ICE/1.0\r\nHost: a\r\n\r\n", 400);
  expect_refused("GET /\r\n\r\n", 400);
  expect_refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused("\x16\x03\x01\x02", 400);
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400);
}

TEST(Session, WantsOneHost) {
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nX: y\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400);
  expect_served("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", "GET / [::1]:8000|");
}

TEST(Session, ChecksTargets) {
  expect_refused(get("/a#b"), 400);
  expect_refused(get("/a?b#c"), 400);
  expect_refused(get("/a b"), 400);
  expect_refused(get("/a\x01"), 400);
  expect_refused(get("/a\x7f"), 400);
  expect_refused(get("/a\xc3\xa4"), 400);
  expect_refused(get("/a?\xc3\xa4"), 400);
  expect_refused(get("/%"), 400);
  expect_refused(get("/%2"), 400);
  expect_refused(get("/%zz"), 400);
  expect_refused(get("/%00"), 400);
  expect_refused(get("/a%00?x"), 400);
  expect_refused(get("*"), 400);
  expect_refused("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", 400);
  expect_refused(get("a"), 400);
  expect_served(get("/%2F%41/../."), "GET /%2F%41/../. a|");
  expect_served(get("/a?%zz%00"), "GET /a?%zz%00 a|");
}

TEST(Session, TakesTheHostFromAnAbsoluteTarget) {
  expect_served(get("http://b:80/x?y"), "GET /x?y b:80|");
  expect_served(get("HTTPS://b"), "GET / b|");
  expect_served(get("http://b?y"), "GET /?y b|");
  EXPECT_EQ(run("GET http://b/ HTTP/1.0\r\n\r\n").sent, ok("GET / b|", "connection: close\r\n"));
  expect_refused(get("ftp://b/"), 400);
  expect_refused(get("http:///x"), 400);
  expect_refused(get("http://u@b/"), 400);
  expect_refused(get("http:x"), 400);
  expect_refused("GET http://b/ HTTP/1.1\r\n\r\n", 400);
}

TEST(Session, OpensNoTunnels) { expect_refused("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501); }

TEST(Session, IgnoresUpgrades) {
  expect_served(get("/", "Connection: upgrade\r\nUpgrade: websocket\r\n"), "GET / a|");
  expect_served(get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), "GET / a|");
}

// A head that is plain and in one piece is not read by what reads the others: `run` compares the two.

TEST(SessionPlainHead, TakesAndRefusesTheSameBytes) {
  for (int c = 0; c < 256; ++c) {
    const string byte(1, static_cast<char>(c));
    run(get("/a" + byte + "b"));
    run(get("/a?" + byte + "b"));
    run(get("/", "X" + byte + "Y: b\r\n"));
    run(get("/", byte + "X: b\r\n"));
    run(get("/", "X" + byte + ": b\r\n"));
    run(get("/", "X: a" + byte + "b\r\n"));
    run(get("/", "X:" + byte + "b" + byte + "\r\n"));
    run(get("/", "X: b\r\n" + byte));
    run("GET / HTTP/1.1" + byte + "\r\nHost: a\r\n\r\n");
    run("GET / HTTP/1." + byte + "\r\nHost: a\r\n\r\n");
    run("GET" + byte + "/ HTTP/1.1\r\nHost: a\r\n\r\n");
    run("GET / HTTP/1.1\r" + byte + "Host: a\r\n\r\n");
    run("GET / HTTP/1.1\r\nHost: a" + byte + "b\r\n\r\n");
    run("GET / HTTP/1.1\r\nHost: a" + byte + "\r\n\r\n");
    run("GET / HTTP/1.1\r\nHost: a\r" + byte + "\r\n");
    run("GET / HTTP/1.1\r\nHost: a\r\n\r" + byte);
  }
}

TEST(SessionPlainHead, LeavesToLlhttpWhatIsItsOwn) {
  const string next = get("/x");

  for (const string_view field : {"Connection: keep-alive",
                                  "Connection: Keep-Alive",
                                  "connection:keep-alive ",
                                  "Connection: close",
                                  "Connection: keep-alive, close",
                                  "Connection:",
                                  "Proxy-Connection: close",
                                  "Proxy-Connection: keep-alive",
                                  "Content-Length: 0",
                                  "Content-Length: 3",
                                  "Content-Length: x",
                                  "Transfer-Encoding: chunked",
                                  "Transfer-Encoding: identity",
                                  "Upgrade: h2c",
                                  "Expect: 100-continue",
                                  "Expect: x",
                                  "Host: b",
                                  "Hosts: b",
                                  "Connections: close",
                                  "Content-Lengthy: 3",
                                  "Keep-Alive: 5",
                                  "X: y\r\n z",
                                  "X:\r\n",
                                  "X: ",
                                  "X:\ty\t "}) {
    run(get("/", string{field} + "\r\n") + "abc\r\n\r\n" + next);
    run(get("/", string{field} + "\r\n") + next);
    run(get("/", string{field} + "\r\n"));
  }
  expect_served(get("/", "Connection: Keep-Alive\r\nCookie: a=b; c=d\r\n"), "GET / a|");
}

TEST(SessionPlainHead, IsWithinTheSameLimits) {
  const string head = get("/" + string(20, 'a'), "X: " + string(20, 'y') + "\r\n");

  for (std::size_t limit = 1; limit < head.size() + 5; ++limit) {
    run(head, Limits{.request_line = limit});
    run(head, Limits{.header_block = limit});
  }
  for (std::size_t fields = 0; fields < 4; ++fields) run(head, Limits{.header_fields = fields});
  for (int fields = 20; fields < 30; ++fields) {
    string more;
    for (int i = 0; i < fields; ++i) more += "X" + std::to_string(i) + ": y\r\n";
    expect_served(get("/", more), "GET / a|");
  }
}

TEST(SessionPlainHead, IsReadLikeItsMutations) {
  const string seed = get("/a/b?c=%20d", "User-Agent: me (1.0)\r\nAccept: */*\r\nConnection: keep-alive\r\n");
  const string_view pieces[] = {"\r\n",        "\r",
                                "\n",          " ",
                                ":",           "\t",
                                "?",           "%",
                                "#",           string_view{"\0", 1},
                                "Host: a\r\n", "GET ",
                                "HTTP/1.0",    "Content-Length: 1\r\n",
                                "\r\n\r\n",    "\x80",
                                "\x7f"};
  std::mt19937 random{7};
  for (int round = 0; round < 3000; ++round) {
    string head = seed;
    for (unsigned change = random() % 3 + 1; change > 0; --change) {
      const std::size_t at = random() % head.size();
      const string_view piece = pieces[random() % std::size(pieces)];
      head.replace(at, random() % 3, piece);
    }
    run(head + get("/x"));
  }
}

// Limits.

TEST(Session, LimitsTheRequestLine) {
  const Limits limits{.request_line = 64};
  const string fits = get("/" + string(64 - 16, 'a'));

  EXPECT_EQ(fits.find("\r\n") + 2, 64U);
  EXPECT_EQ(status_of(run(fits, limits).sent), 200);
  expect_refused(get("/" + string(64 - 15, 'a')), 414, limits);
  expect_refused(get("/" + string(500, 'a')), 414, limits);
  expect_refused("GET /" + string(9000, 'a'), 414);
}

TEST(Session, LimitsTheHeaderBlock) {
  const Limits limits{.request_line = 32, .header_block = 64};
  const string fits = get("/", "X: " + string(64 - 9 - 3 - 2 - 2, 'y') + "\r\n");

  EXPECT_EQ(status_of(run(fits, limits).sent), 200);
  expect_refused(get("/", "X: " + string(64 - 9 - 3 - 2 - 1, 'y') + "\r\n"), 431, limits);
  expect_refused(get("/", "X: " + string(5000, 'y') + "\r\n"), 431, limits);
  EXPECT_EQ(status_of(run(get("/", "X: " + string(30'000, 'y') + "\r\n")).sent), 200);
  expect_refused(get("/", "X: " + string(20, 'y') + "\r\n"), 431, Limits{.request_line = 64, .header_block = 20});
  Connected c;
  EXPECT_EQ(status_of(c.send(get("/", "X: " + string(40'000, 'y') + "\r\n"))), 431);
}

TEST(Session, LimitsTheNumberOfFields) {
  string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";

  expect_served(get("/", fields), "GET / a|");
  expect_refused(get("/", fields + "X: y\r\n"), 431);
}

TEST(Session, LimitsBodiesOfKnownLength) {
  const Limits limits{.body = 5};

  EXPECT_EQ(status_of(run("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", limits).sent), 200);
  const Outcome outcome = run("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nhello!", limits);
  EXPECT_EQ(status_of(outcome.sent), 413);
  EXPECT_EQ(outcome.advice, Advice::finish);
  EXPECT_NE(outcome.sent.find("connection: close"), string::npos);
}

TEST(Session, LimitsABodyOnlyWhenItIsAskedFor) {
  const string huge = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n";

  EXPECT_EQ(run(huge), (Outcome{ok("POST / a|", "connection: close\r\n"), 1, Advice::finish}))
      << "and is not waited for";
}

TEST(Session, LimitsChunkedBodies) {
  const Limits limits{.body = 5};
  const string head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

  EXPECT_EQ(status_of(run(head + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", limits).sent), 200);
  const Outcome outcome = run(head + "2\r\nhe\r\n4\r\nllo!\r\n0\r\n\r\n", limits);
  EXPECT_EQ(status_of(outcome.sent), 413);
  EXPECT_EQ(outcome.advice, Advice::finish);
  EXPECT_NE(outcome.sent.find("connection: close"), string::npos);
}

TEST(Session, RepliesBusyAndKeepsTheConnection) {
  Connected c{Limits{.in_flight = 0}};

  const string sent = without_date(c.send(get("/") + get("/")));

  EXPECT_EQ(status_of(sent), 503);
  EXPECT_NE(sent.find("retry-after: 1\r\n"), string::npos);
  EXPECT_NE(sent.find("HTTP/1.1 503", 1), string::npos) << "the second request is answered, too";
  EXPECT_EQ(c.session.advice(), Advice::read);
  EXPECT_EQ(c.service.served, 0);
}

// Bodies.

string post(string_view path, string_view body) {
  return "POST " + string{path} + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + string{body};
}
string chunked(string_view path, string_view chunks) {
  return "POST " + string{path} + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + string{chunks};
}

TEST(Session, CollectsABodyOfKnownLength) {
  expect_served(post("/echo", "hello"), "POST /echo a|hello");
  expect_served(post("/echo", ""), "POST /echo a|");
}

TEST(Session, CollectsABodyThatDoesNotFitBehindItsHead) {
  const string body(10'000, 'b');

  expect_served(post("/echo", body), "POST /echo a|" + body);
}

TEST(Session, CollectsALargeBody) {
  const string body(1024 * 1024, 'b');
  Connected c;

  EXPECT_EQ(without_date(c.send(post("/echo", body))), ok("POST /echo a|" + body));
}

TEST(Session, CollectsAChunkedBody) {
  expect_served(chunked("/echo", "5\r\nhello\r\n0A\r\n, world!!!\r\n0\r\n\r\n"), "POST /echo a|hello, world!!!");
  expect_served(chunked("/echo", "0\r\n\r\n"), "POST /echo a|");
  expect_served(chunked("/echo", "1388\r\n" + string(5000, 'b') + "\r\n0\r\n\r\n"),
                "POST /echo a|" + string(5000, 'b'));
}

TEST(Session, IgnoresChunkExtensionsAndTrailers) {
  expect_served(chunked("/echo", "2;a=b\r\nhe\r\n3;c=\"d\"\r\nllo\r\n0;x\r\nHost: evil\r\nX: y\r\n\r\n"),
                "POST /echo a|hello");
}

TEST(Session, FailsABodyWithBrokenChunks) {
  for (const string_view chunks :
       {"x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n", "1\nx\r\n",
        "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX\r\n\r\n", "1 \r\nx\r\n", "\r\n", "0\r\n\n", "0\r\nX: y\r\n\n"}) {
    const Outcome outcome = run(chunked("/echo", chunks));
    EXPECT_EQ(status_of(outcome.sent), 400) << chunks;
    EXPECT_EQ(outcome.advice, Advice::finish) << chunks;
  }
}

TEST(Session, LimitsExtensionsAndTrailers) {
  const Limits limits{.header_block = 100};
  const string long_one(200, 'x');

  EXPECT_EQ(status_of(run(chunked("/echo", "1;" + long_one + "\r\nx\r\n0\r\n\r\n"), limits).sent), 400);
  EXPECT_EQ(status_of(run(chunked("/echo", "0\r\nX: " + long_one + "\r\n\r\n"), limits).sent), 400);
}

TEST(Session, DropsABodyThatNobodyAskedFor) {
  const Outcome both{ok("POST / a|") + ok("GET /x a|"), 2, Advice::read};

  EXPECT_EQ(run(post("/", "hello") + get("/x")), both);
  EXPECT_EQ(run(post("/", string(10'000, 'b')) + get("/x")), both);
  EXPECT_EQ(run(chunked("/", "5\r\nhello\r\n0\r\nX: y\r\n\r\n") + get("/x")), both);
}

TEST(Session, EndsWithoutASecondReplyWhenADroppedBodyIsBroken) {
  EXPECT_EQ(run(chunked("/", "5\r\nhello!") + get("/x")), (Outcome{ok("POST / a|"), 1, Advice::finish}));
}

TEST(Session, KeepsHeadsAndBodiesOfPipelinedRequestsApart) {
  const string body(3000, 'b');
  string expected;
  string input;
  for (int i = 0; i < 5; ++i) {
    input += post("/echo", body) + get("/x") + chunked("/echo", "5\r\nhello\r\n0\r\n\r\n");
    expected += ok("POST /echo a|" + body) + ok("GET /x a|") + ok("POST /echo a|hello");
  }

  EXPECT_EQ(run(input), (Outcome{expected, 15, Advice::read}));
}

TEST(Session, AnswersPipelinedBodiesInTwoReads) {
  const string body(1000, 'b');
  string input;
  string expected;
  for (int i = 0; i < 14; ++i) {
    input += post("/echo", body);
    expected += ok("POST /echo a|" + body);
  }
  Connected c;

  int reads = 0;
  for (string_view left = input; !left.empty(); ++reads) {
    const std::span<char> room = c.session.prepare();
    const std::size_t size = std::min(room.size(), left.size());
    left.copy(room.data(), size);
    c.session.commit(size);
    left.remove_prefix(size);
  }
  c.port.run();

  EXPECT_EQ(reads, 2);
  EXPECT_EQ(without_date(string{c.session.output()}), expected) << "in one write";
}

// Expectations.

TEST(Session, AsksForTheBodyThatWaitsToBeAskedFor) {
  const string head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";

  EXPECT_EQ(run(head + "hello").sent, "HTTP/1.1 100 Continue\r\n\r\n" + ok("POST /echo a|hello"));
  Connected c;
  EXPECT_EQ(c.send(head), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(Session, EndsWhenABodyThatWaitsWasNotAskedFor) {
  const string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

  EXPECT_EQ(run(head), (Outcome{ok("POST / a|", "connection: close\r\n"), 1, Advice::finish}));
  EXPECT_EQ(run(head + "hello" + get("/")), (Outcome{ok("POST / a|", "connection: close\r\n"), 1, Advice::finish}));
}

TEST(Session, MeetsNoOtherExpectation) {
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5\r\n\r\n", 417);
  expect_refused("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: tea\r\nContent-Length: 5\r\n\r\n", 417);
  EXPECT_EQ(run("POST / HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx").served, 1);
}

// Replies.

TEST(Session, AnswersHeadWithoutTheBody) {
  EXPECT_EQ(
      run("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get("/y")).sent,
      "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 10\r\n\r\n" + ok("GET /y a|"));
}

// Found by test/fuzz: the last request was a HEAD, what comes now is no request at all.
TEST(Session, RefusesWithABodyBehindAHeadRequest) {
  const string head = "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n";

  for (const string& input : {head + ")))\r\n\r\n", head + get("/y") + ")))\r\n\r\n"})
    EXPECT_TRUE(run(input).sent.ends_with("\r\n\r\n{\"detail\":\"The request is not HTTP/1.1.\"}")) << input;
}

TEST(Session, SendsNoBodyWithAStatusThatHasNone) {
  EXPECT_EQ(run(get("/status?204")).sent, "HTTP/1.1 204 No Content\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n");
  EXPECT_EQ(run(get("/status?304")).sent,
            "HTTP/1.1 304 Not Modified\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n");
  EXPECT_NE(run(get("/status?205")).sent.find("content-length: 0\r\n\r\n"), string::npos);
}

TEST(Session, SendsNoStatusThatIsNoReply) {
  EXPECT_EQ(status_of(run(get("/status?101")).sent), 500);
  EXPECT_EQ(status_of(run(get("/status?0")).sent), 500);
  EXPECT_EQ(status_of(run(get("/status?1000")).sent), 500);
  EXPECT_EQ(status_of(run(get("/status?799")).sent), 799);
}

TEST(Session, RefusesToSplitAReply) {
  EXPECT_THROW(Response{200}.header("x", "a\r\nset-cookie: b"), std::invalid_argument);
  EXPECT_THROW(Response{200}.header("x\r\n", "a"), std::invalid_argument);
  EXPECT_THROW(Response{200}.header("content-length", "5"), std::invalid_argument);
}

TEST(Session, EndsWhenTheClientSaysSo) {
  const string bye = ok("GET / a|", "connection: close\r\n");

  EXPECT_EQ(run(get("/", "Connection: close\r\n")), (Outcome{bye, 1, Advice::finish}));
  EXPECT_EQ(run(get("/", "Connection: x, Close\r\n") + get("/")), (Outcome{bye, 1, Advice::finish}));
}

TEST(Session, KeepsHttp10OnlyOnRequest) {
  EXPECT_EQ(run("GET / HTTP/1.0\r\n\r\n"), (Outcome{ok("GET / -|", "connection: close\r\n"), 1, Advice::finish}));
  EXPECT_EQ(run("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            (Outcome{ok("GET / -|", "connection: keep-alive\r\n"), 1, Advice::read}));
}

// Pipelining, and replies that are made later.

TEST(Session, AnswersAThousandRequestsAtOnce) {
  string input;
  string expected;
  for (int i = 0; i < 1000; ++i) {
    input += get("/" + std::to_string(i));
    expected += ok("GET /" + std::to_string(i) + " a|");
  }
  Connected c;

  EXPECT_EQ(c.session.feed(input), input.size());
  EXPECT_EQ(without_date(string{c.session.output()}), expected) << "in one batch";
}

TEST(Session, RunsPipelinedRequestsInTurn) {
  Connected c;
  c.send(get("/late") + get("/x") + get("/late"));
  EXPECT_EQ(c.service.served, 1);
  EXPECT_EQ(c.sent, "");
  EXPECT_EQ(c.session.wait(), Wait::application);

  c.service.take().reply(Response::text("first"));
  EXPECT_EQ(c.service.served, 1) << "what follows runs from the loop, not in the reply";
  c.port.run();

  EXPECT_EQ(c.service.served, 3);
  EXPECT_EQ(without_date(c.take()), ok("first") + ok("GET /x a|"));
  EXPECT_GT(c.changes, 0);
}

TEST(Session, StopsToReadWhenNoRoomIsLeftBehindARequest) {
  Connected c;
  string input = get("/late");
  while (input.size() < 10'000) input += get("/x");

  c.send(input);
  EXPECT_LT(c.fed, input.size());
  EXPECT_EQ(c.session.advice(), Advice::pause);
  EXPECT_TRUE(c.session.prepare().empty());
  c.service.take().reply(Response::text("first"));
  c.port.run();

  EXPECT_EQ(c.session.advice(), Advice::read);
  c.send(string_view{input}.substr(c.fed));
  EXPECT_EQ(c.service.served, static_cast<int>(1 + (input.size() - get("/late").size()) / get("/x").size()));
}

TEST(Session, BeginsNoRequestWhileItsPeerDoesNotRead) {
  Connected c{Limits{.output = 1000}};
  c.service.size = 2000;

  EXPECT_EQ(c.session.feed(get("/big") + get("/x")), (get("/big") + get("/x")).size());
  EXPECT_EQ(c.service.served, 1);
  EXPECT_EQ(c.session.advice(), Advice::pause);
  EXPECT_EQ(c.session.wait(), Wait::output);
  const string_view batch = c.session.output();
  c.session.consumed(batch.size() - 1);
  EXPECT_EQ(c.service.served, 2);
  EXPECT_EQ(c.session.output().size(), 1U) << "what was to be sent stays where it is";
}

TEST(Session, CollectsABodyForALateReply) {
  Connected c;
  const string head = "POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
  c.send(head + "he");

  TestService::collect(c.service.take());
  EXPECT_EQ(c.session.wait(), Wait::body);
  EXPECT_EQ(c.session.body_received(), 2U);
  EXPECT_EQ(without_date(c.send("llo" + get("/"))), ok("POST /late a|hello") + ok("GET / a|"));
}

TEST(Session, KeepsWhatARequestRefersToWhileItsBodyComes) {
  Connected c;
  c.send(get("/", "X: " + string(3000, 'y') + "\r\n") + "POST /late?" + string(800, 'q') +
         " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_EQ(c.service.late.size(), 1U);
  const Request request = c.service.late[0]->request();
  const string before{request.target()};
  TestService::collect(c.service.take());

  c.sent.clear();
  for (int i = 0; i < 20; ++i) {
    c.send("3e8\r\n" + string(1000, 'b') + "\r\n");
    ASSERT_EQ(request.target(), before);
    ASSERT_EQ(request.header("host"), "a");
  }
  EXPECT_EQ(without_date(c.send("0\r\n\r\n")), ok("POST " + before + " a|" + string(20'000, 'b')));
}

TEST(Session, CollectsAChunkedBodyBehindAHeadThatFillsTheBuffer) {
  const string start = "POST /late HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: ";
  for (const std::size_t size : {4095, 4096, 8192}) {
    Connected c;
    c.send(start + string(size - start.size() - 4, 'x') + "\r\n\r\n");
    ASSERT_EQ(c.service.late.size(), 1U);
    TestService::collect(c.service.take());

    EXPECT_EQ(without_date(c.send("5\r\nhello\r\n0\r\n\r\n")), ok("POST /late a|hello")) << size;
  }
}

TEST(Session, StaysWhereItWasToldToReadWhileARequestEnds) {
  Connected c;
  c.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nb");
  Work never{[](Work&) noexcept {}};
  ASSERT_FALSE(c.service.late[0]->collect_body(never));
  const std::span<char> room = c.session.prepare();
  c.service.take().reply(Response::text("no"));
  c.port.run();

  const std::size_t size = std::min<std::size_t>(room.size(), 8999);
  std::fill_n(room.begin(), size, 'b');
  c.session.commit(size);

  EXPECT_EQ(without_date(c.send(string(8999 - size, 'b') + get("/"))), ok("no") + ok("GET / a|"));
}

TEST(Session, AllocatesNothingForARequest) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "allocations are not counted under sanitizers";
  Limits limits;
  testing::ManualPort port;
  class Plain : public Service {
    struct Collected : Work {
      Collected() noexcept : Work([](Work&) noexcept {}) {}
    } collected;

  public:
    void serve(Exchange& exchange) noexcept override {
      EXPECT_TRUE(exchange.collect_body(collected));
      exchange.reply(Response::text(exchange.request().body()).header("x-count", "1"));
    }
  } service;
  class Silent : public Session::Host {
    void on_change() noexcept override {}
  } host;
  Endpoint endpoint{service, port.context(), limits};
  Session session{endpoint, host};
  const string requests = get("/x") + post("/x", string(1000, 'b')) + chunked("/x", "5\r\nhello\r\n0\r\n\r\n");
  const auto ask = [&] {
    EXPECT_EQ(session.feed(requests), requests.size());
    while (!session.output().empty()) session.consumed(session.output().size());
  };

  for (int i = 0; i < 3; ++i) ask();
  const std::size_t before = test::allocations();
  for (int i = 0; i < 100; ++i) ask();

  EXPECT_EQ(test::allocations(), before);
  EXPECT_TRUE(session.is_idle());
}

// Peers that leave.

TEST(Session, AsksARequestToStopOnceWhenItsPeerIsGone) {
  Connected c;
  c.send(get("/late") + get("/x"));
  const StopToken stop = c.service.late[0]->stop_token();
  EXPECT_FALSE(stop.stop_requested());

  c.session.abort();
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(c.service.late[0]->stop_reason(), CancelReason::disconnected);
  EXPECT_TRUE(c.session.busy());
  EXPECT_EQ(c.session.advice(), Advice::reset);
  c.service.take().reply(Response::text("too late"));
  c.port.run();

  EXPECT_FALSE(c.session.busy());
  EXPECT_EQ(c.session.output(), "");
  EXPECT_EQ(c.service.served, 1);
}

TEST(Session, StillRepliesToAPeerThatClosedItsHalf) {
  Connected c;
  c.send(get("/late") + get("/x"));

  c.session.eof();
  EXPECT_TRUE(c.service.late[0]->stop_token().stop_requested());
  EXPECT_EQ(c.session.advice(), Advice::pause);
  c.service.take().reply(Response::text("here"));
  c.port.run();

  EXPECT_EQ(without_date(c.take()), ok("here", "connection: close\r\n"));
  EXPECT_EQ(c.session.advice(), Advice::close);
  EXPECT_EQ(c.service.served, 1) << "nothing further is begun";
}

TEST(Session, FailsABodyWhoseEndWillNotCome) {
  Connected c;
  const string part = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
  c.send(part);

  c.session.eof();
  c.port.run();

  EXPECT_EQ(status_of(c.take()), 400);
  EXPECT_EQ(c.session.advice(), Advice::close);
}

TEST(Session, ClosesWithoutAWordWhenAHeadIsCutOff) {
  EXPECT_EQ(run("GET / HT", {}, End::eof), (Outcome{"", 0, Advice::close}));
  EXPECT_EQ(run("", {}, End::eof), (Outcome{"", 0, Advice::close}));
}

TEST(Session, DropsWhatComesAfterItsLastReply) {
  Connected c;
  c.send("BAD\r\n\r\n");
  const string sent = c.sent;

  EXPECT_EQ(c.send(string(100'000, 'x')), sent);
  EXPECT_EQ(c.fed, 100'000U);
  EXPECT_EQ(c.session.wait(), Wait::lingering);
  c.session.eof();
  EXPECT_EQ(c.session.advice(), Advice::close);
}

// Replies that are held.

/// Notes that it ran.
struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  int runs = 0;
};

TEST(SessionHold, SaysWhenTheLastByteHasLeft) {
  Connected c;
  c.send(get("/late"));
  Flag sent;

  Exchange& exchange = c.service.take();
  exchange.reply_and_hold(Response::text("held"), sent);
  EXPECT_GT(c.changes, 0);
  const std::size_t size = c.session.output().size();
  c.sent = c.session.output();
  c.session.consumed(size - 1);
  c.port.run();
  EXPECT_EQ(sent.runs, 0);
  c.session.consumed(1);
  EXPECT_EQ(sent.runs, 0) << "it is enqueued";
  c.port.run();

  EXPECT_EQ(sent.runs, 1);
  EXPECT_EQ(without_date(c.sent), ok("held"));
  EXPECT_TRUE(c.session.busy());
  EXPECT_EQ(c.session.wait(), Wait::application);
  exchange.release();
  EXPECT_FALSE(c.session.busy());
  EXPECT_TRUE(c.session.is_idle());
  EXPECT_EQ(c.endpoint.in_flight(), 0U);
}

TEST(SessionHold, BeginsNoFurtherRequestBeforeTheRelease) {
  Connected c;
  c.send(get("/late") + get("/x"));
  Flag sent;

  Exchange& exchange = c.service.take();
  exchange.reply_and_hold(Response::text("held"), sent);
  c.port.run();
  EXPECT_EQ(without_date(c.take()), ok("held"));
  c.port.run();
  EXPECT_EQ(c.service.served, 1);
  EXPECT_EQ(c.endpoint.in_flight(), 1U);
  exchange.release();
  EXPECT_EQ(c.service.served, 1) << "what follows runs from the loop, not in the release";
  c.port.run();

  EXPECT_EQ(without_date(c.take()), ok("held") + ok("GET /x a|"));
}

TEST(SessionHold, AtOnceIsNotAReplyLikeAnother) {
  struct Holding : Service {
    void serve(Exchange& exchange) noexcept override {
      exchanges.push_back(&exchange);
      exchange.reply_and_hold(Response{204}, sent);
    }
    std::vector<Exchange*> exchanges;
    Flag sent;
  } service;
  struct Silent : Session::Host {
    void on_change() noexcept override {}
  } host;
  testing::ManualPort port;
  Endpoint endpoint{service, port.context()};
  Session session{endpoint, host};
  const auto take = [&] {
    while (!session.output().empty()) session.consumed(session.output().size());
    port.run();
  };

  const string both = get("/") + get("/");
  ASSERT_EQ(session.feed(both), both.size());
  take();
  EXPECT_EQ(service.exchanges.size(), 1U);
  service.exchanges.back()->release();
  take();
  EXPECT_EQ(service.exchanges.size(), 2U);
  EXPECT_EQ(service.sent.runs, 1);
  take();
  EXPECT_EQ(service.sent.runs, 2);
  service.exchanges.back()->release();

  EXPECT_TRUE(session.is_idle());
}

/// Whatever the request refers to is where it was, although much comes in meanwhile.
void expect_kept(string_view head, string_view part, int parts, string_view end, bool ends) {
  Connected c;
  c.send(head);
  ASSERT_EQ(c.service.late.size(), 1U) << head;
  Exchange& exchange = c.service.take();
  const Request request = exchange.request();
  const string target{request.target()};
  Flag sent;

  exchange.reply_and_hold(Response::text("held"), sent);
  for (int i = 0; i < parts; ++i) {
    c.send(part);
    ASSERT_EQ(c.fed, part.size()) << "a peer that sends before it reads is not kept waiting: " << head;
  }
  c.send(end);
  EXPECT_EQ(request.target(), target);
  EXPECT_EQ(request.header("host"), "a");
  EXPECT_EQ(sent.runs, 1);
  exchange.release();
  c.port.run();

  if (ends) EXPECT_EQ(c.session.advice(), Advice::finish) << head;
  else EXPECT_EQ(without_date(c.take()), ok("held") + ok("GET /x a|")) << head;
}

TEST(SessionHold, KeepsTheRequestWhileItsBodyIsDropped) {
  const string filling = "X: " + string(3000, 'y') + "\r\n";
  for (const string_view more : {string_view{}, string_view{filling}}) {
    const string start = "POST /late?" + string(500, 'q') + " HTTP/1.1\r\nHost: a\r\n" + string{more};
    const string part(1000, 'b');
    const string next = get("/x");

    expect_kept(start + "Content-Length: 20000\r\n\r\n", part, 20, next, false);
    expect_kept(start + "Content-Length: 100\r\n\r\nbbb", string(97, 'b'), 1, next, false);
    expect_kept(start + "Transfer-Encoding: chunked\r\n\r\n", "3e8\r\n" + part + "\r\n", 20, "0\r\n\r\n" + next, false);
    expect_kept(start + "Connection: close\r\n\r\n", part, 20, "", true);
    expect_kept(start + "Transfer-Encoding: chunked\r\n\r\n", "broken\r\n" + part, 20, "", true);
  }
}

TEST(SessionHold, KeepsARequestThatFillsTheBuffer) {
  for (const std::size_t size : {4095, 4096, 8192}) {
    for (const string_view framing :
         {"Content-Length: 20000\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"}) {
      const string start = "POST /late HTTP/1.1\r\nHost: a\r\n" + string{framing} + "X: ";
      const string head = start + string(size - start.size() - 4, 'x') + "\r\n\r\n";
      const bool is_chunked = framing.starts_with("Transfer");
      const bool ends = framing.starts_with("Connection");
      const string part = is_chunked ? "3e8\r\n" + string(1000, 'b') + "\r\n" : string(1000, 'b');
      const string end = ends ? "" : (is_chunked ? "0\r\n\r\n" : "") + get("/x");

      expect_kept(head, part, 20, end, ends);
    }
  }
}

bool has_padded_body(string_view bytes) {
  Connected c;
  const std::size_t head = bytes.find("\r\n\r\n") + 4;
  c.send(bytes.substr(0, head));
  Exchange& exchange = c.service.take();
  Flag ready;
  EXPECT_FALSE(exchange.collect_body(ready));
  c.send(bytes.substr(head));
  const bool is_padded = exchange.request().body_is_padded();
  TestService::answer(exchange);
  return is_padded;
}

TEST(Session, HasRoomBehindABody) {
  EXPECT_TRUE(has_padded_body(post("/late", "hello")));
  EXPECT_TRUE(has_padded_body(post("/late", string(100'000, 'b'))));
  EXPECT_TRUE(has_padded_body(chunked("/late", "5\r\nhello\r\n0\r\n\r\n")));
}

TEST(SessionHold, KeepsTheBodyThatWasCollected) {
  for (const std::size_t size : {100, 10'000}) {
    Connected c;
    const string body(size, 'b');
    c.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    Exchange& exchange = c.service.take();
    Flag collected;
    Flag sent;
    ASSERT_FALSE(exchange.collect_body(collected));
    c.send(body + get("/x"));

    exchange.reply_and_hold(Response::text("held"), sent);
    c.port.run();
    c.take();
    c.send(get("/x"));

    EXPECT_EQ(exchange.request().body(), body);
    exchange.release();
    c.port.run();
    EXPECT_EQ(without_date(c.take()), ok("held") + ok("GET /x a|") + ok("GET /x a|"));
  }
}

TEST(SessionHold, IsSentWhenThePeerIsGone) {
  Connected c;
  c.send(get("/late"));
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);

  c.session.abort();
  EXPECT_TRUE(exchange.stop_token().stop_requested());
  EXPECT_EQ(exchange.stop_reason(), CancelReason::disconnected);
  c.port.run();
  EXPECT_EQ(sent.runs, 1);
  EXPECT_TRUE(c.session.busy());
  exchange.release();

  EXPECT_FALSE(c.session.busy());
}

TEST(SessionHold, AfterThePeerIsGoneIsSentAtOnce) {
  Connected c;
  c.send(get("/late"));
  Exchange& exchange = c.service.take();
  Flag sent;
  c.session.abort();

  exchange.reply_and_hold(Response::text("held"), sent);
  c.port.run();
  EXPECT_EQ(sent.runs, 1);
  exchange.release();

  EXPECT_EQ(c.session.output(), "");
  EXPECT_FALSE(c.session.busy());
}

TEST(SessionHold, IsNotCancelledByAPeerThatLeavesWithTheReply) {
  Connected c;
  c.send(get("/late"));
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);
  c.take();
  c.port.run();

  c.session.eof();
  EXPECT_FALSE(exchange.stop_token().stop_requested());
  EXPECT_EQ(c.session.advice(), Advice::pause) << "nothing further is read";
  c.session.abort(CancelReason::shutdown);
  EXPECT_TRUE(exchange.stop_token().stop_requested());
  EXPECT_EQ(exchange.stop_reason(), CancelReason::shutdown);
  exchange.release();
  c.port.run();
}

TEST(SessionHold, ClosesAfterTheReleaseWhenThePeerHasClosedItsHalf) {
  Connected c;
  c.send(get("/late") + get("/x"));
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);
  c.session.eof();
  c.take();
  c.port.run();

  exchange.release();
  c.port.run();

  EXPECT_EQ(c.session.advice(), Advice::close);
  EXPECT_EQ(c.service.served, 1);
}

TEST(SessionHold, OfALastReplyLetsTheConnectionEnd) {
  Connected c;
  c.send(get("/late", "Connection: close\r\n"));
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);
  c.take();
  c.port.run();
  EXPECT_EQ(c.session.advice(), Advice::finish);
  EXPECT_EQ(c.session.wait(), Wait::lingering);

  c.session.eof();

  EXPECT_EQ(c.session.advice(), Advice::close);
  EXPECT_TRUE(c.session.busy());
  exchange.release();
  EXPECT_FALSE(c.session.busy());
}

TEST(SessionHold, EndsADrainedSessionAfterTheRelease) {
  Connected c;
  c.send(get("/late"));
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);
  c.take();
  c.port.run();

  c.session.drain();
  EXPECT_EQ(c.session.advice(), Advice::read);
  exchange.release();

  EXPECT_EQ(c.session.advice(), Advice::close);
}

TEST(SessionHold, GivesUpABodyThatDoesNotComeAfterItsReply) {
  Connected c;
  c.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  Exchange& exchange = c.service.take();
  Flag sent;
  exchange.reply_and_hold(Response::text("held"), sent);
  c.take();
  c.port.run();
  EXPECT_EQ(c.session.wait(), Wait::body);

  c.session.expire();

  EXPECT_EQ(c.session.advice(), Advice::close);
  EXPECT_EQ(exchange.body_error(), 0);
  exchange.release();
}

// Waiting.

TEST(Session, SaysWhatItWaitsFor) {
  Connected c;
  EXPECT_EQ(c.session.wait(), Wait::idle);
  c.send("G");
  EXPECT_EQ(c.session.wait(), Wait::head);
  c.send("ET /late HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(c.session.wait(), Wait::application);
  c.service.take().reply(Response::text("x"));
  EXPECT_EQ(c.session.wait(), Wait::output);
  c.take();
  EXPECT_TRUE(c.session.is_idle());
  EXPECT_EQ(c.session.wait(), Wait::idle);
}

TEST(Session, EndsAnIdleConnectionWithoutAWord) {
  Connected c;
  c.send(get("/"));
  c.sent.clear();

  c.session.expire();

  EXPECT_EQ(c.take(), "");
  EXPECT_EQ(c.session.advice(), Advice::close);
  EXPECT_EQ(c.session.wait(), Wait::over);
}

TEST(Session, RepliesTooSlowToAHeadThatDoesNotCome) {
  Connected c;
  c.send("GET / HTTP/1.1\r\nHo");

  c.session.expire();

  EXPECT_EQ(status_of(c.take()), 408);
  EXPECT_EQ(c.session.advice(), Advice::finish);
  c.session.expire();
  EXPECT_EQ(c.session.advice(), Advice::close);
}

TEST(Session, FailsABodyThatDoesNotCome) {
  Connected c;
  c.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");

  c.session.expire();
  c.port.run();

  EXPECT_EQ(status_of(c.take()), 408);
  EXPECT_EQ(c.session.advice(), Advice::finish);
}

TEST(Session, GivesUpAPeerThatDoesNotRead) {
  Connected c;
  ASSERT_GT(c.session.feed(get("/")), 0U);

  c.session.expire();

  EXPECT_EQ(c.session.advice(), Advice::reset);
  EXPECT_EQ(c.session.output(), "");
}

TEST(Session, CancelsForWantOfTimeWhatIsServedToAPeerThatDoesNotRead) {
  Connected c;
  ASSERT_GT(c.session.feed(get("/") + get("/late")), 0U);
  Exchange& exchange = c.service.take();

  c.session.expire();

  EXPECT_TRUE(exchange.stop_token().stop_requested());
  EXPECT_EQ(exchange.stop_reason(), CancelReason::deadline);
  exchange.reply(Response{204});
}

TEST(Session, IsPatientWithItsApplication) {
  Connected c;
  c.send(get("/late"));

  c.session.expire();

  EXPECT_EQ(c.session.wait(), Wait::application);
  EXPECT_EQ(c.session.advice(), Advice::read);
}

// Draining.

TEST(Session, EndsAtOnceWhenItIsDrainedIdle) {
  Connected c;
  c.send(get("/"));

  c.session.drain();

  EXPECT_EQ(c.session.advice(), Advice::close);
}

TEST(Session, EndsAfterTheReplyWhenItIsDrainedInFlight) {
  Connected c;
  c.send(get("/late") + get("/x"));

  c.session.drain();
  EXPECT_EQ(c.session.advice(), Advice::read);
  c.service.take().reply(Response::text("last"));
  c.port.run();

  EXPECT_EQ(without_date(c.take()), ok("last", "connection: close\r\n"));
  EXPECT_EQ(c.session.advice(), Advice::finish);
}

}  // namespace
}  // namespace umbel::http1
