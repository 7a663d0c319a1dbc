// SPDX-License-Identifier: MIT
#include "umbel/json/json_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace umbel {
namespace {

using namespace std::string_view_literals;

std::string taken(JsonWriter&& json) { return std::string(std::move(json).take().view()); }

template <class T>
std::string written(const T& value) {
  JsonWriter json;
  json.value(value);
  return taken(std::move(json));
}

std::string refusal(const std::function<void(JsonWriter&)>& misuse) {
  JsonWriter json;
  try {
    misuse(json);
  } catch (const JsonError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(JsonWriter, WritesAnObjectInTheOrderOfTheCalls) {
  JsonWriter json;

  json.begin_object()
      .field("item_id", 42)
      .field("q", "abc"sv)
      .key("tags")
      .begin_array()
      .value("a")
      .value("b")
      .end_array();
  json.field("on", true).field("off", false).field("none", nullptr).end_object();

  EXPECT_EQ(taken(std::move(json)), R"({"item_id":42,"q":"abc","tags":["a","b"],"on":true,"off":false,"none":null})");
}

TEST(JsonWriter, WritesEmptyContainersWithoutCommas) {
  JsonWriter json;

  json.begin_array().begin_array().end_array().begin_object().end_object().begin_array().end_array().end_array();

  EXPECT_EQ(taken(std::move(json)), "[[],{},[]]");
}

TEST(JsonWriter, KeepsACommaThatEndsAString) {
  JsonWriter json;

  json.begin_array().value(",").end_array();

  EXPECT_EQ(taken(std::move(json)), R"([","])");
  EXPECT_EQ(written(","), R"(",")");
}

TEST(JsonWriter, WritesAnyValueAsTheRoot) {
  EXPECT_EQ(written(nullptr), "null");
  EXPECT_EQ(written(true), "true");
  EXPECT_EQ(written(-7), "-7");
  EXPECT_EQ(written(0.5), "0.5");
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written(std::string("text")), R"("text")");
}

TEST(JsonWriter, WritesEmptyOptionalsAsNull) {
  JsonWriter json;

  json.begin_object().field("a", std::optional<int>()).field("b", std::optional<int>(1));
  json.key("c").value(std::optional<std::string>("x")).field("d"sv, std::optional<bool>()).end_object();

  EXPECT_EQ(taken(std::move(json)), R"({"a":null,"b":1,"c":"x","d":null})");
}

TEST(JsonWriter, WritesIntegersOfEveryWidthAtTheirExtremes) {
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(written(std::numeric_limits<std::int32_t>::min()), "-2147483648");
  EXPECT_EQ(written(std::numeric_limits<std::int8_t>::min()), "-128");
  EXPECT_EQ(written(std::numeric_limits<std::uint8_t>::max()), "255");
  EXPECT_EQ(written(std::numeric_limits<unsigned long long>::max()), "18446744073709551615");
}

TEST(JsonWriter, WritesEveryNumberOfDigits) {
  std::uint64_t number = 0;
  for (int digit = 1; digit <= 19; ++digit) {
    number = number * 10 + static_cast<std::uint64_t>(digit % 10);
    EXPECT_EQ(written(number), std::to_string(number));
    EXPECT_EQ(written(-static_cast<std::int64_t>(number)), "-" + std::to_string(number));
  }
}

TEST(JsonWriter, WritesNumbersOnBothSidesOfEveryPowerOfTen) {
  for (int number = -1'100; number <= 1'100; ++number) EXPECT_EQ(written(number), std::to_string(number));
  for (std::uint64_t power = 1'000; power <= 1'000'000'000'000'000'000; power *= 10)
    for (const std::uint64_t number : {power - 1, power, power + 1}) {
      EXPECT_EQ(written(number), std::to_string(number));
      EXPECT_EQ(written(-static_cast<std::int64_t>(number)), "-" + std::to_string(number));
    }
}

TEST(JsonWriter, WritesDoublesAsShortAsTheyAre) {
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1.0), "1.0");
  EXPECT_EQ(written(-0.0), "-0.0");
  EXPECT_EQ(written(1e308), "1e308");
  EXPECT_EQ(written(5e-324), "5e-324");
  EXPECT_EQ(written(1e20), "100000000000000000000.0");
  EXPECT_EQ(written(0.5F), "0.5");
}

TEST(JsonWriter, WritesDoublesThatReadBackAsTheSame) {
  std::vector<double> numbers = {1e308,
                                 -1.7976931348623157e308,
                                 2.2250738585072014e-308,
                                 4.9406564584124654e-324,
                                 -2.2250738585072009e-308,
                                 -1.2345678901234567e-308,
                                 0.1 + 0.2,
                                 9007199254740993.0,
                                 -0.000001234567890123456};
  std::mt19937_64 random(1);
  while (numbers.size() < 20'000) {
    const std::uint64_t bits = random();
    double number;
    std::memcpy(&number, &bits, sizeof number);
    if (std::isfinite(number)) numbers.push_back(number);
  }

  for (const double number : numbers) {
    const std::string text = written(number);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), number) << text;
  }
}

