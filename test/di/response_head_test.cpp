// SPDX-License-Identifier: MIT
#include "umbel/di/response_head.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "../support/allocations.hpp"
#include "../support/drive.hpp"
#include "peer.hpp"
#include "resources.hpp"
#include "umbel/core/blocking_port.hpp"
#include "umbel/core/work_pool.hpp"
#include "umbel/di/engine.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/route_options.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class ResponseHeads : public ::testing::Test, public TestApp {
protected:
  ResponseHeads() { journal().take(); }

  /// The reply that `handler` gets.
  template <auto& handler>
  const Response& reply(RouteOptions options = {}) {
    app.get("/", handler, options);
    last = ask("/");
    return last->response();
  }
  std::unique_ptr<Peer> last;
};

using ResponseHeadStatus = ResponseHeads;
using ResponseHeadOrder = ResponseHeads;
using ResponseHeadOfAResponse = ResponseHeads;
using ResponseHeadOnError = ResponseHeads;
using ResponseHeadContentType = ResponseHeads;
using ResponseHeadCookie = ResponseHeads;

// --- status ---------------------------------------------------------------------------------------------------------

std::string created(ResponseHead& head) {
  head.status(201);
  return "made";
}
Task<void> accepted(ResponseHead& head) {
  head.status(202);
  co_return;
}
void on_loop_accepted(ResponseHead& head) { head.status(202); }
constexpr auto& accepted_here = on_loop<on_loop_accepted>;

TEST_F(ResponseHeadStatus, BeatsThatOfText) {  // Rule 33.
  EXPECT_EQ(reply<created>().status(), 201);
  EXPECT_EQ(last->body(), "made");
}

TEST_F(ResponseHeadStatus, BeatsThatOfNothing) {
  EXPECT_EQ(reply<accepted>().status(), 202);
  EXPECT_EQ(last->body(), "");
}

TEST_F(ResponseHeadStatus, IsTheSameWithoutAnyWaiting) { EXPECT_EQ(reply<accepted_here>().status(), 202); }

int says_201(ResponseHead& head) { return head.status(201), 1; }
Task<int> says_202(ResponseHead& head) { co_return head.status(202), 1; }
Task<std::string> says_nothing(Depends<says_201>, Depends<says_202>, ResponseHead&) { co_return "text"; }

TEST_F(ResponseHeadStatus, IsTheLastDeclared) { EXPECT_EQ(reply<says_nothing>().status(), 202); }

TEST_F(ResponseHeadStatus, IsAFinalOne) {
  ResponseHead head;

  EXPECT_THROW(head.status(103), std::invalid_argument);
  EXPECT_THROW(head.status(1000), std::invalid_argument);
  EXPECT_EQ(head.status(), 0);
}

// --- order ----------------------------------------------------------------------------------------------------------

template <FixedString name, int milliseconds, auto&... needs>
Task<int> sets(ResponseHead& head, Depends<needs>...) {
  if (milliseconds > 0) co_await sleep(std::chrono::milliseconds{milliseconds});
  journal().write(name.view());
  head.set("x-set", name.view());
  head.append("x-all", name.view());
  co_return 1;
}
template <FixedString name, auto&... needs>
int plain_sets(ResponseHead& head, Depends<needs>...) {
  head.set("X-Set", name.view());
  head.append("X-All", name.view());
  return 1;
}
constexpr auto& late_a = sets<"a", 20>;
constexpr auto& quick_b = sets<"b", 5>;
constexpr auto& plain_c = plain_sets<"c">;
constexpr auto& plain_d = plain_sets<"d">;
std::string after_all(Depends<late_a>, Depends<quick_b>) { return ""; }

TEST_F(ResponseHeadOrder, IsThatOfDeclarationWhateverRunsFirst) {  // Rule 33.
  app.get("/", after_all);
  const auto peer = begin("/");
  port.advance(30ms);
  run();

  EXPECT_EQ(journal().take(), "b a");
  EXPECT_EQ(peer->response().header_lines(), "x-set: b\r\nx-all: a\r\nx-all: b\r\n");
}

Task<std::string> of_plain_nodes(Depends<plain_c>, Depends<plain_d>) { co_return ""; }

TEST_F(ResponseHeadOrder, IsThatOfDeclarationOnWorkersToo) {
  app.get("/", of_plain_nodes);
  const auto peer = begin("/");
  ASSERT_EQ(port.pool().waiting(), 2u);
  port.pool().run_one_elsewhere(1);
  run();

  EXPECT_EQ(peer->response().header_lines(), "X-Set: d\r\nX-All: c\r\nX-All: d\r\n");
}

