// SPDX-License-Identifier: MIT
#pragma once
// What a type looks like to the code that reads and writes models: a constant table. That code is no template, so a
// model costs the compiler its table and a few one-line functions per list, map and optional.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "umbel/json/constrained.hpp"
#include "umbel/json/defaulted.hpp"
#include "umbel/json/detail/enum_names.hpp"
#include "umbel/json/json_writer.hpp"
#include "umbel/json/members.hpp"

namespace umbel::detail {

enum class ShapeKind : std::uint8_t {
  boolean,
  signed_number,
  unsigned_number,
  real,
  text,
  view,
  enumeration,
  optional,
  list,
  array,
  map,
  object,
  file,  // An UploadedFile, which comes in forms alone.
};

struct Shape;

/// A member of an object.
struct MemberShape {
  std::string_view name() const noexcept { return key.text(); }

  JsonKey key;
  const void* place;  // In the `room` of its struct.
  const Shape* shape;
  bool is_required;
};

struct OptionalOperations {
  void* (*emplace)(void* optional);
  void (*reset)(void* optional);
  const void* (*get)(const void* optional);  // Null if it is empty.
};

struct Elements {
  const void* first;
  std::size_t count;
};

struct ListOperations {
  void (*clear)(void* list);
  void* (*append)(void* list);
  Elements (*elements)(const void* list);
};

struct MapOperations {
  using Visit = void (*)(void* visitor, std::string_view key, const void* value);