TEST(JsonWriter, RefusesNumbersThatJsonLacks) {
  for (const double number : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity()})
    EXPECT_EQ(refusal([=](JsonWriter& json) { json.value(number); }), "JSON has no number for NaN and the infinities");
}

TEST(JsonWriter, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(written(R"(say "hi" \ bye)"), R"("say \"hi\" \\ bye")");
  EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(written("\0\x01\x1f\x7f"sv), "\"\\u0000\\u0001\\u001F\x7f\"");
  EXPECT_EQ(written("a/b"), R"("a/b")");
}

TEST(JsonWriter, EscapesAtEveryPlaceOfAStringOfEveryLength) {
  for (std::size_t size = 1; size < 40; ++size)
    for (std::size_t place = 0; place < size; ++place)
      for (const char special : {'"', '\\', '\n'}) {
        std::string text(size, 'x');
        text[place] = special;
        std::string expected = "\"" + text + "\"";
        expected.replace(place + 1, 1, special == '\n' ? "\\n" : std::string("\\") + special);
        EXPECT_EQ(written(text), expected);
      }
}

// What JSON writes a byte as that is ASCII.
std::string escaped(char c) {
  constexpr std::string_view letters = "btn?fr";
  if (c == '"' || c == '\\') return std::string("\\") + c;
  if (c < '\b' || c == '\v' || c > '\r') {
    char code[8];
    std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(c));
    return c < ' ' ? code : std::string(1, c);
  }
  return std::string("\\") + letters[static_cast<std::size_t>(c - '\b')];
}

// The texts are on the heap and exactly as long, so that AddressSanitizer sees a read beyond the end.
TEST(JsonWriter, KnowsEveryByteAtEveryPlaceOfAShortString) {
  for (std::size_t size = 1; size <= 17; ++size)
    for (std::size_t place = 0; place < size; ++place)
      for (int byte = 0; byte < 256; ++byte) {
        std::vector<char> exact(size, 'x');
        exact[place] = static_cast<char>(byte);
        const std::string_view text(exact.data(), size);
        if (byte >= 0x80) {
          ASSERT_EQ(refusal([=](JsonWriter& json) { json.value(text); }), "a string for JSON is not valid UTF-8");
          continue;
        }
        const std::string expected =
            std::string(place, 'x') + escaped(exact[place]) + std::string(size - place - 1, 'x');
        ASSERT_EQ(written(text), "\"" + expected + "\"");
      }
}

TEST(JsonWriter, PassesACharacterThroughAtEveryPlaceOfAShortString) {
  for (const std::string character : {"é", "€", "\U0001F600"})
    for (std::size_t size = 0; size <= 17; ++size)
      for (std::size_t place = 0; place <= size; ++place) {
        const std::string text = std::string(place, 'x') + character + std::string(size - place, 'x');
        ASSERT_EQ(written(text), "\"" + text + "\"");
      }
}

TEST(JsonWriter, CopiesPlainStringsOfEveryLength) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('#' + i % 50);
    EXPECT_EQ(written(text), "\"" + text + "\"");
  }
}

TEST(JsonWriter, PassesUnicodeThrough) {
  for (const char* text : {"é", "日本語", "\U0001F600", "\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff", "\u2028"})
    EXPECT_EQ(written(text), std::string("\"") + text + "\"");
}

TEST(JsonWriter, PassesLongUnicodeThroughWhole) {
  for (std::size_t offset = 0; offset < 4; ++offset) {
    std::string text(offset, 'x');
    for (int i = 0; i < 1'000; ++i) text += i % 7 ? "日" : "\U0001F600 é";
    EXPECT_EQ(written(text), "\"" + text + "\"");
  }
}

TEST(JsonWriter, RefusesInvalidUtf8WhereverItStands) {
  const std::string_view broken[] = {"\x80",
                                     "\xbf",
                                     "\xc0\x80",
                                     "\xc1\xbf",
                                     "\xc3",
                                     "\xe2\x82",
                                     "\xe0\x9f\xbf",
                                     "\xed\xa0\x80",
                                     "\xed\xbf\xbf",
                                     "\xf0\x9f\x98",
                                     "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80",
                                     "\xff",
                                     "\xe2\x82x",
                                     "\xf0\x9f"};
  for (const std::string_view bytes : broken)
    for (const std::string& text :
         {std::string(bytes), "before" + std::string(bytes), std::string(bytes) + "and after"}) {
      // On the heap and exactly as long, so that AddressSanitizer sees a read beyond the end.
      const std::vector<char> exact(text.begin(), text.end());
      const std::string_view view(exact.data(), exact.size());
      EXPECT_EQ(refusal([&](JsonWriter& json) { json.value(view); }), "a string for JSON is not valid UTF-8");
      EXPECT_EQ(refusal([&](JsonWriter& json) { json.begin_object().key(view); }),
                "a string for JSON is not valid UTF-8");
    }
}

TEST(JsonWriter, EscapesNamesThatAreNoLiterals) {
  JsonWriter json;
  const std::string name = "a \"b\"";

  json.begin_object().field(name, 1).key("plain"sv).value(2).field("a long name, é"sv, 3).end_object();

  EXPECT_EQ(taken(std::move(json)), R"({"a \"b\"":1,"plain":2,"a long name, é":3})");
}