Task<int> replaces(ResponseHead& head, Depends<late_a>) {
  head.set("x-all", "only");
  co_return 1;
}
std::string after_replaces(Depends<replaces>) { return ""; }

TEST_F(ResponseHeadOrder, LetsSettingReplaceWhatWasAppended) {
  app.get("/", after_replaces);
  const auto peer = begin("/");
  port.advance(30ms);
  run();

  EXPECT_EQ(peer->response().header_lines(), "x-set: a\r\nx-all: only\r\n");
}

Task<std::string> twice(ResponseHead& head) {
  head.set("x", "1");
  head.set("x", *head.get("X"));
  head.append("x", "2");
  co_return "";
}

TEST_F(ResponseHeadOrder, HoldsWithinANode) { EXPECT_EQ(reply<twice>().header_lines(), "x: 1\r\nx: 2\r\n"); }

int counted(ResponseHead& head) { return head.append("x-counted", "1"), 1; }
Task<std::string> counts(Depends<counted, uncached>, Depends<counted, uncached>, Depends<counted>) { co_return ""; }

TEST_F(ResponseHeadOrder, HasAPatchForEachRunOfAProvider) {
  EXPECT_EQ(reply<counts>().header_lines(), "x-counted: 1\r\nx-counted: 1\r\nx-counted: 1\r\n");
}

Resource<int> stamps(ResponseHead& head) {
  int value = 1;
  const Outcome& outcome = co_yield value;
  head.set("x-outcome", outcome.ok() ? "ok" : "not ok").on_error();
}
constexpr auto& stamped = handler<stamps>;

TEST_F(ResponseHeadOrder, EndsWithTearDownsBeforeTheReply) { EXPECT_EQ(reply<stamped>().header("x-outcome"), "ok"); }

Resource<int> stamps_late(ResponseHead& head) {
  int value = 1;
  co_yield value;
  head.set("x-late", "1");
}
Task<Response> outlived(Depends<stamps_late, Lifetime::request>) { co_return Response{200}; }

TEST_F(ResponseHeadOrder, LeavesOutWhatComesAfterTheReply) { EXPECT_EQ(reply<outlived>().header_lines(), ""); }

// --- a handler that returns a Response ------------------------------------------------------------------------------

int marks(ResponseHead& head) {
  head.status(299);
  head.set("x-both", "node");
  head.set("x-node", "node");
  head.append("vary", "accept");
  head.set_cookie("a", "node", {.path = "", .same_site = SameSite::unstated});
  return 1;
}
Task<Response> own_response(Depends<marks>) {
  co_return Response::text("own", 207)
      .header("x-both", "handler")
      .append_header("vary", "cookie")
      .append_header("set-cookie", "a=handler");
}
Task<Result<Response>> own_result(Depends<marks>) { co_return Response::text("own", 207).header("x-both", "handler"); }

TEST_F(ResponseHeadOfAResponse, AddsWhatItDoesNotSay) {  // Rule 33: the handler wins.
  const Response& response = reply<own_response>();

  EXPECT_EQ(response.status(), 207);
  // Of two cookies a browser keeps the last.
  EXPECT_EQ(response.header_lines(),
            "x-node: node\r\nvary: accept\r\nset-cookie: a=node\r\n"
            "x-both: handler\r\nvary: cookie\r\nset-cookie: a=handler\r\n");
}

TEST_F(ResponseHeadOfAResponse, IsTheSameForAResult) {
  EXPECT_EQ(reply<own_result>().status(), 207);
  EXPECT_EQ(last->header("x-both"), "handler");
}

// --- errors ---------------------------------------------------------------------------------------------------------

int identifies(ResponseHead& head) {
  head.status(201);
  head.set("x-request-id", "7").on_error();
  head.set("x-other", "1");
  head.append("x-trace", "a").on_error();
  head.set_cookie("seen", "1").on_error();
  head.set("content-type", "text/html").on_error();
  return 1;
}
Task<Response> not_found(Depends<identifies>) {
  throw HttpError{404, "no"}.header("x-trace", "own");
  co_return Response{};
}

TEST_F(ResponseHeadOnError, OnlyWhatIsMarkedSurvives) {  // Rule 33.
  const Response& response = reply<not_found>();

  EXPECT_EQ(response.status(), 404);
  EXPECT_EQ(response.content_type(), "application/json");
  EXPECT_EQ(response.header_lines(),
            "x-request-id: 7\r\nx-trace: a\r\nset-cookie: seen=1; Path=/; SameSite=Lax\r\nx-trace: own\r\n");
}

Task<Response> fails_itself(ResponseHead& head) {
  head.set("www-authenticate", "Bearer").on_error();
  throw HttpError{401};
  co_return Response{};
}

