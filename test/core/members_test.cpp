// SPDX-License-Identifier: MIT
#include "umbel/json/members.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace {

using namespace umbel;
using namespace std::string_view_literals;

template <class T>
std::vector<std::string_view> names() {
  return {member_names<T>.begin(), member_names<T>.end()};
}
using Names = std::vector<std::string_view>;

struct Price {
  double amount;
  std::string currency = "EUR";
};

struct Item {
  int id;
  std::string name;
  std::optional<std::string> note;
  std::vector<Price> prices;
  Price price;
};

TEST(Members, HaveTheNamesOfTheProgram) { EXPECT_EQ(names<Item>(), (Names{"id", "name", "note", "prices", "price"})); }

TEST(Members, HaveTheirTypes) {
  EXPECT_TRUE((std::is_same_v<MemberType<Item, 0>, int>));
  EXPECT_TRUE((std::is_same_v<MemberType<Item, 2>, std::optional<std::string>>));
  EXPECT_TRUE((std::is_same_v<MemberType<Item, 4>, Price>));
}

// Each of these could be taken for a copy of the struct, or for more members than one.
struct OneNumber {
  int a;
};
struct OneText {
  std::string a;
};
struct OneOptional {
  std::optional<OneNumber> a;
};
struct OneModel {
  OneNumber a;
};
struct OneVariant {
  std::variant<int, std::string> a;
};
struct OneList {
  std::vector<std::string> a;
};
struct OneTree {
  std::vector<OneTree> a;
};
struct OneArray {
  int a[5];
};
struct Nothing {};

TEST(Members, AreCountedWhereThereIsOne) {
  EXPECT_EQ(names<OneNumber>(), Names{"a"});
  EXPECT_EQ(names<OneText>(), Names{"a"});
  EXPECT_EQ(names<OneOptional>(), Names{"a"});
  EXPECT_EQ(names<OneModel>(), Names{"a"});
  EXPECT_EQ(names<OneVariant>(), Names{"a"});
  EXPECT_EQ(names<OneList>(), Names{"a"});
  EXPECT_EQ(names<OneTree>(), Names{"a"});
  EXPECT_EQ(names<OneArray>(), Names{"a"});
  EXPECT_EQ(member_count<Nothing>, 0u);
}

struct Arrays {
  char matrix[2][3];
  Price pair[2];
  std::array<int, 4> four;
  int one[1];
  int last;
};

TEST(Members, ThatAreArraysAreOneEach) {
  EXPECT_EQ(names<Arrays>(), (Names{"matrix", "pair", "four", "one", "last"}));
  EXPECT_TRUE((std::is_same_v<MemberType<Arrays, 0>, char[2][3]>));
  EXPECT_TRUE((std::is_same_v<MemberType<Arrays, 2>, std::array<int, 4>>));
}

struct Stubborn {
  explicit Stubborn(int) {}
};
struct Unusual {
  Stubborn no_default;
  std::unique_ptr<int> move_only;
  std::function<void()> callable;
  std::chrono::sys_seconds when;
  std::chrono::year_month_day day;
  std::string_view view;
  enum class Colour { red } colour = Colour::red;
  std::map<std::string, int> map;
  Stubborn stubborn[2];
};

TEST(Members, MayBeOfAnyType) {
  EXPECT_EQ(names<Unusual>(),
            (Names{"no_default", "move_only", "callable", "when", "day", "view", "colour", "map", "stubborn"}));
}

TEST(Members, MayHaveNamesBeyondAscii) {
  struct Hat {
    int größe;
    int x1_;
  };
  EXPECT_EQ(names<Hat>(), (Names{"größe", "x1_"}));
}

template <FixedString name>
struct Named {
  int value;
};

TEST(Members, OfAModelWhoseNameLooksLikeTheEndOfOne) { EXPECT_EQ(names<Named<"a.b:(])">>(), Names{"value"}); }

struct Wide {
  int m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21, m22, m23, m24,
      m25, m26, m27, m28, m29, m30, m31;
  std::string s32, s33, s34, s35, s36, s37, s38, s39, s40, s41, s42, s43, s44, s45, s46, s47, s48, s49, s50, s51, s52,
      s53, s54, s55, s56, s57, s58, s59, s60, s61, s62, s63;
};

TEST(Members, MayBe64) {
  ASSERT_EQ(member_count<Wide>, 64u);
  EXPECT_EQ(member_names<Wide>[0], "m0");
  EXPECT_EQ(member_names<Wide>[63], "s63");
}

class Mail {
public:
  explicit Mail(std::string sender) : sender_(std::move(sender)) {}

private:
  friend struct ModelTraits<Mail>;
  std::string sender_;
  int to_ = 0;
};

}  // namespace

template <>
struct umbel::ModelTraits<Mail> {
  using Members = MemberList<Member<"from", &Mail::sender_>, Member<"to", &Mail::to_>>;
};

namespace {

TEST(Members, AreThoseThatATraitNames) {
  EXPECT_EQ(names<Mail>(), (Names{"from", "to"}));
  EXPECT_TRUE((std::is_same_v<MemberType<Mail, 0>, std::string>));
}

TEST(Members, LieWhereTheyLieInEveryObject) {
  const Item item{};
  const auto distance = [](const void* from, const void* to) {
    return static_cast<const char*>(to) - static_cast<const char*>(from);
  };
  using Prices = decltype(detail::member_at<3>(detail::MembersOf<Item>{}))::type;
  EXPECT_EQ(distance(&detail::room<Item>, Prices::place), distance(&item, &item.prices));
}

}  // namespace
