// SPDX-License-Identifier: MIT
// Bodies in pieces: replies that are pulled, requests that are read.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../support/pieces.hpp"
#include "../support/wire.hpp"
#include "umbel/http1/session.hpp"
#include "umbel/testing/manual_port.hpp"

namespace umbel::http1 {
namespace {

using std::string;
using std::string_view;
using test::dechunk;
using test::Dechunked;
using test::Pieces;

/// Never ends; counts.
class Endless : public BodySource {
public:
  explicit Endless(std::size_t size) : chunk_(size, 'e') {}
  BodySourcePtr give() { return BodySourcePtr{this}; }
  Pulled pull(Context&, string_view& chunk, Work&) noexcept override {
    pulled += chunk_.size();
    chunk = chunk_;
    return Pulled::chunk;
  }
  void drop() noexcept override { ++drops; }
  std::size_t pulled = 0;
  int drops = 0;

private:
  string chunk_;
};

struct Flag : Work {
  Flag() noexcept : Work([](Work& work) noexcept { ++static_cast<Flag&>(work).runs; }) {}
  int runs = 0;
};

class Scripted : public Service {
public:
  void serve(Exchange& exchange) noexcept override {
    ++served;
    if (answer) answer(exchange);
    else late.push_back(&exchange);
  }
  std::function<void(Exchange&)> answer;
  std::deque<Exchange*> late;
  int served = 0;
};

class Connected : public Session::Host {
public:
  explicit Connected(const Limits& limits = {}) : endpoint(service, port.context(), limits) {
    session.emplace(endpoint, *this);
  }
  ~Connected() {
    session->abort();
    for (Exchange* const exchange : std::exchange(service.late, {})) exchange->reply(Response{204});
    port.run();
  }
  void on_change() noexcept override { ++changes; }

  string& send(string_view bytes) {
    fed = 0;
    for (std::size_t taken = 1; taken > 0 && fed < bytes.size();) {
      taken = session->feed(bytes.substr(fed));
      fed += taken;
      port.run();
      take();
    }
    return sent;
  }
  string& take() {
    do {
      while (!session->output().empty()) {
        sent += session->output();
        session->consumed(session->output().size());
      }
      port.run();
    } while (!session->output().empty());
    return sent;
  }
  Exchange& late() {
    Exchange& oldest = *service.late.front();
    service.late.pop_front();
    return oldest;
  }
  Context& context() { return port.context(); }

  testing::ManualPort port;
  Scripted service;
  Endpoint endpoint;
  std::optional<Session> session;
  string sent;
  std::size_t fed = 0;
  int changes = 0;
};

string get(string_view target, string_view more = {}) {
  return "GET " + string{target} + " HTTP/1.1\r\nHost: a\r\n" + string{more} + "\r\n";
}
string post(string_view path, string_view body, string_view more = {}) {
  return "POST " + string{path} + " HTTP/1.1\r\nHost: a\r\n" + string{more} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + string{body};
}
string chunked(string_view path, string_view chunks, string_view more = {}) {
  return "POST " + string{path} + " HTTP/1.1\r\nHost: a\r\n" + string{more} + "Transfer-Encoding: chunked\r\n\r\n" +
         string{chunks};
}
Response stream_of(BodySourcePtr source, int status = 200) {
  return Response::stream("text/plain", std::move(source), status);
}
string body_of(string_view sent) { return string{sent.substr(sent.find("\r\n\r\n") + 4)}; }
bool has(string_view text, string_view part) { return text.find(part) != string_view::npos; }

/// Sends `request`, has it answered by `pieces`, and gives what came.
string answered(Connected& c, Pieces& pieces, string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                int status = 200) {
  pieces.context = &c.context();
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(pieces.give(), status)); };
  return c.send(request);
}

// Replies.

TEST(SessionStream, SendsPiecesAsChunks) {
  Pieces pieces{"hello", ", world, and what else there is"};
  Connected c;
  pieces.end();

  const string sent = answered(c, pieces);

  EXPECT_TRUE(has(sent, "transfer-encoding: chunked\r\n"));
  EXPECT_TRUE(has(sent, "content-type: text/plain\r\n"));
  EXPECT_FALSE(has(sent, "content-length"));
  EXPECT_EQ(body_of(sent), "5\r\nhello\r\n1f\r\n, world, and what else there is\r\n0\r\n\r\n");
  EXPECT_EQ(pieces.drops, 1);
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionStream, OfAKnownSizeIsNotChunked) {
  Pieces pieces{"hello", ", world"};
  Connected c;
  pieces.announce(12).end();

  const string sent = answered(c, pieces);

  EXPECT_TRUE(has(sent, "content-length: 12\r\n"));
  EXPECT_FALSE(has(sent, "transfer-encoding"));
  EXPECT_EQ(body_of(sent), "hello, world");
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionStream, WithoutAByteIsComplete) {
  for (const bool is_known : {false, true}) {
    Pieces pieces;
    Connected c;
    pieces.end();
    if (is_known) pieces.announce(0);

    EXPECT_EQ(body_of(answered(c, pieces)), is_known ? "" : "0\r\n\r\n");
    EXPECT_TRUE(c.session->is_idle());
  }
}

