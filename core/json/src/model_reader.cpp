// SPDX-License-Identifier: MIT
#include "umbel/json/model_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "iso_8601.hpp"
#include "umbel/core/buffer.hpp"
#include "umbel/json/json_writer.hpp"

namespace umbel {

namespace {

namespace ondemand = simdjson::ondemand;
using detail::MemberShape;
using detail::Shape;
using detail::ShapeKind;
using ondemand::json_type;
using simdjson::error_code;

// What is told of a name that a client made up.
std::string_view shortened(std::string_view name) noexcept {
  if (name.size() <= longest_error_input) return name;
  std::size_t size = longest_error_input;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;  // Not in a character.
  return name.substr(0, size);
}

// The way to a value, from the inside to the outside: on the stack of whoever reads what is around.
struct Step {
  const Step* outer = nullptr;
  const MemberShape* member = nullptr;  // Null: `name`, or an index.
  std::string_view name = {};
  std::size_t index = 0;
  bool is_index = false;

  LocationPart part() const {
    if (is_index) return LocationPart(index);
    return LocationPart(member ? member->name() : shortened(name));
  }
};

// `type` and `msg`, and the members of `ctx`.
struct Words {
  std::string_view type;
  std::string_view message;
};

constexpr Words missing{"missing", "Field required"};
constexpr Words extra{"extra_forbidden", "Extra inputs are not permitted"};
constexpr Words duplicate{"duplicate_key", "Object should have each key once"};
constexpr Words no_bool{"bool_type", "Input should be a valid boolean"};
constexpr Words bool_text{"bool_parsing", "Input should be a valid boolean, unable to interpret input"};
constexpr Words no_integer{"int_type", "Input should be a valid integer"};
constexpr Words integer_text{"int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
constexpr Words integer_size{"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"};
constexpr Words fraction{"int_from_float", "Input should be a valid integer, got a number with a fractional part"};
constexpr Words no_number{"float_type", "Input should be a valid number"};
constexpr Words number_text{"float_parsing", "Input should be a valid number, unable to parse string as a number"};
constexpr Words infinite{"finite_number", "Input should be a finite number"};
constexpr Words no_text{"string_type", "Input should be a valid string"};
constexpr Words no_list{"list_type", "Input should be a valid list"};
constexpr Words no_map{"dict_type", "Input should be a valid dictionary"};
constexpr Words no_object{"model_attributes_type",
                          "Input should be a valid dictionary or object to extract fields from"};
constexpr Words no_file{"value_error", "Value error, a file comes in a form, and not in JSON"};

constexpr Words no_date{"date_type", "Input should be a valid date"};
constexpr Words no_moment{"datetime_type", "Input should be a valid datetime"};
constexpr Words no_offset{"timezone_aware", "Input should have timezone info"};

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

template <class Number>
std::optional<Words> parse(std::string_view text, Number& out, Words malformed, Words too_large) noexcept {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return malformed;
  if (error == std::errc::result_out_of_range) return too_large;
  return std::nullopt;
}

std::optional<bool> parse_bool(std::string_view text) noexcept {
  constexpr std::string_view words[] = {"0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes"};
  const auto is_same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b | 0x20 : b); };
  for (std::size_t i = 0; i < std::size(words); ++i)
    if (std::equal(words[i].begin(), words[i].end(), text.begin(), text.end(), is_same)) return i >= 6;
  return std::nullopt;
}

// The number types of one width and sign, by their size.
bool store_signed(std::int64_t number, std::uint32_t size, void* into) noexcept {
  const auto put = [&]<class T>(T) {
    const T narrow = static_cast<T>(number);
    std::memcpy(into, &narrow, sizeof narrow);
    return narrow == number;
  };
  switch (size) {
    case 1:
      return put(std::int8_t{});
    case 2:
      return put(std::int16_t{});
    case 4:
      return put(std::int32_t{});
    default:
      return put(std::int64_t{});
  }
}

bool store_unsigned(std::uint64_t number, std::uint32_t size, void* into) noexcept {
  const auto put = [&]<class T>(T) {
    const T narrow = static_cast<T>(number);
    std::memcpy(into, &narrow, sizeof narrow);
    return narrow == number;
  };
  switch (size) {
    case 1:
      return put(std::uint8_t{});
    case 2:
      return put(std::uint16_t{});
    case 4:
      return put(std::uint32_t{});
    default:
      return put(std::uint64_t{});
  }
}

bool store_real(double number, std::uint32_t size, void* into) noexcept {
  if (size == sizeof(double)) return std::memcpy(into, &number, sizeof number), true;
  if (std::abs(number) > static_cast<double>(std::numeric_limits<float>::max())) return false;
  const auto narrow = static_cast<float>(number);
  return std::memcpy(into, &narrow, sizeof narrow), true;
}

// An integer that JSON wrote with a fraction of zeros, or with an exponent.
template <class Integer>
std::optional<Words> whole(double number, Integer& out) noexcept {
  if (number != std::trunc(number)) return fraction;
  constexpr double end = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  if (number >= end || number < (std::is_signed_v<Integer> ? -end : 0)) return integer_size;
  return out = static_cast<Integer>(number), std::nullopt;
}

// Reads one document. What returns an error_code has met something that is no JSON: all is void then. What is wrong
// with the values is noted, and their text is read on, since it must be JSON.
class Reading {
public:
  Reading(std::string_view text, JsonLimits limits, Arena* texts, const ondemand::parser& parser,
          ondemand::document& document, ModelErrors& errors) noexcept
      : text_(text), depth_(limits.depth), texts_(texts), parser_(parser), document_(document), errors_(errors) {}

