// SPDX-License-Identifier: MIT
#include "umbel/json/json_writer.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "rapidjson.hpp"

namespace umbel {

namespace {

constexpr std::size_t usual_document = 256;  // The first block of a document. Most replies never need a second.

// What RapidJSON writes strings with. There is room for all of it.
struct Sink {
  using Ch = char;
  void Put(char c) { *at++ = c; }
  void Flush() {}

  char* at;
};
using EscapingWriter = rapidjson::Writer<Sink, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                                         rapidjson::kWriteValidateEncodingFlag>;

template <class Word>
Word load(const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Whether each of the eight bytes is ASCII and needs no escaping. Each term's high bits tell of a byte below 0x20, of a
// quote, of a backslash and of a byte from 0x80; a borrow can only come out of a byte that is told of already.
constexpr bool is_plain(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t control = word - 0x20 * ones;
  const std::uint64_t quote = (word ^ ('"' * ones)) - ones;
  const std::uint64_t backslash = (word ^ ('\\' * ones)) - ones;
  return ((control | quote | backslash | word) & (0x80 * ones)) == 0;
}

constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// By byte, 1 for what is not plain.
constexpr auto unplain = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) table[byte] = !is_plain(static_cast<char>(byte));
  return table;
}();

// The first, the middle and the last byte, which may be the same.
[[gnu::always_inline]] inline bool copy_plain_below_4(char* to, std::string_view text) noexcept {
  if (text.empty()) return true;
  const auto copy = [&](std::size_t i) -> unsigned {
    const char c = text[i];
    to[i] = c;
    return unplain[static_cast<unsigned char>(c)];
  };
  return !(copy(0) | copy(text.size() / 2) | copy(text.size() - 1));
}

// From 4 to 7 bytes.
[[gnu::always_inline]] inline bool copy_plain_from_4(char* to, std::string_view text) noexcept {
  const auto front = load<std::uint32_t>(text.data());
  const auto back = load<std::uint32_t>(text.data() + text.size() - 4);
  std::memcpy(to, &front, 4);
  std::memcpy(to + text.size() - 4, &back, 4);
  return is_plain(front | std::uint64_t{back} << 32);
}

// The last step overlaps the one before.
bool copy_plain_from_8(char* to, std::string_view text) noexcept {
  const std::size_t last = text.size() - 8;
  for (std::size_t at = 0;; at = at + 8 < last ? at + 8 : last) {
    const auto word = load<std::uint64_t>(text.data() + at);
    if (!is_plain(word)) return false;
    std::memcpy(to + at, &word, 8);
    if (at == last) return true;
  }
}

[[gnu::always_inline]] inline bool copy_plain_below_8(char* to, std::string_view text) noexcept {
  return text.size() < 4 ? copy_plain_below_4(to, text) : copy_plain_from_4(to, text);
}

// Copies as far as the text is plain; false if some of it is not.
bool copy_plain(char* to, std::string_view text) noexcept {
  return text.size() < 8 ? copy_plain_below_8(to, text) : copy_plain_from_8(to, text);
}

std::size_t plain_prefix(std::string_view text) noexcept {
  std::size_t size = 0;
  while (text.size() - size >= 8 && is_plain(load<std::uint64_t>(text.data() + size))) size += 8;
  while (size < text.size() && is_plain(text[size])) ++size;
  return size;
}

// Up to where the text is plain again, or a little more than 128 bytes in whole characters.
std::size_t special_prefix(std::string_view text) noexcept {
  std::size_t size = 0;
  while (size < text.size() && !is_plain(text[size])) {
    const bool continues = (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80;
    if (size >= 128 && !continues) break;
    ++size;
  }
  return size;
}

std::size_t promised_length(char lead) noexcept {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// RapidJSON trusts a character's first byte and would read beyond the end of such a text.
bool ends_within_a_character(std::string_view text) noexcept {
  for (std::size_t left = 1; left < 4 && left <= text.size(); ++left)
    if (promised_length(text[text.size() - left]) > left) return true;
  return false;
}

}  // namespace

JsonWriter::JsonWriter(JsonWriter&& other) noexcept
    : out_(std::move(other.out_)), state_(std::exchange(other.state_, {})), spilled_(std::move(other.spilled_)) {}

JsonWriter& JsonWriter::operator=(JsonWriter&& other) noexcept {
  if (this == &other) return *this;
  out_ = std::exchange(other.out_, {});
  state_ = std::exchange(other.state_, {});
  spilled_ = std::exchange(other.spilled_, {});
  return *this;
}

void JsonWriter::clear() noexcept {
  out_.clear();
  spilled_.clear();
  state_ = {};
  use_block();
}

void JsonWriter::grow(std::size_t bytes) {
  if (!state_.at && bytes <= usual_document) return start_block();
  sync();
  out_.room(bytes);
  use_block();
}

// The first block apart: where nothing has to move, taking it is a few instructions. Inline, as others here: a shared
// library must not inline what can be replaced.
inline void JsonWriter::start_block() {
  out_.start(usual_document);
  state_.at = out_.data();
  state_.end = state_.at + detail::BlockPool::capacity(usual_document);
}

inline void JsonWriter::use_block() noexcept {
  state_.at = out_.data() + out_.size();
  state_.end = out_.data() + out_.capacity();
}

// What comes after the container that ends.
inline JsonWriter::Place JsonWriter::pop() noexcept {
  const bool in_array = state_.outer & 1;
  state_.outer >>= 1;
  if (state_.outer == 1) {
    if (spilled_.empty()) return Place::done;
    spilled_.shrink(sizeof state_.outer);
    std::memcpy(&state_.outer, spilled_.data() + spilled_.size(), sizeof state_.outer);
  }
  return in_array ? Place::element : Place::key;
}

// Every value is followed by a comma; the end of its container, or of the document, takes it back.
inline void JsonWriter::finish_value(char* at) noexcept {
  *at = ',';
  state_.at = at + 1;
}

// Quotes what stands at `at + 1`.
inline void JsonWriter::finish_string(char* at, std::size_t size) noexcept {
  *at = '"';
  at += size + 1;
  *at = '"';
  finish_value(at + 1);
}

void JsonWriter::begin_first(char bracket, Place inside) {
  if (state_.place != Place::root) [[unlikely]]
    refuse_value();
  start_block();
  *state_.at++ = bracket;
  state_.outer = 2;  // One container, and in no array.
  state_.place = inside;
}

// Calls nothing while there is room, and so saves no registers. So do `end` and those `put` that are called most.
void JsonWriter::begin_next(char bracket, Place inside) {
  if (state_.place > Place::member_value) [[unlikely]]
    refuse_value();
  if (state_.at == state_.end || state_.outer >> 63) [[unlikely]]
    return begin_in_new_room(bracket, inside);
  enter(bracket, inside);
}

[[gnu::noinline]] void JsonWriter::begin_in_new_room(char bracket, Place inside) {
  room(1);
  if (state_.outer >> 63) [[unlikely]] {
    spilled_.append({reinterpret_cast<const char*>(&state_.outer), sizeof state_.outer});
    state_.outer = 1;
  }
  enter(bracket, inside);
}

inline void JsonWriter::enter(char bracket, Place inside) noexcept {
  *state_.at++ = bracket;
  state_.outer = state_.outer << 1 | std::uint64_t{state_.place == Place::element};
  state_.place = inside;
}

void JsonWriter::end(char bracket, Place inside) {
  if (state_.place != inside) [[unlikely]]
    refuse_end();
  if (state_.end - state_.at < 2) [[unlikely]]
    return end_in_new_room(bracket, inside);
  char* at = state_.at;
  if (at[-1] == ',') --at;
  *at = bracket;
  state_.place = pop();
  finish_value(at + 1);
}

[[gnu::noinline]] void JsonWriter::end_in_new_room(char bracket, Place inside) {
  grow(2);
  end(bracket, inside);
}

void JsonWriter::write_key(std::string_view name) {
  char* at = start_key(name.size() + 3);
  if (copy_plain(at + 1, name)) {
    *at = '"';
    at[name.size() + 1] = '"';
    state_.at = at + name.size() + 2;
  } else {
    write_escaped(at, name);
  }
  *room(1) = ':';
  ++state_.at;
  state_.place = Place::member_value;
}

JsonWriter& JsonWriter::raw(std::string_view valid_json) {
  if (valid_json.empty()) fail("a raw JSON value is empty");
  put_raw(start_value(valid_json.size() + 1), valid_json);
  return *this;
}

// Short strings are most strings. What they do not need stands apart, so that no registers are saved for it.
void JsonWriter::put(char* at, std::string_view text) {
  if (text.size() >= 8) return put_long(at, text);
  if (!copy_plain_below_8(at + 1, text)) [[unlikely]]
    return put_escaped(at, text);
  finish_string(at, text.size());
}

[[gnu::noinline]] void JsonWriter::put_long(char* at, std::string_view text) {
  if (!copy_plain_from_8(at + 1, text)) return put_escaped(at, text);
  finish_string(at, text.size());
}

[[gnu::noinline]] void JsonWriter::put_escaped(char* at, std::string_view text) {
  write_escaped(at, text);
  finish_value(room(1));
}

inline void JsonWriter::put_raw(char* at, std::string_view json) noexcept {
  std::memcpy(at, json.data(), json.size());
  finish_value(at + json.size());
}

void JsonWriter::put(char* at, std::nullptr_t) noexcept { return put_raw(at, "null"); }
void JsonWriter::put(char* at, bool flag) noexcept { return put_raw(at, flag ? "true" : "false"); }

void JsonWriter::put(char* at, std::int64_t number) noexcept {
  const auto bits = static_cast<std::uint64_t>(number);
  if (number >= 0) return put(at, bits);
  *at = '-';
  put(at + 1, -bits);
}

// Most numbers in replies are small.
void JsonWriter::put(char* at, std::uint64_t number) noexcept {
  if (number >= 100) return put_number(at, number);
  if (number < 10) {
    *at = static_cast<char>('0' + number);
    return finish_value(at + 1);
  }
  std::memcpy(at, rapidjson::internal::GetDigitsLut() + 2 * number, 2);
  finish_value(at + 2);
}

[[gnu::noinline, gnu::flatten]] void JsonWriter::put_number(char* at, std::uint64_t number) noexcept {
  finish_value(rapidjson::internal::u64toa(number, at));
}

void JsonWriter::put(char* at, double number) {
  if (!std::isfinite(number)) fail("JSON has no number for NaN and the infinities");
  finish_value(rapidjson::internal::dtoa(number, at));
}

// With its quotes, from `at` on, where there is room for the first. RapidJSON is given only what is not plain.
void JsonWriter::write_escaped(char* at, std::string_view text) {
  *at = '"';
  state_.at = at + 1;
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    std::memcpy(room(plain), text.data(), plain);
    state_.at += plain;
    text.remove_prefix(plain);
    const std::size_t special = special_prefix(text);
    escape(text.substr(0, special));
    text.remove_prefix(special);
  }
  *room(1) = '"';
  ++state_.at;
}

// RapidJSON adds quotes. The opening one falls on the byte before, which is put back, the closing one is dropped.
void JsonWriter::escape(std::string_view text) {
  if (text.empty()) return;
  char* before = room(text.size() * 6 + 1) - 1;
  const char kept = *before;
  Sink sink{before};
  if (ends_within_a_character(text) || !EscapingWriter(sink).String(text.data(), text.size()))
    fail("a string for JSON is not valid UTF-8");
  *before = kept;
  state_.at = sink.at - 1;
}

void JsonWriter::fail(const char* sentence) {
  state_.place = Place::failed;
  throw JsonError(sentence);
}

void JsonWriter::refuse_half() { fail("the JSON document is incomplete"); }

void JsonWriter::refuse_end() {
  switch (state_.place) {
    case Place::failed:
      fail("the JSON document was given up after an error");
    case Place::member_value:
      fail("a JSON member has a name but no value");
    default:
      fail("the end of a JSON object or array does not match its beginning");
  }
}

void JsonWriter::refuse_key() {
  switch (state_.place) {
    case Place::failed:
      fail("the JSON document was given up after an error");
    case Place::member_value:
      fail("a JSON member has two names and no value");
    default:
      fail("a name for a JSON member outside of an object");
  }
}

void JsonWriter::refuse_value() {
  switch (state_.place) {
    case Place::failed:
      fail("the JSON document was given up after an error");
    case Place::done:
      fail("the JSON document has its value already");
    default:
      fail("a value in a JSON object needs a name");
  }
}

}  // namespace umbel