TEST(SessionStream, ToHttp10EndsWithTheConnection) {
  Pieces pieces{"hello", ", world"};
  Connected c;
  pieces.end();

  const string sent = answered(c, pieces, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

  EXPECT_TRUE(has(sent, "connection: close\r\n"));
  EXPECT_FALSE(has(sent, "transfer-encoding"));
  EXPECT_EQ(body_of(sent), "hello, world");
  EXPECT_EQ(c.session->advice(), Advice::finish);
}

TEST(SessionStream, OfAKnownSizeKeepsHttp10Alive) {
  Pieces pieces{"hello"};
  Connected c;
  pieces.announce(5).end();

  const string sent = answered(c, pieces, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

  EXPECT_TRUE(has(sent, "connection: keep-alive\r\n"));
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionStream, ThatMayHaveNoBodyIsDroppedUnpulled) {
  struct Case {
    string_view method;
    int status;
    string_view field;
  };
  for (const Case& one : {Case{"HEAD", 200, "transfer-encoding: chunked\r\n"}, Case{"GET", 204, ""},
                          Case{"GET", 304, ""}, Case{"GET", 205, "content-length: 0\r\n"}}) {
    Pieces pieces{"hello"};
    Connected c;
    pieces.end();

    const string sent = answered(c, pieces, string{one.method} + " / HTTP/1.1\r\nHost: a\r\n\r\n", one.status);

    EXPECT_EQ(pieces.pulls, 0) << one.status;
    EXPECT_EQ(pieces.drops, 1) << one.status;
    EXPECT_EQ(body_of(sent), "") << one.status;
    EXPECT_TRUE(has(sent, one.field)) << sent;
    EXPECT_EQ(has(sent, "transfer-encoding"), one.method == "HEAD") << sent;
    EXPECT_TRUE(c.session->is_idle()) << one.status;
  }
}

TEST(SessionStream, TellsTheSizeToHead) {
  Pieces pieces;
  Connected c;
  pieces.announce(12);

  EXPECT_TRUE(has(answered(c, pieces, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "content-length: 12\r\n"));
}

TEST(SessionStream, OfAThousandPiecesLeavesInOneWrite) {
  Pieces pieces;
  Connected c;
  string expected;
  for (int i = 0; i < 1000; ++i) {
    pieces.add(std::to_string(i));
    expected += std::to_string(i);
  }
  pieces.end();
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(pieces.give())); };

  ASSERT_GT(c.session->feed(get("/")), 0U);

  const Dechunked got = dechunk(body_of(c.session->output()));
  EXPECT_EQ(got.body, expected);
  EXPECT_TRUE(got.is_complete);
}

TEST(SessionStream, SendsTheHeadBeforeTheFirstPiece) {
  Pieces pieces;
  Connected c;

  EXPECT_TRUE(has(answered(c, pieces), "transfer-encoding: chunked\r\n"));
  EXPECT_EQ(c.session->wait(), Wait::application);
  pieces.add("one");
  EXPECT_EQ(body_of(c.take()), "3\r\none\r\n");
  pieces.add("two").end();

  EXPECT_EQ(body_of(c.take()), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_GT(c.changes, 0);
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionStream, IsPulledOnlyWhileItsPeerReads) {
  for (const std::size_t size : {1UL, 100UL, 10'000UL, 1'000'000UL}) {
    Endless endless{size};
    Connected c;
    c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(endless.give())); };
    ASSERT_GT(c.session->feed(get("/")), 0U);
    c.port.run();
    std::size_t consumed = 0;

    for (int i = 0; i < 300; ++i) {
      const std::size_t pulled = endless.pulled;
      EXPECT_LE(c.session->output().size(), 64U * 1024);
      EXPECT_LE(pulled, consumed + 64 * 1024 + size);
      c.port.run();
      EXPECT_EQ(endless.pulled, pulled) << "nothing was read";
      const std::size_t some = std::min<std::size_t>(c.session->output().size(), 999);
      consumed += some;
      c.session->consumed(some);
      c.port.run();
    }

    EXPECT_EQ(c.session->wait(), Wait::output);
    EXPECT_GT(endless.pulled, consumed / 7) << "of pieces of a byte most of what is sent is framing";
    c.session->abort();
    EXPECT_EQ(endless.drops, 1);
  }
}

TEST(SessionStream, StaysWithinASmallerLimit) {
  Endless endless{60};
  Connected c{Limits{.output = 100}};
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(endless.give())); };
  ASSERT_GT(c.session->feed(get("/")), 0U);

  EXPECT_EQ(endless.pulled, 0U) << "the head is more";
  c.session->consumed(c.session->output().size());
  c.port.run();
  EXPECT_EQ(endless.pulled, 120U);
}

TEST(SessionStream, LeavesTheLoopItsTurn) {
  Endless endless{10'000};
  Connected c;
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(endless.give())); };
  ASSERT_GT(c.session->feed(get("/")), 0U);

  const std::size_t before = endless.pulled;
  while (!c.session->output().empty()) c.session->consumed(c.session->output().size());

  EXPECT_EQ(endless.pulled, before) << "a peer that takes all at once is served by the loop";
  c.port.run();
  EXPECT_GT(endless.pulled, before);
}

TEST(SessionStream, ThatFailsIsBrokenOff) {
  for (const bool is_known : {false, true}) {
    for (const bool is_late : {false, true}) {
      Pieces pieces{"hello"};
      Connected c;
      if (is_known) pieces.announce(10);
      if (!is_late) pieces.end(Pulled::failed);
      answered(c, pieces, get("/") + get("/x"));
      if (is_late) pieces.end(Pulled::failed);

      const string sent = c.take();

      EXPECT_EQ(body_of(sent), is_known ? "hello" : "5\r\nhello\r\n") << "without an end";
      EXPECT_EQ(c.session->advice(), Advice::close);
      EXPECT_EQ(pieces.drops, 1);
      EXPECT_EQ(c.service.served, 1);
      EXPECT_FALSE(c.session->busy());
    }
  }
}

TEST(SessionStream, ThatFailsResetsHttp10) {
  Pieces pieces{"hello"};
  Connected c;
  answered(c, pieces, "GET / HTTP/1.0\r\n\r\n");

  pieces.end(Pulled::failed);
  c.port.run();

  EXPECT_EQ(c.session->advice(), Advice::reset) << "the end of the connection would be the end of the body";
  EXPECT_EQ(c.session->output(), "");
}

