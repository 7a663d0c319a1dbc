// SPDX-License-Identifier: MIT
// Each row of docs/compilers.md in its safe form, and natural code that umbel's own types make right on g++ 12 too.
// What is wrong on g++ 12 shows as an object that is destroyed twice, or never.

#include <gtest/gtest.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../support/drive.hpp"
#include "../support/live.hpp"
#include "umbel/core/completion.hpp"
#include "umbel/core/error.hpp"
#include "umbel/core/request.hpp"
#include "umbel/core/response.hpp"
#include "umbel/core/sleep.hpp"
#include "umbel/core/task.hpp"
#include "umbel/core/when_all.hpp"
#include "umbel/core/work_pool.hpp"

namespace umbel {
namespace {

using test::finish;
using test::Live;
using test::LiveCheck;
using test::yield_once;

// Every case runs twice: its children are ready at once, or suspend.
class Gcc12 : public ::testing::TestWithParam<bool> {
protected:
  static bool suspends;

  void SetUp() override { suspends = GetParam(); }
  void TearDown() override { EXPECT_TRUE(check_.ok()) << "an object was destroyed twice, or never"; }

public:
  static Task<void> maybe_suspend() {
    if (suspends) co_await yield_once();
  }

private:
  LiveCheck check_;
};
bool Gcc12::suspends = false;

std::string mode_name(const ::testing::TestParamInfo<bool>& info) { return info.param ? "Suspending" : "Ready"; }
INSTANTIATE_TEST_SUITE_P(, Gcc12, ::testing::Bool(), mode_name);

// An aggregate with members that are not trivial: what a user's model looks like.
struct Item {
  Live name;
  int count = 0;
};
// The same with a constructor.
class Parcel {
public:
  explicit Parcel(std::string_view name, int count = 0) : name_(name), count_(count) {}
  std::string describe() const { return name_.text() + std::to_string(count_); }

private:
  Live name_;
  int count_;
};

Task<bool> yes() {
  co_await Gcc12::maybe_suspend();
  co_return true;
}
Task<int> number(int value) {
  co_await Gcc12::maybe_suspend();
  co_return value;
}
Task<Live> live(std::string text) {
  co_await Gcc12::maybe_suspend();
  co_return Live{text};
}
Task<std::string> describe(Item item) {
  co_await Gcc12::maybe_suspend();
  co_return item.name.text() + std::to_string(item.count);
}
Task<std::string> describe_parcel(Parcel parcel) {
  co_await Gcc12::maybe_suspend();
  co_return parcel.describe();
}
template <class F>
Task<std::string> call(F f) {
  co_await Gcc12::maybe_suspend();
  co_return f();
}

// --- conditions

Task<int> branch_on_a_local() {
  const bool found = co_await yes();
  if (found) co_return 7;
  co_return 0;
}
TEST_P(Gcc12, AnAwaitedConditionIsBoundToALocalFirst) { EXPECT_EQ(finish(branch_on_a_local()), 7); }

Task<int> branch_with_an_initialiser() {
  if (const bool found = co_await yes(); found) co_return 7;
  co_return 0;
}
TEST_P(Gcc12, AnAwaitedConditionMayBeBoundInTheIf) { EXPECT_EQ(finish(branch_with_an_initialiser()), 7); }

Task<int> loop_on_a_local() {
  int left = co_await number(5);
  int rounds = 0;
  while (left > 0) {
    ++rounds;
    left = co_await number(left - 1);
  }
  co_return rounds;
}
TEST_P(Gcc12, AnAwaitedLoopConditionIsBoundToALocalFirst) { EXPECT_EQ(finish(loop_on_a_local()), 5); }

Task<int> switch_on_a_local() {
  const int kind = co_await number(2);
  switch (kind) {
    case 1:
      co_return 10;
    case 2: {
      const int value = co_await number(20);
      co_return value;
    }
    default:
      co_return 0;
  }
}
TEST_P(Gcc12, AnAwaitedSwitchIsBoundToALocalFirst) { EXPECT_EQ(finish(switch_on_a_local()), 20); }

// --- aggregates

Task<std::string> pass_a_named_aggregate() {
  Item item{Live{"pen"}, 3};
  std::string text = co_await describe(std::move(item));
  co_return text;
}
TEST_P(Gcc12, AnAggregateIsNamedAndMoved) { EXPECT_EQ(finish(pass_a_named_aggregate()), "pen3"); }

Task<std::string> pass_a_class_with_a_constructor() {
  std::string text = co_await describe_parcel(Parcel{"pen", 3});
  co_return text;
}
TEST_P(Gcc12, AClassWithAConstructorMayBeATemporary) { EXPECT_EQ(finish(pass_a_class_with_a_constructor()), "pen3"); }

Task<std::size_t> count_all(std::array<Live, 3> names) {
  co_await Gcc12::maybe_suspend();
  std::size_t sum = 0;
  for (const Live& name : names) sum += name.text().size();
  co_return sum;
}
Task<std::size_t> pass_a_named_array() {
  std::array<Live, 3> names{Live{"a"}, Live{"bc"}, Live{"def"}};
  const std::size_t sum = co_await count_all(std::move(names));
  co_return sum;
}
TEST_P(Gcc12, AnArrayOfClassesIsNamed) { EXPECT_EQ(finish(pass_a_named_array()), 6u); }

Task<Item> make_item() {
  Live name = co_await live("ink");
  const int count = co_await number(4);
  co_return Item{std::move(name), count};
}
Task<std::string> use_item() {
  const Item item = co_await make_item();
  co_return item.name.text() + std::to_string(item.count);
}
TEST_P(Gcc12, AnAggregateIsMadeOfLocalsThatWereAwaitedBefore) { EXPECT_EQ(finish(use_item()), "ink4"); }

// --- lambdas

Task<std::string> pass_a_named_lambda() {
  const auto name = [text = Live{"captured"}] { return text.text(); };
  std::string result = co_await call(name);
  co_return result;
}
TEST_P(Gcc12, ALambdaThatCapturesAClassIsNamed) { EXPECT_EQ(finish(pass_a_named_lambda()), "captured"); }

Task<std::string> pass_a_lambda_that_refers() {
  const Live text{"referred"};
  int count = co_await number(2);
  std::string result = co_await call([&text, count] { return text.text() + std::to_string(count); });
  co_return result;
}
TEST_P(Gcc12, ALambdaThatCapturesReferencesAndIntsMayBeATemporary) {
  EXPECT_EQ(finish(pass_a_lambda_that_refers()), "referred2");
}

TEST_P(Gcc12, ALambdaCoroutineTakesParametersOrItsClosureOutlivesIt) {
  const auto with_capture = [text = Live{"kept"}]() -> Task<std::string> {
    co_await Gcc12::maybe_suspend();
    co_return text.text();
  };
  EXPECT_EQ(finish(with_capture()), "kept");

  const auto task = [](Live text) -> Task<std::string> {
    co_await Gcc12::maybe_suspend();
    co_return text.text();
  };
  EXPECT_EQ(finish(task(Live{"parameter"})), "parameter");
}

// --- choices

Task<std::string> choose_by_if(bool first) {
  std::string text;
  if (first) {
    const Live awaited = co_await live("awaited");
    text = awaited.text();
  } else {
    text = "made";
  }
  co_return text;
}
TEST_P(Gcc12, AChoiceBetweenAnAwaitAndAValueIsAnIf) {
  EXPECT_EQ(finish(choose_by_if(true)), "awaited");
  EXPECT_EQ(finish(choose_by_if(false)), "made");
}

Task<bool> both_in_two_statements(bool first) {
  bool both = first;
  if (both) {
    const std::string text = co_await describe_parcel(Parcel{"x"});
    both = text == "x0";
  }
  co_return both;
}
TEST_P(Gcc12, AConjunctionWithAnAwaitIsTwoStatements) {
  EXPECT_TRUE(finish(both_in_two_statements(true)));
  EXPECT_FALSE(finish(both_in_two_statements(false)));
}

// --- lists and new

Task<int> sum_of(std::vector<int> values) {
  co_await Gcc12::maybe_suspend();
  int sum = 0;
  for (const int value : values) sum += value;
  co_return sum;
}
Task<int> pass_a_named_vector() {
  std::vector<int> values{1, 2, 3};
  const int sum = co_await sum_of(std::move(values));
  co_return sum;
}
TEST_P(Gcc12, AListIsANamedVector) { EXPECT_EQ(finish(pass_a_named_vector()), 6); }

Task<std::string> make_unique_of_an_await() {
  Live made = co_await live("owned");
  const std::unique_ptr<Live> first{new Live{std::move(made)}};
  const auto second = std::make_unique<Live>(co_await live("twice"));
  co_return first->text() + second->text();
}
TEST_P(Gcc12, NewTakesALocalAndMakeUniqueMayAwait) { EXPECT_EQ(finish(make_unique_of_an_await()), "ownedtwice"); }

Task<int> throw_a_local() {
  const Live words = co_await live("sorry");
  throw HttpError{409, words.text()};
}
TEST_P(Gcc12, WhatIsThrownIsMadeOfLocals) { EXPECT_THROW(finish(throw_a_local()), HttpError); }

// --- tasks and frames

static_assert(std::is_nothrow_destructible_v<Task<Live>>, "else g++ 12 ends with an internal error");

struct alignas(64) CacheLine {
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(this); }
};
Task<bool> has_an_aligned_local() {
  const CacheLine line;
  co_await Gcc12::maybe_suspend();
  const std::string text = co_await describe_parcel(Parcel{"x"});
  co_return line.address() % alignof(CacheLine) == 0;
}
TEST_P(Gcc12, ALocalMayBeAlignedTo64) { EXPECT_TRUE(finish(has_an_aligned_local())); }

Task<int> await_many() {
  int sum = 0;
  for (int i = 0; i < 10'000; ++i) sum += co_await number(1);
  co_return sum;
}
TEST_P(Gcc12, ALoopOfAwaitsTakesNoStack) { EXPECT_EQ(finish(await_many()), 10'000); }

// --- right on both compilers

Task<std::string> by_value(Live first, std::string second) {
  co_await Gcc12::maybe_suspend();
  co_return first.text() + second;
}
Task<std::string> by_reference(const Live& first, std::string&& second) {
  co_await Gcc12::maybe_suspend();
  co_return first.text() + second;
}
Task<std::string> temporaries_as_arguments() {
  std::string text = co_await by_value(Live{"a"}, std::string(40, 'x'));
  text += co_await by_reference(Live{"b"}, std::string(40, 'y'));
  text += co_await by_value(co_await live("c"), co_await by_value(Live{"d"}, "e"));
  co_return text;
}
TEST_P(Gcc12, TemporariesOfClassesWithConstructorsMayBeArguments) {
  EXPECT_EQ(finish(temporaries_as_arguments()), "a" + std::string(40, 'x') + "b" + std::string(40, 'y') + "cde");
}

Task<std::pair<Live, std::tuple<Live, int>>> make_pair() {
  co_await Gcc12::maybe_suspend();
  co_return std::pair<Live, std::tuple<Live, int>>{Live{"p"}, std::tuple<Live, int>{Live{"t"}, 1}};
}
Task<std::optional<Live>> make_optional() {
  co_await Gcc12::maybe_suspend();
  co_return Live{"o"};
}
Task<std::string> bind_and_reach_in() {
  auto [first, second] = co_await make_pair();
  const std::optional<Live> third = co_await make_optional();
  const std::size_t length = (co_await live("four")).text().size();
  co_return first.text() + std::get<0>(second).text() + third->text() + std::to_string(length);
}
TEST_P(Gcc12, PairsTuplesOptionalsAndMembersOfResultsAreRight) { EXPECT_EQ(finish(bind_and_reach_in()), "pto4"); }

Task<std::string> await_in_a_loop_over_temporaries() {
  std::string text;
  for (const std::string& part : std::vector<std::string>{"a", "b", "c"}) text += co_await by_value(Live{part}, ",");
  co_return text;
}
TEST_P(Gcc12, AnAwaitMayStandInARangeFor) { EXPECT_EQ(finish(await_in_a_loop_over_temporaries()), "a,b,c,"); }

Task<int> fail_with(Live words) {
  co_await Gcc12::maybe_suspend();
  throw std::runtime_error{words.text()};
}
Task<std::string> catch_what_a_temporary_was_passed_to() {
  std::string text;
  try {
    const int value = co_await fail_with(Live{"thrown"});
    text = std::to_string(value);
  } catch (const std::runtime_error& error) {
    text = error.what();
  }
  co_return text;
}
TEST_P(Gcc12, ExceptionsPassThroughExpressionsWithTemporaries) {
  EXPECT_EQ(finish(catch_what_a_temporary_was_passed_to()), "thrown");
}

// --- umbel's own types as temporaries of an awaiting expression

const std::string long_text(100, 'z');

Task<std::string> send(Response response) {
  co_await Gcc12::maybe_suspend();
  co_return std::to_string(response.status()) + std::string{response.body()} + std::string{response.header_lines()};
}
Task<std::string> send_by_reference(const Response& response) {
  co_await Gcc12::maybe_suspend();
  co_return std::string{response.body()};
}
Task<std::string> send_responses() {
  std::string text = co_await send(Response::text("x"));
  text += co_await send(Response::json(long_text, 201).header("a", "b"));
  text += co_await send(Response{204});
  text += co_await send({});
  text += co_await send_by_reference(Response::html("h").append_header("c", "d"));
  co_return text;
}
TEST_P(Gcc12, AResponseMayBeATemporary) {
  EXPECT_EQ(finish(send_responses()), "200x201" + long_text + "a: b\r\n204200h");
}

Task<Response> answer() {
  co_await Gcc12::maybe_suspend();
  co_return Response::text(long_text).header("x", "y");
}
Task<std::string> read_an_answer() {
  const Response response = co_await answer();
  co_return std::string{response.body()};
}
TEST_P(Gcc12, AResponseMayBeReturnedFromItsMaking) { EXPECT_EQ(finish(read_an_answer()), long_text); }

Task<std::string> report(HttpError error) {
  co_await Gcc12::maybe_suspend();
  co_return error.detail();
}
Task<std::string> report_any(Error error) {
  co_await Gcc12::maybe_suspend();
  co_return error.message();
}
Task<std::string> report_errors() {
  std::string text = co_await report(HttpError{404});
  text += co_await report(HttpError{401, long_text}.header("www-authenticate", "Bearer"));
  text += co_await report_any(HttpError{400, long_text});
  text += co_await report_any(Error{HttpError{403, "no"}});
  co_return text;
}
TEST_P(Gcc12, AnHttpErrorMayBeATemporary) {
  EXPECT_EQ(finish(report_errors()), "Not Found" + long_text + long_text + "no");
}

Task<std::string> open_result(Result<Live> result) {
  co_await Gcc12::maybe_suspend();
  co_return result ? result->text() : result.error().message();
}
Task<Result<Live>> refuse() {
  co_await Gcc12::maybe_suspend();
  co_return HttpError{403, long_text};
}
Task<std::string> pass_results() {
  std::string text = co_await open_result(Live{"value"});
  text += co_await open_result(Result<Live>{Live{"wrapped"}});
  text += co_await open_result(HttpError{409, long_text});
  text += co_await open_result(co_await refuse());
  co_return text;
}
TEST_P(Gcc12, AResultMayBeATemporary) { EXPECT_EQ(finish(pass_results()), "valuewrapped" + long_text + long_text); }

Task<std::string> ask(OwnedRequest request) {
  co_await Gcc12::maybe_suspend();
  co_return std::string{request.view().path()} + std::string{request.view().body()};
}
Task<std::string> ask_twice() {
  std::string text = co_await ask(OwnedRequest{Method::get, "/a?b"});
  text += co_await ask(OwnedRequest{Method::post, "/c"}.header("x", "y").body(long_text));
  co_return text;
}
TEST_P(Gcc12, AnOwnedRequestMayBeATemporary) { EXPECT_EQ(finish(ask_twice()), "/a/c" + long_text); }

struct RetryOptions {
  int times = 3;
  Duration pause = std::chrono::milliseconds{1};
  bool verbose = false;
};
Task<int> retry(RetryOptions options = {}) {
  co_await Gcc12::maybe_suspend();
  co_return options.times;
}
Task<std::size_t> threads_of(ThreadPool::Options options) {
  co_await Gcc12::maybe_suspend();
  co_return options.threads;
}
Task<std::size_t> pass_options() {
  const int by_default = co_await retry();
  const int braced = co_await retry({.times = 5});
  const int named = co_await retry(RetryOptions{.times = 7});
  const std::size_t threads = co_await threads_of({.threads = 2});
  co_return static_cast<std::size_t>(by_default + braced + named) + threads;
}
TEST_P(Gcc12, OptionsOfTrivialMembersMayBeBraced) { EXPECT_EQ(finish(pass_options()), 17u); }

Task<std::string> await_umbels_awaitables() {
  co_await sleep(Duration::zero());
  Completion<Live> completion;
  auto setter = completion.setter();
  setter.value(Live{"set"});
  const Live set = co_await completion;
  auto [one, two] = co_await when_all(live("one"), by_value(Live{"two"}, "!"));
  std::vector<Task<Live>> tasks;
  tasks.push_back(live("three"));
  const std::vector<Live> more = co_await when_all(std::move(tasks));
  co_return set.text() + one.text() + two + more[0].text();
}
TEST_P(Gcc12, UmbelsAwaitablesMayBeTemporaries) { EXPECT_EQ(finish(await_umbels_awaitables()), "setonetwo!three"); }

Task<std::string> set_later(std::optional<Completion<Live>::Setter>& setter) {
  Completion<Live> completion;
  setter.emplace(completion.setter());
  co_return (co_await completion).text();
}
TEST_P(Gcc12, AnAwaiterThatOthersPointToIsNotCopied) {
  testing::ManualPort port;
  std::optional<Completion<Live>::Setter> setter;
  test::Started<std::string> started{port, set_later(setter)};

  setter->value(Live{"later"});
  setter.reset();
  port.run();

  EXPECT_EQ(started.result().value(), "later");
}

}  // namespace
}  // namespace umbel
