// SPDX-License-Identifier: MIT
#include "umbel/json/model_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "../support/allocations.hpp"
#include "umbel/core/arena.hpp"
#include "umbel/json/json_error.hpp"

namespace {

using namespace umbel;

enum class Colour { red, green, blue };

struct Price {
  double amount;
  Defaulted<std::string> currency = "EUR";
};

struct Item {
  int id;
  std::string name;
  bool sold;
  Colour colour;
  std::optional<std::string> note;
  std::vector<Price> prices;
  std::map<std::string, std::uint8_t> stock;
  std::array<float, 2> size;
};

constexpr std::string_view item_text = R"({"id": 7, "name": "lamp", "sold": false, "colour": "green", "note": null,
  "prices": [{"amount": 1.5}, {"amount": 2, "currency": "CHF"}], "stock": {"here": 3, "there": 255}, "size": [1, 2.5]})";

struct One {
  int n;
};

// Each error as `type at/its/loc input`.
std::string told(const ModelErrors& errors) {
  std::string all;
  for (const ModelError& error : errors) {
    all += (all.empty() ? "" : "; ") + error.type + " ";
    for (const LocationPart& part : error.loc)
      all += "/" + (part.is_index() ? std::to_string(part.index()) : part.name());
    all += " " + error.input;
  }
  return all;
}

template <class T>
std::string errors_of(std::string_view text, JsonLimits limits = {}) {
  T model{};
  return told(read_model(text, model, limits));
}

template <class T>
struct Holder {
  T v;
};
// What is wrong with a value where a T should be.
template <class T>
std::string errors_of_value(std::string_view value) {
  return errors_of<Holder<T>>("{\"v\":" + std::string(value) + "}");
}
template <class T>
T value_of(std::string_view value) {
  Holder<T> holder{};
  EXPECT_EQ(told(read_model("{\"v\":" + std::string(value) + "}", holder)), "") << value;
  return holder.v;
}

TEST(ModelReader, FillsEveryMember) {
  Item item{};

  EXPECT_EQ(told(read_model(item_text, item)), "");

  EXPECT_EQ(item.id, 7);
  EXPECT_EQ(item.name, "lamp");
  EXPECT_FALSE(item.sold);
  EXPECT_EQ(item.colour, Colour::green);
  EXPECT_EQ(item.note, std::nullopt);
  ASSERT_EQ(item.prices.size(), 2u);
  EXPECT_EQ(item.prices[0].amount, 1.5);
  EXPECT_EQ(*item.prices[0].currency, "EUR");
  EXPECT_EQ(*item.prices[1].currency, "CHF");
  EXPECT_EQ(item.stock, (std::map<std::string, std::uint8_t>{{"here", 3}, {"there", 255}}));
  EXPECT_EQ(item.size, (std::array<float, 2>{1, 2.5}));
}

TEST(ModelReader, TellsAllErrorsAtOnceDownToTheElement) {
  constexpr std::string_view text = R"({"id": "x", "sold": 2, "colour": "pink", "note": 5,
    "prices": [{"amount": 1}, {"amount": "dear", "currency": null}, 7], "stock": {"here": 256}, "size": [1]})";

  EXPECT_EQ(errors_of<Item>(text),
            "int_parsing /id \"x\"; bool_parsing /sold 2; enum /colour \"pink\"; string_type /note 5; "
            "float_parsing /prices/1/amount \"dear\"; string_type /prices/1/currency null; model_attributes_type "
            "/prices/2 7; "
            "int_parsing_size /stock/here 256; too_short /size [1]; missing /name " +
                std::string(text));
}

TEST(ModelReader, SpeaksAsPydanticDoes) {
  Item item{};

  const ModelErrors errors = read_model(R"({"colour":"pink","size":[1,2,3]})", item);

  ASSERT_EQ(errors.size(), 7u);
  EXPECT_EQ(errors[0].message, "Input should be 'red', 'green' or 'blue'");
  EXPECT_EQ(errors[0].ctx, R"("expected":"'red', 'green' or 'blue'")");
  EXPECT_EQ(errors[1].message, "List should have at most 2 items after validation, not 3");
  EXPECT_EQ(errors[1].ctx, R"("field_type":"List","max_length":2,"actual_length":3)");
  EXPECT_EQ(errors[2].message, "Field required");
  EXPECT_EQ(errors[2].loc, std::vector<LocationPart>{"id"});
}