TEST(SessionStream, OfAnotherSizeThanAnnouncedIsBrokenOff) {
  Pieces too_many{"hello", ", world"};
  Connected more;
  too_many.announce(11).end();
  EXPECT_EQ(body_of(answered(more, too_many)), "hello");
  EXPECT_EQ(more.session->advice(), Advice::close);
  EXPECT_EQ(too_many.drops, 1);

  Pieces too_few{"hello", ", world"};
  Connected less;
  too_few.announce(13).end();
  EXPECT_EQ(body_of(answered(less, too_few)), "hello, world");
  EXPECT_EQ(less.session->advice(), Advice::close);
  EXPECT_EQ(too_few.drops, 1);
}

TEST(SessionStream, IsDroppedOnceWheneverItsPeerLeaves) {
  enum class When { late, waiting, woken, full, ended };
  for (const When when : {When::late, When::waiting, When::woken, When::full, When::ended}) {
    for (const bool is_held : {false, true}) {
      for (const bool by_eof : {false, true}) {
        Pieces pieces;
        Connected c;
        pieces.context = &c.context();
        Flag sent;
        c.send(get("/"));
        Exchange& exchange = c.late();
        if (when == When::full) pieces.add(string(200'000, 'x'));
        if (when == When::ended) pieces.add("x").end();
        if (is_held) exchange.reply_and_hold(stream_of(pieces.give()), sent);
        else exchange.reply(stream_of(pieces.give()));
        if (when != When::late) c.port.run();
        if (when == When::woken) pieces.add("more");

        if (by_eof) c.session->eof();
        else c.session->abort();

        EXPECT_EQ(pieces.drops, 1) << static_cast<int>(when) << is_held << by_eof;
        EXPECT_TRUE(by_eof || c.session->output().empty());
        c.take();
        EXPECT_EQ(pieces.drops, 1);
        EXPECT_EQ(sent.runs, is_held ? 1 : 0);
        if (is_held) exchange.release();
        c.port.run();
        EXPECT_FALSE(c.session->busy());
        EXPECT_EQ(c.endpoint.in_flight(), 0U);
        EXPECT_EQ(c.session->advice(), by_eof ? Advice::close : Advice::reset);
        c.session.reset();
        c.session.emplace(c.endpoint, c);
      }
    }
  }
}

TEST(SessionStream, MakesItsSessionWaitForAWorkThatMayBeInTheQueue) {
  Pieces pieces;
  Connected c;
  answered(c, pieces);
  pieces.add("more");

  c.session->abort();
  EXPECT_TRUE(c.session->busy());
  c.port.run();

  EXPECT_FALSE(c.session->busy());
}

TEST(SessionStream, AsksTheRequestToStopWhenItsPeerLeaves) {
  Pieces pieces;
  Connected c;
  pieces.context = &c.context();
  c.send(get("/"));
  Exchange& exchange = c.late();
  Flag sent;
  exchange.reply_and_hold(stream_of(pieces.give()), sent);
  c.take();

  c.session->abort(CancelReason::shutdown);

  EXPECT_TRUE(exchange.stop_token().stop_requested());
  EXPECT_EQ(exchange.stop_reason(), CancelReason::shutdown);
  c.port.run();
  exchange.release();
}

TEST(SessionStream, ToAPeerThatIsGoneIsDroppedAtOnce) {
  for (const bool by_eof : {false, true}) {
    Pieces pieces{"hello"};
    Connected c;
    c.send(get("/"));
    if (by_eof) c.session->eof();
    else c.session->abort();

    c.late().reply(stream_of(pieces.give()));
    c.port.run();

    EXPECT_EQ(pieces.pulls, 0);
    EXPECT_EQ(pieces.drops, 1);
    EXPECT_FALSE(c.session->busy());
  }
}

TEST(SessionStream, GivesUpAPeerThatDoesNotRead) {
  Endless endless{100};
  Connected c;
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(endless.give())); };
  ASSERT_GT(c.session->feed(get("/")), 0U);
  EXPECT_EQ(c.session->wait(), Wait::output);

  c.session->expire();

  EXPECT_EQ(endless.drops, 1);
  EXPECT_EQ(c.session->advice(), Advice::reset);
}

