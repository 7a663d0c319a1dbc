// SPDX-License-Identifier: MIT
#pragma once
// The names of an enumeration's values, as the compiler writes them: how an enum is made from text without macros.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

namespace umbel::detail {

/// An enum that any value of its underlying type may be put into: `enum class`, or `enum E : int`.
template <class E>
concept FixedEnum = std::is_enum_v<E> && requires { E{0}; };

template <class E, E... values>
constexpr std::string_view pretty_values() noexcept {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// `red` of `ns::Colour::red`; nothing of `(ns::Colour)7`, which has no name.
constexpr std::string_view enumerator_in(std::string_view written) noexcept {
  std::size_t start = written.size();
  while (start > 0 && is_name_character(written[start - 1])) --start;
  const std::string_view name = written.substr(start);
  return name.empty() || (name[0] >= '0' && name[0] <= '9') ? std::string_view{} : name;
}

/// Takes the values apart that the compiler wrote one after another: {A::a, A::b, (A)2} or <A::a, A::b, (A)2>.
template <std::size_t count>
constexpr std::array<std::string_view, count> split_values(std::string_view pretty) noexcept {
  std::array<std::string_view, count> names{};
  std::size_t start = pretty.find("values = ") + 10;
  std::size_t depth = 0;
  std::size_t found = 0;
  for (std::size_t at = start; found < count; ++at) {
    const char c = pretty[at];
    const bool ends = depth == 0 && (c == ',' || c == '}' || c == '>');
    if (ends) {
      names[found++] = enumerator_in(pretty.substr(start, at - start));
      start = at + 2;
    } else if (c == '(' || c == '<' || c == '{' || c == '[') {
      ++depth;
    } else if (c == ')' || c == '>' || c == '}' || c == ']') {
      --depth;
    }
  }
  return names;
}

/// The enumerators of E with values from -128 to 127, or 0 to 255 if E cannot be negative. Of several names for one
/// value, one.
template <FixedEnum E>
class EnumNames {
  using Number = std::underlying_type_t<E>;
  static constexpr int first = std::is_signed_v<Number> ? -128 : 0;
  static constexpr std::size_t chunk = std::is_same_v<Number, bool> ? 2 : 32;
  static constexpr std::size_t chunks = std::is_same_v<Number, bool> ? 1 : 8;

  template <std::size_t number, std::size_t... I>
  static constexpr auto names_of(std::index_sequence<I...>) noexcept {
    constexpr int from = first + static_cast<int>(number * chunk);
    return split_values<chunk>(pretty_values<E, static_cast<E>(from + static_cast<int>(I))...>());
  }
  // One evaluation each, so that none takes too many steps.
  template <std::size_t number>
  static constexpr std::array<std::string_view, chunk> part = names_of<number>(std::make_index_sequence<chunk>{});

  template <class Visit, std::size_t... number>
  static constexpr void visit_parts(Visit& visit, std::index_sequence<number...>) {
    const auto visit_part = [&](const auto& names, std::size_t chunk_number) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (!names[i].empty()) visit(names[i], first + static_cast<int>(chunk_number * chunk + i));
      }
    };
    (visit_part(part<number>, number), ...);
  }
  template <class Visit>
  static constexpr void visit_all(Visit visit) {
    visit_parts(visit, std::make_index_sequence<chunks>{});
  }

  struct Sizes {
    std::size_t count = 0;
    std::size_t characters = 0;
  };
  static constexpr Sizes measure() {
    Sizes sum;
    visit_all([&](std::string_view name, int) { ++sum.count, sum.characters += name.size(); });
    return sum;
  }
  static constexpr Sizes sizes = measure();

  static constexpr std::string_view words = "Input should be ";

  // The message of the error, which has every name in it: nothing else is kept in the program.
  struct Table {
    struct Entry {
      std::uint16_t at = 0;
      std::uint16_t size = 0;
      std::int16_t value = 0;
    };
    Entry entries[sizes.count + 1]{};
    char message[words.size() + sizes.characters + 6 * sizes.count + 1]{};
    std::size_t message_size = 0;
  };
  static constexpr Table make() {
    Table made;
    const auto write = [&](std::string_view text) {
      for (const char c : text) made.message[made.message_size++] = c;
    };
    std::size_t i = 0;
    write(words);
    visit_all([&](std::string_view name, int value) {
      if (i > 0) write(i + 1 == sizes.count ? " or " : ", ");
      write("'");
      made.entries[i++] = {static_cast<std::uint16_t>(made.message_size), static_cast<std::uint16_t>(name.size()),
                           static_cast<std::int16_t>(value)};
      write(name);
      write("'");
    });
    return made;
  }
  static constexpr Table table = make();

public:
  static constexpr std::size_t count = sizes.count;
  /// "Input should be 'a', 'b' or 'c'"
  static constexpr std::string_view message{table.message, table.message_size};
  /// "'a', 'b' or 'c'"
  static constexpr std::string_view expected = message.substr(words.size());

  /// True if `name` is an enumerator's.
  static constexpr bool find(std::string_view name, E& out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& entry = table.entries[i];
      if (message.substr(entry.at, entry.size) != name) continue;
      out = static_cast<E>(entry.value);
      return true;
    }
    return false;
  }

  /// Empty if it has none.
  static constexpr std::string_view name_of(E value) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& entry = table.entries[i];
      if (static_cast<E>(entry.value) == value) return message.substr(entry.at, entry.size);
    }
    return {};
  }
};

}  // namespace umbel::detail
