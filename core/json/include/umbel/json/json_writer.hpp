// SPDX-License-Identifier: MIT
#pragma once
// JSON out: one document, written front to back into a Buffer.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "umbel/core/buffer.hpp"
#include "umbel/json/detail/plain_text.hpp"
#include "umbel/json/json_error.hpp"

namespace umbel {

namespace detail {
/// Not constexpr: a JsonKey that calls it is refused by the compiler, which then prints this name.
void this_key_needs_escaping_pass_it_as_a_string_view();
}  // namespace detail

/// The name of a member that is known at compile time. The compiler proves that it needs no escaping, so that writing
/// it is a copy. A name with quotes, backslashes, control characters or invalid UTF-8 does not compile: pass it as a
/// std::string_view.
class JsonKey {
public:
  /// Implicit, so that `json.key("name")` is the short and the fast way.
  template <std::size_t size>
  consteval JsonKey(const char (&literal)[size]) : JsonKey(std::string_view(literal, size - 1)) {
    if (literal[size - 1] != '\0') detail::this_key_needs_escaping_pass_it_as_a_string_view();
  }
  /// For names that templates compute. `text` has static storage.
  explicit consteval JsonKey(std::string_view text) : text_(text.empty() ? "" : text) {
    if (!detail::is_plain_json_text(text)) detail::this_key_needs_escaping_pass_it_as_a_string_view();
  }

  /// As it was given.
  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

/// A string whose length is known at run time only: not an array. An array that is filled at run time needs a
/// std::string_view around it.
template <class T>
concept JsonText = std::convertible_to<const T&, std::string_view> && !std::is_array_v<T>;

namespace detail {

template <class T, class... Others>
concept JsonOneOf = (std::same_as<T, Others> || ...);

// Numbers: not `bool`, and not the types of characters.
template <class T>
concept JsonInteger = std::integral<T> && sizeof(T) <= sizeof(std::uint64_t) &&
                      !JsonOneOf<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;
template <class T>
concept JsonNumber = JsonInteger<T> || JsonOneOf<T, float, double>;

}  // namespace detail

/// What a JsonWriter takes as a value: bool, integers of up to 64 bits, float, double, nullptr, and whatever converts
/// to std::string_view. The types of characters are no integers; a null `const char*` is no string.
template <class T>
concept JsonScalar = detail::JsonOneOf<T, bool, std::nullptr_t> || detail::JsonNumber<T> ||
                     std::convertible_to<const T&, std::string_view>;

/// Writes one JSON document. Members keep the order in which they are written; nothing is pretty-printed.
///
///     JsonWriter json;
///     json.begin_object().field("item_id", 42).field("q", q);
///     json.key("tags").begin_array().value("a").end_array().end_object();
///     Buffer out = std::move(json).take();
///
/// Allocates nothing in the steady state: output and nesting live in recycled memory. Nesting is not limited. Duplicate
/// names are not noticed. Not shared between threads; may move from one to another.
///
/// Every function but `clear` and `is_complete` throws JsonError on misuse: a value without a key in an object, a key
/// outside of one, an end that does not match, a second root. After any JsonError the document is lost, so that half of
/// it cannot be sent by mistake: every further call throws, until `clear`.
class JsonWriter {
public:
  JsonWriter() noexcept = default;
  /// Writes behind what `out` holds already; `take` gives it back with the rest.
  explicit JsonWriter(Buffer&& out) noexcept;
  JsonWriter(JsonWriter&& other) noexcept;
  JsonWriter& operator=(JsonWriter&& other) noexcept;
  ~JsonWriter() = default;

  /// Opens an object, as a value or an element.
  JsonWriter& begin_object() { return begin('{', Place::key), *this; }
  /// Closes it.
  JsonWriter& end_object() { return end('}', Place::key), *this; }
  /// Opens an array.
  JsonWriter& begin_array() { return begin('[', Place::element), *this; }
  /// Closes it.
  JsonWriter& end_array() { return end(']', Place::element), *this; }