  error_code read_root(const Shape& shape, void* into) {
    ondemand::value root;
    if (const error_code error = document_.get_value().get(root)) return error;
    if (const error_code error = read(shape, root, into, nullptr, 0)) return error;
    return document_.current_location().error() == simdjson::OUT_OF_BOUNDS ? simdjson::SUCCESS
                                                                           : simdjson::TRAILING_CONTENT;
  }

private:
  error_code read(const Shape& shape, ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    if (!shape.broken && !shape.validate) return read_unchecked(shape, value, into, step, depth);
    return read_checked(shape, value, into, step, depth);
  }

  // Of a member or an element: what most of them are is read without a call.
  [[gnu::always_inline]] error_code read_part(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                              std::size_t depth) {
    if (!shape.broken) {
      if (shape.kind == ShapeKind::text) return read_text(value, into, step, depth);
      if (shape.kind == ShapeKind::view) return read_view(value, into, step, depth);
      if (shape.kind == ShapeKind::real) return read_real(shape, value, into, step, depth);
      if (shape.kind == ShapeKind::signed_number) return read_signed(shape, value, into, step, depth);
      if (shape.kind == ShapeKind::list) return read_list(shape, value, into, step, depth);
      if (shape.kind == ShapeKind::object && !shape.validate) return read_object(shape, value, into, step, depth);
    }
    return read(shape, value, into, step, depth);
  }

  // Constraints are asked of a value that is right so far.
  [[gnu::noinline]] error_code read_checked(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                            std::size_t depth) {
    const std::size_t before = errors_.size();
    const char* const start = value.raw_json_token().data();
    if (const error_code error = read_unchecked(shape, value, into, step, depth)) return error;
    if (errors_.size() != before || errors_.size() >= most_model_errors) return simdjson::SUCCESS;
    if (shape.broken) {
      if (const detail::Violation* const broken = shape.broken(into))
        return report_broken(shape, *broken, into, step, text_from(start)), simdjson::SUCCESS;
    }
    if (shape.validate) {
      if (const std::optional<std::string> wrong = shape.validate(into))
        report({"value_error", "Value error, " + *wrong}, step, text_from(start));
    }
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] void report_broken(const Shape& shape, const detail::Violation& broken, const void* value,
                                       const Step* step, std::string_view input) {
    std::string message = detail::message_of(broken);
    JsonWriter ctx;
    ctx.begin_object();
    const bool is_list = shape.kind == ShapeKind::list;
    if (is_list) ctx.field("field_type", "List");
    broken.bound.visit([&](auto bound) { ctx.field(broken.key, bound); });
    if (is_list) {
      const auto size = static_cast<const detail::ListOperations*>(shape.operations)->elements(value).count;
      message += std::to_string(size);
      ctx.field("actual_length", size);
    }
    ctx.end_object();
    put_ctx(report({broken.type, message}, step, input), std::move(ctx));
  }

  [[gnu::noinline]] error_code read_unchecked(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                              std::size_t depth) {
    switch (shape.kind) {
      case ShapeKind::boolean:
        return read_bool(value, into, step, depth);
      case ShapeKind::signed_number:
        return read_signed(shape, value, into, step, depth);
      case ShapeKind::unsigned_number:
        return read_unsigned(shape, value, into, step, depth);
      case ShapeKind::real:
        return read_real(shape, value, into, step, depth);
      case ShapeKind::text:
        return read_text(value, into, step, depth);
      case ShapeKind::view:
        return read_view(value, into, step, depth);
      case ShapeKind::enumeration:
        return read_enum(shape, value, into, step, depth);
      case ShapeKind::optional:
        return read_optional(shape, value, into, step, depth);
      case ShapeKind::list:
        return read_list(shape, value, into, step, depth);
      case ShapeKind::array:
        return read_array(shape, value, into, step, depth);
      case ShapeKind::map:
        return read_map(shape, value, into, step, depth);
      case ShapeKind::object:
        return read_object(shape, value, into, step, depth);
      case ShapeKind::variant:
        return read_variant(shape, value, into, step, depth);
      case ShapeKind::tag:
        return read_tag(shape, value, step, depth);
      case ShapeKind::date:
        return read_date(shape, value, into, step, depth);
      case ShapeKind::moment:
        return read_moment(shape, value, into, step, depth);
      case ShapeKind::file:
        return refuse(no_file, value, step, depth);
    }
    return simdjson::UNEXPECTED_ERROR;
  }

  error_code read_bool(ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    bool flag = false;
    if (!value.get_bool().get(flag)) return *static_cast<bool*>(into) = flag, simdjson::SUCCESS;
    return read_odd_bool(value, into, step, depth);
  }

