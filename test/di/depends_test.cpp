// SPDX-License-Identifier: MIT
// What may be a node, and what it may give.
#include "umbel/di/depends.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>

#include "journal.hpp"
#include "peer.hpp"

namespace umbel::test {
namespace {

using namespace std::chrono_literals;

class Kinds : public ::testing::Test, public TestApp {
protected:
  /// What a handler that shows the provider's value answers.
  template <auto& provider>
  std::string shown() {
    TestApp test;
    test.app.get("/", [](Depends<provider> value) { return std::to_string(*value); });
    const auto peer = test.ask("/");
    test.port.advance(10ms);
    test.run();
    return peer->body();
  }
  template <auto& provider>
  std::string kind() {
    TestApp test;
    test.app.get("/", [](Depends<provider>) {});
    return test.app.graph().routes[0].nodes[0].kind;
  }
};

int function() { return 1; }
int noexcept_function() noexcept { return 2; }
inline constexpr auto lambda = [] { return 3; };
inline constexpr auto noexcept_lambda = []() noexcept { return 4; };
struct Adds {
  int amount;
  int operator()(Depends<function> one) const { return *one + amount; }
};
inline constexpr Adds adds_10{10};
inline constexpr Adds adds_20{20};
template <int n>
int instance() {
  return n;
}
Result<int> result() { return 5; }
Task<int> coroutine() { co_return 6; }
Task<int> late_coroutine() {
  co_await sleep(10ms);
  co_return 7;
}
Task<Result<int>> result_coroutine() {
  co_await sleep(10ms);
  co_return 8;
}
inline constexpr auto lambda_coroutine = [](Depends<coroutine> six) -> Task<int> { co_return *six + 3; };
Task<int> forwards() { return coroutine(); }

TEST_F(Kinds, AreFunctionsLambdasFunctorsAndInstances) {  // Rule 5.
  EXPECT_EQ(shown<function>(), "1");
  EXPECT_EQ(shown<noexcept_function>(), "2");
  EXPECT_EQ(shown<lambda>(), "3");
  EXPECT_EQ(shown<noexcept_lambda>(), "4");
  EXPECT_EQ(shown<adds_10>(), "11");
  EXPECT_EQ(shown<adds_20>(), "21");
  EXPECT_EQ(shown<instance<42>>(), "42");
  EXPECT_EQ(shown<result>(), "5");
  EXPECT_EQ(shown<coroutine>(), "6");
  EXPECT_EQ(shown<late_coroutine>(), "7");
  EXPECT_EQ(shown<result_coroutine>(), "8");
  EXPECT_EQ(shown<lambda_coroutine>(), "9");
  EXPECT_EQ(shown<forwards>(), "6");
  EXPECT_EQ(shown<on_loop<function>>(), "1");
  EXPECT_EQ(shown<on_loop<adds_10>>(), "11");
  EXPECT_EQ(shown<on_loop<result>>(), "5");
}

TEST_F(Kinds, AreDecidedByTheType) {  // Rule 12.
  EXPECT_EQ(kind<function>(), "plain");
  EXPECT_EQ(kind<adds_10>(), "plain");
  EXPECT_EQ(kind<coroutine>(), "coroutine");
  EXPECT_EQ(kind<result_coroutine>(), "coroutine");
  EXPECT_EQ(kind<on_loop<function>>(), "on_loop");
}

TEST_F(Kinds, OfFunctorsAreNodesByTheObject) {  // Rule 5.
  app.get("/", [](Depends<adds_10> a, Depends<adds_20> b, Depends<adds_10> c) {
    return std::to_string(*a) + " " + std::to_string(*b) + " " + (&*a == &*c ? "same" : "other");
  });

  EXPECT_EQ(body("/"), "11 21 same");
  EXPECT_EQ(app.graph().routes[0].nodes.size(), 4u);
}

int quick() {
  journal().write("quick");
  return 1;
}

TEST_F(Kinds, OnLoopOfTheSameFunctionAreOneNode) {  // Rule 5.
  journal().take();
  app.get("/", [](Depends<on_loop<quick>>, Depends<on_loop<quick>>) {});

  EXPECT_EQ(status("/"), 204);

  EXPECT_EQ(journal().take(), "quick");
}

// --- nothing --------------------------------------------------------------------------------------------------------

void check() { journal().write("check"); }
Task<void> check_later() {
  co_await sleep(10ms);
  journal().write("check_later");
}
Task<> check_now() {
  journal().write("check_now");
  co_return;
}
Result<void> check_result() {
  journal().write("check_result");
  return {};
}
Task<Result<void>> check_result_later() {
  co_await sleep(10ms);
  journal().write("check_result_later");
  co_return Result<void>{};
}

TEST_F(Kinds, ThatMakeNothingAreWaitedFor) {
  journal().take();
  app.get("/",
          [](Depends<check>, Depends<check_now>, Depends<check_result>, Depends<check_later>,
             Depends<check_result_later>) -> Task<std::string> {
            journal().write("h");
            co_return "";
          });

  const auto peer = ask("/");
  EXPECT_EQ(journal().take(), "check_now check check_result");
  port.advance(10ms);

  EXPECT_EQ(journal().take(), "check_later check_result_later h");
  EXPECT_EQ(peer->status(), 200);
}

Result<void> refuses() { return HttpError{403}; }

TEST_F(Kinds, ThatMakeNothingMayFail) {
  app.get("/", handler<refuses>);

  EXPECT_EQ(status("/"), 403);
}

// --- values ---------------------------------------------------------------------------------------------------------

std::unique_ptr<int> move_only() { return std::make_unique<int>(7); }
Task<std::unique_ptr<int>> late_move_only() {
  co_await sleep(1ms);
  co_return std::make_unique<int>(8);
}
Result<std::unique_ptr<int>> move_only_result() { return std::make_unique<int>(9); }

TEST_F(Kinds, MayMakeWhatCanOnlyBeMoved) {
  app.get("/", [](Depends<move_only> a, Depends<late_move_only> b, Depends<move_only_result> c) {
    return std::to_string(**a) + std::to_string(**b) + std::to_string(**c);
  });

  const auto peer = ask("/");
  port.advance(1ms);
  run();

  EXPECT_EQ(peer->body(), "789");
}

// Neither copied nor moved.
class Rooted {
public:
  Rooted() = default;
  Rooted(const Rooted&) = delete;
  const Rooted* self() const noexcept { return self_; }

private:
  const Rooted* self_ = this;
};
Rooted rooted() { return {}; }
Task<std::string> stays_alone(Depends<rooted> node) { co_return node->self() == &*node ? "in its place" : "moved"; }

TEST_F(Kinds, MakePlainValuesInTheirPlace) {
  app.get("/", stays_alone);

  EXPECT_EQ(body("/"), "in its place");
}

struct alignas(64) Wide {
  std::uint8_t bytes[64]{};
};
Wide wide() { return {}; }
Task<Wide> late_wide() {
  const Wide made;
  co_await sleep(1ms);
  co_return made;
}
char odd_one() { return 'x'; }
bool is_aligned(const Wide& value) { return reinterpret_cast<std::uintptr_t>(&value) % 64 == 0; }

TEST_F(Kinds, MakeAlignedValues) {
  app.get("/", [](Depends<odd_one>, Depends<wide> a, Depends<odd_one, uncached>, Depends<late_wide> b) {
    return is_aligned(*a) && is_aligned(*b) ? "aligned" : "not aligned";
  });

  const auto peer = ask("/");
  port.advance(1ms);
  run();

  EXPECT_EQ(peer->body(), "aligned");
}

template <int n>
std::array<int, 1000> large() {
  std::array<int, 1000> values;
  values.fill(n);
  return values;
}
Task<std::array<int, 20'000>> very_large() {
  std::array<int, 20'000> values;
  values.fill(1);
  co_return values;
}

TEST_F(Kinds, MakeLargeValues) {
  app.get("/", [](Depends<large<1>> a, Depends<large<2>> b, Depends<very_large> c) {
    const auto sum = [](const auto& values) { return std::accumulate(values.begin(), values.end(), 0); };
    return std::to_string(sum(*a) + sum(*b) + sum(*c));
  });

  EXPECT_EQ(body("/"), "23000");
  EXPECT_GT(app.graph().routes[0].bytes, 88'000u);
}

// --- make -----------------------------------------------------------------------------------------------------------

struct Paging {
  Query<"page", int, 1> page;
  Query<"size", int, 20> size;
};
struct Nested {
  Depends<make<Paging>> paging;
  Depends<function> one;
  Header<"x", std::string, default_to<"none">> header;
};
class Service {
public:
  Service(Depends<make<Paging>> paging, Depends<coroutine> six) : sum_(*paging->page + *six) {}
  int sum() const noexcept { return sum_; }

private:
  int sum_;
};

TEST_F(Kinds, MakeAggregatesOfParameters) {
  app.get("/", [](Depends<make<Paging>> paging, Depends<make<Nested>> nested) {
    return std::to_string(*paging->page) + " " + std::to_string(*nested->paging->size) + " " + *nested->header;
  });

  EXPECT_EQ(body("/"), "1 20 none");
  EXPECT_EQ(body("/?page=3&size=4"), "3 4 none");
}

TEST_F(Kinds, MakeObjectsByTheirConstructor) {
  app.get("/", [](Depends<make<Service(Depends<make<Paging>>, Depends<coroutine>)>> service) {
    return std::to_string(service->sum());
  });

  EXPECT_EQ(body("/?page=3"), "9");
  EXPECT_EQ(app.graph().routes[0].nodes[2].kind, "on_loop");
}

struct Throws {
  explicit Throws(Depends<function>) { throw HttpError{409}; }
};

TEST_F(Kinds, MakeFailsWhenTheConstructorThrows) {
  app.get("/", handler<make<Throws(Depends<function>)>>);

  EXPECT_EQ(status("/"), 409);
}

struct Twelve {
  Query<"a", int, 1> a;
  Query<"b", int, 1> b;
  Query<"c", int, 1> c;
  Query<"d", int, 1> d;
  Query<"e", int, 1> e;
  Query<"f", int, 1> f;
  Query<"g", int, 1> g;
  Query<"h", int, 1> h;
  Query<"i", int, 1> i;
  Query<"j", int, 1> j;
  State<int> k;
  StopToken l;
};

TEST_F(Kinds, MakeAggregatesOfTwelveMembers) {
  app.state(5);
  app.get("/", [](Depends<make<Twelve>> twelve) { return std::to_string(*twelve->a + *twelve->j + *twelve->k); });

  EXPECT_EQ(body("/?j=10"), "16");
}

}  // namespace
}  // namespace umbel::test