  void (*clear)(void* map);
  void* (*insert)(void* map, std::string_view key);  // Null if the key is there.
  void (*each)(const void* map, Visit visit, void* visitor);
};

struct EnumOperations {
  bool (*set)(void* value, std::string_view name);
  std::string_view (*name)(const void* value);  // Empty if it has none.
  std::string_view message;                     // "Input should be 'a', 'b' or 'c'"
  std::string_view expected;                    // "'a', 'b' or 'c'"
};

struct Shape {
  ShapeKind kind;
  bool forbids_extra = false;            // Of an object.
  std::uint32_t size = 0;                // In bytes: of a number, or of an element.
  std::size_t count = 0;                 // Of an array's elements, or an object's members.
  const Shape* inner = nullptr;          // Of an element, or of what an optional or a map holds.
  const void* operations = nullptr;      // As the kind has them.
  const MemberShape* members = nullptr;  // Of an object.
  // Which constraint a value breaks, or null. `constraints` has them all, each by its `key` and `bound`.
  const Violation* (*broken)(const void* value) = nullptr;
  std::span<const Violation> constraints = {};
  // What the author says is wrong with a whole object.
  std::optional<std::string> (*validate)(const void* object) = nullptr;
  const void* room = nullptr;  // What the places of its members are counted from.
};

// Declared before it is defined, since a model may have a list of itself.
template <class T>
struct ShapeOf {
  static const Shape value;
};

template <class T>
struct NoShape;  // What it stands for is no part of a model.

template <class T>
concept ModelNumber =
    std::is_arithmetic_v<T> && sizeof(T) <= 8 && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
inline constexpr bool is_list = false;
template <class T, class Allocator>
inline constexpr bool is_list<std::vector<T, Allocator>> = !std::same_as<T, bool>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_array = std::is_bounded_array_v<T>;
template <class T, std::size_t size>
inline constexpr bool is_array<std::array<T, size>> = size > 0;

template <class T>
inline constexpr bool is_map = false;
template <class T, class... Rest>
inline constexpr bool is_map<std::map<std::string, T, Rest...>> = true;
template <class T, class... Rest>
inline constexpr bool is_map<std::unordered_map<std::string, T, Rest...>> = true;

template <class T>
inline constexpr bool is_defaulted = false;
template <class T>
inline constexpr bool is_defaulted<Defaulted<T>> = true;

template <class T>
inline constexpr bool is_constrained = false;
template <class T, auto... constraints>
inline constexpr bool is_constrained<Constrained<T, constraints...>> = true;

// Of a list, a constraint is one of its size.
template <class T, auto... constraints>
const Violation* broken_in(const Constrained<T, constraints...>& value) noexcept {
  if constexpr (is_vector<T>) return Constraints<T, constraints...>::broken_by_size(value->size());
  else return Constraints<T, constraints...>::broken_by(*value);
}

// What would be said of each, if it were broken.
template <class T, class Option>
constexpr Violation described() noexcept {
  if constexpr (is_vector<T>) return Option::list_violation();
  else return Option::template violation<T>();
}
template <class Constrained>
struct ConstraintTable;
template <class T, auto... constraints>
struct ConstraintTable<Constrained<T, constraints...>> {
  static constexpr std::array<Violation, sizeof...(constraints)> value{described<T, OptionType<constraints>>()...};
};

// Found by the argument alone.
template <class T>
concept Validated = requires(const T& object) {
  { validate(object) } -> std::convertible_to<std::optional<std::string>>;
};

/// Said of UploadedFile.
template <class T>
inline constexpr bool is_file = false;

template <class Optional>
inline constexpr OptionalOperations optional_operations{
    [](void* optional) -> void* { return &static_cast<Optional*>(optional)->emplace(); },
    [](void* optional) { static_cast<Optional*>(optional)->reset(); },
    [](const void* optional) -> const void* {
      const auto& value = *static_cast<const Optional*>(optional);
      return value ? &*value : nullptr;
    }};

template <class List>
inline constexpr ListOperations list_operations{
    [](void* list) { static_cast<List*>(list)->clear(); },
    [](void* list) -> void* { return &static_cast<List*>(list)->emplace_back(); },
    [](const void* list) {
      const auto& values = *static_cast<const List*>(list);
      return Elements{values.data(), values.size()};
    }};

template <class Map>
inline constexpr MapOperations map_operations{[](void* map) { static_cast<Map*>(map)->clear(); },
                                              [](void* map, std::string_view key) -> void* {
                                                const auto [at, is_new] =
                                                    static_cast<Map*>(map)->try_emplace(std::string(key));
                                                return is_new ? &at->second : nullptr;
                                              },
                                              [](const void* map, MapOperations::Visit visit, void* visitor) {
                                                for (const auto& [key, value] : *static_cast<const Map*>(map))
                                                  visit(visitor, key, &value);
                                              }};

template <class E>
inline constexpr EnumOperations enum_operations{
    [](void* value, std::string_view name) { return EnumNames<E>::find(name, *static_cast<E*>(value)); },
    [](const void* value) { return EnumNames<E>::name_of(*static_cast<const E*>(value)); }, EnumNames<E>::message,
    EnumNames<E>::expected};

template <class T>
constexpr Shape number_shape() noexcept {
  constexpr auto kind = std::is_floating_point_v<T> ? ShapeKind::real
                        : std::is_signed_v<T>       ? ShapeKind::signed_number
                                                    : ShapeKind::unsigned_number;
  return {.kind = kind, .size = sizeof(T)};
}

template <class Array>
constexpr Shape array_shape() noexcept {
  using Element = std::remove_cvref_t<decltype(std::declval<Array&>()[0])>;
  return {.kind = ShapeKind::array,
          .size = sizeof(Element),
          .count = sizeof(Array) / sizeof(Element),
          .inner = &ShapeOf<Element>::value};
}

template <class Each>
constexpr MemberShape member_shape() noexcept {
  using T = typename Each::Type;
  return {JsonKey{unquoted(Each::quoted_name)}, Each::place, &ShapeOf<T>::value, !is_optional<T> && !is_defaulted<T>};
}

template <class Pack>
struct MemberTable;
template <class... Each>
struct MemberTable<MemberPack<Each...>> {
  // One more, since no array is empty.
  static constexpr MemberShape value[]{member_shape<Each>()..., MemberShape{JsonKey{""}, nullptr, nullptr, false}};
};

template <class T>
constexpr auto validation() noexcept {
  std::optional<std::string> (*call)(const void*) = nullptr;
  if constexpr (Validated<T>)
    call = [](const void* object) -> std::optional<std::string> { return validate(*static_cast<const T*>(object)); };
  return call;
}

template <class T>
concept ForbidsExtra = requires { requires ModelTraits<T>::forbids_extra; };

template <class T>
constexpr Shape object_shape() noexcept {
  using Pack = MembersOf<T>;
  return {.kind = ShapeKind::object,
          .forbids_extra = ForbidsExtra<T>,
          .count = Pack::count,
          .members = MemberTable<Pack>::value,
          .validate = validation<T>(),
          .room = &room<T>};
}

template <class T>
constexpr Shape make_shape() noexcept;

template <class T>
constexpr Shape constrained_shape() noexcept {
  Shape shape = make_shape<typename T::Value>();  // It lies at the same address.
  shape.broken = [](const void* value) { return broken_in(*static_cast<const T*>(value)); };
  shape.constraints = ConstraintTable<T>::value;
  return shape;
}

template <class T>
constexpr Shape make_shape() noexcept {
  if constexpr (std::same_as<T, bool>) return {.kind = ShapeKind::boolean};
  else if constexpr (ModelNumber<T>) return number_shape<T>();
  else if constexpr (std::same_as<T, std::string>) return {.kind = ShapeKind::text};
  else if constexpr (std::same_as<T, std::string_view>) return {.kind = ShapeKind::view};
  else if constexpr (FixedEnum<T>) return {.kind = ShapeKind::enumeration, .operations = &enum_operations<T>};
  else if constexpr (is_optional<T>)
    return {.kind = ShapeKind::optional,
            .inner = &ShapeOf<typename T::value_type>::value,
            .operations = &optional_operations<T>};
  else if constexpr (is_list<T>)
    return {.kind = ShapeKind::list,
            .size = sizeof(typename T::value_type),
            .inner = &ShapeOf<typename T::value_type>::value,
            .operations = &list_operations<T>};
  else if constexpr (is_file<T>) return {.kind = ShapeKind::file};
  else if constexpr (is_array<T>) return array_shape<T>();
  else if constexpr (is_map<T>)
    return {
        .kind = ShapeKind::map, .inner = &ShapeOf<typename T::mapped_type>::value, .operations = &map_operations<T>};
  else if constexpr (is_defaulted<T>) return make_shape<typename T::Value>();  // It lies at the same address.
  else if constexpr (is_constrained<T>) return constrained_shape<T>();
  else if constexpr (Model<T>) return object_shape<T>();
  else
    static_assert(
        sizeof(T) == 0,
        "umbel: this type is no part of a model. Those are bool, numbers, enum class, std::string, "
        "std::string_view (to write), std::optional, std::vector (but of bool), std::array, std::map with keys "
        "that are std::string, Defaulted, Bounded, Text, and structs of these; specialise umbel::ModelTraits for a "
        "class");
}

template <class T>
constinit const Shape ShapeOf<T>::value = make_shape<T>();

/// Whether there is a text in it that would refer to what was read. `Seen` are those around it.
template <class T, class... Seen>
constexpr bool has_view() noexcept;

template <class... Seen, class... Each>
constexpr bool any_has_view(MemberPack<Each...>) noexcept {
  return (has_view<typename Each::Type, Seen...>() || ... || false);
}

template <class T, class... Seen>
constexpr bool has_view() noexcept {
  if constexpr ((std::same_as<T, Seen> || ...)) return false;
  else if constexpr (is_optional<T> || is_list<T>) return has_view<typename T::value_type, Seen...>();
  else if constexpr (is_array<T>) return has_view<std::remove_cvref_t<decltype(std::declval<T&>()[0])>, Seen...>();
  else if constexpr (is_map<T>) return has_view<typename T::mapped_type, Seen...>();
  else if constexpr (is_defaulted<T> || is_constrained<T>) return has_view<typename T::Value, Seen...>();
  else if constexpr (std::same_as<T, std::string_view>) return true;
  else if constexpr (std::same_as<T, std::string>) return false;
  else if constexpr (Model<T>) return any_has_view<T, Seen...>(MembersOf<T>{});
  else return false;
}

template <class T>
inline constexpr bool is_document = is_list<T> || is_array<T> || is_map<T> || Model<T>;
template <class T>
inline constexpr bool is_document<std::optional<T>> = is_document<T>;

/// What a document can be.
template <class T>
concept Document = is_document<T>;

}  // namespace umbel::detail
