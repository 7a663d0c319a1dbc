// SPDX-License-Identifier: MIT
#pragma once
// The members of a struct, with their names and types, found by the compiler: what a model is made of.

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "umbel/json/detail/member_count.hpp"
#include "umbel/json/detail/member_names.hpp"
#include "umbel/json/detail/member_pointers.hpp"
#include "umbel/json/detail/plain_text.hpp"
#include "umbel/json/fixed_string.hpp"

namespace umbel {

/// What is said of a type by hand. Specialise it for a class that is no plain aggregate, or to have other names in JSON
/// than in the program; make it a friend if the members are private:
///
///     template <>
///     struct umbel::ModelTraits<Mail> {
///       using Members = MemberList<Member<"from", &Mail::sender_>, Member<"to", &Mail::to_>>;
///     };
template <class T>
struct ModelTraits {};

/// A member under the name that it has in JSON, which needs no escaping.
template <FixedString text, auto pointer_to_member>
  requires std::is_member_object_pointer_v<decltype(pointer_to_member)>
struct Member {};

/// The members that a ModelTraits names, in the order in which they are written.
template <class... Member>
struct MemberList {};

namespace detail {

template <class T>
concept HandWritten = requires { typename ModelTraits<T>::Members; };

/// A struct whose members the compiler tells us: no constructors, nothing private, nothing virtual.
template <class T>
concept PlainAggregate = std::is_class_v<T> && std::is_aggregate_v<T>;

/// One member: where it lies in `room`, and `"name":`.
template <const auto* pointer>
struct FoundMember {
  using Type = std::remove_const_t<std::remove_pointer_t<decltype(pointer)>>;
  static constexpr const void* place = pointer;
  static constexpr std::string_view quoted_name = member_name<pointer>.view();
};

template <FixedString text, auto pointer_to_member>
inline constexpr QuotedName<text.view().size()> given_name{text.view()};

template <class T, class Named>
struct NamedMember;
template <class T, FixedString text, auto pointer_to_member>
struct NamedMember<T, Member<text, pointer_to_member>> {
  static_assert(
      is_plain_json_text(text.view()),
      "umbel: the name of a model's member needs no escaping in JSON: it is UTF-8 without quotes, backslashes "
      "and control characters");
  using Type = std::remove_cvref_t<decltype(room<T>.value.*pointer_to_member)>;
  static constexpr const void* place = &(room<T>.value.*pointer_to_member);
  static constexpr std::string_view quoted_name = given_name<text, pointer_to_member>.view();
};

template <class... Each>
struct MemberPack {
  static constexpr std::size_t count = sizeof...(Each);
};

template <const auto*... pointers>
constexpr MemberPack<FoundMember<pointers>...> pack_of(MemberPointers<pointers...>) noexcept {
  return {};
}
template <class T, class... Named>
constexpr MemberPack<NamedMember<T, Named>...> named_pack_of(MemberList<Named...>) noexcept {
  return {};
}

template <class T>
inline constexpr bool has_no_base_class = !MemberCount<T>::has_base;
template <class T, std::size_t count>
inline constexpr bool has_at_most_64_members = count <= most_members;

// Each message once: what follows from a wrong type is cut off.
template <class T>
struct FoundMembers {
  using Count = MemberCount<T>;
  static constexpr bool has_no_base = has_no_base_class<T>;
  static constexpr bool has_few_members = !has_no_base || has_at_most_64_members<T, Count::count>;
  static_assert(
      has_no_base_class<T>,
      "umbel: a model has no base class, since nobody can tell the base's members: make the base a member, or "
      "specialise umbel::ModelTraits");
  static_assert(!has_no_base || has_at_most_64_members<T, Count::count>,
                "umbel: a model has at most 64 members, and its arrays at most 512 elements: put some of them into a "
                "struct of their own, use std::array, or specialise umbel::ModelTraits");
  static constexpr auto pack() noexcept {
    if constexpr (has_no_base && has_few_members) return pack_of(member_pointers<T, Count::count>());
    else return MemberPack<>{};
  }
};
template <HandWritten T>
struct FoundMembers<T> {
  using Pack = decltype(named_pack_of<T>(typename ModelTraits<T>::Members{}));
  static_assert(has_at_most_64_members<T, Pack::count>,
                "umbel: a model has at most 64 members: put some of them into a struct of their own");
  static constexpr auto pack() noexcept {
    if constexpr (Pack::count <= most_members) return Pack{};
    else return MemberPack<>{};
  }
};
template <class T>
using MembersOf = decltype(FoundMembers<T>::pack());

template <std::size_t index, class First, class... Rest>
constexpr auto member_at(MemberPack<First, Rest...>) noexcept {
  if constexpr (index == 0) return std::type_identity<First>{};
  else return member_at<index - 1>(MemberPack<Rest...>{});
}

template <class... Each>
constexpr std::array<std::string_view, sizeof...(Each)> names_in(MemberPack<Each...>) noexcept {
  return {unquoted(Each::quoted_name)...};
}

}  // namespace detail

/// A struct that becomes a JSON object: an aggregate of at most 64 members without a base class, or whatever has a
/// ModelTraits. Its members are no references and no bit fields.
template <class T>
concept Model = detail::HandWritten<T> || detail::PlainAggregate<T>;

/// How many members it has. An array is one.
template <Model T>
inline constexpr std::size_t member_count = detail::MembersOf<T>::count;

/// Their names, in the order of their declaration.
///
///     struct Item { std::string name; double price; };
///     static_assert(umbel::member_names<Item>[1] == "price");
template <Model T>
inline constexpr auto member_names = detail::names_in(detail::MembersOf<T>{});

/// The type of the member at that index, from 0.
template <Model T, std::size_t index>
  requires(index < member_count<T>)
using MemberType = typename decltype(detail::member_at<index>(detail::MembersOf<T>{}))::type::Type;

}  // namespace umbel