  [[gnu::noinline]] error_code read_odd_bool(ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    json_type type;
    if (const error_code error = value.type().get(type)) return error;
    std::optional<bool> flag;
    const std::string_view token = value.raw_json_token();
    if (type == json_type::string) {
      std::string_view text;
      if (const error_code error = value.get_string().get(text)) return error;
      flag = parse_bool(text);
    } else if (type == json_type::number) {
      double number = 0;
      if (const error_code error = value.get_double().get(number)) return error;
      if (number == 0 || number == 1) flag = number == 1;
    } else {
      return refuse(no_bool, value, step, depth);
    }
    if (flag) *static_cast<bool*>(into) = *flag;
    else report(bool_text, step, trimmed(token));
    return simdjson::SUCCESS;
  }

  [[gnu::always_inline]] error_code read_signed(const Shape& shape, ondemand::value& value, void* into,
                                                const Step* step, std::size_t depth) {
    std::int64_t number = 0;
    const std::string_view token = value.raw_json_token();
    if (value.get_int64().get(number)) [[unlikely]] {
      const auto [error, is_there] = read_odd_integer(value, number, step, depth);
      if (error || !is_there) return error;
    }
    if (!store_signed(number, shape.size, into)) [[unlikely]]
      report(integer_size, step, trimmed(token));
    return simdjson::SUCCESS;
  }

  error_code read_unsigned(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                           std::size_t depth) {
    std::uint64_t number = 0;
    const std::string_view token = value.raw_json_token();
    if (value.get_uint64().get(number)) [[unlikely]] {
      const auto [error, is_there] = read_odd_integer(value, number, step, depth);
      if (error || !is_there) return error;
    }
    if (!store_unsigned(number, shape.size, into)) [[unlikely]]
      report(integer_size, step, trimmed(token));
    return simdjson::SUCCESS;
  }

  // All that is not digits alone: 5.0, 5e1, "5", true, and what is no integer. False: that was reported.
  template <class Integer>
  [[gnu::noinline]] std::pair<error_code, bool> read_odd_integer(ondemand::value& value, Integer& out, const Step* step,
                                                                 std::size_t depth) {
    json_type type;
    if (const error_code error = value.type().get(type)) return {error, false};
    const std::string_view token = value.raw_json_token();
    std::optional<Words> wrong;
    if (type == json_type::string) {
      std::string_view text;
      if (const error_code error = value.get_string().get(text)) return {error, false};
      wrong = parse(text, out, integer_text, integer_size);
    } else if (type == json_type::number) {
      ondemand::number number;
      if (const error_code error = value.get_number().get(number)) return {error, false};
      wrong = number.is_double() ? whole(number.get_double(), out) : integer_size;
    } else if (type == json_type::boolean) {
      bool flag = false;
      if (const error_code error = value.get_bool().get(flag)) return {error, false};
      out = flag;
    } else {
      return {refuse(no_integer, value, step, depth), false};
    }
    if (wrong) report(*wrong, step, trimmed(token));
    return {simdjson::SUCCESS, !wrong};
  }

  [[gnu::always_inline]] error_code read_real(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                              std::size_t depth) {
    double number = 0;
    const std::string_view token = value.raw_json_token();
    if (value.get_double().get(number)) [[unlikely]] {
      const auto [error, is_there] = read_odd_real(value, number, step, depth);
      if (error || !is_there) return error;
      if (!std::isfinite(number)) return report(infinite, step, trimmed(token)), simdjson::SUCCESS;
    }
    if (!store_real(number, shape.size, into)) [[unlikely]]
      report(infinite, step, trimmed(token));
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] std::pair<error_code, bool> read_odd_real(ondemand::value& value, double& out, const Step* step,
                                                              std::size_t depth) {
    json_type type;
    if (const error_code error = value.type().get(type)) return {error, false};
    const std::string_view token = value.raw_json_token();
    if (type == json_type::number) return {simdjson::NUMBER_ERROR, false};
    if (type == json_type::string) {
      std::string_view text;
      if (const error_code error = value.get_string().get(text)) return {error, false};
      const auto wrong = parse(text, out, number_text, infinite);
      if (wrong) report(*wrong, step, trimmed(token));
      return {simdjson::SUCCESS, !wrong};
    }
    if (type == json_type::boolean) {
      bool flag = false;
      if (const error_code error = value.get_bool().get(flag)) return {error, false};
      return out = flag, std::pair{simdjson::SUCCESS, true};
    }
    return {refuse(no_number, value, step, depth), false};
  }

  [[gnu::always_inline]] error_code read_text(ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    const std::string_view token = value.raw_json_token();
    if (token[0] != '"') [[unlikely]]
      return refuse(no_text, value, step, depth);
    std::string_view text;
    if (const error_code error = get_text(value, token, text)) return error;
    static_cast<std::string*>(into)->assign(text);
    return simdjson::SUCCESS;
  }

  [[gnu::always_inline]] error_code read_view(ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    const std::string_view token = value.raw_json_token();
    if (token[0] != '"') [[unlikely]]
      return refuse(no_text, value, step, depth);
    const std::string_view plain = plain_text(token);
    if (!plain.data()) [[unlikely]]
      return read_escaped_view(value, into);
    *static_cast<std::string_view*>(into) = plain;
    return value.get_raw_json_string().error();
  }

  // What has escapes is resolved in the parser's memory, which the next document overwrites.
  [[gnu::noinline]] error_code read_escaped_view(ondemand::value& value, void* into) {
    std::string_view text;
    if (const error_code error = value.get_string().get(text)) return error;
    *static_cast<std::string_view*>(into) = texts_->copy(text);
    return simdjson::SUCCESS;
  }

