// SPDX-License-Identifier: MIT
// What models cost beside the same by hand: a document of 1 KB into a struct beside simdjson's On-Demand, and back
// beside RapidJSON's Writer.

#include <benchmark/benchmark.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "umbel/core/buffer.hpp"
#include "umbel/json/json_reader.hpp"
#include "umbel/json/model_reader.hpp"
#include "umbel/json/model_writer.hpp"

namespace {

using namespace umbel;

struct Address {
  std::string street;
  std::string city;
  std::string country;
  std::string postcode;
};

struct Line {
  std::int64_t product;
  std::string title;
  double price;
  int count;
};

struct Order {
  std::int64_t id;
  std::string customer;
  std::string email;
  bool paid;
  std::optional<std::string> note;
  Address address;
  std::vector<std::string> tags;
  std::vector<Line> lines;
};

constexpr std::string_view order_text =
    R"({"id":8214077,"customer":"Margaret Hamilton","email":"margaret.hamilton@example.org","paid":true,)"
    R"("note":"Please ring twice; the bell is quiet.","address":{"street":"42 Draper Laboratory Street","city":"Cambridge",)"
    R"("country":"United States","postcode":"MA 02139"},"tags":["express","gift","returning customer"],"lines":[)"
    R"({"product":100201,"title":"Reading lamp, brass, with a green shade","price":79.9,"count":1},)"
    R"({"product":100433,"title":"Notebook, ruled, 192 pages","price":12.25,"count":6},)"
    R"({"product":100788,"title":"Fountain pen, fine nib","price":48.5,"count":2},)"
    R"({"product":100789,"title":"Ink, blue-black, 50 ml","price":9.75,"count":4},)"
    R"({"product":101034,"title":"Desk clock with two time zones","price":134.0,"count":1},)"
    R"({"product":101500,"title":"Blotting paper, 100 sheets","price":6.4,"count":3},)"
    R"({"product":101777,"title":"Wooden ruler, 30 cm","price":3.2,"count":2}]})";

std::string padded_order() { return std::string(order_text) + std::string(JsonReader::padding, '\0'); }

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

// What somebody would write who checks every access, and trusts nobody about the order of members.
template <class Read>
error_code each_field(ondemand::object& object, Read read) {
  for (auto result : object) {
    ondemand::field field;
    if (const error_code error = std::move(result).get(field)) return error;
    std::string_view key;
    if (const error_code error = field.unescaped_key().get(key)) return error;
    if (const error_code error = read(key, field.value())) return error;
  }
  return simdjson::SUCCESS;
}

error_code read_text(ondemand::value& value, std::string& out) {
  std::string_view text;
  if (const error_code error = value.get_string().get(text)) return error;
  out.assign(text);
  return simdjson::SUCCESS;
}

error_code read_by_hand(ondemand::value& value, Address& out) {
  ondemand::object object;
  if (const error_code error = value.get_object().get(object)) return error;
  return each_field(object, [&](std::string_view key, ondemand::value& member) {
    if (key == "street") return read_text(member, out.street);
    if (key == "city") return read_text(member, out.city);
    if (key == "country") return read_text(member, out.country);
    if (key == "postcode") return read_text(member, out.postcode);
    return simdjson::SUCCESS;
  });
}

error_code read_by_hand(ondemand::value& value, Line& out) {
  ondemand::object object;
  if (const error_code error = value.get_object().get(object)) return error;
  return each_field(object, [&](std::string_view key, ondemand::value& member) {
    if (key == "product") return member.get_int64().get(out.product);
    if (key == "title") return read_text(member, out.title);
    if (key == "price") return member.get_double().get(out.price);
    if (key == "count") {
      std::int64_t count = 0;
      if (const error_code error = member.get_int64().get(count)) return error;
      out.count = static_cast<int>(count);
      return out.count == count ? simdjson::SUCCESS : simdjson::NUMBER_OUT_OF_RANGE;
    }
    return simdjson::SUCCESS;
  });
}

template <class Element, class Read>
error_code read_list(ondemand::value& value, std::vector<Element>& out, Read read) {
  ondemand::array array;
  if (const error_code error = value.get_array().get(array)) return error;
  for (auto result : array) {
    ondemand::value element;
    if (const error_code error = std::move(result).get(element)) return error;
    if (const error_code error = read(element, out.emplace_back())) return error;
  }
  return simdjson::SUCCESS;
}

error_code read_note(ondemand::value& value, std::optional<std::string>& out) {
  return value.is_null() ? simdjson::SUCCESS : read_text(value, out.emplace());
}

error_code read_by_hand(ondemand::document& document, Order& out) {
  ondemand::object object;
  if (const error_code error = document.get_object().get(object)) return error;
  unsigned seen = 0;
  const error_code error = each_field(object, [&](std::string_view key, ondemand::value& member) {
    if (key == "id") return seen |= 1, member.get_int64().get(out.id);
    if (key == "customer") return seen |= 2, read_text(member, out.customer);
    if (key == "email") return seen |= 4, read_text(member, out.email);
    if (key == "paid") return seen |= 8, member.get_bool().get(out.paid);
    if (key == "note") return read_note(member, out.note);
    if (key == "address") return seen |= 16, read_by_hand(member, out.address);
    if (key == "tags") return seen |= 32, read_list(member, out.tags, read_text);
    if (key == "lines")
      return seen |= 64,
             read_list(member, out.lines, [](ondemand::value& value, Line& line) { return read_by_hand(value, line); });
    return simdjson::SUCCESS;
  });
  if (error) return error;
  return seen == 127 ? simdjson::SUCCESS : simdjson::NO_SUCH_FIELD;
}

void BM_read_by_hand(benchmark::State& state) {
  const std::string text = padded_order();
  ondemand::parser parser;
  for (auto _ : state) {
    Order order{};
    ondemand::document document;
    const simdjson::padded_string_view padded(text.data(), order_text.size(), text.size());
    if (parser.iterate(padded).get(document) || read_by_hand(document, order)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(order);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * order_text.size()));
}
BENCHMARK(BM_read_by_hand);

void BM_read_model(benchmark::State& state) {
  const std::string text = padded_order();
  for (auto _ : state) {
    Order order{};
    if (!read_model(PaddedText(std::string_view(text).substr(0, order_text.size())), order).empty())
      state.SkipWithError("refused");
    benchmark::DoNotOptimize(order);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * order_text.size()));
}
BENCHMARK(BM_read_model);