  /// The name of the next member. The value follows. A name that is no literal is escaped, and must be UTF-8.
  JsonWriter& key(JsonKey name);
  /// The name of the next member, of any text: what must be escaped is.
  template <JsonText Text>
  JsonWriter& key(const Text& name) {
    write_key(name);
    return *this;
  }

  /// An element, the value of a member, or the whole document. Strings are escaped, and an error if they are not UTF-8.
  /// Numbers read back as the same number; NaN and the infinities are an error, since JSON has none. An empty optional
  /// is null.
  template <JsonScalar Scalar>
  JsonWriter& value(const Scalar& what) {
    const auto widest = widen(what);
    put(start_value(most_bytes(widest)), widest);
    return *this;
  }
  /// A value, or null.
  template <JsonScalar Scalar>
  JsonWriter& value(const std::optional<Scalar>& what) {
    return what ? value(*what) : value(nullptr);
  }

  /// A value that is JSON already, copied as it is. Nobody checks it: it must be one whole value, in UTF-8. If it is
  /// empty, that is an error.
  JsonWriter& raw(std::string_view valid_json);

  /// The same as `key(name).value(what)`, and faster.
  template <JsonScalar Scalar>
  JsonWriter& field(JsonKey name, const Scalar& what) {
    const auto widest = widen(what);
    put(start_field(name, most_bytes(widest)), widest);
    return *this;
  }
  /// A member that has a value, or null.
  template <JsonScalar Scalar>
  JsonWriter& field(JsonKey name, const std::optional<Scalar>& what) {
    return what ? field(name, *what) : field(name, nullptr);
  }
  /// A member whose name is any text.
  template <JsonText Text, class T>
  JsonWriter& field(const Text& name, const T& what) {
    write_key(name);
    return value(what);
  }

  /// Whether the document has its root and everything in it is closed.
  bool is_complete() const noexcept { return state_.place == Place::done; }

  /// The document; the writer is empty again and can write another. An incomplete document is an error.
  Buffer take() &&;

  /// Drops the document, what the buffer held before it, and the error if there was one. Keeps the memory.
  void clear() noexcept;

private:
  // What may come next. Those that take a value stand first.
  enum class Place : std::uint8_t { root, element, member_value, key, done, failed };
  struct State {
    char* at = nullptr;       // The end of what is written, in the memory of `out_`, which learns of it in `sync`.
    char* end = nullptr;      // The end of that memory.
    std::uint64_t outer = 1;  // A bit per open container, the innermost lowest: 1 if it lies in an array. On top, 1.
    Place place = Place::root;
  };
  static constexpr std::size_t longest_number = 25;  // RapidJSON's: -1.2345678901234567e-308 and the like.

  template <JsonScalar Scalar>
  static constexpr auto widen(const Scalar& what) noexcept;

  // How many bytes `put` may write: the value and a comma.
  static constexpr std::size_t most_bytes(std::string_view text) noexcept { return text.size() + 3; }
  template <detail::JsonOneOf<bool, std::nullptr_t> T>
  static constexpr std::size_t most_bytes(T) noexcept {
    return 6;
  }
  template <detail::JsonNumber T>
  static constexpr std::size_t most_bytes(T) noexcept {
    return longest_number + 1;
  }

  char* room(std::size_t bytes);
  char* start_key(std::size_t bytes);
  char* start_field(JsonKey name, std::size_t bytes);
  char* start_value(std::size_t bytes);
  char* copy_name(char* at, JsonKey name) noexcept;

  // Write a value at `at`, where there is room for it and a comma.
  void put(char* at, std::string_view text);
  void put(char* at, std::nullptr_t) noexcept;
  void put(char* at, bool flag) noexcept;
  void put(char* at, std::int64_t number) noexcept;
  void put(char* at, std::uint64_t number) noexcept;
  void put(char* at, double number);
  void put_number(char* at, std::uint64_t number) noexcept;
  void put_raw(char* at, std::string_view json) noexcept;
  void put_long(char* at, std::string_view text);
  void put_escaped(char* at, std::string_view text);
  void finish_string(char* at, std::size_t size) noexcept;
  void finish_value(char* at) noexcept;

