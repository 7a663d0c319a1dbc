// SPDX-License-Identifier: MIT
#pragma once
// What documents say of a parameter: constants beside its ValueInfo, which no request looks at.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "umbel/di/convert.hpp"
#include "umbel/json/constraints.hpp"

namespace umbel::detail {

enum class ValueType : std::uint8_t { text, boolean, signed_number, unsigned_number, real, enumeration };

/// A parameter's default, as JSON has it.
struct DefaultValue {
  enum class Kind : std::uint8_t { none, unknown, boolean, number, text, empty_list };
  Kind kind = Kind::none;  // Of a boolean, the number is 0 or 1.
  Bound value{std::uint64_t{0}};
};

/// What one text becomes. One constant per type.
struct TextSchema {
  ValueType type = ValueType::text;
  std::uint8_t bytes = 0;             // Of a number.
  bool can_be_wrong = false;          // Some texts cannot be converted.
  std::string_view enumerators = {};  // "'a', 'b' or 'c'"
  std::string_view format = {};       // Of a type with a FromText of its own, if that has a `format`.
};

struct ValueSchema {
  const TextSchema* text;
  bool is_list;
  bool is_nullable;  // An optional.
  DefaultValue absent{};
  /// Of a list, bounds on its size are list violations. Null, one among them that is none.
  std::span<const Violation* const> constraints{};
  std::string_view description{};

  constexpr bool is_required() const noexcept { return !is_nullable && absent.kind == DefaultValue::Kind::none; }
};

template <class T>
concept HasFormat = requires {
  { FromText<T>::format } -> std::convertible_to<std::string_view>;
};

template <class T>
constexpr TextSchema make_text_schema() noexcept {
  if constexpr (TextType<T>) return {};
  else if constexpr (std::is_same_v<T, bool>) return {ValueType::boolean, 0, true};
  else if constexpr (std::is_floating_point_v<T>) return {ValueType::real, sizeof(T), true};
  else if constexpr (NumberType<T>)
    return {std::is_signed_v<T> ? ValueType::signed_number : ValueType::unsigned_number, sizeof(T), true};
  else if constexpr (HasFormat<T>) return {ValueType::text, 0, true, {}, FromText<T>::format};
  else if constexpr (requires { FromText<T>::umbel_names; })
    return {ValueType::enumeration, 0, true, FromText<T>::umbel_names};
  else return {ValueType::text, 0, true};
}

template <class T>
inline constexpr TextSchema text_schema = make_text_schema<T>();

template <class T, class Default>
constexpr DefaultValue default_value(const Default& value) noexcept {
  using Kind = DefaultValue::Kind;
  if constexpr (std::is_same_v<T, bool>) return {Kind::boolean, std::uint64_t{bool(value)}};
  else if constexpr (std::is_enum_v<T> && std::is_same_v<T, Default>) {
    if constexpr (requires { FromText<T>::umbel_names; }) return {Kind::text, EnumNames<T>::name_of(value)};
    else return {Kind::unknown};
  } else if constexpr (std::is_floating_point_v<T>) return {Kind::number, static_cast<double>(T(value))};
  else if constexpr (NumberType<T> && std::is_signed_v<T>) return {Kind::number, static_cast<std::int64_t>(T(value))};
  else if constexpr (NumberType<T>) return {Kind::number, static_cast<std::uint64_t>(T(value))};
  else if constexpr (TextType<T>) return {Kind::text, std::string_view(value)};
  else return {Kind::unknown};
}

}  // namespace umbel::detail