  static bool is_text(ondemand::value& value) { return is_text(value.raw_json_token()); }
  static bool is_text(std::string_view token) noexcept { return token.starts_with('"'); }

  // Most strings have nothing to resolve, and are taken from the text itself.
  error_code get_text(ondemand::value& value, std::string_view& out) {
    return get_text(value, value.raw_json_token(), out);
  }

  [[gnu::always_inline]] error_code get_text(ondemand::value& value, std::string_view token, std::string_view& out) {
    const std::string_view plain = plain_text(token);
    if (!plain.data()) [[unlikely]]
      return value.get_string().get(out);
    out = plain;
    return value.get_raw_json_string().error();
  }

  // What stands between the quotes. A null view if it may have escapes.
  [[gnu::always_inline]] static std::string_view plain_text(std::string_view token) noexcept {
    const char* const first = token.data() + 1;
    const char* last = token.data() + token.size() - 1;
    while (*last != '"') --last;
    const auto size = static_cast<std::size_t>(last - first);
    // Of a short one there are always sixteen bytes to look at, with the padding: one escape too many costs only time.
    const bool has_escapes = size <= 16 ? has_backslash(first) || (size > 8 && has_backslash(first + 8))
                                        : std::memchr(first, '\\', size) != nullptr;
    return has_escapes ? std::string_view{} : std::string_view{first, size};
  }

  // Among eight bytes; the zero byte of what differs in nothing from a backslash.
  static bool has_backslash(const char* bytes) noexcept {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    constexpr std::uint64_t ones = ~std::uint64_t{0} / 255;
    word ^= ones * '\\';
    return ((word - ones) & ~word & ones << 7) != 0;
  }

  error_code read_enum(const Shape& shape, ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    const auto& operations = *static_cast<const detail::EnumOperations*>(shape.operations);
    const std::string_view token = value.raw_json_token();
    const Words words{"enum", operations.message};
    if (!is_text(value)) return refuse(words, value, step, depth, &operations);
    std::string_view name;
    if (const error_code error = get_text(value, name)) return error;
    if (!operations.set(into, name)) report(words, step, trimmed(token), &operations);
    return simdjson::SUCCESS;
  }

  error_code read_optional(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                           std::size_t depth) {
    const auto& operations = *static_cast<const detail::OptionalOperations*>(shape.operations);
    if (value.raw_json_token().starts_with('n')) {
      bool is_null = false;
      if (const error_code error = value.is_null().get(is_null)) return error;
      if (!is_null) return simdjson::N_ATOM_ERROR;
      return operations.reset(into), simdjson::SUCCESS;
    }
    return read(*shape.inner, value, operations.emplace(into), step, depth);
  }

  [[gnu::noinline]] error_code read_list(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                         std::size_t depth) {
    const auto& operations = *static_cast<const detail::ListOperations*>(shape.operations);
    ondemand::array array;
    if (value.get_array().get(array)) [[unlikely]]
      return refuse(no_list, value, step, depth);
    operations.clear(into);
    Step inside{.outer = step, .is_index = true};
    if (depth >= depth_) [[unlikely]] {
      bool is_empty = false;
      if (const error_code error = array.is_empty().get(is_empty)) return error;
      if (!is_empty) return simdjson::DEPTH_ERROR;
    }
    for (auto result : array) {
      ondemand::value element;
      if (const error_code error = std::move(result).get(element)) return error;
      if (is_full_) [[unlikely]]
        operations.clear(into);  // Nobody will see it.
      if (const error_code error = read_part(*shape.inner, element, operations.append(into), &inside, depth + 1))
        return error;
      ++inside.index;
    }
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] error_code read_array(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                          std::size_t depth) {
    const char* const start = value.raw_json_token().data();
    ondemand::array array;
    if (value.get_array().get(array)) [[unlikely]]
      return refuse(no_list, value, step, depth);
    Step inside{.outer = step, .is_index = true};
    for (auto result : array) {
      ondemand::value element;
      if (const error_code error = std::move(result).get(element)) return error;
      if (depth >= depth_) return simdjson::DEPTH_ERROR;
      void* const place = static_cast<char*>(into) + inside.index * shape.size;
      const error_code error = inside.index < shape.count ? read(*shape.inner, element, place, &inside, depth + 1)
                                                          : pass_over(element, depth + 1);
      if (error) return error;
      ++inside.index;
    }
    if (inside.index != shape.count) [[unlikely]]
      report_size(shape.count, inside.index, step, text_from(start));
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] error_code read_map(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                        std::size_t depth) {
    const auto& operations = *static_cast<const detail::MapOperations*>(shape.operations);
    ondemand::object object;
    if (value.get_object().get(object)) [[unlikely]]
      return refuse(no_map, value, step, depth);
    operations.clear(into);
    for (auto result : object) {
      ondemand::field field;
      if (const error_code error = std::move(result).get(field)) return error;
      if (depth >= depth_) return simdjson::DEPTH_ERROR;
      std::string_view key;
      if (const error_code error = field.unescaped_key().get(key)) return error;
      const Step inside{.outer = step, .name = key};
      void* const place = operations.insert(into, key);
      const error_code error = place ? read(*shape.inner, field.value(), place, &inside, depth + 1)
                                     : refuse(duplicate, field.value(), &inside, depth + 1);
      if (error) return error;
    }
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] error_code read_object(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                           std::size_t depth) {
    const char* const start = value.raw_json_token().data();
    ondemand::object object;
    if (value.get_object().get(object)) [[unlikely]]
      return refuse(no_object, value, step, depth);
    Step inside{.outer = step};
    const auto far = reinterpret_cast<std::uintptr_t>(into) - reinterpret_cast<std::uintptr_t>(shape.room);
    const MemberShape* const members = shape.members;
    const std::size_t count = shape.count;
    if (depth >= depth_) [[unlikely]] {
      bool is_empty = false;
      if (const error_code error = object.is_empty().get(is_empty)) return error;
      if (!is_empty) return simdjson::DEPTH_ERROR;
    }
    std::uint64_t seen = 0;
    std::size_t expected = 0;
    for (auto result : object) {
      if (result.error()) return result.error();
      ondemand::field&& field = std::move(result).value_unsafe();
      if (expected >= count || !stands_at(field.key().raw(), members[expected])) [[unlikely]] {
        std::string_view other;
        expected = find(shape, field, other);
        if (expected == malformed_name) return simdjson::STRING_ERROR;
        if (expected >= count) {
          if (const error_code error = read_other(shape, other, field.value(), step, depth + 1)) return error;
          continue;
        }
      }
      const MemberShape& member = members[expected];
      const std::uint64_t bit = std::uint64_t{1} << expected++;
      inside.member = &member;
      if (seen & bit) [[unlikely]] {
        if (const error_code error = refuse(duplicate, field.value(), &inside, depth + 1)) return error;
        continue;
      }
      seen |= bit;
      void* const place = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(member.place) + far);
      if (const error_code error = read_part(*member.shape, field.value(), place, &inside, depth + 1)) return error;
    }
    if (seen != all_of(shape.count)) report_missing(shape, seen, step, start);
    return simdjson::SUCCESS;
  }