TEST(JsonWriter, TakesUnicodeAndEmptyLiteralsAsNames) {
  JsonWriter json;

  json.begin_object().field("", 1).field("prix_€", 2).end_object();

  EXPECT_EQ(taken(std::move(json)), R"({"":1,"prix_€":2})");
}

TEST(JsonWriter, CopiesRawValues) {
  JsonWriter json;

  json.begin_array().raw("[1,2]").raw("{}").value(3).end_array();

  EXPECT_EQ(taken(std::move(json)), "[[1,2],{},3]");
}

TEST(JsonWriter, NestsDeeperThanAWordHasBits) {
  for (const int depth : {1, 62, 63, 64, 65, 126, 127, 128, 200, 1000}) {
    JsonWriter json;
    std::string opening;
    std::string closing;

    for (int level = 0; level < depth; ++level) {
      if (level % 3 == 0) json.begin_object().key("k");
      else json.begin_array();
      opening += level % 3 == 0 ? R"({"k":)" : "[";
      closing.insert(0, level % 3 == 0 ? "}" : "]");
    }
    json.value(1);
    for (int level = depth; level-- > 0;) level % 3 == 0 ? json.end_object() : json.end_array();

    EXPECT_TRUE(json.is_complete());
    EXPECT_EQ(taken(std::move(json)), opening + "1" + closing);
  }
}

TEST(JsonWriter, GrowsBeyondOneBlock) {
  JsonWriter json;
  std::string expected = "[";

  json.begin_array();
  for (int i = 0; i < 5'000; ++i) {
    json.begin_object().field("number", i).field("text", "some \"text\"").end_object();
    expected += R"({"number":)" + std::to_string(i) + R"(,"text":"some \"text\""},)";
  }
  json.end_array();
  expected.back() = ']';

  EXPECT_EQ(taken(std::move(json)), expected);
}

TEST(JsonWriter, WritesAStringThatIsLongerThanAnyBlock) {
  const std::string plain(100'000, 'x');
  const std::string quotes(10'000, '"');

  EXPECT_EQ(written(plain), "\"" + plain + "\"");
  EXPECT_EQ(written(quotes).size(), 20'002U);
}

// Every way of filling the last byte of a block.
TEST(JsonWriter, GrowsAtEveryOffset) {
  for (std::size_t size = 200; size < 270; ++size) {
    JsonWriter json;
    const std::string filler(size, 'x');

    json.begin_array().value(filler).value("\n").value(nullptr).value(0.5).begin_object().end_object().end_array();

    EXPECT_EQ(taken(std::move(json)), "[\"" + filler + R"(","\n",null,0.5,{}])");
  }
}

TEST(JsonWriter, NestsDeeplyFromEveryOffset) {
  for (std::size_t size = 100; size < 270; ++size) {
    JsonWriter json;
    const std::string filler(size, 'x');

    json.begin_array().value(filler);
    for (int level = 0; level < 130; ++level) json.begin_array();
    for (int level = 0; level < 130; ++level) json.end_array();
    json.end_array();

    EXPECT_EQ(taken(std::move(json)), "[\"" + filler + "\"," + std::string(130, '[') + std::string(131, ']'));
  }
}

TEST(JsonWriter, RefusesAValueWithoutAKey) {
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().value(1); }), "a value in a JSON object needs a name");
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().field("a", 1).begin_array(); }),
            "a value in a JSON object needs a name");
}

TEST(JsonWriter, RefusesAKeyOutsideOfAnObject) {
  EXPECT_EQ(refusal([](JsonWriter& json) { json.key("a"); }), "a name for a JSON member outside of an object");
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_array().field("a", 1); }),
            "a name for a JSON member outside of an object");
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_array().key("a"sv); }),
            "a name for a JSON member outside of an object");
}

TEST(JsonWriter, RefusesTwoKeysForOneValue) {
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().key("a").key("b"); }),
            "a JSON member has two names and no value");
}

