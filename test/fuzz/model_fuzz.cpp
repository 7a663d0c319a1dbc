// SPDX-License-Identifier: MIT
// JSON into models: it is JSON exactly if a JsonReader says so, and what was read is what is written.

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "driver.hpp"
#include "umbel/json/constrained.hpp"
#include "umbel/json/model_reader.hpp"
#include "umbel/json/model_writer.hpp"
#include "umbel/json/tag.hpp"

namespace umbel::fuzz {
namespace {

enum class Colour { red, green };

struct Inner {
  std::string name;
  std::optional<Bounded<int, ge<0>, le<100>>> count;
  Defaulted<std::vector<Inner>> inner;
};

struct One {
  Tag<"one"> kind;
  Defaulted<std::vector<std::string>> s;
};
struct Two {
  std::optional<int> i;
  Tag<"two"> kind;
};

struct Outer {
  std::optional<std::int64_t> i;
  std::optional<std::uint8_t> u;
  std::optional<double> d;
  std::optional<float> f;
  std::optional<bool> b;
  std::optional<Colour> c;
  std::optional<Text<min_length<1>, pattern<"^[a-c]*$">>> t;
  Defaulted<std::array<int, 2>> a;
  Defaulted<std::map<std::string, Inner>> m;
  Defaulted<std::vector<std::optional<std::string>>> l;
  std::optional<std::variant<One, Two>> v;
  std::optional<std::chrono::year_month_day> y;
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> w;
};

std::string written(const Outer& outer) {
  JsonWriter json;
  write_model(json, outer);
  const Buffer text = std::move(json).take();
  return std::string{text.view()};
}

bool is_json(std::string_view text) {
  try {
    JsonReader{text};
    return true;
  } catch (const JsonError&) {
    return false;
  }
}

}  // namespace

void try_one(std::string_view data) {
  Outer outer;
  const ModelErrors errors = read_model(data, outer);
  const bool is_malformed = !errors.empty() && errors[0].type == "json_invalid";
  // A number that no model's member takes may be none for a JsonReader: what is read is more often right.
  if (!is_malformed && errors.empty() && !is_json(data)) {
    if (data.find_first_of("0123456789") == data.npos) fail("a JsonReader refuses it", data);
  }
  // Nor the other way round, of an exponent of many digits.
  const bool has_digits = data.find_first_of("0123456789") != data.npos;
  if (is_malformed && !has_digits && is_json(data)) fail("a JsonReader takes it", data, errors[0].ctx);
  for (const ModelError& error : errors) {
    const bool is_number = error.input.find_first_not_of("+-.0123456789Ee") == error.input.npos;
    if (error.type.empty() || error.message.empty() || error.input.empty() || (!is_number && !is_json(error.input)))
      fail("an error without words", error.input);
    if (!error.ctx.empty() && !is_json("{" + error.ctx + "}")) fail("a context that is no JSON", error.ctx);
  }
  if (!errors.empty()) return;
  const std::string once = written(outer);
  Outer again;
  if (!read_model(std::string_view{once}, again).empty()) fail("what was written is refused", once, data);
  if (written(again) != once) fail("what was read again is another", once, written(again));
}

}  // namespace umbel::fuzz