  // The tag is looked for first; then the object is read from its beginning.
  [[gnu::noinline]] error_code read_variant(const Shape& shape, ondemand::value& value, void* into, const Step* step,
                                            std::size_t depth) {
    const char* const start = value.raw_json_token().data();
    ondemand::object object;
    if (value.get_object().get(object)) [[unlikely]]
      return refuse(no_object, value, step, depth);
    ondemand::value tag;
    const error_code found = find_tag(object, shape.text, tag);
    if (found && found != simdjson::NO_SUCH_FIELD) return found;
    std::string_view token;
    if (!found) token = trimmed(tag.raw_json_token());
    std::size_t index = 0;
    if (is_text(token) && token.find('\\') != token.npos) {
      ondemand::raw_json_string written;
      if (const error_code error = tag.get_raw_json_string().get(written)) return error;
      while (index < shape.count && !says(written, shape.members[index].name())) ++index;
    } else {
      while (index < shape.count && !is_quoted(token, shape.members[index].name())) ++index;
    }
    if (const error_code error = object.reset().error()) return error;
    if (index == shape.count) return refuse_tag(shape, object, start, token, step, depth);
    const auto& operations = *static_cast<const detail::VariantOperations*>(shape.operations);
    const Step inside{.outer = step, .name = shape.members[index].name()};
    return read(*shape.members[index].shape, value, operations.emplace(into, index), &inside, depth);
  }

  // NO_SUCH_FIELD if it is not there. Its name is hardly ever written with escapes, and looked for so at last.
  error_code find_tag(ondemand::object& object, std::string_view name, ondemand::value& tag) {
    const error_code found = object.find_field_unordered(name).get(tag);
    if (found != simdjson::NO_SUCH_FIELD) return found;
    if (const error_code error = object.reset().error()) return error;
    for (auto result : object) {
      ondemand::field field;
      if (const error_code error = std::move(result).get(field)) return error;
      if (says(field.key(), name)) return tag = field.value(), simdjson::SUCCESS;
    }
    return simdjson::NO_SUCH_FIELD;
  }

  // Asked of what is read once more later: the parser's own memory has room for each text once.
  bool says(ondemand::raw_json_string written, std::string_view wanted) const {
    constexpr std::size_t longest_escape = 6;
    const char* const first = written.raw();
    const char* end = first;
    while (*end != '"') {
      end += *end == '\\' ? 2 : 1;
      if (static_cast<std::size_t>(end - first) > longest_escape * wanted.size()) return false;
    }
    std::vector<std::uint8_t> room(static_cast<std::size_t>(end - first) + simdjson::SIMDJSON_PADDING);
    std::uint8_t* into = room.data();
    std::string_view text;
    return !parser_.unescape(written, into).get(text) && text == wanted;
  }

  static bool is_quoted(std::string_view token, std::string_view text) noexcept {
    return token.size() == text.size() + 2 && token[0] == '"' && token.substr(1, text.size()) == text;
  }