TEST_F(ResponseHeadOnError, CountsWhatTheFailedNodeSaid) {
  EXPECT_EQ(reply<fails_itself>().header("www-authenticate"), "Bearer");
}

Task<Response> wants_a_number(Query<"n", int>) { co_return Response{}; }

TEST_F(ResponseHeadOnError, CountsWhatGuardsSaidOfAnInvalidRequest) {
  EXPECT_EQ(reply<wants_a_number>({.guards = guards<identifies>}).status(), 422);
  EXPECT_EQ(last->header("x-request-id"), "7");
}

Task<Response> takes_too_long(Depends<identifies>) {
  co_await sleep(1h);
  co_return Response{};
}

TEST_F(ResponseHeadOnError, CountsWhenTheTimeIsUp) {
  app.get("/", takes_too_long, {.deadline = 50ms});
  const auto peer = ask("/");
  port.advance(50ms);

  EXPECT_EQ(peer->status(), 504);
  EXPECT_EQ(peer->header("x-request-id"), "7");
}

int fails_as_a_value(ResponseHead& head) {
  head.set("x-dropped", "1");
  head.set("x-kept", "1").on_error();
  throw HttpError{400};
}
Task<std::string> tries(Try<fails_as_a_value> tried) { co_return tried.ok() ? "good" : "bad"; }

TEST_F(ResponseHeadOnError, HoldsForANodeWhoseFailureIsAValue) {
  EXPECT_EQ(reply<tries>().header_lines(), "x-kept: 1\r\n");
  EXPECT_EQ(last->body(), "bad");
}

Task<std::string> splits(ResponseHead& head) {
  head.set("x", "a\r\nset-cookie: b=c");
  co_return "";
}

TEST_F(ResponseHeadOnError, IsOneToSplitTheReply) { EXPECT_EQ(reply<splits>().status(), 500); }

TEST(ResponseHead, ChecksNamesAndValues) {
  ResponseHead head;

  EXPECT_THROW(head.set("a b", ""), std::invalid_argument);
  EXPECT_THROW(head.append("a", "b\nc"), std::invalid_argument);
  EXPECT_THROW(head.set("content-length", "3"), std::invalid_argument);
  EXPECT_EQ(head.get("a"), std::nullopt);
}

TEST(ResponseHead, ShowsATestWhatANodeSaid) {
  ResponseHead head;

  identifies(head);

  EXPECT_EQ(head.status(), 201);
  EXPECT_EQ(head.get("X-Request-Id"), "7");
}

// --- content type and body ------------------------------------------------------------------------------------------

std::string page(ResponseHead& head) {
  head.append("Content-Type", "text/markdown");
  head.append("content-type", "text/html");
  return "<p>";
}
Response typed(ResponseHead& head) {
  head.set("content-type", "text/html");
  return Response::json("{}");
}
Response untyped(ResponseHead& head) {
  head.set("content-type", "text/html");
  return Response{200};
}

TEST_F(ResponseHeadContentType, BeatsThatOfText) {
  EXPECT_EQ(reply<page>().header_lines(), "content-type: text/html\r\n");
  EXPECT_EQ(last->response().known_content_type(), "");
}

TEST_F(ResponseHeadContentType, IsNeverSentTwice) {  // Rule 33.
  EXPECT_EQ(reply<typed>().header_lines(), "");
  EXPECT_EQ(last->response().content_type(), "application/json");
}

TEST_F(ResponseHeadContentType, IsGivenToAResponseThatHasNone) {
  EXPECT_EQ(reply<untyped>().content_type(), "text/html");
}

template <int status>
std::string without_body(ResponseHead& head) {
  head.status(status);
  head.set("content-type", "text/html");
  head.set("etag", "\"7\"");
  return "not to be sent";
}
Response bare_204(ResponseHead& head) {
  head.set("content-type", "text/html");
  return Response{204};
}

TEST_F(ResponseHeadContentType, IsNotSentWithoutABody) {  // Rule 33: 204 and 304.
  EXPECT_EQ(reply<without_body<204>>().header_lines(), "etag: \"7\"\r\n");
  EXPECT_EQ(last->response().content_type(), "");
  EXPECT_EQ(last->body(), "");
}

TEST_F(ResponseHeadContentType, IsNotSentWithout304sBody) {
  EXPECT_EQ(reply<without_body<304>>().content_type(), "");
  EXPECT_EQ(last->body(), "");
}

TEST_F(ResponseHeadContentType, IsNotGivenToABare204) { EXPECT_EQ(reply<bare_204>().content_type(), ""); }

// --- cookies --------------------------------------------------------------------------------------------------------