TEST(ModelReader, RequiresWhatIsNeitherOptionalNorDefaulted) {
  EXPECT_EQ(errors_of<Price>("{}"), "missing /amount {}");
  EXPECT_EQ(errors_of<Holder<std::optional<int>>>("{}"), "");
  EXPECT_EQ(errors_of<Holder<std::vector<int>>>(" { } "), "missing /v { }");
}

TEST(ModelReader, TakesIntegersAsPydanticDoes) {
  EXPECT_EQ(value_of<int>("-12"), -12);
  EXPECT_EQ(value_of<int>("5.0"), 5);
  EXPECT_EQ(value_of<int>("5e1"), 50);
  EXPECT_EQ(value_of<int>("\" +5 \""), 5);
  EXPECT_EQ(value_of<int>("true"), 1);
  EXPECT_EQ(value_of<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value_of<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());

  EXPECT_EQ(errors_of_value<int>("5.5"), "int_from_float /v 5.5");
  EXPECT_EQ(errors_of_value<int>("\"5x\""), "int_parsing /v \"5x\"");
  EXPECT_EQ(errors_of_value<int>("\"\""), "int_parsing /v \"\"");
  EXPECT_EQ(errors_of_value<int>("null"), "int_type /v null");
  EXPECT_EQ(errors_of_value<int>("[ 1, {} ]"), "int_type /v [ 1, {} ]");
}

TEST(ModelReader, RefusesIntegersThatTheTypeCannotHold) {
  EXPECT_EQ(errors_of_value<std::int8_t>("128"), "int_parsing_size /v 128");
  EXPECT_EQ(errors_of_value<std::int16_t>("-32769"), "int_parsing_size /v -32769");
  EXPECT_EQ(errors_of_value<std::int32_t>("2147483648"), "int_parsing_size /v 2147483648");
  EXPECT_EQ(errors_of_value<std::int64_t>("9223372036854775808"), "int_parsing_size /v 9223372036854775808");
  EXPECT_EQ(errors_of_value<std::int64_t>("1e30"), "int_parsing_size /v 1e30");
  EXPECT_EQ(errors_of_value<std::int64_t>("\"9223372036854775808\""), "int_parsing_size /v \"9223372036854775808\"");
  EXPECT_EQ(errors_of_value<std::uint8_t>("256"), "int_parsing_size /v 256");
  EXPECT_EQ(errors_of_value<std::uint16_t>("65536"), "int_parsing_size /v 65536");
  EXPECT_EQ(errors_of_value<std::uint32_t>("-1"), "int_parsing_size /v -1");
}

TEST(ModelReader, TakesNumbersAsPydanticDoes) {
  EXPECT_EQ(value_of<double>("5"), 5.0);
  EXPECT_EQ(value_of<double>("123456789012345678901234567890"), 123456789012345678901234567890.0);
  EXPECT_EQ(value_of<double>("\"1e3\""), 1000.0);
  EXPECT_EQ(value_of<double>("false"), 0.0);

  EXPECT_EQ(errors_of_value<double>("\"x\""), "float_parsing /v \"x\"");
  EXPECT_EQ(errors_of_value<double>("\"nan\""), "finite_number /v \"nan\"");
  EXPECT_EQ(errors_of_value<double>("\"1e999\""), "finite_number /v \"1e999\"");
  EXPECT_EQ(errors_of_value<float>("1e39"), "finite_number /v 1e39");
  EXPECT_EQ(errors_of_value<double>("{}"), "float_type /v {}");
}

TEST(ModelReader, TakesBoolAsPydanticDoes) {
  for (const char* yes : {"true", "1", "1.0", "\"yes\"", "\"ON\"", "\"t\""}) EXPECT_TRUE(value_of<bool>(yes));
  for (const char* no : {"false", "0", "\"No\"", "\"off\""}) EXPECT_FALSE(value_of<bool>(no));

  EXPECT_EQ(errors_of_value<bool>("\"maybe\""), "bool_parsing /v \"maybe\"");
  EXPECT_EQ(errors_of_value<bool>("3"), "bool_parsing /v 3");
  EXPECT_EQ(errors_of_value<bool>("null"), "bool_type /v null");
}

