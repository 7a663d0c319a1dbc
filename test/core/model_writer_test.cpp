// SPDX-License-Identifier: MIT
#include "umbel/json/model_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "umbel/json/json_error.hpp"
#include "umbel/json/model_reader.hpp"

namespace {

using namespace umbel;

enum class Colour { red, green };

struct Price {
  double amount;
  Defaulted<std::string> currency = "EUR";
};

struct Item {
  int id;
  std::string_view name;
  bool sold;
  Colour colour;
  std::optional<std::string> note;
  std::optional<Price> price;
  std::vector<Price> prices;
  std::map<std::string, std::vector<std::uint8_t>> stock;
  std::array<float, 2> size;
  short grid[2][2];
};

template <class T>
std::string json_of(const T& model) {
  JsonWriter json;
  write_model(json, model);
  return std::string(std::move(json).take().view());
}

TEST(ModelWriter, WritesEveryMemberInItsOrder) {
  const Item item{.id = -7,
                  .name = "a \"lamp\"",
                  .sold = true,
                  .colour = Colour::green,
                  .note = {},
                  .price = Price{1.5},
                  .prices = {{2, "CHF"}, {3}},
                  .stock = {{"a\n", {1, 255}}, {"b", {}}},
                  .size = {0.5, 2},
                  .grid = {{1, 2}, {3, 4}}};

  EXPECT_EQ(
      json_of(item),
      R"({"id":-7,"name":"a \"lamp\"","sold":true,"colour":"green","note":null,)"
      R"("price":{"amount":1.5,"currency":"EUR"},"prices":[{"amount":2.0,"currency":"CHF"},)"
      R"({"amount":3.0,"currency":"EUR"}],"stock":{"a\n":[1,255],"b":[]},"size":[0.5,2.0],"grid":[[1,2],[3,4]]})");
}

struct Numbers {
  std::int8_t a = std::numeric_limits<std::int8_t>::min();
  std::int16_t b = std::numeric_limits<std::int16_t>::min();
  std::int32_t c = std::numeric_limits<std::int32_t>::min();
  std::int64_t d = std::numeric_limits<std::int64_t>::min();
  std::uint8_t e = std::numeric_limits<std::uint8_t>::max();
  std::uint16_t f = std::numeric_limits<std::uint16_t>::max();
  std::uint32_t g = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t h = std::numeric_limits<std::uint64_t>::max();
  float i = 0.25;
  double j = 0.1;
};

TEST(ModelWriter, WritesNumbersOfEveryWidthWhichReadBackAsTheSame) {
  const std::string text = json_of(Numbers{});
  EXPECT_EQ(text, R"({"a":-128,"b":-32768,"c":-2147483648,"d":-9223372036854775808,"e":255,"f":65535,"g":4294967295,)"
                  R"("h":18446744073709551615,"i":0.25,"j":0.1})");

  Numbers read{0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(read_model(text, read).empty());

  EXPECT_EQ(json_of(read), text);
}

struct Nothing {};
struct Sparse {
  Nothing nothing;
  std::optional<int> number;
  std::vector<std::optional<int>> list;
};

TEST(ModelWriter, WritesWhatIsEmpty) {
  EXPECT_EQ(json_of(Sparse{.nothing = {}, .number = {}, .list = {1, std::nullopt}}),
            R"({"nothing":{},"number":null,"list":[1,null]})");
}

TEST(ModelWriter, WritesAListOrAMapOfModelsAsAnyValue) {
  JsonWriter json;
  json.begin_object().key("prices");
  write_model(json, std::vector<Price>{{1}});
  json.key("by_name");
  write_model(json, std::map<std::string, Price>{{"a", {2}}});
  json.end_object();

  EXPECT_EQ(std::move(json).take().view(),
            R"({"prices":[{"amount":1.0,"currency":"EUR"}],"by_name":{"a":{"amount":2.0,"currency":"EUR"}}})");
}

struct Text {
  std::string text;
};
struct Chosen {
  Colour colour;
};

TEST(ModelWriter, RefusesWhatJsonCannotSay) {
  EXPECT_THROW(json_of(Text{"\xff"}), JsonError);
  EXPECT_THROW(json_of(std::map<std::string, int>{{"\xc3", 1}}), JsonError);
  EXPECT_THROW(json_of(Price{std::numeric_limits<double>::quiet_NaN()}), JsonError);
  EXPECT_THROW(json_of(Chosen{static_cast<Colour>(7)}), JsonError);
}

TEST(ModelWriter, LeavesNoDocumentAfterAnError) {
  JsonWriter json;

  EXPECT_THROW(write_model(json, Chosen{static_cast<Colour>(7)}), JsonError);

  EXPECT_FALSE(json.is_complete());
  EXPECT_THROW(std::move(json).take(), JsonError);
}

struct Coin {
  Tag<"coin"> kind;
  int value;
};
struct Note {
  Tag<"note"> kind;
};
struct Purse {
  std::variant<Coin, Note> first;
  std::chrono::year_month_day day;
  std::chrono::sys_time<std::chrono::milliseconds> at;
};

std::string written_purse(const Purse& purse) {
  JsonWriter json;
  write_model(json, purse);
  return std::string(std::move(json).take().view());
}

TEST(ModelWriter, WritesAVariantWithItsTag) {
  using namespace std::chrono;
  Purse purse{Coin{{}, 2}, 2026y / 11 / 23, sys_days{2026y / 11 / 23} + 8h};

  EXPECT_EQ(written_purse(purse),
            R"({"first":{"kind":"coin","value":2},"day":"2026-11-23","at":"2026-11-23T08:00:00Z"})");
  purse = {Note{}, 1y / 2 / 3, sys_time<milliseconds>{-1ms}};
  EXPECT_EQ(written_purse(purse), R"({"first":{"kind":"note"},"day":"0001-02-03","at":"1969-12-31T23:59:59.999Z"})");
}

TEST(ModelWriter, WritesNoYearBeyondFourDigits) {
  using namespace std::chrono;

  EXPECT_THROW(written_purse({Note{}, 10000y / 1 / 1, {}}), JsonError);
  EXPECT_THROW(written_purse({Note{}, 2026y / 2 / 30, {}}), JsonError);
  EXPECT_THROW(written_purse({Note{}, 2026y / 1 / 1, sys_days{10000y / 1 / 1}}), JsonError);
}

}  // namespace