std::string cookie_of(std::string_view name, std::string_view value, const CookieOptions& options = {}) {
  ResponseHead head;
  head.set_cookie(name, value, options);
  return std::string{head.get("set-cookie").value()};
}

TEST_F(ResponseHeadCookie, IsForTheSiteUnlessTold) {
  EXPECT_EQ(cookie_of("session", "abc"), "session=abc; Path=/; SameSite=Lax");
}

TEST_F(ResponseHeadCookie, HasTheAttributesOfRfc6265) {
  EXPECT_EQ(cookie_of("id", "1",
                      {.max_age = 24h,
                       .expires = std::chrono::sys_seconds{784111777s},
                       .domain = "example.org",
                       .path = "/app",
                       .same_site = SameSite::none,
                       .secure = true,
                       .http_only = true}),
            "id=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=86400; Domain=example.org; Path=/app; Secure; "
            "HttpOnly; SameSite=None");
  EXPECT_EQ(cookie_of("id", "", {.path = {}, .same_site = SameSite::strict}), "id=; SameSite=Strict");
}

TEST_F(ResponseHeadCookie, IsForgotten) {
  ResponseHead head;
  head.delete_cookie("session", {.path = "/app"});

  EXPECT_EQ(head.get("set-cookie"),
            "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/app; SameSite=Lax");
}

TEST_F(ResponseHeadCookie, CannotBeBroken) {
  ResponseHead head;

  for (const std::string_view name : {"", "a b", "a=b", "a;"}) {
    EXPECT_THROW(head.set_cookie(name, "1"), std::invalid_argument) << name;
  }
  for (const std::string_view value : {"a b", "a;b", "a,b", "\"a\"", "a\\b", "a\r\nb", "\xc3\xa4"}) {
    EXPECT_THROW(head.set_cookie("a", value), std::invalid_argument) << value;
  }
  EXPECT_THROW(head.set_cookie("a", "1", {.path = "/;secure"}), std::invalid_argument);
  EXPECT_THROW(head.set_cookie("a", "1", {.domain = "a\nb"}), std::invalid_argument);
  EXPECT_THROW(head.set_cookie("a", "1", {.same_site = SameSite::none}), std::invalid_argument);
  EXPECT_EQ(head.get("set-cookie"), std::nullopt);
}

Task<std::string> sets_cookies(ResponseHead& head) {
  head.set_cookie("a", std::string{"1"}, {.max_age = 60s});  // In a coroutine of g++ 12.
  head.set_cookie("b", "2", {.http_only = true});
  co_return "";
}

TEST_F(ResponseHeadCookie, StandsBesideOthers) {
  EXPECT_EQ(reply<sets_cookies>().header_lines(),
            "set-cookie: a=1; Max-Age=60; Path=/; SameSite=Lax\r\nset-cookie: b=2; Path=/; HttpOnly; SameSite=Lax\r\n");
}

// --- elsewhere ------------------------------------------------------------------------------------------------------

TEST_F(ResponseHeads, IsTornDownWithARequestThatHasABadParameter) {
  static constexpr auto& both = handler<identifies, marks>;
  app.get("/", both);
  app.get("/n", wants_a_number, {.guards = guards<marks>});

  EXPECT_EQ(status("/"), 200);
  EXPECT_EQ(status("/n?n=no"), 422);
}

TEST_F(ResponseHeads, IsNothingToACall) {
  Engine engine{app, port.context()};
  const auto call = [](Engine& e) -> Task<int> { co_return co_await e.call<marks>(); };
  Started<int> started{port, call(engine)};
  run();

  EXPECT_EQ(started.result().value(), 1);
}

Task<int> ask_often(Engine& engine, Request request, int times) {
  int good = 0;
  for (int i = 0; i < times; ++i) {
    const Response response = co_await engine.handle(request);
    good += response.status() == 201 && response.header("x-request-id") == "7";
  }
  co_return good;
}
Task<std::string> identified(Depends<identifies>) { co_return "done"; }

TEST_F(ResponseHeads, TakesNothingFromTheHeapInTheSteadyState) {
  if (!allocations_are_counted) GTEST_SKIP() << "the sanitizers' heap is not counted";
  App other;
  other.get("/", identified);
  ThreadPool pool{{.threads = 1}};
  BlockingPort blocking{pool};
  Engine engine{other, blocking.context()};
  const OwnedRequest request{Method::get, "/"};
  EXPECT_EQ(blocking.run(ask_often(engine, request.view(), 200)), 200);

  const std::size_t before = allocations();
  const int good = blocking.run(ask_often(engine, request.view(), 500));
  const std::size_t after = allocations();

  EXPECT_EQ(good, 500);
  EXPECT_EQ(after - before, 0u);
}

}  // namespace
}  // namespace umbel::test
