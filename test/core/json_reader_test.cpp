// SPDX-License-Identifier: MIT
#include "umbel/json/json_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace umbel {
namespace {

using namespace std::string_view_literals;

std::string refusal(std::string_view text, JsonLimits limits = {}) {
  try {
    const JsonReader reader(text, limits);
  } catch (const JsonError& error) {
    return error.what();
  }
  return "accepted";
}

template <class Read>
std::string complaint(std::string_view text, Read read) {
  const JsonReader reader(text);
  try {
    read(reader.root());
  } catch (const JsonError& error) {
    EXPECT_FALSE(error.offset());
    return error.what();
  }
  return "no complaint";
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + "1" + std::string(depth, ']'); }

TEST(JsonReader, ReadsABodyByHand) {
  const JsonReader reader{R"({"user": {"name": "alice", "admin": false}, "ids": [1, 2.5, -3], "note": null})"};
  const JsonValue root = reader.root();

  EXPECT_EQ(root["user"]["name"].as_string(), "alice");
  EXPECT_FALSE(root["user"]["admin"].as_bool());
  EXPECT_TRUE(root["note"].is_null());
  EXPECT_EQ(root["ids"].as_array().size(), 3U);
  EXPECT_EQ(root.as_object().size(), 3U);
}

TEST(JsonReader, ReadsInAnyOrderAndKeepsValues) {
  const JsonReader reader{R"({"a": [10, 20], "b": {"c": "deep"}})"};

  const JsonValue b = reader.root()["b"];
  const JsonValue a = reader.root()["a"];
  const JsonValue c = b["c"];

  EXPECT_EQ((*a.as_array().begin()).as_int(), 10);
  EXPECT_EQ(c.as_string(), "deep");
  EXPECT_EQ(c.as_string(), "deep");
}

TEST(JsonReader, TellsTheTypeOfEveryValue) {
  const std::pair<const char*, JsonType> types[] = {
      {"null", JsonType::null},  {"true", JsonType::boolean}, {"false", JsonType::boolean},
      {"-1", JsonType::integer}, {"0", JsonType::integer},    {"18446744073709551615", JsonType::integer},
      {"1.0", JsonType::real},   {"1e2", JsonType::real},     {R"("")", JsonType::string},
      {"[]", JsonType::array},   {" {} ", JsonType::object},
  };
  for (const auto& [text, type] : types) {
    const JsonReader reader{text};
    EXPECT_EQ(reader.root().type(), type) << text;
  }
}

TEST(JsonReader, ReadsNumbersAtTheirExtremes) {
  const JsonReader reader{R"([-9223372036854775808, 9223372036854775807, 18446744073709551615,
                              1e308, -0.0, 5e-324, 2.2250738585072009e-308, 9007199254740993])"};
  std::vector<JsonValue> numbers;
  for (const JsonValue number : reader.root().as_array()) numbers.push_back(number);

