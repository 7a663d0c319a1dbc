// SPDX-License-Identifier: MIT
// The limit is one of what is read, too, whoever names the members.
// words: umbel: a model has at most 64 members
// words: has_at_most_64_members<Wide,
#include <cstddef>
#include <utility>

#include "umbel/json/members.hpp"

class Wide {
public:
  explicit Wide(int n) : number(n) {}
  int number;
};

template <class>
struct Repeated;
template <std::size_t... index>
struct Repeated<std::index_sequence<index...>> {
  template <std::size_t>
  using Same = umbel::Member<"number", &Wide::number>;
  using Members = umbel::MemberList<Same<index>...>;
};

template <>
struct umbel::ModelTraits<Wide> {
#ifdef MUST_FAIL
  static constexpr std::size_t size = 65;
#else
  static constexpr std::size_t size = 64;
#endif
  using Members = Repeated<std::make_index_sequence<size>>::Members;
};
static_assert(umbel::member_count<Wide> > 0);