TEST(JsonWriter, RefusesAnEndThatDoesNotMatch) {
  const char* expected = "the end of a JSON object or array does not match its beginning";
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().end_array(); }), expected);
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_array().end_object(); }), expected);
  EXPECT_EQ(refusal([](JsonWriter& json) { json.end_array(); }), expected);
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_array().end_array().end_array(); }), expected);
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().key("a").end_object(); }),
            "a JSON member has a name but no value");
}

TEST(JsonWriter, RefusesASecondRoot) {
  EXPECT_EQ(refusal([](JsonWriter& json) { json.value(1).value(2); }), "the JSON document has its value already");
  EXPECT_EQ(refusal([](JsonWriter& json) { json.begin_object().end_object().begin_object(); }),
            "the JSON document has its value already");
}

TEST(JsonWriter, RefusesAnEmptyRawValue) {
  EXPECT_EQ(refusal([](JsonWriter& json) { json.raw(""); }), "a raw JSON value is empty");
}

TEST(JsonWriter, RefusesToHandOutAnIncompleteDocument) {
  EXPECT_EQ(refusal([](JsonWriter& json) { std::move(json).take(); }), "the JSON document is incomplete");
  EXPECT_EQ(refusal([](JsonWriter& json) { std::move(json.begin_array()).take(); }), "the JSON document is incomplete");
}

TEST(JsonWriter, StaysBrokenAfterAnErrorUntilCleared) {
  JsonWriter json;
  EXPECT_THROW(json.begin_array().value("\xff"), JsonError);

  EXPECT_THROW(json.value(1), JsonError);
  EXPECT_THROW(json.key("a"), JsonError);
  EXPECT_THROW(json.end_array(), JsonError);
  EXPECT_THROW(std::move(json).take(), JsonError);
  EXPECT_FALSE(json.is_complete());
  json.clear();

  EXPECT_EQ(taken(std::move(json.begin_array().value(1).end_array())), "[1]");
}

TEST(JsonWriter, IsReusableOnceTheDocumentIsTaken) {
  JsonWriter json;
  json.begin_array().value(1).end_array();

  const Buffer first = std::move(json).take();
  json.value("two");
  const Buffer second = std::move(json).take();

  EXPECT_EQ(first.view(), "[1]");
  EXPECT_EQ(second.view(), R"("two")");
}

TEST(JsonWriter, WritesBehindWhatTheBufferHolds) {
  JsonWriter json{Buffer("data: ")};

  json.begin_object().end_object();

  EXPECT_EQ(taken(std::move(json)), "data: {}");
}

TEST(JsonWriter, WritesBehindAFullBuffer) {
  for (std::size_t size = 56; size <= 64; ++size) {
    const std::string before(size, '-');
    JsonWriter object{Buffer(before)};
    JsonWriter number{Buffer(before)};

    object.begin_object().end_object();
    number.value(7);

    EXPECT_EQ(taken(std::move(object)), before + "{}");
    EXPECT_EQ(taken(std::move(number)), before + "7");
  }
}

TEST(JsonWriter, MovesInTheMiddleOfADocument) {
  JsonWriter from;
  for (int level = 0; level < 70; ++level) from.begin_array();
  from.value("some");

  JsonWriter to(std::move(from));
  JsonWriter last;
  last.begin_object();
  last = std::move(to);
  for (int level = 0; level < 70; ++level) last.end_array();

  EXPECT_EQ(taken(std::move(last)), std::string(70, '[') + "\"some\"" + std::string(70, ']'));
  EXPECT_EQ(taken(std::move(from.value(1))), "1");
  EXPECT_EQ(taken(std::move(to.value(2))), "2");
}

template <class T>
concept Writable = requires(JsonWriter json, T value) { json.value(value); };
enum Unscoped { red };

TEST(JsonWriter, TakesNoTypeByAnAccidentalConversion) {
  static_assert(Writable<short> && Writable<unsigned char> && Writable<const char*> && Writable<std::optional<float>>);
  static_assert(!Writable<char> && !Writable<char8_t> && !Writable<wchar_t> && !Writable<long double>);
  static_assert(!Writable<int*> && !Writable<void*> && !Writable<Unscoped>);
}

TEST(JsonKey, IsProvenPlainByTheCompiler) {
  using detail::is_plain_json_text;
  static_assert(is_plain_json_text("") && is_plain_json_text("item_id") && is_plain_json_text("€ 日本 \U0001F600"));
  static_assert(!is_plain_json_text("\"") && !is_plain_json_text("\\") && !is_plain_json_text("\n"));
  static_assert(!is_plain_json_text("\xc3") && !is_plain_json_text("\xed\xa0\x80") && !is_plain_json_text("\xc0\x80"));
  static_assert(!is_plain_json_text("\xf4\x90\x80\x80") && !is_plain_json_text("\xf5") && !is_plain_json_text("\x80"));
  static_assert(JsonKey("name").text() == "name" && JsonKey(std::string_view()).text().empty());
}

}  // namespace
}  // namespace umbel
