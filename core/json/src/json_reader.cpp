// SPDX-License-Identifier: MIT
#include "umbel/json/json_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <new>

#include "rapidjson.hpp"
#include "umbel/core/buffer.hpp"

namespace umbel {

static_assert(JsonReader::padding >= simdjson::SIMDJSON_PADDING);

struct detail::JsonDocument {
  simdjson::dom::parser parser;
  simdjson::dom::document tape;
  JsonDocument* next = nullptr;  // On a shelf.
};

namespace {

using detail::JsonDocument;
using simdjson::internal::tape_type;

// What simdjson's own element is made of; it does not let others make one from a place on the tape.
using Cell = simdjson::internal::tape_ref;

Cell cell_at(const JsonDocument* document, std::size_t index) noexcept { return {&document->tape, index}; }

// Documents for reuse, on each thread.
constexpr std::size_t most_kept = 4;
constexpr std::size_t largest_kept = 16 * 1024;  // Of text: about 15 bytes are kept for each.

class Shelf {
public:
  ~Shelf() {
    ended_ = true;
    while (first_) delete std::exchange(first_, first_->next);
  }

  static std::unique_ptr<JsonDocument> take() {
    if (ended_ || !shelf().first_) return std::make_unique<JsonDocument>();
    return shelf().pop();
  }

  // Under AddressSanitizer nothing is kept, since that would hide the use of a value after its reader.
  static void give(std::unique_ptr<JsonDocument> document) noexcept {
    if (UMBEL_PLAIN_BLOCKS || ended_ || document->tape.capacity() > largest_kept) return;
    if (shelf().count_ < most_kept) shelf().push(std::move(document));
  }

private:
  static Shelf& shelf() noexcept {
    static thread_local Shelf shelf;
    return shelf;
  }

  std::unique_ptr<JsonDocument> pop() noexcept {
    --count_;
    return std::unique_ptr<JsonDocument>(std::exchange(first_, first_->next));
  }

  void push(std::unique_ptr<JsonDocument> document) noexcept {
    ++count_;
    document->next = first_;
    first_ = document.release();
  }

  JsonDocument* first_ = nullptr;
  std::size_t count_ = 0;
  static inline thread_local bool ended_ = false;  // The thread is past its end. Outlives the shelf.
};

// Capacities are powers of two, so that texts which grow slowly do not allocate each time.
void make_room(JsonDocument& document, std::size_t bytes, std::size_t depth) {
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(bytes, 1024));
  const std::size_t capacity = std::min<std::size_t>(wanted, simdjson::SIMDJSON_MAXSIZE_BYTES);
  if (document.tape.capacity() < capacity && document.tape.allocate(capacity)) throw std::bad_alloc();
  // simdjson counts one level more than there are containers.
  if (document.parser.allocate(document.tape.capacity(), depth + 1)) throw std::bad_alloc();
}

// Reads the text a second time to learn where it is wrong, which simdjson does not tell. Counts depth as simdjson does:
// by what the containers hold.
struct DepthGuard : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthGuard> {
  bool Default() { return depth <= limit; }
  bool StartObject() { return depth++ <= limit; }
  bool StartArray() { return depth++ <= limit; }
  bool EndObject(std::size_t) { return depth-- > 0; }
  bool EndArray(std::size_t) { return depth-- > 0; }

  std::size_t limit = 0;
  std::size_t depth = 0;
};

rapidjson::ParseResult find_error(std::string_view text, JsonLimits limits) {
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  DepthGuard guard;
  guard.limit = limits.depth;
  return rapidjson::Reader().Parse<flags>(stream, guard);
}

// For what RapidJSON does not mind.
const char* sentence_for(simdjson::error_code error) noexcept {
  switch (error) {
    case simdjson::NUMBER_ERROR:
      return "a number does not fit into 64 bits";
    case simdjson::UTF8_ERROR:
      return "the text is not UTF-8";
    default:
      return "the document is malformed";
  }
}

[[noreturn]] void refuse_text(simdjson::error_code error, std::string_view text, JsonLimits limits) {
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  const rapidjson::ParseResult found = find_error(text, limits);
  if (!found) {
    const bool too_deep = found.Code() == rapidjson::kParseErrorTermination;
    const std::string sentence = too_deep ? "It is nested deeper than " + std::to_string(limits.depth) + " levels."
                                          : rapidjson::GetParseError_En(found.Code());
    throw JsonError("invalid JSON at byte " + std::to_string(found.Offset()) + ": " + sentence, found.Offset());
  }
  if (error == simdjson::DEPTH_ERROR)
    throw JsonError("invalid JSON: it is nested deeper than " + std::to_string(limits.depth) + " levels");
  throw JsonError(std::string("invalid JSON: ") + sentence_for(error));
}

const char* name_of(JsonType type) noexcept {
  switch (type) {
    case JsonType::null:
      return "null";
    case JsonType::boolean:
      return "a boolean";
    case JsonType::integer:
      return "an integer";
    case JsonType::real:
      return "a number with a fraction or an exponent";
    case JsonType::string:
      return "a string";
    case JsonType::array:
      return "an array";
    case JsonType::object:
      return "an object";
  }
  return "";
}

void append_step(std::string& path, std::string_view name) {
  path += '/';
  for (const char c : name) {
    if (c == '~') path += "~0";
    else if (c == '/') path += "~1";
    else path += c;
  }
}

// Appends the step from the container at `from` towards `target`, and gives where it leads.
std::size_t step_towards(std::size_t target, Cell from, std::string& path) {
  const bool in_object = from.tape_ref_type() == tape_type::START_OBJECT;
  std::size_t at = from.json_index + 1;
  for (std::size_t position = 0;; ++position) {
    const Cell value(from.doc, in_object ? at + 1 : at);
    if (target < value.after_element()) {
      append_step(path, in_object ? Cell(from.doc, at).get_string_view() : std::to_string(position));
      return value.json_index;
    }
    at = value.after_element();
  }
}

std::string place_name(const std::string& path) { return path.empty() ? "the root of the document" : path; }

}  // namespace

