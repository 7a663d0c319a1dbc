// SPDX-License-Identifier: MIT
#include "umbel/di/status.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "umbel/di/app.hpp"
#include "umbel/di/response_head.hpp"
#include "umbel/loopback/client.hpp"

namespace umbel::test {
namespace {

struct Item {
  int id;
  std::string name;
};

Item one() { return {7, "lamp"}; }
Task<Item> later() {
  Item item{7, "lamp"};
  co_return item;
}
Result<Item> result() { return Item{7, "lamp"}; }
Task<Result<Item>> no_result() { co_return Error{HttpError{404, "no such item"}}; }
std::vector<Item> list() { return {{1, "a"}, {2, "b"}}; }
std::map<std::string, int> map() { return {{"a", 1}}; }
std::optional<Item> nothing() { return std::nullopt; }
std::optional<Item> something() { return Item{7, "lamp"}; }
Item no_text() { return {7, "\xff"}; }
std::vector<double> no_number() { return {1.0, std::nan("")}; }
Created<Item> created() { return Created<Item>{one()}.header("location", "/items/7"); }
Task<Created<Item>> created_later() { co_return Created<Item>{one()}; }
Result<Created<Item>> created_result() { return Created<Item>{one()}; }
Created<> created_empty() { return {}; }
Accepted<std::string> accepted() { return std::string{"soon"}; }
NoContent gone() { return {}; }
Item with_head(ResponseHead& head) {
  head.set("x-a", "b");
  head.status(203);
  return one();
}

class Returning : public ::testing::Test {
protected:
  template <class F>
  loopback::Reply get(F handler) {
    App app;
    app.get("/", handler);
    loopback::Client client{app};
    return client.get("/");
  }
};

TEST_F(Returning, AModelRepliesWithItsJson) {
  const loopback::Reply reply = get(one);

  EXPECT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.content_type(), "application/json");
  EXPECT_EQ(reply.body(), R"({"id":7,"name":"lamp"})");
  EXPECT_EQ(get(later).body(), reply.body());
  EXPECT_EQ(get(result).body(), reply.body());
  EXPECT_EQ(get(on_loop<one>).body(), reply.body());
  EXPECT_EQ(get(no_result).status(), 404);
}

TEST_F(Returning, ListsMapsAndOptionalsRepliesWithTheirJson) {
  EXPECT_EQ(get(list).body(), R"([{"id":1,"name":"a"},{"id":2,"name":"b"}])");
  EXPECT_EQ(get(map).body(), R"({"a":1})");
  EXPECT_EQ(get(nothing).body(), "null");
  EXPECT_EQ(get(nothing).content_type(), "application/json");
  EXPECT_EQ(get(something).body(), R"({"id":7,"name":"lamp"})");
}

TEST_F(Returning, WhatJsonCannotSayIsA500) {
  EXPECT_EQ(get(no_text).status(), 500);
  EXPECT_EQ(get(no_text).body(), R"({"detail":"Internal Server Error"})");
  EXPECT_EQ(get(no_number).status(), 500);
}

TEST_F(Returning, AStatusByItsType) {
  const loopback::Reply reply = get(created);

  EXPECT_EQ(reply.status(), 201);
  EXPECT_EQ(reply.header("location"), "/items/7");
  EXPECT_EQ(reply.content_type(), "application/json");
  EXPECT_EQ(reply.body(), R"({"id":7,"name":"lamp"})");
  EXPECT_EQ(get(created_later).status(), 201);
  EXPECT_EQ(get(created_result).status(), 201);
  EXPECT_EQ(get(created_empty).status(), 201);
  EXPECT_EQ(get(created_empty).body(), "");
  EXPECT_EQ(get(accepted).status(), 202);
  EXPECT_EQ(get(accepted).body(), "soon");
  EXPECT_EQ(get(gone).status(), 204);
}

TEST_F(Returning, AModelTakesWhatAResponseHeadSays) {
  const loopback::Reply reply = get(with_head);

  EXPECT_EQ(reply.status(), 203);
  EXPECT_EQ(reply.header("x-a"), "b");
  EXPECT_EQ(reply.body(), R"({"id":7,"name":"lamp"})");
}

}  // namespace
}  // namespace umbel::test