TEST(SessionStream, KeepsPipelinedRequestsWaiting) {
  Pieces pieces{"one"};
  Connected c;
  pieces.context = &c.context();
  c.service.answer = [&](Exchange& exchange) {
    if (exchange.request().path() == "/stream") exchange.reply(stream_of(pieces.give()));
    else exchange.reply(Response::text("next"));
  };

  c.send(get("/stream") + get("/x") + get("/y"));
  EXPECT_EQ(c.service.served, 1);
  pieces.add("two").end();
  c.take();

  EXPECT_EQ(c.service.served, 3);
  const string rest = c.sent.substr(c.sent.find("0\r\n\r\n") + 5);
  EXPECT_TRUE(rest.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(rest.ends_with("next"));
}

TEST(SessionStream, FinishesWhenTheSessionIsDrained) {
  Pieces pieces{"one"};
  Connected c;
  answered(c, pieces, get("/") + get("/x"));

  c.session->drain();
  EXPECT_EQ(c.session->advice(), Advice::read);
  pieces.add("two").end();

  EXPECT_TRUE(c.take().ends_with("3\r\ntwo\r\n0\r\n\r\n"));
  EXPECT_EQ(c.session->advice(), Advice::finish);
  EXPECT_EQ(c.service.served, 1);
}

TEST(SessionStream, ThatIsHeldIsDroppedBeforeItIsSent) {
  for (const bool is_known : {false, true}) {
    Pieces pieces{"hello"};
    Connected c;
    pieces.context = &c.context();
    if (is_known) pieces.announce(5);
    Flag sent;
    c.send(get("/") + get("/x"));
    Exchange& exchange = c.late();
    exchange.reply_and_hold(stream_of(pieces.give()), sent);
    c.take();
    EXPECT_EQ(sent.runs, 0) << "all that there was is sent, but perhaps not all";

    pieces.end();
    c.take();
    EXPECT_EQ(pieces.drops, 1);
    EXPECT_EQ(sent.runs, 1);
    EXPECT_EQ(c.service.served, 1);
    exchange.release();
    c.port.run();

    EXPECT_EQ(c.service.served, 2);
  }
}

TEST(SessionStream, KeepsWhatItsRequestRefersTo) {
  Pieces pieces;
  Connected c;
  pieces.context = &c.context();
  const string target = "/late?" + string(500, 'q');
  Request request;
  c.service.answer = [&](Exchange& exchange) {
    request = exchange.request();
    exchange.reply(stream_of(pieces.give()));
  };
  pieces.on_pull([&] {
    EXPECT_EQ(request.target(), target);
    EXPECT_EQ(request.header("host"), "a");
  });

  c.send("POST " + target + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    c.send("3e8\r\n" + string(1000, 'b') + "\r\n");
    ASSERT_EQ(c.fed, 1007U) << "what nobody reads is dropped while the reply is sent";
    pieces.add("x");
    c.take();
  }
  c.send("0\r\n\r\n");
  EXPECT_EQ(c.session->wait(), Wait::application);
  pieces.end();

  EXPECT_EQ(dechunk(body_of(c.take())).body, string(20, 'x'));
  EXPECT_EQ(pieces.pulls, 42);
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionStream, GoesOnWhenADroppedBodyIsBroken) {
  Pieces pieces{"one"};
  Connected c;
  answered(c, pieces, chunked("/", "broken\r\n"));

  pieces.add("two").end();

  EXPECT_EQ(dechunk(body_of(c.take())).body, "onetwo");
  EXPECT_EQ(c.session->advice(), Advice::finish);
}

TEST(SessionStream, IgnoresUpgrades) {
  Pieces pieces{"here"};
  Connected c;
  pieces.end();

  const string sent = answered(c, pieces, get("/", "Connection: upgrade\r\nUpgrade: websocket\r\n"));

  EXPECT_TRUE(sent.starts_with("HTTP/1.1 200 "));
  EXPECT_FALSE(has(sent, "upgrade"));
}

// Files: replies that the owner has the kernel send.

/// A stretch of a file that nobody has.
class Stretch final : public BodySource {
public:
  BodySourcePtr give() { return BodySourcePtr{this}; }
  Pulled pull(Context&, string_view& chunk, Work&) noexcept override {
    chunk = "0123456789";
    return pulls++ == 0 ? Pulled::chunk : Pulled::end;
  }
  void drop() noexcept override { ++drops; }
  std::optional<std::uint64_t> size() const noexcept override { return 10; }
  FileStretch stretch() const noexcept override { return {7, 100, stretch_size}; }
  std::uint64_t stretch_size = 10;
  int pulls = 0;
  int drops = 0;
};

/// A session whose owner sends files, and a request for one whose reply's head was taken.
struct AskedForAFile : Connected {
  explicit AskedForAFile(string_view request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n") {
    session->send_files();
    service.answer = [this](Exchange& exchange) { exchange.reply(stream_of(source.give())); };
    send(request);
  }
  Stretch source;
};

TEST(SessionFile, IsReadUnlessItsOwnerSendsFiles) {
  Connected c;
  Stretch source;
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(source.give())); };

  c.send(get("/"));

  EXPECT_EQ(c.session->file().size, 0U);
  EXPECT_EQ(body_of(c.sent), "0123456789");
}

TEST(SessionFile, IsSentByItsOwnerBehindItsHead) {
  AskedForAFile c;

  EXPECT_TRUE(has(c.sent, "content-length: 10\r\n"));
  EXPECT_EQ(body_of(c.sent), "");
  EXPECT_EQ(c.session->wait(), Wait::output);
  EXPECT_EQ(c.session->file().file, 7);
  EXPECT_EQ(c.session->file().offset, 100U);
  EXPECT_EQ(c.session->file().size, 10U);
  c.session->file_sent(4);
  EXPECT_EQ(c.session->file().offset, 104U);
  EXPECT_EQ(c.session->file().size, 6U);
  EXPECT_EQ(c.source.drops, 0);
  c.session->file_sent(6);
  EXPECT_EQ(c.session->file().size, 0U);
  EXPECT_EQ(c.source.drops, 1);
  EXPECT_EQ(c.source.pulls, 0);
  EXPECT_TRUE(c.session->is_idle());
}

TEST(SessionFile, WaitsForTheOutputBeforeIt) {
  Stretch source;
  Connected c;
  c.session->send_files();
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(source.give())); };

  EXPECT_GT(c.session->feed(get("/")), 0U);

  EXPECT_EQ(c.session->file().size, 0U);
  c.take();
  EXPECT_EQ(c.session->file().size, 10U);
}

TEST(SessionFile, KeepsPipelinedRequestsWaiting) {
  AskedForAFile c{get("/") + get("/next")};
  c.service.answer = [&](Exchange& exchange) { exchange.reply(Response::text("next")); };

  EXPECT_EQ(c.service.served, 1);
  c.session->file_sent(10);
  EXPECT_EQ(c.service.served, 2);
  EXPECT_EQ(body_of(body_of(c.take())), "next");
}

TEST(SessionFile, IsReadIfItCannotBeSent) {
  AskedForAFile c;

  c.session->file_failed();

  EXPECT_EQ(c.session->file().size, 0U);
  EXPECT_EQ(body_of(c.take()), "0123456789");
  EXPECT_EQ(c.source.drops, 1);
  EXPECT_EQ(c.session->advice(), Advice::read);
}

