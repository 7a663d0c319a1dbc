// SPDX-License-Identifier: MIT
#include "umbel/core/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace umbel::detail {
namespace {

struct Element {
  int name = 0;
  Link<Element> link;
};
using List = IntrusiveList<Element, &Element::link>;

std::vector<int> empty_it(List& list) {
  std::vector<int> names;
  while (const Element* const element = list.pop_front()) names.push_back(element->name);
  return names;
}

TEST(IntrusiveList, GivesItsElementsInTheirOrderAndThenNull) {
  Element one{1, {}}, two{2, {}}, three{3, {}};
  List list;
  EXPECT_TRUE(list.is_empty());

  for (Element* const element : {&one, &two, &three}) list.push_back(*element);

  EXPECT_FALSE(list.is_empty());
  EXPECT_EQ(empty_it(list), (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(list.is_empty());
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, LosesAnElementFromEveryPlaceAndTakesItAgain) {
  Element one{1, {}}, two{2, {}}, three{3, {}};
  for (Element* const removed : {&one, &two, &three}) {
    List list;
    for (Element* const element : {&one, &two, &three}) list.push_back(*element);

    list.remove(*removed);
    list.push_back(*removed);

    std::vector<int> expected;
    for (const int name : {1, 2, 3})
      if (name != removed->name) expected.push_back(name);
    expected.push_back(removed->name);
    EXPECT_EQ(empty_it(list), expected);
  }
}

TEST(IntrusiveList, IsEmptyWhenItsOnlyElementIsRemoved) {
  Element one{1, {}}, two{2, {}};
  List list;
  list.push_back(one);

  list.remove(one);
  EXPECT_TRUE(list.is_empty());
  list.push_back(two);

  EXPECT_EQ(empty_it(list), (std::vector<int>{2}));
}

TEST(IntrusiveList, KnowsItsFirstAndWhetherItHasAnElement) {
  Element one{1, {}}, two{2, {}};
  List list;
  EXPECT_EQ(list.front(), nullptr);

  list.push_back(one);

  EXPECT_EQ(list.front(), &one);
  EXPECT_TRUE(list.contains(one));
  EXPECT_FALSE(list.contains(two));
}

}  // namespace
}  // namespace umbel::detail
