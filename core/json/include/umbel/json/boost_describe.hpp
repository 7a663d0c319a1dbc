// SPDX-License-Identifier: MIT
#pragma once
// Models of what Boost.Describe describes. Nothing else of umbel includes it: Boost 1.77 or later is for who has it.

#if !__has_include(<boost/describe/members.hpp>)
#error "umbel: umbel/json/boost_describe.hpp needs Boost.Describe, which is part of Boost 1.77 and later"
#endif

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <string_view>

#include "umbel/json/members.hpp"

namespace umbel {

namespace detail {

template <class T>
concept Described = boost::describe::has_describe_members<T>::value;

template <class Descriptor>
consteval auto described_name() noexcept {
  constexpr std::string_view name = Descriptor::name;
  char text[name.size() + 1]{};
  for (std::size_t i = 0; i < name.size(); ++i) text[i] = name[i];
  return FixedString{text};
}

template <class Descriptors>
struct DescribedMembers;
template <template <class...> class List, class... Descriptor>
struct DescribedMembers<List<Descriptor...>> {
  using Members = MemberList<Member<described_name<Descriptor>(), Descriptor::pointer>...>;
};

}  // namespace detail

/// The members of a described type: the public ones, those of its described base classes first. Private and protected
/// ones are not shown, described or not.
///
///     struct Animal { std::string name; };
///     BOOST_DESCRIBE_STRUCT(Animal, (), (name))
///     struct Dog : Animal { int age; };
///     BOOST_DESCRIBE_STRUCT(Dog, (Animal), (age))   // {"name":"Rex","age":3}
///
/// Whoever includes this header need say no more. To forbid what is not known, say it beside the members:
///
///     template <>
///     struct umbel::ModelTraits<Dog> : umbel::DescribedTraits<Dog> {
///       static constexpr bool forbids_extra = true;
///     };
template <detail::Described T>
struct DescribedTraits {
  /// In the order in which they are written.
  using Members = typename detail::DescribedMembers<
      boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>::Members;
};

/// What the traits of a described type are, unless they are specialised for it.
template <detail::Described T>
struct ModelTraits<T> : DescribedTraits<T> {};

}  // namespace umbel
