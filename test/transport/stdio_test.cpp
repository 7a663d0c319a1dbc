// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "../support/pieces.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/stdio/serve.hpp"
#include "umbel/stdio/server.hpp"

namespace umbel::stdio {
namespace {

using namespace std::chrono_literals;
using std::string;
using std::string_view;
using test::Pieces;

/// Answers at once, or when the test says so.
class Desk final : public Service {
public:
  struct Held : StopCallback, Work {
    explicit Held(Exchange& e) : StopCallback(stop), Work(sent), exchange(&e) { link(e.stop_token()); }
    static void stop(StopCallback& callback) noexcept { static_cast<Held&>(callback).is_stopped = true; }
    static void sent(Work& work) noexcept { static_cast<Held&>(work).is_sent = true; }
    void reply(Response&& response) {
      unlink();
      exchange->reply(std::move(response));
    }
    Exchange* exchange;
    bool is_stopped = false;
    bool is_sent = false;
  };

  void open(Context& context, Notice& notice) noexcept override {
    words += "open ";
    pieces.context = &context;
    if (opens_later) opened = &notice;
    else notice.tell();
  }
  void draining(Context&) noexcept override { words += "draining "; }
  void close(Context&, Notice& closed) noexcept override {
    words += "close ";
    closed.tell();
  }

  void serve(Exchange& exchange) noexcept override {
    ++served;
    const Request& request = exchange.request();
    if (request.path() == "/hold") held.emplace_back(exchange);
    else if (request.path() == "/stream") exchange.reply(Response::stream("text/csv", pieces.give()));
    else if (request.path() == "/big") exchange.reply(Response::text(string(64 * 1024, 'x')));
    else if (request.path() == "/headers") exchange.reply(headers_of(request));
    else if (request.path() == "/echo") exchange.reply(echo(exchange));
    else exchange.reply(Response::text(string{to_string(request.method())} + " " + string{request.target()}));
  }