TEST(ModelReader, ResolvesEscapes) {
  EXPECT_EQ(value_of<std::string>(R"("a\n\u00e4\ud83d\ude00\"")"), "a\n\u00e4\U0001F600\"");
  EXPECT_EQ(value_of<std::string>("\"\""), "");
  EXPECT_EQ(value_of<std::string>("\"\\u0000\""), std::string(1, '\0'));
  EXPECT_EQ(errors_of<One>(R"({"\u006e": 5})"), "");
}

TEST(ModelReader, RefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(errors_of<One>(R"({"n": 1, "n": 2})"), "duplicate_key /n 2");
  EXPECT_EQ(errors_of<One>(R"({"n": 1, "\u006e": [2]})"), "duplicate_key /n [2]");
  EXPECT_EQ((errors_of<std::map<std::string, int>>(R"({"a": 1, "b": 1, "a": 2})")), "duplicate_key /a 2");
  EXPECT_EQ(errors_of<One>(R"({"n": 1, "other": 1, "other": 2})"), "");
}

struct Strict {
  int n;
};

}  // namespace

template <>
struct umbel::ModelTraits<Strict> {
  static constexpr bool forbids_extra = true;
};

namespace {

TEST(ModelReader, PassesOverMembersThatTheStructHasNot) {
  EXPECT_EQ(errors_of<One>(R"({"a": [{"b": null}, "\n", 1e3, true], "n": 1, "nn": 2, "": {}})"), "");
}

TEST(ModelReader, RefusesThemIfTheTraitSaysSo) {
  EXPECT_EQ(errors_of<Strict>(R"({"a": [1, 2], "n": 1, "b": "x"})"),
            "extra_forbidden /a [1, 2]; extra_forbidden /b \"x\"");
}

TEST(ModelReader, ReadsListsMapsAndArraysAtTheRoot) {
  std::vector<One> list;
  std::unordered_map<std::string, One> map;
  std::array<One, 2> array{};

  EXPECT_EQ(told(read_model(R"([{"n":1},{"n":2}])", list)), "");
  EXPECT_EQ(told(read_model(R"({"a":{"n":3}})", map)), "");
  EXPECT_EQ(told(read_model(R"([{"n":4},{"n":5}])", array)), "");

  EXPECT_EQ(list.at(1).n, 2);
  EXPECT_EQ(map.at("a").n, 3);
  EXPECT_EQ(array[1].n, 5);
}

TEST(ModelReader, RefusesARootOfAnotherKind) {
  EXPECT_EQ(errors_of<One>("[]"), "model_attributes_type  []");
  EXPECT_EQ(errors_of<One>(" 5 "), "model_attributes_type  5");
  EXPECT_EQ(errors_of<std::vector<int>>("null"), "list_type  null");
  EXPECT_EQ((errors_of<std::map<std::string, int>>("\"a\"")), "dict_type  \"a\"");
}

struct Tree {
  std::string name;
  Defaulted<std::vector<Tree>> children;
};

TEST(ModelReader, ReadsAModelWithinItself) {
  Tree tree;

  EXPECT_EQ(told(read_model(R"({"name":"a","children":[{"name":"b"},{"name":"c","children":[{"name":"d"}]}]})", tree)),
            "");

  EXPECT_EQ((*(*tree.children)[1].children)[0].name, "d");
}

std::string nested(std::size_t depth) {
  return "{\"n\":1,\"x\":" + std::string(depth - 1, '[') + "1" + std::string(depth - 1, ']') + "}";
}

TEST(ModelReader, LimitsDepthAlsoWhereItPassesOver) {
  EXPECT_EQ(errors_of<One>(nested(64)), "");
  EXPECT_TRUE(errors_of<One>(nested(65)).starts_with("json_invalid"));
  EXPECT_EQ(errors_of<One>(nested(3), JsonLimits{.depth = 3}), "");
  EXPECT_TRUE(errors_of<One>(nested(4), JsonLimits{.depth = 3}).starts_with("json_invalid"));
}

TEST(ModelReader, TellsOfMalformedTextAloneAndWhere) {
  One one{};

  const ModelErrors errors = read_model(R"({"n": "x", "y": tru})", one);

  EXPECT_EQ(told(errors), "json_invalid /19 {}");
  EXPECT_EQ(errors[0].message, "JSON decode error");
  EXPECT_EQ(errors[0].ctx, R"("error":"invalid JSON at byte 19: Invalid value.")");
}

TEST(ModelReader, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "{\"n\"}",
                           "{\"n\":1",
                           "{\"n\":1,}",
                           "{\"n\":1}}",
                           "{\"n\":1} x",
                           "{\"n\":01}",
                           "{\"n\":NaN}",
                           "{\"n\":Infinity}",
                           "{\"n\":-Infinity}",
                           "{\"n\":1,\"m\":-NaN}",
                           "{\"n\":1,\"m\":-1e400}",
                           "{\"n\":1,\"m\":\"\xed\xa0\x80\"}",
                           "{\"n\":1,\"m\":\"\xc0\x80\"}",
                           "{\"n\":1,\"m\":\"\\udc00\"}",
                           "{\"n\":1e400}",
                           "{\"n\":123456789012345678901}",
                           "{\"n\":1 \"m\":2}",
                           "{n:1}",
                           "{'n':1}",
                           "{\"n\":1,\"m\":\"\xff\"}",
                           "{\"n\":1,\"m\":\"\\ud800\"}",
                           "{\"n\":1,\"m\":\"\\x\"}",
                           "{\"n\":1,\"m\":\"a\nb\"}",
                           "{\"n\":1,\"m\":nul}",
                           "{\"n\":1,\"m\":1.}",
                           "{\"n\":1,\"m\":[1,]}",
                           "{\"n\":1,\"m\":[1}",
                           "{\"n\":1,\"\\ud800\":1}",
                           "{\"n\":\"\\ud800\"}",
                           "nul",
                           "tru"})
    EXPECT_TRUE(errors_of<One>(text).starts_with("json_invalid")) << text;
  EXPECT_TRUE(errors_of<One>({"{\"n\":1}\0", 8}).starts_with("json_invalid"));
}

