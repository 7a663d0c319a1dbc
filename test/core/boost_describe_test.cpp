// SPDX-License-Identifier: MIT
#include "umbel/json/boost_describe.hpp"

#include <gtest/gtest.h>

#include <boost/describe/class.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/json/model_reader.hpp"
#include "umbel/json/model_writer.hpp"

namespace {

using namespace umbel;

struct Named {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Named, (), (name))

struct Dog : Named {
  Dog() = default;
  explicit Dog(int years) : age(years) {}

  Bounded<int, ge<0>> age = 0;
  Defaulted<std::vector<Named>> friends;
};
BOOST_DESCRIBE_STRUCT(Dog, (Named), (age, friends))

class Account {
public:
  int id = 0;

  void set_secret(std::string secret) { secret_ = std::move(secret); }

private:
  std::string secret_;

  BOOST_DESCRIBE_CLASS(Account, (), (id), (), (secret_))
};

struct Strict {
  int n;
};
BOOST_DESCRIBE_STRUCT(Strict, (), (n))

struct Renamed {
  int n;
};
BOOST_DESCRIBE_STRUCT(Renamed, (), (n))

}  // namespace

template <>
struct umbel::ModelTraits<Strict> : umbel::DescribedTraits<Strict> {
  static constexpr bool forbids_extra = true;
};
template <>
struct umbel::ModelTraits<Renamed> {
  using Members = umbel::MemberList<umbel::Member<"number", &Renamed::n>>;
};

namespace {

template <class T>
std::string written(const T& model) {
  JsonWriter json;
  write_model(json, model);
  return std::string(std::move(json).take().view());
}

template <class T>
std::string errors_of(std::string_view text) {
  T model{};
  std::string all;
  for (const ModelError& error : read_model(text, model)) {
    all += error.type;
    for (const LocationPart& part : error.loc)
      all += "/" + (part.is_index() ? std::to_string(part.index()) : part.name());
    all += " ";
  }
  return all;
}

static_assert(member_count<Dog> == 3);
static_assert(member_names<Dog>[0] == "name" && member_names<Dog>[1] == "age");

TEST(DescribedModel, HasTheMembersOfItsBasesFirst) {
  Dog dog{3};
  dog.name = "Rex";
  dog.friends->push_back({"Ann"});

  EXPECT_EQ(written(dog), R"({"name":"Rex","age":3,"friends":[{"name":"Ann"}]})");
}

TEST(DescribedModel, IsRead) {
  Dog dog;

  EXPECT_TRUE(read_model(R"({"age":4,"name":"Rex","friends":[{"name":"Bob"}]})", dog).empty());

  EXPECT_EQ(dog.name, "Rex");
  EXPECT_EQ(*dog.age, 4);
  EXPECT_EQ(dog.friends->at(0).name, "Bob");
}

TEST(DescribedModel, TellsAllThatIsWrong) {
  EXPECT_EQ(errors_of<Dog>(R"({"age":-1,"friends":[{"name":1}]})"),
            "greater_than_equal/age string_type/friends/0/name missing/name ");
}

TEST(DescribedModel, DoesNotShowWhatIsPrivate) {
  Account account;
  account.set_secret("hush");

  EXPECT_EQ(written(account), R"({"id":0})");
  EXPECT_EQ(errors_of<Account>(R"({"id":1,"secret_":7})"), "");
}

TEST(DescribedModel, MayHaveTraitsOfItsOwn) {
  EXPECT_EQ(errors_of<Strict>(R"({"n":1,"m":2})"), "extra_forbidden/m ");
  EXPECT_EQ(written(Renamed{7}), R"({"number":7})");
}

}  // namespace