  int served = 0;
  std::list<Held> held;
  Pieces pieces;
  bool opens_later = false;
  Notice* opened = nullptr;
  string words;

private:
  static Response echo(Exchange& exchange) {
    Work none{[](Work&) noexcept {}};
    EXPECT_TRUE(exchange.collect_body(none));
    if (exchange.body_error()) return Response{exchange.body_error()};
    return Response::bytes("application/octet-stream", exchange.request().body());
  }
  static Response headers_of(const Request& request) {
    Response response = Response::text("");
    for (const HeaderField& field : request.headers()) response.append_header(field.name, field.value);
    return response;
  }
};

class Pipe {
public:
  Pipe() { EXPECT_EQ(::pipe2(fds_.data(), O_CLOEXEC), 0); }
  explicit Pipe(std::array<int, 2> fds) : fds_(fds) {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { close_read(), close_write(); }
  int read_end() const { return fds_[0]; }
  int write_end() const { return fds_[1]; }
  void close_read() { close(fds_[0]); }
  void close_write() { close(fds_[1]); }

private:
  static void close(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  std::array<int, 2> fds_{-1, -1};
};

struct Done : Work {
  Done() : Work([](Work& work) noexcept { static_cast<Done&>(work).is_done = true; }) {}
  bool is_done = false;
};

/// A server between two pipes, whose other ends the test has.
class Stdio : public ::testing::Test {
protected:
  ~Stdio() override {
    for (Desk::Held& held : desk.held) {
      if (held.exchange) held.unlink();
    }
  }

  void start(const Limits& limits = {}) { start(input.read_end(), output.write_end(), limits); }
  void start(int in, int out, const Limits& limits = {}) {
    ::fcntl(output.read_end(), F_SETFL, O_NONBLOCK);
    server.emplace(desk, loop, ServerOptions{in, out, limits});
    server->start();
    server->when_stopped(stopped);
  }

  /// Turns the loop until it is so, and fails if that takes too long. `watched` may make it so, too.
  void turn_until(const std::function<bool()>& condition, int watched = -1) {
    struct Late : Timer {
      Late() : Timer([](Timer& timer) noexcept { static_cast<Late&>(timer).is_late = true; }) {}
      bool is_late = false;
    } late;
    late.start(loop.context(), loop.context().now() + 20s);
    while (!condition() && !late.is_late) {
      uv_run(loop.native(), UV_RUN_NOWAIT);
      if (condition()) break;
      pollfd polled[] = {{uv_backend_fd(loop.native()), POLLIN, 0}, {watched, POLLIN, 0}};
      ::poll(polled, 2, uv_backend_timeout(loop.native()));
    }
    EXPECT_FALSE(late.is_late);
  }
  void turn_for(std::chrono::milliseconds duration) {
    bool is_over = false;
    struct Over : Timer {
      explicit Over(bool& o) : Timer([](Timer& timer) noexcept { static_cast<Over&>(timer).over = true; }), over(o) {}
      bool& over;
    } timer{is_over};
    timer.start(loop.context(), loop.context().now() + duration);
    turn_until([&] { return is_over; });
  }

  void send(string_view text) const {
    ASSERT_EQ(::write(input.write_end(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// The next line, without its end; empty if the server has stopped and there is none.
  string receive() {
    turn_until([&] { return take_output(), received.find('\n') != string::npos || stopped.is_done; },
               output.read_end());
    take_output();
    const string line = received.substr(0, received.find('\n'));
    received.erase(0, line.size() + 1);
    return line;
  }
  string ask(const string& line) {
    send(line + "\n");
    return receive();
  }
  void take_output() {
    char bytes[65536];
    for (ssize_t size = 0; (size = ::read(output.read_end(), bytes, sizeof bytes)) > 0;) {
      received.append(bytes, static_cast<std::size_t>(size));
    }
  }
  void end() {
    input.close_write();
    turn_until([&] { return take_output(), stopped.is_done; }, output.read_end());
  }
  static int status_of(const string& line) {
    const JsonReader reader{line};
    return static_cast<int>(reader.root()["status"].as_int());
  }
  static string body_of(const string& line) {
    const JsonReader reader{line};
    return string{reader.root()["body"].as_string()};
  }

  Desk desk;
  Pipe input;
  Pipe output;
  Loop loop;
  Done stopped;
  std::optional<Server> server;
  string received;
};

TEST_F(Stdio, AnswersALineByALine) {
  start();

  EXPECT_EQ(ask(R"({"id": 7, "method": "DELETE", "target": "/items/7?dry=1"})"),
            R"({"id":7,"status":200,"headers":{"content-type":"text/plain; charset=utf-8"},)"
            R"("body":"DELETE /items/7?dry=1"})");
  EXPECT_EQ(body_of(ask(R"({"target":"/a"})")), "GET /a") << "the target is enough";
  EXPECT_EQ(body_of(ask("\r\n  \n{\"target\":\"/crlf\"}\r")), "GET /crlf") << "empty lines are none";
}

TEST_F(Stdio, EchoesTheIdAsItIs) {
  start();

  for (const string id : {"\"a \\\"quoted\\\" one\"", "-3", "18446744073709551615", "0", "2.5", "\"\""}) {
    EXPECT_EQ(ask(R"({"target":"/","id":)" + id + "}").find("{\"id\":" + id + ",\"status\":200"), 0U) << id;
  }
  for (const string line : {R"({"target":"/"})", R"({"target":"/","id":null})"}) {
    EXPECT_EQ(ask(line).find("{\"status\":200"), 0U) << line;
  }
}

TEST_F(Stdio, GivesHeadersBothWays) {
  start();

  EXPECT_EQ(
      ask(R"({"target":"/headers","headers":{"X-Token":" a\tb ","x-two":"é"}})"),
      R"({"status":200,"headers":{"content-type":"text/plain; charset=utf-8","x-token":"a\tb","x-two":"é"},"body":""})");
  EXPECT_EQ(
      ask(R"({"target":"/headers","headers":[["set-cookie","a"],["Set-Cookie","b"]]})"),
      R"({"status":200,"headers":[["content-type","text/plain; charset=utf-8"],["set-cookie","a"],["set-cookie","b"]],)"
      R"("body":""})");
}

TEST_F(Stdio, GivesAHeaderThatIsNotUtf8AsLatin1) {
  start();
  send("{\"target\":\"/hold\"}\n");
  turn_until([&] { return !desk.held.empty(); });

  desk.held.front().reply(Response::text("").header("x-name", "Andr\xE9"));

  EXPECT_NE(receive().find(R"("x-name":"André")"), string::npos);
}

TEST_F(Stdio, CarriesBytesThatAreNoTextAsBase64) {
  start();

  EXPECT_NE(ask(R"({"target":"/echo","body":"é\u0000\n"})").find(R"("body":"é\u0000\n")"), string::npos);
  for (const string text : {"", "/w==", "//8=", "////", "AP8A/wD/"}) {
    const string reply = ask(R"({"target":"/echo","body_base64":")" + text + "\"}");
    const string expected = text.empty() ? R"("body":"")" : R"("body_base64":")" + text + "\"";
    EXPECT_NE(reply.find(expected), string::npos) << reply;
  }
  EXPECT_EQ(body_of(ask(R"({"target":"/echo","body_base64":"dGV4dA=="})")), "text");
}

TEST_F(Stdio, SendsNoBodyWhereThereIsNone) {
  start();

  EXPECT_EQ(ask(R"({"target":"/","method":"HEAD"})").find("body"), string::npos);
  EXPECT_EQ(ask(R"({"target":"/stream","method":"HEAD"})").find("stream\":"), string::npos);
  EXPECT_EQ(desk.pieces.drops, 1);
}

TEST_F(Stdio, TellsWhereALineIsNoRequest) {
  start();
  const std::vector<std::pair<string, string>> cases{
      {"{\"target\":\"/\"", "invalid JSON at byte 13"},
      {"no", "invalid JSON at byte 1"},
      {"[1]", "a request is an object"},
      {"{}", "/target is missing"},
      {R"({"target":7})", "/target should be a string and is an integer"},
      {R"({"target":"items"})", "/target should be a path"},
      {R"({"target":"/a b"})", "/target should be a path"},
      {R"({"target":"/a#b"})", "/target should be a path"},
      {R"({"target":"/\u00e9"})", "/target should be a path"},
      {R"({"target":"*"})", "/target can be * for OPTIONS only"},
      {R"({"target":"/%0"})", "/target has a malformed percent escape"},
      {R"({"target":"/%00"})", "/target has a malformed percent escape"},
      {R"({"target":"/","target":"/"})", "/target is there twice"},
      {R"({"target":"/","bodyy":""})", "/bodyy is not known"},
      {R"({"target":"/","method":"A B"})", "/method is no method"},
      {R"({"target":"/","id":[]})", "/id should be a string or a number"},
      {R"({"target":"/","headers":{"a b":"c"}})", "/headers/a b has a name that is no token"},
      {R"({"target":"/","headers":{"a":"b\r\nc: d"}})", "/headers/a has a control character in its value"},
      {R"({"target":"/","headers":[["a"]]})", "/headers/0 should be a pair"},
      {R"({"target":"/","headers":7})", "/headers should be an array and is an integer"},
      {R"({"target":"/","body":"a","body_base64":""})", "/body_base64 is a second body"},
      {R"({"target":"/","body_base64":"a"})", "/body_base64 is no base64"},
      {R"({"target":"/","body_base64":"/x=="})", "/body_base64 is no base64"},
      {R"({"target":"/","timeout_ms":-1})", "/timeout_ms should be an integer from 0"},
      {"{\"target\":\"/\xC0\x80\"}", "invalid JSON"},
      {"{\"target\":\"/\xFF\"}", "invalid JSON"},
      {string(200, '['), "nested deeper than 64"},
  };

  int number = 0;
  for (const auto& [line, words] : cases) {
    const string reply = ask(line);
    EXPECT_EQ(status_of(reply), 400) << line;
    EXPECT_NE(body_of(reply).find("\"line " + std::to_string(++number) + ": "), string::npos) << reply;
    EXPECT_NE(body_of(reply).find(words), string::npos) << reply;
  }
  EXPECT_EQ(desk.served, 0);
  EXPECT_EQ(status_of(ask(R"({"target":"/"})")), 200) << "it goes on";
}

TEST_F(Stdio, TellsWhoseRequestWasWrong) {
  start();

  EXPECT_EQ(ask(R"({"target":"items","id":"mine"})").find(R"({"id":"mine","status":400)"), 0U);
}

TEST_F(Stdio, AllowsAnAsteriskForOptions) {
  start();

  EXPECT_EQ(body_of(ask(R"({"target":"*","method":"OPTIONS"})")), "OPTIONS *");
}

TEST_F(Stdio, AnswersEveryLineWhateverItIs) {
  const string good = R"({"id":"é","method":"POST","target":"/echo?a=%20","headers":[["a","b"]],"body_base64":"/w=="})";
  std::mt19937 random{7};
  string text;
  for (int i = 0; i < 3000; ++i) {
    string line = good;
    for (unsigned changes = random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % line.size();
      if (random() % 2 == 0) line[at] = static_cast<char>(random());
      else line.erase(at, random() % 8);
      if (line.empty()) line = " ";
    }
    text += line + "\n";
  }
  std::size_t expected = 0;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    if (text.substr(at, end - at).find_first_not_of(" \t\r") != string::npos) ++expected;
  }
  start();

  std::thread writer{[&] {
    for (std::size_t at = 0; at < text.size(); at += 1000) send(string_view{text}.substr(at, 1000));
    input.close_write();
  }};
  std::size_t replies = 0;
  for (string line; !(line = receive()).empty(); ++replies) {
    const int status = status_of(line);
    EXPECT_TRUE(status == 200 || status == 400) << line;
  }
  writer.join();

  EXPECT_EQ(replies, expected);
}

TEST_F(Stdio, GivesTheSameHoweverTheInputIsCut) {
  start();
  const string text =
      "{\"id\":1,\"target\":\"/a\"}\n{\"id\":2,\"target\":\"/b\"}\nbroken\n{\"id\":3,\"target\":\"/c\"}\n";

  send(text);
  string whole;
  for (int i = 0; i < 4; ++i) whole += receive() + "\n";
  string cut;
  for (const char c : text) {
    send({&c, 1});
    turn_for(1ms);
  }
  for (int i = 0; i < 4; ++i) cut += receive() + "\n";

  const std::size_t number = cut.find("line 7");
  ASSERT_NE(number, string::npos);
  EXPECT_EQ(cut.replace(number, 6, "line 3"), whole);
}

TEST_F(Stdio, SkipsALineThatIsTooLong) {
  start({.line = 1000});

  const string too_long = R"({"target":"/)" + string(1000, 'a') + "\"}";
  EXPECT_EQ(status_of(ask(too_long)), 413);
  EXPECT_EQ(status_of(ask(string(200'000, 'x').substr(0, 50'000))), 413);
  for (int i = 0; i < 20; ++i) send(string(10'000, 'y')), turn_for(1ms);
  EXPECT_EQ(body_of(receive()), R"({"detail":"line 3: it is longer than 1000 bytes"})") << "before its end is there";
  EXPECT_EQ(body_of(ask("\n{\"target\":\"/next\"}")), "GET /next");
  EXPECT_EQ(desk.served, 1);
}

TEST_F(Stdio, RefusesABodyThatIsTooLargeWhenItIsAskedFor) {
  start({.body = 10});

  EXPECT_EQ(status_of(ask(R"({"target":"/echo","body":"0123456789"})")), 200);
  EXPECT_EQ(status_of(ask(R"({"target":"/echo","body":"0123456789a"})")), 413);
  EXPECT_EQ(status_of(ask(R"({"target":"/else","body":"0123456789a"})")), 200);
}

TEST_F(Stdio, TakesOverHowLongThePeerWaits) {
  start();
  send("{\"id\":1,\"target\":\"/hold\",\"timeout_ms\":60000}\n{\"id\":2,\"target\":\"/hold\"}\n");
  turn_until([&] { return desk.held.size() == 2; });

  const Time now = loop.context().now();
  EXPECT_GT(desk.held.front().exchange->deadline(), now + 30s);
  EXPECT_LE(desk.held.front().exchange->deadline(), now + 60s);
  EXPECT_EQ(desk.held.back().exchange->deadline(), Time::max());
  for (Desk::Held& held : desk.held) held.reply(Response{204});
}

TEST_F(Stdio, AnswersRequestsWithIdsInAnyOrder) {
  start();
  send("{\"id\":1,\"target\":\"/hold\"}\n{\"id\":2,\"target\":\"/hold\"}\n{\"id\":3,\"target\":\"/now\"}\n");

  EXPECT_EQ(receive().find("{\"id\":3"), 0U);
  EXPECT_EQ(server->in_flight(), 2U);
  desk.held.back().reply(Response{204});
  EXPECT_EQ(receive().find("{\"id\":2"), 0U);
  desk.held.front().reply(Response{204});
  EXPECT_EQ(receive().find("{\"id\":1"), 0U);
  EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(Stdio, AnswersARequestWithoutAnIdBeforeTheNextOne) {
  start();
  send("{\"target\":\"/hold\"}\nbroken\n{\"id\":3,\"target\":\"/now\"}\n");
  turn_until([&] { return !desk.held.empty(); });
  turn_for(5ms);

  EXPECT_EQ(desk.served, 1);
  desk.held.front().reply(Response::text("first"));
  EXPECT_EQ(body_of(receive()), "first");
  EXPECT_EQ(status_of(receive()), 400);
  EXPECT_EQ(receive().find("{\"id\":3"), 0U);
}

TEST_F(Stdio, LimitsWhatIsInFlight) {
  start({.in_flight = 3});
  string lines;
  for (int i = 0; i < 10; ++i) lines += "{\"id\":" + std::to_string(i) + ",\"target\":\"/hold\"}\n";
  send(lines);

  turn_until([&] { return desk.held.size() == 3; });
  turn_for(5ms);
  EXPECT_EQ(desk.held.size(), 3U);
  for (std::size_t replied = 0; replied < 10; ++replied) {
    turn_until([&] { return desk.held.size() > replied; });
    std::next(desk.held.begin(), static_cast<std::ptrdiff_t>(replied))->reply(Response{204});
    EXPECT_LE(server->in_flight(), 3U);
    receive();
  }
}

TEST_F(Stdio, AnswersThousandsThatComeAtOnce) {
  start();
  constexpr int count = 5000;
  string lines;
  for (int i = 0; i < count; ++i)
    lines += "{\"id\":" + std::to_string(i) + ",\"target\":\"/" + std::to_string(i) + "\"}\n";
  std::thread writer{[&] {
    for (string_view rest = lines; !rest.empty();)
      rest.remove_prefix(static_cast<std::size_t>(
          ::write(input.write_end(), rest.data(), std::min<std::size_t>(rest.size(), 50'000))));
  }};

  for (int i = 0; i < count; ++i) EXPECT_EQ(body_of(receive()), "GET /" + std::to_string(i));
  writer.join();
  end();
  EXPECT_EQ(desk.served, count);
}

TEST_F(Stdio, ReadsNoFurtherWhileNobodyReadsTheReplies) {
  start();
  constexpr int count = 1000;
  string lines;
  for (int i = 0; i < count; ++i) lines += "{\"id\":" + std::to_string(i) + ",\"target\":\"/big\"}\n";
  send(lines);

  turn_until([&] { return desk.served > 0; });
  turn_for(50ms);
  EXPECT_LT(desk.served, 20) << "pipe, output limit, and what is being written";

  for (int i = 0; i < count; ++i) EXPECT_EQ(status_of(receive()), 200);
  EXPECT_EQ(desk.served, count);
}

TEST_F(Stdio, SendsAStreamAsItIsMade) {
  start();
  send("{\"id\":\"s\",\"target\":\"/stream\"}\n");

  EXPECT_EQ(receive(), R"({"id":"s","status":200,"headers":{"content-type":"text/csv"},"stream":true})");
  desk.pieces.add("one");
  EXPECT_EQ(receive(), R"({"id":"s","chunk":"one"})");
  EXPECT_EQ(body_of(ask(R"({"id":"other","target":"/a"})")), "GET /a") << "others go on meanwhile";
  desk.pieces.add("\xC3");
  EXPECT_EQ(receive(), R"({"id":"s","chunk_base64":"ww=="})");
  desk.pieces.end();
  EXPECT_EQ(receive(), R"({"id":"s","end":"complete"})");
  EXPECT_EQ(desk.pieces.drops, 1);
}

TEST_F(Stdio, SaysThatAStreamIsBroken) {
  start();
  send("{\"target\":\"/stream\"}\n");
  desk.pieces.add("half").announce(5).end();

  receive();
  EXPECT_EQ(receive(), R"({"chunk":"half"})");
  EXPECT_EQ(receive(), R"({"end":"broken"})") << "shorter than announced";
  EXPECT_EQ(body_of(ask(R"({"target":"/a"})")), "GET /a");
}

TEST_F(Stdio, MakesAStreamNoFasterThanItIsRead) {
  start();
  for (int i = 0; i < 200; ++i) desk.pieces.add(string(64 * 1024, 'x'));
  desk.pieces.end();
  send("{\"target\":\"/stream\"}\n");

  turn_until([&] { return desk.pieces.pulls > 0; });
  turn_for(50ms);
  EXPECT_LT(desk.pieces.pulls, 20);

  int lines = 0;
  while (receive().find("\"end\"") == string::npos) ++lines;
  EXPECT_EQ(lines, 201);
}

TEST_F(Stdio, TellsWhenAHeldReplyHasLeft) {
  start();
  send("{\"target\":\"/hold\"}\n");
  turn_until([&] { return !desk.held.empty(); });
  Desk::Held& held = desk.held.front();

  held.unlink();
  held.exchange->reply_and_hold(Response::text(string(1'000'000, 'x')), held);
  turn_for(20ms);
  EXPECT_FALSE(held.is_sent) << "the pipe is full";
  EXPECT_EQ(server->in_flight(), 1U);

  EXPECT_EQ(status_of(receive()), 200);
  turn_until([&] { return held.is_sent; });
  held.exchange->release();
  EXPECT_EQ(server->in_flight(), 0U);
  end();
}

TEST_F(Stdio, EndsWithTheInputWhenAllIsAnswered) {
  start();
  send("{\"id\":1,\"target\":\"/hold\"}\n{\"id\":2,\"target\":\"/now\"}\n{\"id\":3,\"target\":\"/last\"}");
  input.close_write();

  EXPECT_EQ(receive().find("{\"id\":2"), 0U);
  EXPECT_EQ(body_of(receive()), "GET /last") << "a line that the end of the input ends";
  EXPECT_EQ(server->state(), TransportState::draining);
  EXPECT_FALSE(stopped.is_done);
  EXPECT_FALSE(desk.held.front().is_stopped);
  desk.held.front().reply(Response::text("late"));
  EXPECT_EQ(body_of(receive()), "late");
  EXPECT_EQ(receive(), "");

  EXPECT_TRUE(stopped.is_done);
  EXPECT_EQ(server->state(), TransportState::stopped);
  EXPECT_FALSE(server->failure());
  EXPECT_EQ(desk.words, "open draining close ");
}

TEST_F(Stdio, AnswersHalfALineAtTheEndOfTheInput) {
  start();
  send("{\"target\":");
  input.close_write();

  EXPECT_EQ(status_of(receive()), 400);
  EXPECT_EQ(receive(), "");
}

TEST_F(Stdio, AnswersBeforeTheServiceHasOpened) {
  desk.opens_later = true;
  start();
  EXPECT_EQ(server->state(), TransportState::starting);
  send("{\"target\":\"/a\"}\n");
  input.close_write();

  EXPECT_EQ(body_of(receive()), "GET /a") << "waiting is the service's affair";
  EXPECT_EQ(desk.words, "open ");
  desk.opened->tell();
  turn_until([&] { return stopped.is_done; });
  EXPECT_EQ(desk.words, "open draining close ");
}

TEST_F(Stdio, StopsIfTheServiceCannotOpen) {
  desk.opens_later = true;
  start();
  const Error error{HttpError{503, "no database"}};
  desk.opened->tell(&error);

  turn_until([&] { return stopped.is_done; });
  EXPECT_EQ(desk.words, "open ");
}

TEST_F(Stdio, CancelsEverythingWhenTheOutputIsClosed) {
  start();
  send("{\"id\":1,\"target\":\"/hold\"}\n{\"id\":2,\"target\":\"/stream\"}\n");
  receive();
  output.close_read();

  turn_until([&] { return desk.held.front().is_stopped; });
  EXPECT_EQ(desk.held.front().exchange->stop_reason(), CancelReason::disconnected) << "without a byte being written";
  EXPECT_EQ(desk.pieces.drops, 1);
  EXPECT_FALSE(stopped.is_done);
  desk.held.front().reply(Response::text("harmless"));
  turn_until([&] { return stopped.is_done; });
  EXPECT_EQ(server->failure(), std::errc::broken_pipe);
  EXPECT_EQ(desk.words, "open draining close ");
}

TEST_F(Stdio, SurvivesAnOutputThatIsClosedWhileItWrites) {
  std::signal(SIGPIPE, SIG_DFL);  // It would kill us.
  start();
  for (int i = 0; i < 100; ++i) send("{\"id\":1,\"target\":\"/big\"}\n");
  turn_until([&] { return desk.served > 2; });
  output.close_read();

  turn_until([&] { return stopped.is_done; });
  EXPECT_EQ(server->failure(), std::errc::broken_pipe);
}

TEST_F(Stdio, DrainReadsNoFurtherAndSaysSo) {
  start();
  send("{\"id\":1,\"target\":\"/hold\"}\n");
  turn_until([&] { return !desk.held.empty(); });

  Done drained;
  server->drain({.limit = 10s}, drained);
  EXPECT_EQ(server->state(), TransportState::draining);
  send("{\"id\":2,\"target\":\"/never\"}\n");
  turn_for(5ms);
  desk.held.front().reply(Response::text("last"));

  EXPECT_NE(receive().find(R"("closing":true,"body":"last")"), string::npos);
  turn_until([&] { return drained.is_done; });
  EXPECT_EQ(desk.served, 1);
  EXPECT_EQ(desk.words, "open draining close ");
}

TEST_F(Stdio, GoesOnDuringTheDelayOfADrain) {
  start();
  Done drained;
  server->drain({.delay = std::chrono::milliseconds::max()}, drained);

  EXPECT_EQ(body_of(ask(R"({"target":"/a"})")), "GET /a");
  EXPECT_EQ(desk.words, "open draining ");
  server->drain();
  turn_until([&] { return drained.is_done; });
}

TEST_F(Stdio, CancelsWhatIsLeftAfterTheLimit) {
  start();
  send("{\"id\":1,\"target\":\"/hold\"}\n");
  turn_until([&] { return !desk.held.empty(); });

  Done drained;
  server->drain({.limit = 1ms}, drained);
  turn_until([&] { return desk.held.front().is_stopped; });
  EXPECT_EQ(desk.held.front().exchange->stop_reason(), CancelReason::shutdown);
  EXPECT_FALSE(drained.is_done);
  desk.held.front().reply(Response{503});
  turn_until([&] { return drained.is_done; });
}

TEST_F(Stdio, StartsAgainWithTheLineThatItHadBegunToRead) {
  start();
  send("{\"target\":\"/one\"}\n{\"target\":");
  EXPECT_EQ(body_of(receive()), "GET /one");
  turn_for(5ms);
  Done drained;
  server->drain({}, drained);
  turn_until([&] { return drained.is_done; });
  EXPECT_EQ(server->state(), TransportState::stopped);

  stopped.is_done = false;
  server->start();
  EXPECT_EQ(body_of(ask("\"/two\"}")), "GET /two");
  EXPECT_EQ(desk.words, "open draining close open ");
}

TEST_F(Stdio, IsStoppedByItsDestructorWhereverItIs) {
  start();
  send("{\"id\":1,\"target\":\"/big\"}\n{\"id\":2,\"target\":\"/big\"}\n{\"id\":3,\"target\":\"/big\"}\n{\"target\":");
  turn_until([&] { return desk.served == 3; });

  server.reset();

  EXPECT_EQ(desk.words, "open draining close ");
}

TEST_F(Stdio, ReadsAndWritesFiles) {
  char in_name[] = "/tmp/umbel_stdio_in.XXXXXX";
  char out_name[] = "/tmp/umbel_stdio_out.XXXXXX";
  const Pipe files{{::mkstemp(in_name), ::mkstemp(out_name)}};
  ::unlink(in_name);
  ::unlink(out_name);
  string lines;
  for (int i = 0; i < 3000; ++i) lines += "{\"id\":" + std::to_string(i) + ",\"target\":\"/file\"}\n";
  ASSERT_EQ(::write(files.read_end(), lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  ::lseek(files.read_end(), 0, SEEK_SET);

  start(files.read_end(), files.write_end());
  turn_until([&] { return stopped.is_done; });

  EXPECT_EQ(desk.served, 3000);
  ::lseek(files.write_end(), 0, SEEK_SET);
  string written(1 << 20, '\0');
  const ssize_t size = ::read(files.write_end(), written.data(), written.size());
  EXPECT_EQ(std::count(written.begin(), written.begin() + size, '\n'), 3000);
}

TEST_F(Stdio, SpeaksOverASocketInBothDirections) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  const Pipe ends{fds};
  start(fds[0], fds[0]);
  const string_view line = "{\"target\":\"/socket\"}\n";
  ASSERT_EQ(::send(fds[1], line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  ::shutdown(fds[1], SHUT_WR);

  turn_until([&] { return stopped.is_done; });

  char bytes[1000];
  const ssize_t size = ::recv(fds[1], bytes, sizeof bytes, 0);
  EXPECT_EQ(body_of(string(bytes, static_cast<std::size_t>(size))), "GET /socket") << "half-closed, and answered";
}

TEST_F(Stdio, SpeaksOverATerminal) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ::grantpt(master);
  ::unlockpt(master);
  const Pipe terminal{{master, ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)}};
  const int flags = ::fcntl(terminal.write_end(), F_GETFL);
  start(terminal.write_end(), terminal.write_end());
  const string_view typed = "{\"target\":\"/typed\"}\n\x04";  // Ctrl-D.
  ASSERT_EQ(::write(master, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));

  turn_until([&] { return stopped.is_done; });

  EXPECT_EQ(desk.served, 1);
  EXPECT_EQ(::fcntl(terminal.write_end(), F_GETFL), flags) << "blocking still, for whoever shares it";
}

TEST_F(Stdio, SaysWhyTheInputCannotBeRead) {
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const Pipe keep{{folder, -1}};
  start(folder, output.write_end());

  turn_until([&] { return stopped.is_done; });

  EXPECT_EQ(server->failure(), std::errc::is_a_directory);
}

TEST_F(Stdio, RefusesWhatIsNoDescriptor) {
  Server none{desk, loop, {.input = -1}};
  EXPECT_THROW(none.start(), std::system_error);
  Server half{desk, loop, {.input = input.read_end(), .output = 9999}};
  EXPECT_THROW(half.start(), std::system_error);
  EXPECT_EQ(half.state(), TransportState::stopped);
}

TEST_F(Stdio, KeepsABorrowedLoopAliveUntilItHasStopped) {
  uv_loop_t borrowed;
  uv_loop_init(&borrowed);
  {
    Loop own{&borrowed};
    Server filter{desk, own, {.input = input.read_end(), .output = output.write_end()}};
    filter.start();
    send("{\"target\":\"/a\"}\n");
    input.close_write();
    uv_run(&borrowed, UV_RUN_DEFAULT);
    EXPECT_EQ(filter.state(), TransportState::stopped);
  }
  uv_run(&borrowed, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&borrowed), 0);
  EXPECT_EQ(desk.served, 1);
}

TEST_F(Stdio, SaysWhatItCanDo) {
  const Capabilities can = Server{desk, loop}.capabilities();

  EXPECT_TRUE(can.stream_out && can.disconnect && can.deadline && can.half_close && can.keep_alive);
  EXPECT_FALSE(can.stream_in || can.trailers || can.early_refusal || can.several_peers);
}

TEST_F(Stdio, ServesAMainUntilTheInputEnds) {
  send("{\"target\":\"/main\"}\n");
  input.close_write();

  EXPECT_EQ(serve(desk, {.server = {.input = input.read_end(), .output = output.write_end()}}), 0);

  char bytes[1000];
  const ssize_t size = ::read(output.read_end(), bytes, sizeof bytes);
  EXPECT_EQ(body_of(string(bytes, static_cast<std::size_t>(size))), "GET /main");
}

TEST_F(Stdio, ServesAMainUntilASignal) {
  class Killing final : public Service {
    void serve(Exchange& exchange) noexcept override {
      std::raise(SIGTERM);
      exchange.reply(Response::text("done"));
    }
  } killing;
  send("{\"target\":\"/\"}\n");

  EXPECT_EQ(serve(killing, {.server = {.input = input.read_end(), .output = output.write_end()}}), 0);
}

}  // namespace
}  // namespace umbel::stdio