TEST(ModelReader, DoesNotRepeatLongValues) {
  EXPECT_EQ(errors_of<One>("{\"n\":\"" + std::string(300, 'x') + "\"}"), "int_parsing /n null");
}

TEST(ModelReader, TellsTheFirstHundredErrors) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "null,";

  std::vector<int> list;
  const ModelErrors errors = read_model(text + "1]", list);

  ASSERT_EQ(errors.size(), most_model_errors);
  EXPECT_EQ(errors.back().loc, std::vector<LocationPart>{most_model_errors - 1});
}

TEST(ModelReader, ReadsLargeTexts) {
  std::string text = "[1";
  for (int i = 0; i < 100'000; ++i) text += ", 7";

  std::vector<int> list;
  EXPECT_EQ(told(read_model(text + "]", list)), "");

  EXPECT_EQ(list.size(), 100'001u);
}

struct Views {
  std::string_view name;
  std::vector<std::string_view> tags;
  std::map<std::string, std::optional<std::string_view>> notes;
  Constrained<std::string_view, max_length<3>> code;
};

std::string padded(std::string_view text) { return std::string(text) + std::string(JsonReader::padding, '\0'); }
PaddedText without_padding(const std::string& padded) {
  return PaddedText{{padded.data(), padded.size() - JsonReader::padding}};
}

TEST(ModelReader, LetsAViewReferToTheText) {
  const std::string text =
      padded(R"({"name":"lamp","tags":["a","","\u00e4\"b"],"notes":{"x":"y\n","z":null},"code":"abc"})");
  Arena texts;
  Views views;

  EXPECT_EQ(told(read_model(without_padding(text), views, texts)), "");

  EXPECT_EQ(views.name, "lamp");
  EXPECT_EQ(views.name.data(), text.data() + text.find("lamp"));
  EXPECT_EQ(views.tags, (std::vector<std::string_view>{"a", "", "\u00e4\"b"}));
  EXPECT_EQ(views.notes.at("x"), "y\n");
  EXPECT_EQ(views.notes.at("z"), std::nullopt);
  EXPECT_EQ(*views.code, "abc");
}

TEST(ModelReader, KeepsWhatWasEscapedWhenTheNextDocumentIsRead) {
  const std::string one = padded(R"({"name":"one\ttwo","tags":[],"notes":{},"code":""})");
  const std::string other = padded(R"({"name":"three\tfour","tags":["\"\"\""],"notes":{},"code":""})");
  Arena texts;
  Views first;
  Views second;

  EXPECT_EQ(told(read_model(without_padding(one), first, texts)), "");
  EXPECT_EQ(told(read_model(without_padding(other), second, texts)), "");

  EXPECT_EQ(first.name, "one\ttwo");
  EXPECT_EQ(second.name, "three\tfour");
}