  // `token`: what stands there, empty if nothing does.
  [[gnu::noinline]] error_code refuse_tag(const Shape& shape, ondemand::object& object, const char* start,
                                          std::string_view token, const Step* step, std::size_t depth) {
    if (const error_code error = pass_over_members(object, depth)) return error;
    const auto& operations = *static_cast<const detail::VariantOperations*>(shape.operations);
    if (is_text(token)) token = token.substr(1, token.size() - 2);
    if (token.size() > longest_error_input) token = "...";
    const std::string name = '\'' + std::string(shape.text) + '\'';
    JsonWriter ctx;
    ctx.begin_object().field("discriminator", std::string_view(name));
    std::string message;
    if (token.empty()) {
      message = "Unable to extract tag using discriminator " + name;
    } else {
      message = "Input tag '" + std::string(token) + "' found using " + name +
                " does not match any of the expected tags: " + std::string(operations.expected);
      ctx.field("tag", token).field("expected_tags", operations.expected);
    }
    ctx.end_object();
    put_ctx(report({token.empty() ? "union_tag_not_found" : "union_tag_invalid", message}, step, text_from(start)),
            std::move(ctx));
    return simdjson::SUCCESS;
  }

  static void put_ctx(ModelError* error, JsonWriter&& ctx) {
    if (!error) return;
    const Buffer members = std::move(ctx).take();
    error->ctx = members.view().substr(1, members.size() - 2);
  }

  error_code read_tag(const Shape& shape, ondemand::value& value, const Step* step, std::size_t depth) {
    const std::string_view token = trimmed(value.raw_json_token());
    const char* const start = token.data();
    if (is_quoted(token, shape.text)) return value.get_raw_json_string().error();
    if (is_text(token)) {
      std::string_view text;
      if (const error_code error = value.get_string().get(text)) return error;
      if (text == shape.text) return simdjson::SUCCESS;
    } else if (const error_code error = pass_over(value, depth)) {
      return error;
    }
    const std::string expected = '\'' + std::string(shape.text) + '\'';
    JsonWriter ctx;
    ctx.begin_object().field("expected", std::string_view(expected)).end_object();
    const std::string message = "Input should be " + expected;
    put_ctx(report({"literal_error", message}, step, text_from(start)), std::move(ctx));
    return simdjson::SUCCESS;
  }

  error_code read_date(const Shape& shape, ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    if (!is_text(value)) return refuse(no_date, value, step, depth);
    const std::string_view token = value.raw_json_token();
    std::string_view text;
    if (const error_code error = get_text(value, text)) return error;
    std::chrono::year_month_day date;
    const std::string_view mistake = detail::parse_date(text, date);
    if (!mistake.empty())
      report_time("date_from_datetime_parsing", "Input should be a valid date or datetime, ", mistake, step, token);
    else static_cast<const detail::DateOperations*>(shape.operations)->set(into, date);
    return simdjson::SUCCESS;
  }

  error_code read_moment(const Shape& shape, ondemand::value& value, void* into, const Step* step, std::size_t depth) {
    if (!is_text(value)) return refuse(no_moment, value, step, depth);
    const std::string_view token = value.raw_json_token();
    std::string_view text;
    if (const error_code error = get_text(value, text)) return error;
    detail::Moment moment;
    bool has_offset = false;
    std::string_view mistake = detail::parse_moment(text, moment, has_offset);
    if (mistake.empty() && !has_offset) return report(no_offset, step, trimmed(token)), simdjson::SUCCESS;
    if (mistake.empty() && !static_cast<const detail::MomentOperations*>(shape.operations)->set(into, moment))
      mistake = "it is too far away";
    if (!mistake.empty()) report_time("datetime_parsing", "Input should be a valid datetime, ", mistake, step, token);
    return simdjson::SUCCESS;
  }

  [[gnu::noinline]] void report_time(std::string_view type, std::string_view words, std::string_view mistake,
                                     const Step* step, std::string_view token) {
    JsonWriter ctx;
    ctx.begin_object().field("error", mistake).end_object();
    const std::string message = std::string(words).append(mistake);
    put_ctx(report({type, message}, step, trimmed(token)), std::move(ctx));
  }

  static constexpr std::size_t malformed_name = ~std::size_t{0};

  static std::uint64_t all_of(std::size_t count) noexcept {
    return count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  }

  // Members mostly come in the order of the struct. A name stands in the text as it is, with a quote behind it, unless
  // it has escapes.
  [[gnu::noinline]] std::size_t find(const Shape& shape, ondemand::field& field, std::string_view& other) {
    const char* const name = field.key().raw();
    for (std::size_t i = 0; i < shape.count; ++i)
      if (stands_at(name, shape.members[i])) return i;
    return find_escaped(shape, field, other);
  }

  // Eight bytes tell most names: behind the text, the padding has room for them.
  bool stands_at(const char* name, const MemberShape& member) const noexcept {
    std::uint64_t head;
    std::memcpy(&head, name, sizeof head);
    if ((head & member.head_mask) != member.head) return false;
    const std::string_view wanted = member.name();
    if (wanted.size() < sizeof head) return true;
    const auto rest = static_cast<std::size_t>(text_.data() + text_.size() - name);
    return wanted.size() < rest && name[wanted.size()] == '"' &&
           std::memcmp(name + sizeof head, wanted.data() + sizeof head, wanted.size() - sizeof head) == 0;
  }

  [[gnu::noinline]] static std::size_t find_escaped(const Shape& shape, ondemand::field& field,
                                                    std::string_view& other) {
    if (field.unescaped_key().get(other)) return malformed_name;
    for (std::size_t i = 0; i < shape.count; ++i)
      if (shape.members[i].name() == other) return i;
    return shape.count;
  }