JsonType JsonValue::type() const noexcept {
  switch (cell_at(document_, index_).tape_ref_type()) {
    case tape_type::TRUE_VALUE:
    case tape_type::FALSE_VALUE:
      return JsonType::boolean;
    case tape_type::INT64:
    case tape_type::UINT64:
      return JsonType::integer;
    case tape_type::DOUBLE:
      return JsonType::real;
    case tape_type::STRING:
      return JsonType::string;
    case tape_type::START_ARRAY:
      return JsonType::array;
    case tape_type::START_OBJECT:
      return JsonType::object;
    default:
      return JsonType::null;
  }
}

bool JsonValue::as_bool() const {
  if (type() != JsonType::boolean) refuse("a boolean");
  return cell_at(document_, index_).is_true();
}

std::int64_t JsonValue::as_int() const {
  if (type() != JsonType::integer) refuse("an integer");
  const Cell cell = cell_at(document_, index_);
  if (cell.is_uint64()) refuse_range("an integer from -2^63 to 2^63-1");
  return cell.next_tape_value<std::int64_t>();
}

std::uint64_t JsonValue::as_uint() const {
  if (type() != JsonType::integer) refuse("an integer");
  const Cell cell = cell_at(document_, index_);
  if (cell.is_int64() && cell.next_tape_value<std::int64_t>() < 0) refuse_range("an integer from 0 to 2^64-1");
  return cell.next_tape_value<std::uint64_t>();
}

double JsonValue::as_double() const {
  const Cell cell = cell_at(document_, index_);
  if (cell.is_double()) return cell.next_tape_value<double>();
  if (cell.is_uint64()) return static_cast<double>(cell.next_tape_value<std::uint64_t>());
  if (cell.is_int64()) return static_cast<double>(cell.next_tape_value<std::int64_t>());
  refuse("a number");
}

std::string_view JsonValue::as_string() const {
  if (type() != JsonType::string) refuse("a string");
  return cell_at(document_, index_).get_string_view();
}

JsonArray JsonValue::as_array() const {
  if (type() != JsonType::array) refuse("an array");
  const std::size_t closing = cell_at(document_, index_).after_element() - 1;
  return {{document_, index_ + 1}, {document_, closing}};
}

JsonObject JsonValue::as_object() const {
  if (type() != JsonType::object) refuse("an object");
  const std::size_t closing = cell_at(document_, index_).after_element() - 1;
  return {{document_, index_ + 1}, {document_, closing}};
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  for (const JsonMember member : as_object())
    if (member.name == name) return member.value;
  return std::nullopt;
}

JsonValue JsonValue::operator[](std::string_view name) const {
  const std::optional<JsonValue> found = find(name);
  if (found) return *found;
  std::string wanted = path();
  append_step(wanted, name);
  throw JsonError(wanted + " is missing");
}

std::string JsonValue::path() const {
  std::string path;
  for (std::size_t at = 1; at != index_;) at = step_towards(index_, cell_at(document_, at), path);
  return path;
}

void JsonValue::refuse(const char* expected) const {
  throw JsonError(place_name(path()) + " should be " + expected + " and is " + name_of(type()));
}

void JsonValue::refuse_range(const char* range) const { throw JsonError(place_name(path()) + " should be " + range); }

namespace detail {

template <>
JsonValue JsonIterator<JsonValue>::operator*() const noexcept {
  return {document_, index_};
}

template <>
JsonIterator<JsonValue>& JsonIterator<JsonValue>::operator++() noexcept {
  index_ = cell_at(document_, index_).after_element();
  return *this;
}

template <>
JsonMember JsonIterator<JsonMember>::operator*() const noexcept {
  return {cell_at(document_, index_).get_string_view(), JsonValue(document_, index_ + 1)};
}

template <>
JsonIterator<JsonMember>& JsonIterator<JsonMember>::operator++() noexcept {
  index_ = cell_at(document_, index_ + 1).after_element();
  return *this;
}

}  // namespace detail

std::size_t JsonArray::size() const noexcept { return static_cast<std::size_t>(std::distance(begin_, end_)); }
std::size_t JsonObject::size() const noexcept { return static_cast<std::size_t>(std::distance(begin_, end_)); }

JsonReader::JsonReader(std::string_view text, JsonLimits limits) : JsonReader(Shelf::take().release()) {
  Buffer copy;
  char* padded = copy.room(text.size() + padding);
  copy.append(text);
  std::memset(padded + text.size(), 0, padding);
  parse(copy.view(), limits);
}

JsonReader::JsonReader(PaddedText text, JsonLimits limits) : JsonReader(Shelf::take().release()) {
  parse(text.text(), limits);
}

JsonReader::~JsonReader() {
  if (document_) Shelf::give(std::unique_ptr<detail::JsonDocument>(document_));
}

void JsonReader::parse(std::string_view padded, JsonLimits limits) {
  if (padded.size() > simdjson::SIMDJSON_MAXSIZE_BYTES) throw JsonError("invalid JSON: the document is too large");
  make_room(*document_, padded.size(), limits.depth);
  const auto result = document_->parser.parse_into_document(document_->tape, padded.data(), padded.size(), false);
  if (result.error()) refuse_text(result.error(), padded, limits);
}

}  // namespace umbel
