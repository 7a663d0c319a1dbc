// SPDX-License-Identifier: MIT
// The other ways of taking a provider: Exclusive, After, Guard, Lazy, Try.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "peer.hpp"
#include "resources.hpp"
#include "umbel/di/lazy.hpp"
#include "umbel/di/try.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Edges : public ::testing::Test, public TestApp {
protected:
  Edges() { journal().take(); }

  template <auto& handler>
  std::string order(std::string target = "/", RouteOptions options = {}) {
    app.get("/", handler, options);
    last = ask(std::move(target));
    return journal().take();
  }
  std::unique_ptr<Peer> last;
};

using ExclusiveEdge = Edges;
using AfterEdge = Edges;
using GuardEdge = Edges;
using LazyEdge = Edges;
using TryEdge = Edges;

constexpr auto& session = resource<"s">;

// --- Exclusive ------------------------------------------------------------------------------------------------------

template <FixedString name>
Task<int> works_alone(Exclusive<session> s) {
  journal().write(std::string{name.view()} + "+");
  ++*s;
  co_await sleep(10ms);
  journal().write(std::string{name.view()} + "-");
  co_return *s;
}
Task<int> reads_along(Depends<session> s) {
  journal().write("r+");
  co_await sleep(10ms);
  journal().write("r-");
  co_return *s;
}

TEST_F(ExclusiveEdge, KeepsItsUsersApartInDeclarationOrder) {  // Rule 9; case "exclusive".
  app.get("/", handler<works_alone<"a">, works_alone<"b">, reads_along>);
  const auto peer = begin("/");

  port.advance(10ms);
  port.advance(10ms);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s+ a+ a- b+ b- r+ r- h s-");
}

Task<int> reads_too(Depends<session>) {
  journal().write("o+");
  co_await sleep(10ms);
  journal().write("o-");
  co_return 1;
}

TEST_F(ExclusiveEdge, LetsReadersReadTogether) {  // Rule 9.
  app.get("/", handler<reads_along, reads_too, works_alone<"a">>);
  const auto peer = begin("/");

  port.advance(10ms);
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "s+ r+ o+ r- o- a+ a- h s-");
}

Response changes(Exclusive<session> s) { return Response::text(std::to_string(++*s)); }

TEST_F(ExclusiveEdge, GivesTheObjectItself) {
  app.get("/", changes);

  EXPECT_EQ(body("/"), "8");
}

// --- After ----------------------------------------------------------------------------------------------------------

constexpr auto& slow_a = slow<"a", 10>;
Task<int> follows(After<slow_a>) {
  journal().write("f");
  co_return 1;
}

TEST_F(AfterEdge, OrdersWithoutAValue) {  // Rule 9.
  app.get("/", handler<follows>);
  const auto peer = begin("/");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "a+ a- f h");
}

// --- Guard ----------------------------------------------------------------------------------------------------------

template <FixedString name, int milliseconds, int status>
Task<void> gate() {
  journal().write(std::string{name.view()} + "+");
  co_await sleep(std::chrono::milliseconds{milliseconds});
  journal().write(std::string{name.view()} + "-");
  if (status != 200) throw HttpError{status};
}
constexpr auto& slow_401 = gate<"g", 50, 401>;
constexpr auto& passes = gate<"g", 0, 200>;
constexpr auto& node = ready<"n">;