  error_code read_other(const Shape& shape, std::string_view name, ondemand::value& value, const Step* step,
                        std::size_t depth) {
    if (!shape.forbids_extra) return pass_over(value, depth);
    const Step inside{.outer = step, .name = name};
    return refuse(extra, value, &inside, depth);
  }

  [[gnu::noinline]] void report_missing(const Shape& shape, std::uint64_t seen, const Step* step, const char* start) {
    for (std::size_t i = 0; i < shape.count; ++i) {
      if (seen >> i & 1 || !shape.members[i].is_required) continue;
      const Step inside{.outer = step, .name = shape.members[i].name()};
      report(missing, &inside, text_from(start));
    }
  }

  // Checks a value whatever it is, and forgets it.
  error_code pass_over(ondemand::value& value, std::size_t depth) {
    json_type type;
    if (const error_code error = value.type().get(type)) return error;
    switch (type) {
      case json_type::array:
        return pass_over_array(value, depth);
      case json_type::object:
        return pass_over_object(value, depth);
      case json_type::number:
        return pass_over_number(value);
      case json_type::string:
        return value.get_string().error();
      case json_type::boolean:
        return value.get_bool().error();
      case json_type::null: {
        bool is_null = false;
        const error_code error = value.is_null().get(is_null);
        return error || is_null ? error : simdjson::N_ATOM_ERROR;
      }
    }
    return simdjson::TAPE_ERROR;
  }

  // As a JsonReader does; the first of the two leaves the number where it is.
  static error_code pass_over_number(ondemand::value& value) {
    if (const error_code error = value.get_number().error()) return error;
    return value.get_double().error();
  }

  error_code pass_over_array(ondemand::value& value, std::size_t depth) {
    ondemand::array array;
    if (const error_code error = value.get_array().get(array)) return error;
    for (auto result : array) {
      ondemand::value element;
      if (const error_code error = std::move(result).get(element)) return error;
      if (depth >= depth_) return simdjson::DEPTH_ERROR;
      if (const error_code error = pass_over(element, depth + 1)) return error;
    }
    return simdjson::SUCCESS;
  }

  error_code pass_over_object(ondemand::value& value, std::size_t depth) {
    ondemand::object object;
    if (const error_code error = value.get_object().get(object)) return error;
    return pass_over_members(object, depth);
  }

  error_code pass_over_members(ondemand::object& object, std::size_t depth) {
    for (auto result : object) {
      ondemand::field field;
      if (const error_code error = std::move(result).get(field)) return error;
      if (depth >= depth_) return simdjson::DEPTH_ERROR;
      if (const error_code error = field.unescaped_key().error()) return error;
      if (const error_code error = pass_over(field.value(), depth + 1)) return error;
    }
    return simdjson::SUCCESS;
  }

  // Reports a value that is not what it should be, once it is known to be JSON.
  [[gnu::noinline]] error_code refuse(Words words, ondemand::value& value, const Step* step, std::size_t depth,
                                      const detail::EnumOperations* names = nullptr) {
    const char* const start = value.raw_json_token().data();
    if (const error_code error = pass_over(value, depth)) return error;
    report(words, step, text_from(start), names);
    return simdjson::SUCCESS;
  }

  // From there to the value that is read next: but for what separates the two, of which there is only space.
  std::string_view text_from(const char* start) {
    const char* end = nullptr;
    if (document_.current_location().get(end)) end = text_.data() + text_.size();
    return trimmed({start, static_cast<std::size_t>(end - start)});
  }

  void report_size(std::size_t expected, std::size_t actual, const Step* step, std::string_view input) {
    const bool is_short = actual < expected;
    const std::string count = std::to_string(expected);
    const std::string message = std::string("List should have at ") + (is_short ? "least " : "most ") + count +
                                (expected == 1 ? " item" : " items") + " after validation, not " +
                                std::to_string(actual);
    ModelError* const error = report({is_short ? "too_short" : "too_long", message}, step, input);
    if (error)
      error->ctx = std::string("\"field_type\":\"List\",\"") + (is_short ? "min_length" : "max_length") +
                   "\":" + count + ",\"actual_length\":" + std::to_string(actual);
  }

  // Null if there are so many already that it is not told.
  [[gnu::noinline]] ModelError* report(Words words, const Step* step, std::string_view input,
                                       const detail::EnumOperations* names = nullptr) {
    if (errors_.size() >= most_model_errors) return nullptr;
    ModelError error{
        .type = std::string(words.type), .loc = {}, .message = std::string(words.message), .input = {}, .ctx = {}};
    for (; step; step = step->outer) error.loc.push_back(step->part());
    std::reverse(error.loc.begin(), error.loc.end());
    error.input = input.size() > longest_error_input ? "null" : std::string(input);
    if (names) error.ctx = "\"expected\":\"" + std::string(names->expected) + '"';
    ModelError& told = errors_.emplace_back(std::move(error));
    is_full_ = errors_.size() >= most_model_errors;
    return &told;
  }

  std::string_view text_;
  std::size_t depth_;
  Arena* texts_;  // Null if no member is a std::string_view.
  const ondemand::parser& parser_;
  ondemand::document& document_;
  ModelErrors& errors_;
  bool is_full_ = false;  // There are as many errors as are told.
};

