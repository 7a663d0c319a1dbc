// SPDX-License-Identifier: MIT
#pragma once
// What a type looks like to the code that reads and writes models: a constant table. That code is no template, so a
// model costs the compiler its table and a few one-line functions per list, map and optional.

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
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
#include <variant>
#include <vector>

#include "umbel/json/constrained.hpp"
#include "umbel/json/defaulted.hpp"
#include "umbel/json/detail/enum_names.hpp"
#include "umbel/json/json_writer.hpp"
#include "umbel/json/members.hpp"
#include "umbel/json/tag.hpp"

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
  variant,  // An object that its tag tells.
  tag,
  date,
  moment,
  file,  // An UploadedFile, which comes in forms alone.
};

struct Shape;

/// The first eight bytes of a name as JSON has it: with the quote behind it, and zeros behind that.
constexpr std::uint64_t head_of_name(std::string_view name, char fill, char quote) noexcept {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < std::min(bytes.size(), name.size()); ++i) bytes[i] = fill ? fill : name[i];
  if (name.size() < bytes.size()) bytes[name.size()] = quote;
  return std::bit_cast<std::uint64_t>(bytes);
}

/// A member of an object.
struct MemberShape {
  std::string_view name() const noexcept { return key.text(); }

  JsonKey key;
  const void* place;  // In the `room` of its struct.
  const Shape* shape;
  bool is_required;
  std::uint64_t head = head_of_name(key.text(), '\0', '"');
  std::uint64_t head_mask = head_of_name(key.text(), '\xff', '\xff');  // Which bits of it count.
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

/// Since 1970, in UTC.
struct Moment {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // Behind them, also before 1970.
};

struct MomentOperations {
  bool (*set)(void* value, Moment moment);  // False if it is too far away.
  Moment (*get)(const void* value);
  unsigned digits;  // Of a fraction of a second.
};

struct DateOperations {
  void (*set)(void* value, std::chrono::year_month_day date);
  std::chrono::year_month_day (*get)(const void* value);
};

struct VariantOperations {
  void* (*emplace)(void* variant, std::size_t index);
  std::size_t (*index)(const void* variant);  // Beyond all if an exception has left it without a value.
  const void* (*get)(const void* variant);
  std::string_view expected;  // "'cat', 'dog'"
};

struct Shape {
  ShapeKind kind;
  bool forbids_extra = false;            // Of an object.
  std::uint32_t size = 0;                // In bytes: of a number, or of an element.
  std::size_t count = 0;                 // Of an array's elements, or an object's members.
  const Shape* inner = nullptr;          // Of an element, or of what an optional or a map holds.
  const void* operations = nullptr;      // As the kind has them.
  const MemberShape* members = nullptr;  // Of an object. Of a variant: each alternative, by its tag.
  std::string_view text = {};  // Of a tag: what it says. Of a variant: the name of the member that is the tag.
  // Which constraint a value breaks, or null. `constraints` has them all, each by its `key` and `bound`.
  const Violation* (*broken)(const void* value) = nullptr;
  std::span<const Violation> constraints = {};
  // What the author says is wrong with a whole object.
  std::optional<std::string> (*validate)(const void* object) = nullptr;
  const void* room = nullptr;       // What the places of its members are counted from.
  const char* name = nullptr;       // Of an object: `model_name_in` finds it there.
  const void* (*made)() = nullptr;  // Of an object with defaults: one that has them.
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

template <class T>
inline constexpr bool is_tag = false;
template <FixedString text>
inline constexpr bool is_tag<Tag<text>> = true;

template <class T>
inline constexpr bool is_variant = false;
template <class... Each>
inline constexpr bool is_variant<std::variant<Each...>> = true;

template <class T>
inline constexpr bool is_date = false;
template <>
inline constexpr bool is_date<std::chrono::year_month_day> = true;
template <>
inline constexpr bool is_date<std::chrono::sys_days> = true;

template <class T>
inline constexpr bool is_moment = false;
template <std::signed_integral Rep, std::intmax_t parts>
inline constexpr bool is_moment<std::chrono::sys_time<std::chrono::duration<Rep, std::ratio<1, parts>>>> =
    sizeof(Rep) == 8 && (parts == 1 || parts == 1000 || parts == 1'000'000 || parts == 1'000'000'000);

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

// Of small elements, a list takes memory for some at once.
template <class List>
inline constexpr std::size_t first_capacity = std::max<std::size_t>(1, 256 / sizeof(typename List::value_type));

template <class List>
inline constexpr ListOperations list_operations{[](void* list) { static_cast<List*>(list)->clear(); },
                                                [](void* list) -> void* {
                                                  auto& values = *static_cast<List*>(list);
                                                  if (values.capacity() == 0) values.reserve(first_capacity<List>);
                                                  return &values.emplace_back();
                                                },
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

/// Whether there is a shape for it: what the compiler names where there is none, with the member.
template <class T, class Member = void>
inline constexpr bool is_part_of_a_model =
    std::same_as<T, bool> || ModelNumber<T> || std::same_as<T, std::string> || std::same_as<T, std::string_view> ||
    FixedEnum<T> || is_optional<T> || is_list<T> || is_file<T> || is_array<T> || is_map<T> || is_defaulted<T> ||
    is_constrained<T> || is_tag<T> || is_variant<T> || is_date<T> || is_moment<T> || Model<T>;

template <class Each>
constexpr MemberShape member_shape() noexcept {
  using T = typename Each::Type;
  static_assert(is_part_of_a_model<T, Each>,
                "umbel: this member's type is no part of a model: take one that is, leave the member out by "
                "umbel::ModelTraits of its struct, or say by umbel::ModelTraits what the members of its type are");
  const Shape* shape = nullptr;
  if constexpr (is_part_of_a_model<T, Each>) shape = &ShapeOf<T>::value;
  return {JsonKey{unquoted(Each::quoted_name)}, Each::place, shape, !is_optional<T> && !is_defaulted<T>};
}

template <class Pack>
struct MemberTable;
template <class... Each>
struct MemberTable<MemberPack<Each...>> {
  // One more, since no array is empty.
  static constexpr MemberShape value[]{member_shape<Each>()..., MemberShape{JsonKey{""}, nullptr, nullptr, false}};
};

template <class T>
constexpr const char* pretty_model() noexcept {
  return __PRETTY_FUNCTION__;
}

/// `shop::Item` in `const char* umbel::detail::pretty_model() [with T = shop::Item]`, as the compiler writes it.
constexpr std::string_view model_name_in(std::string_view pretty) noexcept {
  const std::string_view name = pretty.substr(pretty.find("T = ") + 4);
  return name.substr(0, name.size() - 1);
}

template <class... Each>
constexpr bool any_defaulted(MemberPack<Each...>) noexcept {
  return (is_defaulted<typename Each::Type> || ... || false);
}

template <class T>
constexpr auto maker_of_defaults() noexcept {
  const void* (*make)() = nullptr;
  if constexpr (any_defaulted(MembersOf<T>{})) {
    if constexpr (requires { T{}; })
      make = []() -> const void* {
        static const T value{};
        return &value;
      };
  }
  return make;
}

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
          .room = &room<T>,
          .name = pretty_model<T>(),
          .made = maker_of_defaults<T>()};
}

template <class T>
inline constexpr DateOperations date_operations{
    [](void* value, std::chrono::year_month_day date) { *static_cast<T*>(value) = T{date}; },
    [](const void* value) { return std::chrono::year_month_day{*static_cast<const T*>(value)}; }};

template <class T>
struct MomentCode {
  static constexpr std::int64_t parts = T::period::den;
  static constexpr std::int64_t per_part = 1'000'000'000 / parts;