  EXPECT_EQ(numbers[0].as_int(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(numbers[1].as_int(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(numbers[1].as_uint(), 9223372036854775807U);
  EXPECT_EQ(numbers[2].as_uint(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(numbers[2].as_double(), 18446744073709551615.0);
  EXPECT_EQ(numbers[0].as_double(), -9223372036854775808.0);
  EXPECT_EQ(numbers[3].as_double(), 1e308);
  EXPECT_TRUE(std::signbit(numbers[4].as_double()));
  EXPECT_EQ(numbers[5].as_double(), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(numbers[6].as_double(), 2.2250738585072009e-308);
  EXPECT_EQ(numbers[7].as_double(), 9007199254740992.0);
}

TEST(JsonReader, RefusesNumbersThatNoTypeHolds) {
  EXPECT_EQ(refusal("18446744073709551616"), "invalid JSON: a number does not fit into 64 bits");
  EXPECT_EQ(refusal("-9223372036854775809"), "invalid JSON: a number does not fit into 64 bits");
  EXPECT_NE(refusal("[1e400]"), "accepted");
  EXPECT_NE(refusal("NaN"), "accepted");
  EXPECT_NE(refusal("-Infinity"), "accepted");
  EXPECT_NE(refusal("01"), "accepted");
}

TEST(JsonReader, ResolvesEscapes) {
  const JsonReader reader{R"(["\"\\\/\b\f\n\r\t", "\u0000\u00e9\u20AC", "\ud83d\ude00", "日本"])"};
  std::vector<std::string_view> strings;
  for (const JsonValue string : reader.root().as_array()) strings.push_back(string.as_string());

  EXPECT_EQ(strings[0], "\"\\/\b\f\n\r\t");
  EXPECT_EQ(strings[1], "\0é€"sv);
  EXPECT_EQ(strings[2], "\U0001F600");
  EXPECT_EQ(strings[3], "日本");
}

TEST(JsonReader, FindsNamesThatAreWrittenWithEscapes) {
  const JsonReader reader{R"({"caf\u00e9": 1})"};

  EXPECT_EQ(reader.root()["café"].as_int(), 1);
}

TEST(JsonReader, RefusesLoneSurrogatesAndInvalidUtf8) {
  for (const std::string_view text :
       {R"("\ud800")"sv, R"("\udc00")"sv, R"("\ud800x")"sv, R"("\ud83d\u0041")"sv, "\"\xff\""sv, "\"\xed\xa0\x80\""sv,
        "\"\xc3\""sv, "\"\xc0\x80\""sv, "\"\x01\""sv, "\"\n\""sv})
    EXPECT_NE(refusal(text), "accepted") << text;
}

TEST(JsonReader, TellsWhereTheTextGoesWrong) {
  EXPECT_EQ(refusal(R"({"a": 1 "b": 2})"), "invalid JSON at byte 8: Missing a comma or '}' after an object member.");
  EXPECT_EQ(refusal("[1, nul]"), "invalid JSON at byte 7: Invalid value.");
  EXPECT_EQ(refusal(""), "invalid JSON at byte 0: The document is empty.");
  EXPECT_EQ(refusal("{} {}"), "invalid JSON at byte 3: The document root must not be followed by other values.");
  try {
    const JsonReader reader{R"({"a": 1 "b": 2})"};
    FAIL();
  } catch (const JsonError& error) {
    EXPECT_EQ(error.offset(), 8U);
  }
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  for (const std::string_view text :
       {" "sv, "{"sv, "["sv, "]"sv, "[1,]"sv, "{\"a\"}"sv, "{a:1}"sv, "'a'"sv, "\"a"sv, "tru"sv, "[1]]"sv, "1 2"sv,
        "\xef\xbb\xbf{}"sv, "[1]\0"sv, "/**/1"sv, "-"sv, "1."sv, ".5"sv, "+1"sv})
    EXPECT_EQ(refusal(text).substr(0, 12), "invalid JSON") << text;
}

TEST(JsonReader, RefusesEveryPrefixOfADocument) {
  const std::string_view text = R"({"a":[1,2.5e1,{"b":"x\u00e9"}],"c":null})";
  EXPECT_EQ(refusal(text), "accepted");

  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_NE(refusal(text.substr(0, size)), "accepted") << size;
}

TEST(JsonReader, LimitsTheDepth) {
  EXPECT_EQ(refusal(nested(64)), "accepted");
  EXPECT_EQ(refusal(nested(65)), "invalid JSON at byte 65: It is nested deeper than 64 levels.");
  EXPECT_EQ(refusal(nested(3), {.depth = 3}), "accepted");
  EXPECT_EQ(refusal(nested(4), {.depth = 3}), "invalid JSON at byte 4: It is nested deeper than 3 levels.");
  EXPECT_EQ(refusal(nested(1'000), {.depth = 1'000}), "accepted");
  EXPECT_EQ(refusal("1", {.depth = 0}), "accepted");
  EXPECT_EQ(refusal("[1]", {.depth = 0}), "invalid JSON at byte 1: It is nested deeper than 0 levels.");
  EXPECT_EQ(refusal("[[],{}]", {.depth = 1}), "accepted");
  EXPECT_EQ(refusal("[[],nul]", {.depth = 1}), "invalid JSON at byte 7: Invalid value.");
  EXPECT_NE(refusal(std::string(1'000'000, '[')), "accepted");
}

TEST(JsonReader, ForgetsTheDepthOfTheReaderBefore) {
  EXPECT_EQ(refusal(nested(100), {.depth = 100}), "accepted");
  EXPECT_NE(refusal(nested(65)), "accepted");
}

TEST(JsonReader, ParsesTextThatIsPaddedAlready) {
  std::string text = R"({"a": "b"})";
  const std::size_t size = text.size();
  text.append(JsonReader::padding, '"');

  const JsonReader reader{PaddedText(std::string_view(text).substr(0, size))};

  EXPECT_EQ(reader.root()["a"].as_string(), "b");
}

TEST(JsonReader, OutlivesItsText) {
  std::string text = R"({"name": "a text that is long enough for the heap"})";
  const JsonReader reader{text};

  text.assign(text.size(), 'x');

  EXPECT_EQ(reader.root()["name"].as_string(), "a text that is long enough for the heap");
}

TEST(JsonReader, KeepsValuesValidWhenItMoves) {
  JsonReader first{R"(["x"])"};
  const JsonValue root = first.root();
  JsonReader second{"[]"};

  JsonReader moved(std::move(first));
  second = std::move(moved);

  EXPECT_EQ((*root.as_array().begin()).as_string(), "x");
  EXPECT_EQ((*second.root().as_array().begin()).as_string(), "x");
}

TEST(JsonReader, MayEndOnAnotherThread) {
  JsonReader reader{"[1, 2, 3]"};

  std::size_t size = 0;
  std::thread([&size, moved = std::move(reader)] { size = moved.root().as_array().size(); }).join();

  EXPECT_EQ(size, 3U);
}

TEST(JsonReader, ServesSeveralDocumentsAtOnce) {
  std::vector<JsonReader> readers;
  for (int i = 0; i < 20; ++i) readers.emplace_back("[" + std::to_string(i) + "]");

  for (int i = 0; i < 20; ++i) EXPECT_EQ((*readers[static_cast<std::size_t>(i)].root().as_array().begin()).as_int(), i);
}

TEST(JsonReader, ReadsAfterAFailure) {
  EXPECT_NE(refusal("[1, 2"), "accepted");
  EXPECT_EQ(refusal("[1, 2]"), "accepted");
}

TEST(JsonReader, ReadsLargeDocuments) {
  std::string text = "[";
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + ",";
  text.back() = ']';

  const JsonReader reader{text};
  std::int64_t sum = 0;
  for (const JsonValue number : reader.root().as_array()) sum += number.as_int();

  EXPECT_EQ(sum, 4'999'950'000);
}

TEST(JsonValue, FindsMembersOrNothing) {
  const JsonReader reader{R"({"a": 1, "nothing": null})"};

  EXPECT_EQ(reader.root().find("a")->as_int(), 1);
  EXPECT_TRUE(reader.root().find("nothing")->is_null());
  EXPECT_FALSE(reader.root().find("b"));
}

TEST(JsonValue, TakesTheFirstOfSeveralMembersOfOneName) {
  const JsonReader reader{R"({"a": 1, "a": 2, "\u0061": 3})"};

  EXPECT_EQ(reader.root()["a"].as_int(), 1);
  EXPECT_EQ(reader.root().find("a")->as_int(), 1);
  EXPECT_EQ(reader.root().as_object().size(), 3U);
}

TEST(JsonValue, IteratesInTheOrderOfTheText) {
  const JsonReader reader{R"({"z": {"y": [1]}, "a": [], "m": 2.5})"};
  std::string names;

  for (const auto& [name, value] : reader.root().as_object()) names += std::string(name) + value.path();

  EXPECT_EQ(names, "z/za/am/m");
}

TEST(JsonValue, IteratesOverEmptyContainers) {
  const JsonReader reader{R"([[], {}])"};
  auto at = reader.root().as_array().begin();

  EXPECT_TRUE((*at).as_array().empty());
  EXPECT_EQ((*at++).as_array().size(), 0U);
  EXPECT_TRUE((*at).as_object().empty());
  EXPECT_EQ(++at, reader.root().as_array().end());
}

static_assert(std::forward_iterator<JsonArray::Iterator> && std::forward_iterator<JsonObject::Iterator>);

TEST(JsonValue, NamesThePathOfAMissingMember) {
  const char* text = R"({"items": [{}, {"a/b~c": {}}]})";

  EXPECT_EQ(complaint(text, [](JsonValue root) { root["user"]; }), "/user is missing");
  EXPECT_EQ(complaint(text, [](JsonValue root) { (*++root["items"].as_array().begin())["a/b~c"]["x"]; }),
            "/items/1/a~1b~0c/x is missing");
}

TEST(JsonValue, NamesThePathAndBothTypesOfAWrongOne) {
  const char* text = R"({"a": [1, "two", {"b": 1.5}], "c": null})";
  const auto element = [](JsonValue root, int position) { return *std::next(root["a"].as_array().begin(), position); };

  EXPECT_EQ(complaint(text, [&](JsonValue root) { element(root, 1).as_int(); }),
            "/a/1 should be an integer and is a string");
  EXPECT_EQ(complaint(text, [&](JsonValue root) { element(root, 2)["b"].as_int(); }),
            "/a/2/b should be an integer and is a number with a fraction or an exponent");
  EXPECT_EQ(complaint(text, [&](JsonValue root) { element(root, 0).as_string(); }),
            "/a/0 should be a string and is an integer");
  EXPECT_EQ(complaint(text, [](JsonValue root) { root["c"].as_bool(); }), "/c should be a boolean and is null");
  EXPECT_EQ(complaint(text, [](JsonValue root) { root["c"].as_double(); }), "/c should be a number and is null");
  EXPECT_EQ(complaint(text, [](JsonValue root) { root["a"].find("x"); }), "/a should be an object and is an array");
  EXPECT_EQ(complaint(text, [](JsonValue root) { root.as_array(); }),
            "the root of the document should be an array and is an object");
}

TEST(JsonValue, NamesTheRangeOfAnIntegerThatDoesNotFit) {
  EXPECT_EQ(complaint("[-1]", [](JsonValue root) { (*root.as_array().begin()).as_uint(); }),
            "/0 should be an integer from 0 to 2^64-1");
  EXPECT_EQ(complaint("9223372036854775808", [](JsonValue root) { root.as_int(); }),
            "the root of the document should be an integer from -2^63 to 2^63-1");
}

TEST(JsonValue, TellsThePathOfEveryValue) {
  const JsonReader reader{R"({"": 0, "a": {"b": [[], [10, 20]]}})"};
  const JsonValue inner = *std::next(reader.root()["a"]["b"].as_array().begin());

  EXPECT_EQ(reader.root().path(), "");
  EXPECT_EQ(reader.root()[""].path(), "/");
  EXPECT_EQ(inner.path(), "/a/b/1");
  EXPECT_EQ((*++inner.as_array().begin()).path(), "/a/b/1/1");
}

}  // namespace
}  // namespace umbel