// Its words and where it is wrong, which On-Demand does not tell, are those of a JsonReader.
ModelErrors malformed(PaddedText text, JsonLimits limits) {
  ModelError error{.type = "json_invalid", .loc = {}, .message = "JSON decode error", .input = "{}", .ctx = {}};
  std::string sentence = "invalid JSON: the document is malformed";
  try {
    JsonReader{text, limits};
  } catch (const JsonError& wrong) {
    sentence = wrong.what();
    if (wrong.offset()) error.loc.emplace_back(*wrong.offset());
  }
  JsonWriter ctx;
  ctx.value(std::string_view(sentence));
  error.ctx = "\"error\":" + std::string(std::move(ctx).take().view());
  return {std::move(error)};
}

bool begins_container(std::string_view text) noexcept {
  const auto* first = std::find_if_not(text.begin(), text.end(), is_space);
  return first != text.end() && (*first == '{' || *first == '[');
}

// On-Demand looks at what stands behind the text, where its structure ends too soon: which it does not in what is
// closed.
bool is_closed(std::string_view container) noexcept {
  const char* last = container.data() + container.size() - 1;
  while (is_space(*last)) --last;  // It begins with what is no space.
  return *last == '}' || *last == ']';
}

ModelErrors read_with(ondemand::parser& parser, PaddedText text, JsonLimits limits, const Shape& shape, void* into,
                      Arena* texts) {
  const std::string_view json = text.text();
  if (parser.capacity() < json.size()) [[unlikely]] {
    const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(json.size(), 1024));
    if (parser.allocate(std::min(wanted, simdjson::SIMDJSON_MAXSIZE_BYTES))) throw std::bad_alloc();
  }
  ondemand::document document;
  ModelErrors errors;
  const simdjson::padded_string_view padded(json.data(), json.size(), json.size() + JsonReader::padding);
  if (parser.iterate(padded).get(document)) return malformed(text, limits);
  if (Reading(json, limits, texts, parser, document, errors).read_root(shape, into)) return malformed(text, limits);
  return errors;
}

// Text with room behind it: in the arena, if what is read may refer to it.
class PaddedCopy {
public:
  PaddedCopy(std::size_t size, Arena* texts) {
    const std::size_t bytes = size + JsonReader::padding;
    begin_ = at_ = texts ? static_cast<char*>(texts->allocate(bytes)) : own_.room(bytes);
    std::memset(begin_ + size, 0, JsonReader::padding);
  }

  PaddedCopy& append(std::string_view part) noexcept {
    std::memcpy(at_, part.data(), part.size());
    at_ += part.size();
    return *this;
  }
  PaddedText text() const noexcept { return PaddedText{{begin_, static_cast<std::size_t>(at_ - begin_)}}; }

private:
  Buffer own_;
  char* begin_;
  char* at_;
};

// On-Demand has functions of its own for a root that is neither object nor array: it is read as an array's one element.
ModelErrors read_scalar(PaddedText text, JsonLimits limits, const Shape& shape, void* into, Arena* texts) {
  try {
    JsonReader{text, limits};
  } catch (const JsonError&) {
    return malformed(text, limits);
  }
  PaddedCopy list(text.text().size() + 2, texts);
  list.append("[").append(text.text()).append("]");
  const Shape one{.kind = ShapeKind::array, .count = 1, .inner = &shape};
  ModelErrors errors = detail::read_shape(list.text(), limits, one, into, texts);
  for (ModelError& error : errors) {
    if (!error.loc.empty()) error.loc.erase(error.loc.begin());  // Else it is no JSON, nobody knows where.
  }
  return errors;
}

// One per thread, for texts that are not large. A `validate` may read a document while another is read.
struct KeptParser {
  static constexpr std::size_t largest_text = 16 * 1024;

  ondemand::parser parser;
  bool is_used = false;
};

class UseOfParser {
public:
  explicit UseOfParser(KeptParser& kept) noexcept : kept_(kept) { kept_.is_used = true; }
  UseOfParser(const UseOfParser&) = delete;
  UseOfParser& operator=(const UseOfParser&) = delete;
  ~UseOfParser() { kept_.is_used = false; }

private:
  KeptParser& kept_;
};

}  // namespace

ModelErrors detail::read_shape(PaddedText text, JsonLimits limits, const Shape& shape, void* into, Arena* texts) {
  if (text.text().size() > simdjson::SIMDJSON_MAXSIZE_BYTES) return malformed(text, limits);
  if (!begins_container(text.text())) return read_scalar(text, limits, shape, into, texts);
  if (!is_closed(text.text())) return malformed(text, limits);
  static thread_local KeptParser kept;
  if (kept.is_used || text.text().size() > KeptParser::largest_text) {
    ondemand::parser parser;
    return read_with(parser, text, limits, shape, into, texts);
  }
  const UseOfParser use{kept};
  return read_with(kept.parser, text, limits, shape, into, texts);
}

ModelErrors detail::read_shape(std::string_view text, JsonLimits limits, const Shape& shape, void* into, Arena* texts) {
  PaddedCopy copy(text.size(), texts);
  return read_shape(copy.append(text).text(), limits, shape, into, texts);
}

}  // namespace umbel