  static bool set(void* value, Moment moment) {
    std::int64_t count = 0;
    if (__builtin_mul_overflow(moment.seconds, parts, &count)) return false;
    if (__builtin_add_overflow(count, moment.nanoseconds / per_part, &count)) return false;
    *static_cast<T*>(value) = T{typename T::duration{count}};
    return true;
  }
  static Moment get(const void* value) {
    const std::int64_t count = static_cast<const T*>(value)->time_since_epoch().count();
    const std::int64_t rest = count % parts;
    const bool is_before = rest < 0;
    return {count / parts - is_before, static_cast<std::uint32_t>((rest + (is_before ? parts : 0)) * per_part)};
  }
  static constexpr unsigned digits = parts == 1 ? 0 : parts == 1000 ? 3 : parts == 1'000'000 ? 6 : 9;
  static constexpr MomentOperations operations{set, get, digits};
};

/// The one Tag among the members of T.
struct FoundTag {
  std::string_view member;
  std::string_view text;
  std::size_t count = 0;
};
template <class... Each>
constexpr FoundTag tag_among(MemberPack<Each...>) noexcept {
  FoundTag found;
  [[maybe_unused]] const auto look = [&]<class One>(std::type_identity<One>) {
    if constexpr (is_tag<typename One::Type>) found = {unquoted(One::quoted_name), One::Type::value, found.count + 1};
  };
  (look(std::type_identity<Each>{}), ...);
  return found;
}
template <class T>
constexpr FoundTag tag_of() noexcept {
  if constexpr (Model<T> && !is_array<T>) return tag_among(MembersOf<T>{});
  else return {};
}

template <class Variant>
struct VariantTable;
template <class... Each>
struct VariantTable<std::variant<Each...>> {
  using Variant = std::variant<Each...>;
  static constexpr FoundTag tags[]{tag_of<Each>()...};