TEST(ModelReader, ChecksAViewAsItDoesAText) {
  Arena texts;
  const auto wrong = [&](std::string_view text) {
    const std::string with_padding = padded(text);
    Views views;
    return told(read_model(without_padding(with_padding), views, texts));
  };

  EXPECT_EQ(wrong(R"({"name":7,"tags":["a",null],"notes":{"x":1},"code":"abcd"})"),
            "string_type /name 7; string_type /tags/1 null; string_type /notes/x 1; string_too_long /code \"abcd\"");
  for (const char* name : {"\\ud800", "\\udc00\\ud800", "\\u12", "\\x", "\xff", "\xed\xa0\x80", "\x1f", "\\"})
    EXPECT_TRUE(wrong("{\"name\":\"" + std::string(name) + "\"}").starts_with("json_invalid")) << name;
}

// A document in a document, as of a `data` that somebody has put into a text.
struct Envelope {
  std::string content;
  std::vector<One> rest;
};
std::optional<std::string> validate(const Envelope& envelope) {
  One one{};
  if (!read_model(envelope.content, one).empty()) return "no content";
  return std::nullopt;
}

TEST(ModelReader, MayBeCalledWhileItReads) {
  std::vector<Envelope> list;

  EXPECT_EQ(
      told(read_model(R"([{"content":"{\"n\":1}","rest":[{"n":2}]},{"content":"{\"n\":3}","rest":[{"n":4}]}])", list)),
      "");
  EXPECT_EQ(list.at(1).rest.at(0).n, 4);
  EXPECT_EQ(errors_of<std::vector<Envelope>>(R"([{"content":"{","rest":[]},{"content":"{}","rest":[{"n":"x"}]}])"),
            R"(value_error /0 {"content":"{","rest":[]}; int_parsing /1/rest/0/n "x")");
}

struct CountedLess {
  static inline std::size_t calls = 0;
  bool operator()(const std::string& a, const std::string& b) const noexcept { return ++calls, a < b; }
};

// What a document can make happen, counted: twice the document is twice the work and no more.
std::size_t comparisons_for(std::size_t members, bool same_name) {
  std::string text = "{\"first\":1";
  for (std::size_t i = 0; i < members; ++i) text += ",\"" + (same_name ? "first" : std::to_string(i)) + "\":1";
  std::map<std::string, int, CountedLess> map;
  CountedLess::calls = 0;
  const ModelErrors errors = read_model(text + "}", map);
  EXPECT_EQ(errors.size(), same_name ? std::min(members, most_model_errors) : 0);
  return CountedLess::calls;
}

TEST(ModelReader, ComparesKeysOfAMapALogarithmOfTimes) {
  EXPECT_LE(comparisons_for(16'384, false), 16'384u * 32);
  EXPECT_LE(comparisons_for(16'384, true), 16'384u * 4);
}

TEST(ModelReader, TakesNoMoreMemoryForMoreErrors) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "allocations are not counted";
  const auto allocations_for = [](std::size_t count, std::string_view member) {
    std::string text = "{\"n\":1";
    for (std::size_t i = 0; i < count; ++i) text.append(",").append(member);
    text += "}";
    const std::size_t before = test::allocations();
    Strict strict{};
    EXPECT_EQ(read_model(text, strict).size(), most_model_errors);
    return test::allocations() - before;
  };

  for (const std::string_view member : {R"("n":2)", R"("unknown":2)", R"("n":{"a":[[]]})"}) {
    const std::size_t few = allocations_for(1'000, member);
    EXPECT_LE(allocations_for(100'000, member), few + 20) << member;
  }
}

TEST(ModelReader, TakesNoMemoryForWhatItPassesOver) {
  if (!test::allocations_are_counted) GTEST_SKIP() << "allocations are not counted";
  std::string text = "{\"n\":1";
  for (std::size_t i = 0; i < 100'000; ++i) text += R"(,"unknown":[{"a":"\n"}])";
  text += "}";
  One one{};

  const std::size_t before = test::allocations();
  EXPECT_EQ(told(read_model(text, one)), "");

  EXPECT_LE(test::allocations() - before, 20u);
}

struct Line {
  Bounded<int, ge<1>, le<100>> count;
  Text<min_length<1>, max_length<3>> title;
  Defaulted<Bounded<double, multiple_of<0.5>>> price = 2.5;
  std::optional<Text<pattern<"^[A-Z]+$">>> code;
  Defaulted<Constrained<std::vector<int>, max_length<2>>> sizes;
};

TEST(ModelReader, TakesValuesWithinTheirConstraints) {
  Line line{};

  EXPECT_EQ(told(read_model("{\"count\":100,\"title\":\"\u00e4\u00f6\u00fc\",\"code\":\"AB\",\"sizes\":[1,2]}", line)),
            "");

  EXPECT_EQ(*line.count, 100);
  EXPECT_EQ(*line.title, "\u00e4\u00f6\u00fc");
  EXPECT_EQ(**line.price, 2.5);
  EXPECT_EQ(**line.code, "AB");
}

TEST(ModelReader, TellsWhichConstraintIsBroken) {
  Line line{};

  const ModelErrors errors = read_model(R"({"count":101,"title":"","price":0.3,"code":"Ab","sizes":[1,2,3]})", line);

  EXPECT_EQ(told(errors),
            "less_than_equal /count 101; string_too_short /title \"\"; multiple_of /price 0.3; "
            "string_pattern_mismatch /code \"Ab\"; too_long /sizes [1,2,3]");
  EXPECT_EQ(errors[0].message, "Input should be less than or equal to 100");
  EXPECT_EQ(errors[0].ctx, R"("le":100)");
  EXPECT_EQ(errors[1].message, "String should have at least 1 character");
  EXPECT_EQ(errors[4].message, "List should have at most 2 items after validation, not 3");
  EXPECT_EQ(errors[4].ctx, R"("field_type":"List","max_length":2,"actual_length":3)");
}

TEST(ModelReader, HasConstraintsAsDataForThoseWhoDescribeAModel) {
  const detail::Shape& line = detail::ShapeOf<Line>::value;

  const auto constraints = line.members[0].shape->constraints;

  ASSERT_EQ(constraints.size(), 2u);
  EXPECT_EQ(constraints[0].key, "ge");
  EXPECT_EQ(constraints[0].bound.whole, 1u);
  EXPECT_EQ(constraints[1].key, "le");
  EXPECT_EQ(line.members[3].shape->inner->constraints[0].bound.text, "^[A-Z]+$");
}

TEST(ModelReader, AsksNoConstraintOfWhatHasNotTheType) {
  EXPECT_EQ((errors_of_value<Bounded<int, ge<1>>>("\"x\"")), "int_parsing /v \"x\"");
  EXPECT_EQ((errors_of_value<Bounded<int, ge<1>>>("\"0\"")), "greater_than_equal /v \"0\"");
}

struct Stay {
  int from;
  int until;
};

std::optional<std::string> validate(const Stay& stay) {
  if (stay.until < stay.from) return "until lies before from";
  return std::nullopt;
}

TEST(ModelReader, AsksTheAuthorOfAStructThatIsRightSoFar) {
  std::vector<Stay> stays;

  const ModelErrors errors = read_model(R"([{"from":1,"until":2},{"from":2,"until":1},{"from":2,"until":"x"}])", stays);

  EXPECT_EQ(told(errors), R"(value_error /1 {"from":2,"until":1}; int_parsing /2/until "x")");
  EXPECT_EQ(errors[0].message, "Value error, until lies before from");
}

struct Cat {
  Tag<"cat"> kind;
  int lives;
};
struct Dog {
  Tag<"dog"> kind;
  std::string bark;
};
using Pet = std::variant<Cat, Dog>;
struct Owner {
  std::vector<Pet> pets;
};

TEST(ModelReader, TellsAlternativesByTheirTag) {
  Owner owner;

  EXPECT_EQ(told(read_model(R"({"pets":[{"kind":"dog","bark":"loud"},{"lives":9,"other":[{}],"kind":"cat"}]})", owner)),
            "");

  ASSERT_EQ(owner.pets.size(), 2u);
  EXPECT_EQ(std::get<Dog>(owner.pets[0]).bark, "loud");
  EXPECT_EQ(std::get<Cat>(owner.pets[1]).lives, 9);
  Pet pet;
  EXPECT_EQ(told(read_model(R"({"kind":"dog","bark":"x"})", pet)), "");
  EXPECT_EQ(std::get<Dog>(pet).bark, "x");
}

TEST(ModelReader, TellsWhatIsWrongWithATag) {
  Owner owner;

  const ModelErrors errors = read_model(
      R"({"pets":[{"kind":"cow"},{},{"lives":1},{"kind":5},{"kind":"cat"},[],{"kind":"dog","bark":1},{"kind":"c\u0061r"}]})",
      owner);

  EXPECT_EQ(told(errors),
            "union_tag_invalid /pets/0 {\"kind\":\"cow\"}; union_tag_not_found /pets/1 {}; "
            "union_tag_not_found /pets/2 {\"lives\":1}; union_tag_invalid /pets/3 {\"kind\":5}; "
            "missing /pets/4/cat/lives {\"kind\":\"cat\"}; model_attributes_type /pets/5 []; "
            "string_type /pets/6/dog/bark 1; union_tag_invalid /pets/7 {\"kind\":\"c\\u0061r\"}");
  EXPECT_EQ(errors[0].message,
            "Input tag 'cow' found using 'kind' does not match any of the expected tags: 'cat', 'dog'");
  EXPECT_EQ(errors[0].ctx, R"("discriminator":"'kind'","tag":"cow","expected_tags":"'cat', 'dog'")");
  EXPECT_EQ(errors[1].message, "Unable to extract tag using discriminator 'kind'");
  EXPECT_EQ(errors[1].ctx, R"("discriminator":"'kind'")");
}

// What stands behind a text is not ours: of another request, for instance.
TEST(ModelReader, IsNotMisledByWhatStandsBehindTheText) {
  struct Kept {
    Pet pet;
    Cat cat;
    std::vector<std::vector<std::string>> lists;
    std::map<std::string, double> map;
    std::optional<int> number;
    bool flag;
    std::string text;
  };
  const std::string whole =
      R"({"pet":{"bark":"b","kind":"dog"},"cat":{"kind":"cat","lives":9},"x":[{"y":{}},[]],"lists":[["a"],[]],)"
      R"("map":{"m":1.5},"number":5,"flag":true,"text":"e\u00e9"})";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    for (int behind = 0; behind < 256; ++behind) {
      const std::string text = whole.substr(0, size) + std::string(JsonReader::padding, static_cast<char>(behind));
      Kept kept;
      const ModelErrors errors = read_model(PaddedText{std::string_view(text).substr(0, size)}, kept);
      if (size == whole.size()) ASSERT_EQ(told(errors), "");
      else ASSERT_TRUE(errors.size() == 1 && errors[0].type == "json_invalid") << size << ' ' << behind << told(errors);
    }
  }
}

TEST(ModelReader, TakesNoNumberWhoseExponentNobodyCanRead) {
  double number = 0;

  EXPECT_FALSE(
      detail::read_shape("77777.7771E-577777184467440737095516167775\r", {}, detail::ShapeOf<double>::value, &number)
          .empty());
}

TEST(ModelReader, DoesNotRepeatLongNames) {
  std::map<std::string, int> map;

  const ModelErrors errors =
      read_model("{\"" + std::string(255, 'a') + "\u00e9" + std::string(5000, 'b') + "\":\"x\"}", map);

  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].loc.at(0), LocationPart{std::string(255, 'a')});
}

TEST(ModelReader, KeepsNoElementsOfWhatIsWrongAnyway) {
  std::vector<int> numbers;
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "\"x\",";

  EXPECT_EQ(read_model(text + "1]", numbers).size(), 100u);

  EXPECT_LE(numbers.size(), 101u);
}

TEST(ModelReader, ResolvesEachTextOnce) {
  const std::string long_name(4000, 'k');

  EXPECT_EQ(errors_of<Pet>("{\"" + long_name + "\":1}"), "union_tag_not_found  null");
  EXPECT_EQ(errors_of<Pet>("{\"k\\u0069nd\":\"" + long_name + "\\u0061\"}"), "union_tag_invalid  null");
}

TEST(ModelReader, KnowsATagThatIsWrittenWithEscapes) {
  Pet pet;

  EXPECT_EQ(told(read_model(R"({"bark":"\u0078","k\u0069nd":"d\u006fg"})", pet)), "");

  EXPECT_EQ(std::get<Dog>(pet).bark, "x");
  EXPECT_EQ(errors_of<Cat>(R"({"kind":"c\u0061t","lives":1})"), "");
  EXPECT_EQ(errors_of<Cat>(R"({"kind":"c\u0061r","lives":1})"), "literal_error /kind \"c\\u0061r\"");
}

TEST(ModelReader, TakesNoSecondTag) {
  EXPECT_EQ(errors_of<Pet>(R"({"kind":"cat","lives":1,"kind":"dog"})"), "duplicate_key /cat/kind \"dog\"");
  EXPECT_EQ(errors_of<Cat>(R"({"kind":"dog","lives":1})"), "literal_error /kind \"dog\"");
  EXPECT_EQ(errors_of<Pet>(R"({"kind":"cat","lives":1,)"), errors_of<Cat>(R"({"kind":"cat","lives":1,)"));
}

TEST(ModelReader, ReadsDatesAndTimes) {
  using namespace std::chrono;
  struct Times {
    year_month_day day;
    sys_days same_day;
    sys_seconds at;
    sys_time<milliseconds> finer;
    sys_time<nanoseconds> finest;
  };
  Times times{};

  EXPECT_EQ(told(read_model(R"({"day":"2024-02-29","same_day":"1969-12-31","at":"2026-11-23T08:30:00+01:30",)"
                            R"("finer":"1969-12-31 23:59:59.9999Z","finest":"2026-11-23t08:30z"})",
                            times)),
            "");

  EXPECT_EQ(times.day, 2024y / 2 / 29);
  EXPECT_EQ(times.same_day, sys_days{1969y / 12 / 31});
  EXPECT_EQ(times.at, sys_days{2026y / 11 / 23} + 7h);
  EXPECT_EQ(times.finer.time_since_epoch(), -1ms);
  EXPECT_EQ(times.finest, sys_days{2026y / 11 / 23} + 8h + 30min);
}

TEST(ModelReader, IsStrictAboutDatesAndTimes) {
  using Day = std::chrono::year_month_day;
  using At = std::chrono::sys_seconds;
  for (const std::string text : {"", "2026", "2026-1-01", "2026-13-01", "2026-02-29", "2026-00-01", "2026-01-01T00:00Z",
                                 "2026/01/01", "20260101", " 2026-01-01", "+2026-01-01", "2026-01-01 "})
    EXPECT_EQ(errors_of_value<Day>('"' + text + '"'), "date_from_datetime_parsing /v \"" + text + '"');
  for (const std::string text :
       {"2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00 Z", "2026-01-01T0:00:00Z", "now"})
    EXPECT_EQ(errors_of_value<At>('"' + text + '"'), "datetime_parsing /v \"" + text + '"');
  EXPECT_EQ(errors_of_value<At>("\"2026-01-01T00:00:00\""), "timezone_aware /v \"2026-01-01T00:00:00\"");
  EXPECT_EQ(errors_of_value<At>("1700000000"), "datetime_type /v 1700000000");
  EXPECT_EQ(errors_of_value<Day>("null"), "date_type /v null");
  EXPECT_EQ(errors_of_value<std::chrono::sys_time<std::chrono::nanoseconds>>("\"2300-01-01T00:00:00Z\""),
            "datetime_parsing /v \"2300-01-01T00:00:00Z\"");
}

bool is_json(std::string_view text) {
  try {
    JsonReader{text};
    return true;
  } catch (const JsonError&) {
    return false;
  }
}

// Nothing that a JsonReader refuses gets through, and nothing is called malformed that it takes.
TEST(ModelReader, RefusesWhatAJsonReaderRefusesAndNothingElse) {
  std::mt19937 random(7);
  constexpr std::string_view bytes = "{}[]\",:\\ 019-.eEu\ntfn\x80\xc3x";
  std::size_t valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text(item_text);
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const char byte = bytes[random() % bytes.size()];
      if (random() % 3 == 0) text.erase(at, 1);
      else if (random() % 2 == 0) text.insert(at, 1, byte);
      else text[at] = byte;
    }
    const bool is_valid = is_json(text);
    valid += is_valid;
    const std::string errors = errors_of<Item>(text);
    ASSERT_EQ(errors.find("json_invalid") == std::string::npos, is_valid) << text << "\n" << errors;
  }
  EXPECT_GT(valid, 1'000u);
}

}  // namespace