TEST(SessionFile, ThatFailsInTheMiddleIsBrokenOff) {
  AskedForAFile c;

  c.session->file_sent(3);
  c.session->file_failed();

  EXPECT_EQ(body_of(c.take()), "");
  EXPECT_EQ(c.source.pulls, 0);
  EXPECT_EQ(c.source.drops, 1);
  EXPECT_EQ(c.session->advice(), Advice::close);
}

TEST(SessionFile, IsForgottenWhenThePeerLeaves) {
  for (const bool is_reset : {false, true}) {
    AskedForAFile c;

    if (is_reset) c.session->abort();
    else c.session->eof();

    EXPECT_EQ(c.session->file().size, 0U);
    EXPECT_EQ(c.source.drops, 1);
    EXPECT_EQ(c.session->advice(), is_reset ? Advice::reset : Advice::close);
  }
}

TEST(SessionFile, GivesUpAPeerThatDoesNotRead) {
  AskedForAFile c;

  c.session->expire();

  EXPECT_EQ(c.session->advice(), Advice::reset);
  EXPECT_EQ(c.source.drops, 1);
}

TEST(SessionFile, FinishesWhenTheSessionIsDrained) {
  AskedForAFile c;

  c.session->drain();

  EXPECT_EQ(c.session->file().size, 10U);
  c.session->file_sent(10);
  EXPECT_EQ(c.session->advice(), Advice::finish);
}

TEST(SessionFile, IsReadIfItIsNotTheWholeBody) {
  Connected c;
  Stretch source;
  source.stretch_size = 9;
  c.session->send_files();
  c.service.answer = [&](Exchange& exchange) { exchange.reply(stream_of(source.give())); };

  c.send(get("/"));

  EXPECT_EQ(body_of(c.sent), "0123456789");
}

TEST(SessionFile, ThatIsHeldIsDroppedBeforeItIsSent) {
  Connected c;
  Stretch source;
  Flag sent;
  Exchange* held = nullptr;
  c.session->send_files();
  c.service.answer = [&](Exchange& exchange) {
    held = &exchange;
    exchange.reply_and_hold(stream_of(source.give()), sent);
  };

  c.send(get("/"));
  EXPECT_EQ(sent.runs, 0);
  c.session->file_sent(10);
  c.port.run();

  EXPECT_EQ(sent.runs, 1);
  EXPECT_EQ(source.drops, 1);
  held->release();
}

// Requests.

/// Reads the body of each request, as soon as it may or when the test says so, and answers with what it has read.
class Reader : public Work {
public:
  explicit Reader(Connected& connected) : Work(run), c(connected) {
    c.service.answer = [this](Exchange& e) { begin(e); };
  }
  ~Reader() {
    c.service.answer = nullptr;
    if (exchange) exchange->reply(Response{204});
  }
  void begin(Exchange& e) {
    exchange = &e;
    text.clear();
    pieces = 0;
    last = Pulled::pending;
    if (limit) e.limit_body(*limit);
    if (is_eager) read_all();
  }
  Pulled read() {
    string_view chunk;
    last = exchange->read_body(chunk, *this);
    if (last == Pulled::chunk) {
      EXPECT_FALSE(chunk.empty());
      text += chunk;
      ++pieces;
    }
    return last;
  }
  void read_all() {
    while (read() == Pulled::chunk) {
    }
    if (last != Pulled::pending) answer();
  }
  void answer() {
    string reply = text;
    for (const HeaderField& field : exchange->trailers()) reply += "|" + string{field.name} + "=" + string{field.value};
    const int status = exchange->body_error();
    std::exchange(exchange, nullptr)->reply(Response::text(status ? "failed" : reply, status ? status : 200));
  }

  Connected& c;
  Exchange* exchange = nullptr;
  std::optional<std::uint64_t> limit;
  bool is_eager = true;
  string text;
  int pieces = 0;
  int wakes = 0;
  Pulled last = Pulled::pending;

private:
  static void run(Work& work) noexcept {
    auto& self = static_cast<Reader&>(work);
    ++self.wakes;
    if (self.is_eager && self.exchange) self.read_all();
  }
};

struct Read {
  string bodies;  // Each behind a slash.
  int served;
  Advice advice;
  bool operator==(const Read&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Read& read) {
  return out << read.bodies.substr(0, 500) << " served " << read.served << ", advice " << static_cast<int>(read.advice);
}

Read read_cut(string_view input, const std::vector<std::size_t>& cuts, const Limits& limits,
              std::optional<std::uint64_t> limit) {
  Connected c{limits};
  Reader reader{c};
  reader.limit = limit;
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    c.send(input.substr(from, cut - from));
    from = cut;
  }
  c.send(input.substr(from));
  string bodies;
  for (string_view rest = c.take(); !rest.empty();) {
    const string_view status = rest.substr(9, 3);
    if (status != "200") bodies += string{status};
    rest.remove_prefix(rest.find("\r\n\r\n") + 4);
    if (status == "100") continue;
    const std::size_t next = std::min(rest.find("HTTP/1.1"), rest.size());
    bodies += "/" + string{rest.substr(0, next)};
    rest.remove_prefix(next);
  }
  return {bodies, c.service.served, c.session->advice()};
}