  static constexpr bool has_tags() noexcept {
    for (const FoundTag& tag : tags)
      if (tag.count != 1 || tag.member != tags[0].member) return false;
    return true;
  }
  static constexpr bool has_different_tags() noexcept {
    for (std::size_t i = 0; i < sizeof...(Each); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (tags[i].text == tags[k].text) return false;
    return true;
  }
  static_assert(has_tags(),
                "umbel: a document says which alternative of a std::variant it is by a tag: each is a struct with one "
                "member of type umbel::Tag, of the same name in all: Tag<\"card\"> kind;");
  static_assert(has_different_tags(), "umbel: two alternatives of a std::variant have the same tag");

  static constexpr MemberShape members[]{
      MemberShape{JsonKey{tag_of<Each>().text}, nullptr, &ShapeOf<Each>::value, false}...};

  template <std::size_t... index>
  static void* emplace(Variant& variant, std::size_t wanted, std::index_sequence<index...>) {
    void* place = nullptr;
    static_cast<void>(((index == wanted && (place = &variant.template emplace<index>(), true)) || ...));
    return place;
  }
  static const void* get(const void* variant) {
    return std::visit([](const auto& value) -> const void* { return &value; }, *static_cast<const Variant*>(variant));
  }

  static constexpr std::size_t expected_size() noexcept {
    std::size_t size = 0;
    for (const FoundTag& tag : tags) size += tag.text.size() + 4;
    return size - 2;
  }
  static constexpr std::array<char, expected_size()> make_expected() noexcept {
    std::array<char, expected_size()> text{};
    std::size_t at = 0;
    for (const FoundTag& tag : tags) {
      if (at > 0) text[at++] = ',', text[at++] = ' ';
      text[at++] = '\'';
      for (const char c : tag.text) text[at++] = c;
      text[at++] = '\'';
    }
    return text;
  }
  static constexpr auto expected = make_expected();

  static constexpr VariantOperations operations{
      [](void* variant, std::size_t index) {
        return emplace(*static_cast<Variant*>(variant), index, std::index_sequence_for<Each...>{});
      },
      [](const void* variant) { return static_cast<const Variant*>(variant)->index(); }, get,
      std::string_view{expected.data(), expected.size()}};
  static constexpr Shape shape() noexcept {
    return {.kind = ShapeKind::variant,
            .count = sizeof...(Each),
            .operations = &operations,
            .members = members,
            .text = tags[0].member};
  }
};

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
  else if constexpr (is_tag<T>) return {.kind = ShapeKind::tag, .text = T::value};
  else if constexpr (is_variant<T>) return VariantTable<T>::shape();
  else if constexpr (is_date<T>) return {.kind = ShapeKind::date, .operations = &date_operations<T>};
  else if constexpr (is_moment<T>) return {.kind = ShapeKind::moment, .operations = &MomentCode<T>::operations};
  else if constexpr (Model<T>) return object_shape<T>();
  else
    static_assert(
        is_part_of_a_model<T>,
        "umbel: this type is no part of a model. Those are bool, numbers, enum class, std::string, std::string_view, "
        "std::optional, std::vector (but of bool), std::array, std::map with keys that are std::string, std::variant "
        "of structs with a Tag, dates and time points of std::chrono's system_clock, Defaulted, Bounded, Text, and "
        "structs of these; for a class with constructors or private members specialise umbel::ModelTraits");
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

template <class... Seen, class... Each>
constexpr bool any_has_view(std::type_identity<std::variant<Each...>>) noexcept {
  return (has_view<Each, Seen...>() || ...);
}

template <class T, class... Seen>
constexpr bool has_view() noexcept {
  if constexpr ((std::same_as<T, Seen> || ...)) return false;
  else if constexpr (is_optional<T> || is_list<T>) return has_view<typename T::value_type, Seen...>();
  else if constexpr (is_array<T>) return has_view<std::remove_cvref_t<decltype(std::declval<T&>()[0])>, Seen...>();
  else if constexpr (is_map<T>) return has_view<typename T::mapped_type, Seen...>();
  else if constexpr (is_variant<T>) return any_has_view<Seen...>(std::type_identity<T>{});
  else if constexpr (is_defaulted<T> || is_constrained<T>) return has_view<typename T::Value, Seen...>();
  else if constexpr (std::same_as<T, std::string_view>) return true;
  else if constexpr (std::same_as<T, std::string>) return false;
  else if constexpr (Model<T>) return any_has_view<T, Seen...>(MembersOf<T>{});
  else return false;
}

template <class T>
inline constexpr bool is_document = (is_list<T> || is_array<T> || is_map<T> || is_variant<T> || Model<T>) && !is_tag<T>;
template <class T>
inline constexpr bool is_document<std::optional<T>> = is_document<T>;

/// What a document can be.
template <class T>
concept Document = is_document<T>;

}  // namespace umbel::detail