Order read_order() {
  Order order{};
  read_model(order_text, order);
  return order;
}

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_text(Writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_by_hand(Writer& writer, const Address& address) {
  writer.StartObject();
  writer.Key("street");
  write_text(writer, address.street);
  writer.Key("city");
  write_text(writer, address.city);
  writer.Key("country");
  write_text(writer, address.country);
  writer.Key("postcode");
  write_text(writer, address.postcode);
  writer.EndObject();
}

void write_by_hand(Writer& writer, const Line& line) {
  writer.StartObject();
  writer.Key("product");
  writer.Int64(line.product);
  writer.Key("title");
  write_text(writer, line.title);
  writer.Key("price");
  writer.Double(line.price);
  writer.Key("count");
  writer.Int(line.count);
  writer.EndObject();
}

void write_by_hand(Writer& writer, const Order& order) {
  writer.StartObject();
  writer.Key("id");
  writer.Int64(order.id);
  writer.Key("customer");
  write_text(writer, order.customer);
  writer.Key("email");
  write_text(writer, order.email);
  writer.Key("paid");
  writer.Bool(order.paid);
  writer.Key("note");
  if (order.note) write_text(writer, *order.note);
  else writer.Null();
  writer.Key("address");
  write_by_hand(writer, order.address);
  writer.Key("tags");
  writer.StartArray();
  for (const std::string& tag : order.tags) write_text(writer, tag);
  writer.EndArray();
  writer.Key("lines");
  writer.StartArray();
  for (const Line& line : order.lines) write_by_hand(writer, line);
  writer.EndArray();
  writer.EndObject();
}

void BM_write_by_hand(benchmark::State& state) {
  const Order order = read_order();
  rapidjson::StringBuffer buffer;
  for (auto _ : state) {
    buffer.Clear();
    Writer writer(buffer);
    write_by_hand(writer, order);
    if (buffer.GetSize() != order_text.size()) state.SkipWithError("another size");
    benchmark::DoNotOptimize(buffer.GetString());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * order_text.size()));
}
BENCHMARK(BM_write_by_hand);

void BM_write_model(benchmark::State& state) {
  const Order order = read_order();
  for (auto _ : state) {
    JsonWriter json;
    write_model(json, order);
    const Buffer out = std::move(json).take();
    if (out.size() != order_text.size()) state.SkipWithError("another size");
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * order_text.size()));
}
BENCHMARK(BM_write_model);

// What it costs that a reply's document is copied behind its head: decision 0011.
void BM_copy_document(benchmark::State& state) {
  const std::string document(order_text);
  Buffer out;
  for (auto _ : state) {
    out.clear();
    out.append(document);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * order_text.size()));
}
BENCHMARK(BM_copy_document);

}  // namespace

BENCHMARK_MAIN();