Task<Response> guarded(Depends<node>, Guard<slow_401>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(GuardEdge, IsABarrier) {  // Rule 6; case "guards are barriers".
  app.get("/", guarded);
  const auto peer = begin("/");

  port.advance(50ms);

  EXPECT_EQ(journal().take(), "g+ g-");
  EXPECT_EQ(peer->status(), 401);
}

Task<Response> guarded_and_fine(Depends<node>, Guard<passes>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(GuardEdge, RunsBeforeWhatIsDeclaredBeforeIt) {  // Rule 6.
  EXPECT_EQ((order<guarded_and_fine>()), "g+ g- n h");
}

Task<Response> guarded_number(Guard<slow_401>, Query<"n", int>) { co_return Response{204}; }
Task<Response> guarded_fine_number(Guard<passes>, Query<"n", int>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(GuardEdge, WinsOverAWrongRequest) {  // Rule 7.
  app.get("/", guarded_number);
  const auto peer = begin("/?n=x");
  port.advance(50ms);

  EXPECT_EQ(peer->status(), 401);
  EXPECT_EQ(journal().take(), "g+ g-");
}

TEST_F(GuardEdge, ThatPassesLeavesThe422) {  // Rules 6 and 7.
  EXPECT_EQ((order<guarded_fine_number>("/?n=x")), "g+ g-");
  EXPECT_EQ(last->status(), 422);
}

Task<int> guard_with_a_number(Query<"k", int> k) {
  journal().write("k" + std::to_string(*k));
  co_return *k;
}
Task<Response> two_guards(Guard<guard_with_a_number>, Guard<passes>, Query<"n", int>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(GuardEdge, WhoseOwnParametersAreWrongDoesNotRunAndItsSiblingsDo) {  // Rule 7.
  EXPECT_EQ((order<two_guards>("/?k=x&n=y")), "g+ g-");
  EXPECT_EQ(last->status(), 422);
  EXPECT_NE(last->body().find(R"(["query","k"])"), std::string::npos);
  EXPECT_NE(last->body().find(R"(["query","n"])"), std::string::npos);
}

TEST_F(GuardEdge, WhoseOwnParametersAreRightRuns) { EXPECT_EQ((order<two_guards>("/?k=3&n=4")), "k3 g+ g- h"); }

Task<Response> guarded_body(Guard<slow_401>, Body<>) { co_return Response{204}; }

TEST_F(GuardEdge, RefusesBeforeTheBodyIsAskedFor) {  // Rule 6; case "guard and bad body".
  app.post("/", guarded_body);
  const auto peer = begin(OwnedRequest{Method::post, "/"});
  EXPECT_FALSE(peer->body_was_asked_for());
  port.advance(50ms);

  EXPECT_EQ(peer->status(), 401);
  EXPECT_FALSE(peer->body_was_asked_for());
}

Task<std::string> guarded_echo(Guard<passes>, Depends<node>, Body<> text) {
  journal().write("h");
  co_return std::string{*text};
}

TEST_F(GuardEdge, ThatPassesLetsTheBodyIn) {
  app.post("/", guarded_echo);
  auto peer = std::make_unique<Peer>(port.context(), OwnedRequest{Method::post, "/"});
  peer->hold_body();
  app.start(port.context());
  peer->ask(app);

  EXPECT_EQ(journal().take(), "g+ g-");
  EXPECT_TRUE(peer->body_was_asked_for());
  peer->deliver_body("text");
  run();

  EXPECT_EQ(journal().take(), "n h");
  EXPECT_EQ(peer->body(), "text");
}

Task<void> guard_over_a_resource(Exclusive<session>) {
  journal().write("g");
  co_return;
}
Task<Response> shares_with_its_guard(Guard<guard_over_a_resource>, Depends<session>) {
  journal().write("h");
  co_return Response{204};
}

TEST_F(GuardEdge, SharesWhatItUsesWithTheRest) {  // Rules 1 and 6.
  EXPECT_EQ((order<shares_with_its_guard>()), "s+ g h s-");
}

// --- Lazy -----------------------------------------------------------------------------------------------------------

constexpr auto& base = ready<"base">;
constexpr auto& history = slow<"l", 10, base>;

Task<std::string> maybe_shows(Query<"all", bool> all, Lazy<history> lazy) {
  journal().write("h");
  if (!*all) co_return "short";
  const int once = co_await lazy;
  const int again = co_await lazy;
  co_return std::to_string(once + again);
}

TEST_F(LazyEdge, DoesNotRunUnlessItIsAwaited) {  // Rule 11.
  EXPECT_EQ((order<maybe_shows>("/?all=0")), "h");
  EXPECT_EQ(last->body(), "short");
}

TEST_F(LazyEdge, RunsOnceWithWhatItNeeds) {  // Rule 11.
  app.get("/", maybe_shows);
  const auto peer = begin("/?all=1");
  port.run();
  EXPECT_EQ(journal().take(), "h base l+");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "l-");
  EXPECT_EQ(peer->body(), "2");
}

constexpr auto& lazy_404 = failing<"x", 404, 10>;
Task<std::string> catches(Lazy<lazy_404> lazy) {
  std::string text = "none";
  try {
    co_await lazy;
  } catch (const HttpError& error) {
    text = std::to_string(error.status());
  }
  co_return text;
}
Task<std::string> does_not_catch(Lazy<lazy_404> lazy) { co_return std::to_string(co_await lazy); }

TEST_F(LazyEdge, ThrowsWhatItFailedWith) {  // Rule 11.
  app.get("/catches", catches);
  app.get("/not", does_not_catch);

  const auto caught = begin("/catches");
  const auto thrown = begin("/not");
  port.run();
  port.advance(10ms);

  EXPECT_EQ(caught->body(), "404");
  EXPECT_EQ(caught->status(), 200);
  EXPECT_EQ(thrown->status(), 404);
}

TEST_F(LazyEdge, StopsWithTheRequest) {
  app.get("/", maybe_shows);
  const auto peer = begin("/?all=1");
  port.run();
  peer->leave();
  run();

  EXPECT_EQ(journal().take(), "h base l+ l!");
  EXPECT_EQ(peer->replies(), 1u);
}

constexpr auto& lazy_resource = resource<"r", base>;
Task<std::string> opens_late(Lazy<lazy_resource> lazy) {
  journal().write("h");
  const int value = co_await lazy;
  co_return std::to_string(value);
}

TEST_F(LazyEdge, OfAResourceTearsDownWhatWasMade) {
  EXPECT_EQ((order<opens_late>()), "h base r+ r-");
  EXPECT_EQ(last->body(), "7");
}

constexpr auto& lazy_plain = plain<"p", base>;
Task<std::string> hops_late(Lazy<lazy_plain> lazy) {
  const int value = co_await lazy;
  co_return std::to_string(value);
}

TEST_F(LazyEdge, MayBePlain) {
  EXPECT_EQ((order<hops_late>()), "base p");
  EXPECT_EQ(last->body(), "1");
}

// --- Try ------------------------------------------------------------------------------------------------------------

constexpr auto& broken = failing<"x", 503, 0>;
constexpr auto& over_broken = ready<"o", broken>;

Task<std::string> tries(Try<over_broken> tried) {
  journal().write("h");
  if (tried.ok()) co_return std::to_string(*tried);
  co_return std::to_string(tried.error().status());
}

TEST_F(TryEdge, TakesAFailureAsAValue) {  // Rule 11.
  EXPECT_EQ((order<tries>()), "x h");
  EXPECT_EQ(last->status(), 200);
  EXPECT_EQ(last->body(), "503");
}

Task<std::string> tries_what_goes_well(Try<base> tried) { co_return std::to_string(*tried); }

TEST_F(TryEdge, TakesAValueAsItIs) {
  EXPECT_EQ((order<tries_what_goes_well>()), "base");
  EXPECT_EQ(last->body(), "1");
}

Task<std::string> tries_what_another_depends_on(Try<broken>, Depends<broken>) { co_return ""; }

TEST_F(TryEdge, DoesNotSaveThoseWhoDepend) {  // Rule 11.
  EXPECT_EQ((order<tries_what_another_depends_on>()), "x");
  EXPECT_EQ(last->status(), 503);
}

constexpr auto& broken_plain = failing_plain<"x", 503>;
constexpr auto& plain_over = plain<"o", broken_plain>;
std::string plain_tries(Try<plain_over> tried) { return std::to_string(tried.error().status()); }

TEST_F(TryEdge, WorksOnTheWorkQueue) {
  EXPECT_EQ((order<plain_tries>()), "x");
  EXPECT_EQ(last->body(), "503");
}

constexpr auto& opened = failing_resource<"r", 507>;
Task<std::string> tries_a_resource(Try<opened> tried, Depends<session>) {
  co_return std::to_string(tried.error().status());
}

TEST_F(TryEdge, TakesTheFailureOfASetUp) {
  EXPECT_EQ((order<tries_a_resource>()), "r+ s+ s-");
  EXPECT_EQ(last->body(), "507");
}

}  // namespace
}  // namespace umbel::test
