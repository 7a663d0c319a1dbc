// SPDX-License-Identifier: MIT
#pragma once
// How many members an aggregate has: found by asking the compiler with how many values it can be initialised.

#include <cstddef>
#include <type_traits>
#include <utility>

#include "umbel/json/detail/member_pointers.hpp"

namespace umbel::detail {

/// Stands for a value of any type, but for T itself, of which one would be a copy. Never called; clang wants a body.
template <class T>
struct AnyBut {
  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, T>)
  operator U() const noexcept {
    __builtin_unreachable();
  }
};
/// Stands for a base of T.
template <class T>
struct AnyBase {
  template <class U>
    requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
  operator U() const noexcept {
    __builtin_unreachable();
  }
};

template <class T, std::size_t>
using AnyAt = AnyBut<T>;

/// Counts the members of T in two steps. Without inner braces, an array takes as many values as it has elements. So
/// afterwards each place is asked what `{}` initialises there: one value, or an array of several.
template <class T>
class MemberCount {
  template <std::size_t... before, std::size_t... after>
  static constexpr bool takes(std::index_sequence<before...>, std::index_sequence<after...>) noexcept {
    return requires { T{AnyAt<T, before>{}..., {}, AnyAt<T, after>{}...}; };
  }
  template <std::size_t... values>
  static constexpr bool takes(std::index_sequence<values...>) noexcept {
    return requires { T{AnyAt<T, values>{}...}; };
  }
  template <std::size_t... before, std::size_t... inner, std::size_t... after>
  static constexpr bool takes(std::index_sequence<before...>, std::index_sequence<inner...>,
                              std::index_sequence<after...>) noexcept {
    return requires { T{AnyAt<T, before>{}..., {AnyAt<T, inner>{}...}, AnyAt<T, after>{}...}; };
  }
  template <std::size_t count>
  static constexpr bool takes_values() noexcept {
    return takes(std::make_index_sequence<count>());
  }

  // More values than these are not tried: elements of arrays count, too.
  static constexpr std::size_t most_values = 512;

  // Members without a default are asked for; nothing fits before all of them are there.
  template <std::size_t from = 0>
  static constexpr std::size_t fewest() noexcept {
    if constexpr (from > most_values || takes_values<from>()) return from;
    else return fewest<from + 1>();
  }
  // `fits` does, `fails` does not.
  template <std::size_t fits, std::size_t fails>
  static constexpr std::size_t most_between() noexcept {
    if constexpr (constexpr std::size_t middle = (fits + fails) / 2; middle == fits) return fits;
    else if constexpr (takes_values<middle>()) return most_between<middle, fails>();
    else return most_between<fits, middle>();
  }
  template <std::size_t fits, std::size_t step = 8>
  static constexpr std::size_t most() noexcept {
    if constexpr (fits > most_values) return fits;
    else if constexpr (takes_values<fits + step>()) return most<fits + step, 2 * step>();
    else return most_between<fits, fits + step>();
  }
  static constexpr std::size_t values = most<fewest()>();

  // How many values the member takes whose first is at `at`.
  template <std::size_t at, std::size_t size = values - at>
  static constexpr std::size_t array_at() noexcept {
    if constexpr (size <= 1) {
      return 1;
    } else {
      constexpr std::make_index_sequence<at> before;
      constexpr std::make_index_sequence<size> inner;
      if constexpr (takes(before, inner, std::make_index_sequence<values - at - size>()) &&
                    !takes(before, inner, std::make_index_sequence<values - at - size + 1>())) {
        return size;
      } else {
        return array_at<at, size - 1>();
      }
    }
  }
  template <std::size_t at>
  static constexpr std::size_t values_at() noexcept {
    if constexpr (takes(std::make_index_sequence<at>(), std::make_index_sequence<values - at - 1>())) return 1;
    else return array_at<at>();
  }
  template <std::size_t at = 0>
  static constexpr std::size_t count_from() noexcept {
    if constexpr (at >= values) return 0;
    else return 1 + count_from<at + values_at<at>()>();
  }

public:
  static constexpr bool has_base = requires { T{AnyBase<T>{}}; };
  // Beyond it, nobody counts to the end.
  static constexpr bool is_small = values <= most_values && sizeof(T) > 0;
  static constexpr std::size_t count = [] {
    if constexpr (has_base || !is_small) return most_members + 1;
    else return count_from();
  }();
};

}  // namespace umbel::detail
