// SPDX-License-Identifier: MIT
#pragma once
// JSON in: a whole document, parsed and checked at once, then read in any order.
//
// It is simdjson's DOM that stands behind, not its faster On-Demand: that reads forward only, so a value which was
// looked up could not be kept while another one is, and half of a malformed body would be acted upon before its error
// shows.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "umbel/json/json_error.hpp"

namespace umbel {

class JsonArray;
class JsonObject;

namespace detail {
struct JsonDocument;
template <class Item>
class JsonIterator;
}  // namespace detail

/// What a value of a document can be.
enum class JsonType : std::uint8_t {
  null,
  boolean,
  integer,  ///< Without fraction and exponent, from -2^63 to 2^64-1.
  real,     ///< Every other number.
  string,
  array,
  object,
};

/// A value within the document of a JsonReader: a reference, to be copied at will. It must not outlive the reader.
/// Any number of threads may read the same document.
///
/// What asks for a type throws JsonError if the value has another. The sentence names the value by its path.
class JsonValue {
public:
  /// What it is.
  JsonType type() const noexcept;
  /// It is the word null.
  bool is_null() const noexcept { return type() == JsonType::null; }

  /// True or false.
  bool as_bool() const;
  /// A number that is written as an integer and fits; 1.0 is none.
  std::int64_t as_int() const;
  /// The same, of a number that is not negative.
  std::uint64_t as_uint() const;
  /// Any number. An integer beyond 2^53 is rounded.
  double as_double() const;
  /// UTF-8 with all escapes resolved; may contain NUL. Valid as long as the reader lives.
  std::string_view as_string() const;
  /// Its elements.
  JsonArray as_array() const;
  /// Its members.
  JsonObject as_object() const;

  /// The member of that name. If the object has several, the first. Looks at one member after another.
  /// Throws if this is no object.
  std::optional<JsonValue> find(std::string_view name) const;
  /// The same; it is an error if there is none.
  JsonValue operator[](std::string_view name) const;

  /// The way from the root to here as a JSON Pointer (RFC 6901): `/items/2/price`; empty for the root. It is searched
  /// for anew with each call, so it is for messages.
  std::string path() const;

private:
  friend class JsonReader;
  template <class Item>
  friend class detail::JsonIterator;

  JsonValue(const detail::JsonDocument* document, std::size_t index) noexcept : document_(document), index_(index) {}
  [[noreturn]] void refuse(const char* expected) const;
  [[noreturn]] void refuse_range(const char* range) const;

  const detail::JsonDocument* document_;
  std::size_t index_;  // On simdjson's tape.
};

/// A member of an object.
struct JsonMember {
  std::string_view name;  ///< Escapes resolved. Valid as long as the reader lives.
  /// What stands behind the colon.
  JsonValue value;
};

namespace detail {

// A forward iterator that makes its items on the fly.
template <class Item>
class JsonIterator {
public:
  using value_type = Item;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::forward_iterator_tag;

  JsonIterator() noexcept = default;
  JsonIterator(const JsonDocument* document, std::size_t index) noexcept : document_(document), index_(index) {}

  Item operator*() const noexcept;
  JsonIterator& operator++() noexcept;
  JsonIterator operator++(int) noexcept {
    const JsonIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const JsonIterator&) const noexcept = default;

private:
  const JsonDocument* document_ = nullptr;
  std::size_t index_ = 0;
};

template <>
JsonValue JsonIterator<JsonValue>::operator*() const noexcept;
template <>
JsonIterator<JsonValue>& JsonIterator<JsonValue>::operator++() noexcept;
template <>
JsonMember JsonIterator<JsonMember>::operator*() const noexcept;
template <>
JsonIterator<JsonMember>& JsonIterator<JsonMember>::operator++() noexcept;

}  // namespace detail

/// The elements of an array, in order: `for (JsonValue element : value.as_array())`. Lives as long as a JsonValue may.
class JsonArray {
public:
  /// Over the elements, in their order.
  using Iterator = detail::JsonIterator<JsonValue>;

  /// JsonValue makes it.
  JsonArray(Iterator begin, Iterator end) noexcept : begin_(begin), end_(end) {}
  Iterator begin() const noexcept { return begin_; }
  Iterator end() const noexcept { return end_; }
  bool empty() const noexcept { return begin_ == end_; }
  /// Counts.
  std::size_t size() const noexcept;

private:
  Iterator begin_;
  Iterator end_;
};

/// The members of an object, in the order of the text: `for (auto [name, value] : value.as_object())`. Members of the
/// same name all show. Lives as long as a JsonValue may.
class JsonObject {
public:
  /// Over the members, in their order.
  using Iterator = detail::JsonIterator<JsonMember>;

  /// JsonValue makes it.
  JsonObject(Iterator begin, Iterator end) noexcept : begin_(begin), end_(end) {}
  Iterator begin() const noexcept { return begin_; }
  Iterator end() const noexcept { return end_; }
  bool empty() const noexcept { return begin_ == end_; }
  /// Counts.
  std::size_t size() const noexcept;

private:
  Iterator begin_;
  Iterator end_;
};

/// What a JsonReader accepts.
struct JsonLimits {
  /// How many arrays and objects may lie within one another. An empty one does not count.
  std::size_t depth = 64;
};

/// Says that behind a text lie `JsonReader::padding` bytes which may be read, whatever they hold.
class PaddedText {
public:
  /// The promise that JsonReader::padding bytes behind the text may be read.
  explicit constexpr PaddedText(std::string_view text) noexcept : text_(text) {}
  /// Without the padding.
  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

/// Parses a JSON document (RFC 8259) and owns what it parsed. The text is not needed any more once the reader is made.
///
///     JsonReader reader{body};
///     std::string_view name = reader.root()["user"]["name"].as_string();
///
/// The whole document is checked: UTF-8, escapes (a lone surrogate is an error), numbers (an integer beyond 64 bits is
/// an error, as is a number that no double can hold), depth, and that nothing follows it. Memory for texts of up to
/// 16 KiB is recycled per thread. A reader may move to another thread; values stay valid when it moves.
class JsonReader {
public:
  /// How many readable bytes a PaddedText has behind it.
  static constexpr std::size_t padding = 64;

  /// Copies the text, for the padding. Throws JsonError if it is no JSON, with the place if that is known.
  explicit JsonReader(std::string_view text, JsonLimits limits = {});
  /// The same without the copy.
  explicit JsonReader(PaddedText text, JsonLimits limits = {});
  JsonReader(JsonReader&& other) noexcept : document_(std::exchange(other.document_, nullptr)) {}
  JsonReader& operator=(JsonReader&& other) noexcept {
    std::swap(document_, other.document_);
    return *this;
  }
  ~JsonReader();

  /// Not of a reader that was moved from.
  JsonValue root() const& noexcept { return {document_, 1}; }
  JsonValue root() && = delete;  // The value would outlive the reader.

private:
  explicit JsonReader(detail::JsonDocument* document) noexcept : document_(document) {}
  void parse(std::string_view padded, JsonLimits limits);

  detail::JsonDocument* document_;  // Null if moved from.
};

}  // namespace umbel