  void begin(char bracket, Place inside);
  void begin_first(char bracket, Place inside);
  void begin_next(char bracket, Place inside);
  void begin_in_new_room(char bracket, Place inside);
  void enter(char bracket, Place inside) noexcept;
  void end(char bracket, Place inside);
  void end_in_new_room(char bracket, Place inside);
  void write_key(std::string_view name);
  void write_escaped(char* at, std::string_view text);
  void escape(std::string_view text);
  void grow(std::size_t bytes);
  void start_block();
  void use_block() noexcept;
  void sync() noexcept;
  Place pop() noexcept;
  [[noreturn]] void fail(const char* sentence);
  [[noreturn]] void refuse_half();
  [[noreturn]] void refuse_end();
  [[noreturn]] void refuse_key();
  [[noreturn]] void refuse_value();

  Buffer out_;
  State state_;
  Buffer spilled_;  // Words of `outer` that were full.
};

inline JsonWriter::JsonWriter(Buffer&& out) noexcept : out_(std::move(out)) {
  state_.at = out_.data() + out_.size();
  state_.end = out_.data() + out_.capacity();
}

template <JsonScalar Scalar>
constexpr auto JsonWriter::widen(const Scalar& what) noexcept {
  if constexpr (detail::JsonOneOf<Scalar, bool, std::nullptr_t>) return what;
  else if constexpr (std::floating_point<Scalar>) return double{what};
  else if constexpr (std::signed_integral<Scalar>) return std::int64_t{what};
  else if constexpr (std::unsigned_integral<Scalar>) return std::uint64_t{what};
  else return std::string_view(what);
}

// Where a writer begins, the compiler knows which it is.
inline void JsonWriter::begin(char bracket, Place inside) {
  if (!state_.at) return begin_first(bracket, inside);
  begin_next(bracket, inside);
}

// Gives at least `bytes` behind what is written.
inline char* JsonWriter::room(std::size_t bytes) {
  if (static_cast<std::size_t>(state_.end - state_.at) < bytes) [[unlikely]]
    grow(bytes);
  return state_.at;
}

inline char* JsonWriter::start_value(std::size_t bytes) {
  static constexpr Place after[] = {Place::done, Place::element, Place::key};
  if (state_.place > Place::member_value) [[unlikely]]
    refuse_value();
  char* at = room(bytes);
  state_.place = after[static_cast<std::size_t>(state_.place)];
  return at;
}

inline char* JsonWriter::start_key(std::size_t bytes) {
  if (state_.place != Place::key) [[unlikely]]
    refuse_key();
  return room(bytes);
}

// The Buffer learns what was written.
inline void JsonWriter::sync() noexcept {
  out_.grew(static_cast<std::size_t>(state_.at - (out_.data() + out_.size())));
}

inline Buffer JsonWriter::take() && {
  if (!is_complete()) [[unlikely]]
    refuse_half();
  --state_.at;  // The comma.
  sync();
  state_ = {};
  return std::move(out_);
}

// From here on always inline: the length of the name is known at the call, and its copy a few stores.
[[gnu::always_inline]] inline char* JsonWriter::copy_name(char* at, JsonKey name) noexcept {
  const std::string_view text = name.text();
  *at++ = '"';
  std::memcpy(at, text.data(), text.size());
  at += text.size();
  *at++ = '"';
  *at++ = ':';
  return at;
}

[[gnu::always_inline]] inline char* JsonWriter::start_field(JsonKey name, std::size_t bytes) {
  return copy_name(start_key(name.text().size() + 3 + bytes), name);
}

[[gnu::always_inline]] inline JsonWriter& JsonWriter::key(JsonKey name) {
  state_.at = start_field(name, 0);
  state_.place = Place::member_value;
  return *this;
}

}  // namespace umbel