/// What is read of the input in one piece, which must be what is read of it in any pieces.
Read read(string_view input, const Limits& limits = {}, std::optional<std::uint64_t> limit = {}) {
  const Read whole = read_cut(input, {}, limits, limit);
  std::vector<std::size_t> bytes;
  for (std::size_t i = 1; i < input.size() && input.size() < 30'000; ++i) bytes.push_back(i);
  EXPECT_EQ(read_cut(input, bytes, limits, limit), whole) << "byte by byte: " << input.substr(0, 300);
  std::mt19937 random{static_cast<unsigned>(input.size())};
  for (int round = 0; round < 100 && !input.empty(); ++round) {
    std::vector<std::size_t> cuts;
    for (int i = 0; i <= round % 5; ++i) cuts.push_back(random() % input.size());
    std::sort(cuts.begin(), cuts.end());
    EXPECT_EQ(read_cut(input, cuts, limits, limit), whole) << "cut at " << cuts.front();
  }
  return whole;
}

TEST(SessionRead, GivesABodyOfKnownLength) {
  EXPECT_EQ(read(post("/", "hello")), (Read{"/hello", 1, Advice::read}));
  EXPECT_EQ(read(post("/", "")), (Read{"/", 1, Advice::read}));
  EXPECT_EQ(read(get("/")), (Read{"/", 1, Advice::read}));
  const string large(200'000, 'b');
  EXPECT_EQ(read(post("/", large)), (Read{"/" + large, 1, Advice::read}));
}

TEST(SessionRead, GivesAChunkedBody) {
  EXPECT_EQ(read(chunked("/", "5;a=b\r\nhello\r\n0A\r\n, world!!!\r\n0\r\n\r\n")),
            (Read{"/hello, world!!!", 1, Advice::read}));
  EXPECT_EQ(read(chunked("/", "0\r\n\r\n")), (Read{"/", 1, Advice::read}));
  const string large(100'000, 'b');
  EXPECT_EQ(read(chunked("/", "186A0\r\n" + large + "\r\n1\r\nx\r\n0\r\n\r\n")),
            (Read{"/" + large + "x", 1, Advice::read}));
}

TEST(SessionRead, GivesTrailers) {
  EXPECT_EQ(read(chunked("/", "2\r\nhe\r\n0\r\nX-Sum: 12 34 \r\nEmpty:\r\nhost: evil\r\n\r\n")),
            (Read{"/he|X-Sum=12 34|Empty=|host=evil", 1, Advice::read}));
  string many;
  for (int i = 0; i < 101; ++i) many += "a: b\r\n";
  EXPECT_EQ(read(chunked("/", "0\r\n" + many + "\r\n")), (Read{"400/failed", 1, Advice::finish}));
  EXPECT_EQ(read(chunked("/", "0\r\nX: y\r\n z\r\n\r\n")), (Read{"400/failed", 1, Advice::finish}));
}

TEST(SessionRead, ForgetsTheTrailersOfTheRequestBefore) {
  const string with = chunked("/", "1\r\nx\r\n0\r\nA: b\r\n\r\n");

  EXPECT_EQ(read(with + get("/") + with + post("/", "y") + chunked("/", "1\r\nz\r\n0\r\n\r\n")),
            (Read{"/x|A=b//x|A=b/y/z", 5, Advice::read}));
}

TEST(SessionRead, KeepsBodiesOfPipelinedRequestsApart) {
  const string body(3000, 'b');
  string input;
  string expected;
  for (int i = 0; i < 5; ++i) {
    input +=
        post("/", body) + get("/") + chunked("/", "bb8\r\n" + body + "\r\n5\r\nhello\r\n0\r\n\r\n") + post("/", "x");
    expected += "/" + body + "//" + body + "hello/x";
  }

  EXPECT_EQ(read(input), (Read{expected, 20, Advice::read}));
}

TEST(SessionRead, FailsWithBrokenChunks) {
  for (const string_view chunks : {"x\r\n", "1\r\nab\r\n", "fffffffffffffffff\r\n", "0\r\n\n"})
    EXPECT_EQ(read(chunked("/", chunks)), (Read{"400/failed", 1, Advice::finish})) << chunks;
}

TEST(SessionRead, AsksForABodyThatWaitsToBeAskedFor) {
  const string expect = "Expect: 100-continue\r\n";

  EXPECT_EQ(read(post("/", "hello", expect)), (Read{"100/hello", 1, Advice::read}));
  Connected c;
  Reader reader{c};
  reader.is_eager = false;
  EXPECT_EQ(c.send(post("/", "hello", expect).substr(0, post("/", "", expect).size())), "");
  reader.read_all();
  EXPECT_EQ(c.take(), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(SessionRead, IsLimitedWhenTheBodyIsAskedFor) {
  const Limits limits{.body = 5};

  EXPECT_EQ(read(post("/", "hello!"), limits), (Read{"413/failed", 1, Advice::finish}));
  EXPECT_EQ(read(chunked("/", "6\r\nhello!\r\n0\r\n\r\n"), limits), (Read{"413/failed", 1, Advice::finish}));
  EXPECT_EQ(read(post("/", "hello!", "Expect: 100-continue\r\n"), limits), (Read{"413/failed", 1, Advice::finish}));
}

TEST(SessionRead, MayRaiseTheLimitOrLowerIt) {
  const Limits limits{.body = 5};

  for (const std::uint64_t limit : {std::uint64_t{6}, ~std::uint64_t{0}}) {
    EXPECT_EQ(read(post("/", "hello!"), limits, limit), (Read{"/hello!", 1, Advice::read}));
    EXPECT_EQ(read(chunked("/", "3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n"), limits, limit),
              (Read{"/hello!", 1, Advice::read}));
  }
  EXPECT_EQ(read(post("/", "hello"), limits, 4), (Read{"413/failed", 1, Advice::finish}));
  EXPECT_EQ(read(chunked("/", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), limits, 4), (Read{"413/failed", 1, Advice::finish}));
}

TEST(SessionRead, RaisesTheLimitOfOneRequestOnly) {
  Connected c{Limits{.body = 5}};
  Reader reader{c};
  reader.limit = 10;
  c.send(post("/", "hello!"));
  reader.limit.reset();

  EXPECT_TRUE(has(c.send(post("/", "hello!")), "HTTP/1.1 413 "));
}

TEST(SessionRead, RaisesTheLimitOfACollectedBody) {
  struct Collecting : Work {
    Collecting() noexcept : Work(run) {}
    static void run(Work& work) noexcept {
      Exchange& exchange = *static_cast<Collecting&>(work).exchange;
      exchange.reply(Response::text(exchange.request().body()));
    }
    Exchange* exchange = nullptr;
  } collecting;
  for (const bool is_chunked : {false, true}) {
    Connected c{Limits{.body = 5}};
    c.service.answer = [&](Exchange& exchange) {
      collecting.exchange = &exchange;
      exchange.limit_body(200'000);
      if (exchange.collect_body(collecting)) Collecting::run(collecting);
    };
    const string body(150'000, 'b');
    c.send(is_chunked ? chunked("/", "249F0\r\n" + body + "\r\n0\r\n\r\n") : post("/", body));

    EXPECT_EQ(body_of(c.sent), body);
  }
}

TEST(SessionRead, TakesNoMoreThanItsBufferUntilItIsAsked) {
  for (const bool is_chunked : {false, true}) {
    Connected c{Limits{.body = 10'000'000}};
    Reader reader{c};
    reader.is_eager = false;
    const string body(1'000'000, 'b');
    const string input = is_chunked ? chunked("/", "F4240\r\n" + body + "\r\n0\r\n\r\n") : post("/", body);
    std::size_t fed = 0;
    const auto feed = [&] {
      c.send(string_view{input}.substr(fed));
      fed += c.fed;
    };

    feed();
    EXPECT_LE(fed, 4096U) << "nobody has asked";
    EXPECT_EQ(c.session->advice(), Advice::pause);
    EXPECT_EQ(c.session->wait(), Wait::application);
    while (reader.last != Pulled::end) {
      ASSERT_NE(reader.read(), Pulled::failed);
      if (reader.last == Pulled::pending) {
        EXPECT_EQ(c.session->wait(), Wait::body);
        EXPECT_EQ(c.session->advice(), Advice::read);
      }
      EXPECT_LE(fed, reader.text.size() + 65 * 1024);
      feed();
      EXPECT_TRUE(reader.last != Pulled::chunk || c.session->wait() == Wait::application);
    }

    EXPECT_EQ(reader.text, body);
    EXPECT_LT(reader.pieces, 100) << "it comes in large pieces";
    reader.answer();
    EXPECT_TRUE(has(c.take(), "200 OK"));
  }
}

TEST(SessionRead, LendsAPieceUntilTheNextOneIsAskedFor) {
  for (const bool is_chunked : {false, true}) {
    Connected c;
    string body;
    for (int i = 0; i < 40'000; ++i) body += static_cast<char>('a' + i % 23);
    string input = "POST / HTTP/1.1\r\nHost: a\r\n";
    if (is_chunked) {
      input += "Transfer-Encoding: chunked\r\n\r\n";
      for (std::size_t at = 0; at < body.size(); at += 50) input += "32\r\n" + body.substr(at, 50) + "\r\n";
      input += "0\r\n\r\n";
    } else {
      input = post("/", body);
    }
    input += get("/x");
    struct Ready : Work {
      Ready() noexcept : Work([](Work&) noexcept {}) {}
    } ready;
    ASSERT_EQ(c.session->feed(string_view{input}.substr(0, 100)), 100U);
    Exchange& exchange = c.late();
    std::size_t fed = 100;
    std::size_t seen = 0;
    std::mt19937 random{1};
    for (bool is_over = false; !is_over;) {
      string_view chunk;
      is_over = exchange.read_body(chunk, ready) == Pulled::end;
      const string before{chunk};
      fed += c.session->feed(string_view{input}.substr(fed, random() % 3000));
      c.port.run();
      ASSERT_EQ(chunk, before) << "it moved";
      ASSERT_EQ(chunk, string_view{body}.substr(seen, chunk.size()));
      seen += chunk.size();
    }

    EXPECT_EQ(seen, body.size());
    exchange.reply(Response::text("done"));
    c.port.run();
    c.send(string_view{input}.substr(fed));
    EXPECT_EQ(c.service.served, 2);
  }
}

TEST(SessionRead, FailsWhenThePeerLeaves) {
  Connected c;
  Reader reader{c};
  c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(reader.last, Pulled::pending);
  EXPECT_EQ(reader.text, "hello");

  c.session->abort();
  c.port.run();

  EXPECT_EQ(reader.last, Pulled::failed);
  EXPECT_FALSE(c.session->busy());
}

TEST(SessionRead, FailsWhenTheEndWillNotCome) {
  for (const bool waits : {false, true}) {
    Connected c;
    Reader reader{c};
    reader.is_eager = waits;
    c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");

    c.session->eof();
    if (!waits) reader.read_all();

    EXPECT_TRUE(has(c.take(), "HTTP/1.1 400 "));
    EXPECT_EQ(reader.text, "hello") << "what has come is given";
    EXPECT_EQ(c.session->advice(), Advice::close);
  }
}

TEST(SessionRead, FailsWhenTheRestTakesTooLong) {
  Connected c;
  Reader reader{c};
  c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  EXPECT_EQ(c.session->body_received(), 5U);

  c.session->expire();

  EXPECT_TRUE(has(c.take(), "HTTP/1.1 408 "));
  EXPECT_EQ(c.session->advice(), Advice::finish);
}

TEST(SessionRead, DropsTheRestWhenTheReplyIsMade) {
  for (const std::size_t length : {3000, 30'000}) {
    for (const bool is_chunked : {false, true}) {
      Connected c;
      Reader reader{c};
      reader.is_eager = false;
      const string body(length, 'b');
      const string input = (is_chunked ? chunked("/", "5\r\nhello\r\n7530\r\n" + string(30'000, 'b') + "\r\n0\r\n\r\n")
                                       : post("/", body)) +
                           get("/x");
      c.send(string_view{input}.substr(0, 500));
      ASSERT_EQ(reader.read(), Pulled::chunk);
      static_cast<void>(reader.read());

      reader.answer();
      reader.is_eager = true;
      c.port.run();
      c.send(string_view{input}.substr(500));

      EXPECT_EQ(c.fed, input.size() - 500) << "a peer that sends before it reads is not kept waiting";
      EXPECT_EQ(c.service.served, 2);
      EXPECT_TRUE(c.session->is_idle());
    }
  }
}

TEST(SessionRead, EndsTheConnectionWhenTheRestIsTooMuch) {
  for (const string_view framing :
       {"Content-Length: 100\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n64\r\nhello"}) {
    Connected c{Limits{.body = 50}};
    Reader reader{c};
    reader.is_eager = false;
    reader.limit = 1000;
    c.send("POST / HTTP/1.1\r\nHost: a\r\n" + string{framing});
    ASSERT_EQ(reader.read(), Pulled::chunk);

    reader.answer();

    EXPECT_TRUE(has(c.take(), "connection: close\r\n"));
    EXPECT_EQ(c.session->advice(), Advice::finish);
  }
}

TEST(SessionRead, DropsNoMoreChunksThanTheLimit) {
  Connected c{Limits{.body = 50}};
  c.service.answer = [](Exchange& exchange) { exchange.reply(Response::text("no")); };

  c.send(chunked("/", "14\r\n" + string(20, 'b') + "\r\n14\r\n" + string(20, 'b') + "\r\n14\r\n"));

  EXPECT_EQ(c.session->advice(), Advice::finish);
}

// Both ways at once.

/// A reply whose body is that of its request, of which it has read a piece.
class Echo final : public BodySource {
public:
  Echo(Exchange& exchange, string_view first) : exchange_(exchange), first_(first) {}
  Pulled pull(Context&, string_view& chunk, Work& ready) noexcept override {
    if (first_.empty()) return exchange_.read_body(chunk, ready);
    given_ = std::exchange(first_, {});
    chunk = given_;
    return Pulled::chunk;
  }
  void drop() noexcept override { delete this; }

private:
  Exchange& exchange_;
  string first_;
  string given_;
};

TEST(SessionStream, MayReadOnInOrderToReply) {
  const string body(300'000, 'b');
  for (const string& input : {post("/", "hello"), post("/", body), chunked("/", "5\r\nhello\r\n0\r\n\r\n"),
                              chunked("/", "493E0\r\n" + body + "\r\n0\r\n\r\n")}) {
    Connected c;
    struct Nothing : Work {
      Nothing() noexcept : Work([](Work&) noexcept {}) {}
    } nothing;
    c.service.answer = [&](Exchange& exchange) {
      string_view chunk;
      exchange.read_body(chunk, nothing);
      exchange.reply(stream_of(BodySourcePtr{new Echo{exchange, chunk}}));
    };

    c.send(input);

    EXPECT_EQ(c.fed, input.size());
    const Dechunked got = dechunk(body_of(c.take()));
    EXPECT_EQ(got.body.size(), input.size() < 1000 ? 5U : 300'000U);
    EXPECT_TRUE(got.is_complete);
    EXPECT_TRUE(c.session->is_idle());
  }
}

// At random.

TEST(SessionStream, IsTheSameHoweverItIsPulledReadAndSent) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    const auto upto = [&](std::size_t n) { return random() % (n + 1); };
    std::deque<std::unique_ptr<Pieces>> sources;
    Connected c{Limits{.output = upto(1) ? 256 * 1024 : upto(2000)}};
    std::vector<string> bodies;
    std::vector<Pieces*> open;
    c.service.answer = [&](Exchange& exchange) {
      auto& source = *sources.emplace_back(std::make_unique<Pieces>());
      source.context = &c.context();
      string body;
      for (std::size_t i = upto(5); i > 0; --i) {
        string piece(1 + upto(upto(3) ? 100 : 100'000), static_cast<char>('a' + upto(25)));
        body += piece;
        source.add(piece);
      }
      if (upto(1)) source.announce(body.size());
      bodies.push_back(body);
      if (upto(1)) source.end();
      else open.push_back(&source);
      exchange.reply(stream_of(source.give()));
    };
    string input;
    const std::size_t requests = 1 + upto(5);
    for (std::size_t i = 0; i < requests; ++i) {
      switch (upto(2)) {
        case 0:
          input += get("/");
          break;
        case 1:
          input += post("/", string(upto(9000), 'b'));
          break;
        default:
          input += chunked("/", "14\r\n" + string(20, 'b') + "\r\n0\r\nX: y\r\n\r\n");
          break;
      }
    }

    string sent;
    std::size_t fed = 0;
    for (int step = 0; step < 100'000; ++step) {
      switch (upto(3)) {
        case 0:
          fed += c.session->feed(string_view{input}.substr(fed, upto(2000)));
          break;
        case 1: {
          const string_view output = c.session->output();
          const std::size_t size = std::min<std::size_t>(upto(20'000), output.size());
          sent += output.substr(0, size);
          c.session->consumed(size);
          break;
        }
        case 2:
          c.port.run();
          break;
        default:
          if (!open.empty()) {
            open.back()->end();
            open.pop_back();
          }
          break;
      }
      if (fed == input.size() && c.session->is_idle() && bodies.size() == requests) break;
    }

    ASSERT_TRUE(c.session->is_idle()) << seed;
    string_view rest = sent;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const bool is_chunked = has(rest.substr(0, rest.find("\r\n\r\n")), "chunked");
      rest.remove_prefix(rest.find("\r\n\r\n") + 4);
      const Dechunked got =
          is_chunked ? dechunk(rest) : Dechunked{string{rest.substr(0, bodies[i].size())}, true, bodies[i].size()};
      ASSERT_EQ(got.body, bodies[i]) << seed;
      ASSERT_TRUE(got.is_complete) << seed;
      rest.remove_prefix(got.size);
      ASSERT_EQ(sources[i]->drops, 1);
    }
    ASSERT_EQ(rest, "");
  }
}

}  // namespace
}  // namespace umbel::http1
