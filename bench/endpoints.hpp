// SPDX-License-Identifier: MIT
#pragma once
// The benchmark's endpoints as umbel handlers: bench/http1_floor.cpp answers the same by hand.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "umbel/di/app.hpp"
#include "umbel/di/body.hpp"
#include "umbel/di/body_stream.hpp"
#include "umbel/json/json_writer.hpp"

namespace endpoints {

using namespace umbel;

inline Response plaintext() { return Response::text("Hello, World!"); }

inline Response json() {
  JsonWriter writer;
  writer.begin_object().field("message", "Hello, World!").end_object();
  return Response::json(std::move(writer));
}

inline Response item(int id, std::string_view q, std::string_view user, int n) {
  JsonWriter writer;
  writer.begin_object().field("item_id", id).field("q", q).field("user", user).field("n", n).end_object();
  return Response::json(std::move(writer));
}

struct User {
  std::string_view name;
  int n;
};

inline User checked_user(std::string_view token) {
  if (token != "fake") throw HttpError{401, "Not authenticated"};
  return {"alice", 1};
}

using ItemId = Path<"item_id", int>;
using Q = Query<"q">;
using Token = Header<"x-token">;

// (c): eight coroutines in a chain, all ready at once.
inline Task<User> user1(Token token) { co_return checked_user(*token); }
inline Task<User> user2(Depends<user1> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user3(Depends<user2> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user4(Depends<user3> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user5(Depends<user4> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user6(Depends<user5> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user7(Depends<user6> user) { co_return User{user->name, user->n + 1}; }
inline Task<User> user8(Depends<user7> user) { co_return User{user->name, user->n + 1}; }
inline Task<Response> item_by_coroutines(ItemId id, Q q, Depends<user8> user) {
  co_return item(*id, *q, user->name, user->n);
}

// (c-sync): eight plain functions in a chain, one hop. (c-loop): the same on the loop.
inline User plain1(Token token) { return checked_user(*token); }
inline User plain2(Depends<plain1> user) { return {user->name, user->n + 1}; }
inline User plain3(Depends<plain2> user) { return {user->name, user->n + 1}; }
inline User plain4(Depends<plain3> user) { return {user->name, user->n + 1}; }
inline User plain5(Depends<plain4> user) { return {user->name, user->n + 1}; }
inline User plain6(Depends<plain5> user) { return {user->name, user->n + 1}; }
inline User plain7(Depends<plain6> user) { return {user->name, user->n + 1}; }
inline User plain8(Depends<plain7> user) { return {user->name, user->n + 1}; }
inline Response item_by_plain(ItemId id, Q q, Depends<plain8> user) { return item(*id, *q, user->name, user->n); }

inline User loop1_of(Token token) { return checked_user(*token); }
inline User loop2_of(Depends<on_loop<loop1_of>> user) { return {user->name, user->n + 1}; }
inline User loop3_of(Depends<on_loop<loop2_of>> user) { return {user->name, user->n + 1}; }
inline User loop4_of(Depends<on_loop<loop3_of>> user) { return {user->name, user->n + 1}; }
inline User loop5_of(Depends<on_loop<loop4_of>> user) { return {user->name, user->n + 1}; }
inline User loop6_of(Depends<on_loop<loop5_of>> user) { return {user->name, user->n + 1}; }
inline User loop7_of(Depends<on_loop<loop6_of>> user) { return {user->name, user->n + 1}; }
inline User loop8_of(Depends<on_loop<loop7_of>> user) { return {user->name, user->n + 1}; }
inline Response item_on_loop(ItemId id, Q q, Depends<on_loop<loop8_of>> user) {
  return item(*id, *q, user->name, user->n);
}

// (c-diamond): eight nodes, two branches that join, one of them on a worker.
inline Task<User> root(Token token) { co_return checked_user(*token); }
inline Task<int> left1(Depends<root> user) { co_return user->n + 1; }
inline Task<int> left2(Depends<left1> n) { co_return *n + 1; }
inline Task<int> left3(Depends<left2> n) { co_return *n + 1; }
inline int right1(Depends<root> user) { return user->n + 1; }
inline int right2(Depends<right1> n) { return *n + 1; }
inline int right3(Depends<right2> n) { return *n + 1; }
inline Task<User> joined(Depends<root> user, Depends<left3> left, Depends<right3> right) {
  co_return User{user->name, *left + *right};
}
inline Task<Response> item_by_diamond(ItemId id, Q q, Depends<joined> user) {
  co_return item(*id, *q, user->name, user->n);
}

// (d): the floor's Item, member for member.
struct Size {
  double width;
  double depth;
  double height;
};
struct Variant {
  std::string_view sku;
  std::string_view colour;
  std::int64_t stock;
  double price;
};
struct Item {
  std::string_view name;
  std::string_view description;
  double price;
  bool in_stock;
  Size size;
  std::vector<std::string_view> tags;
  std::vector<Variant> variants;
};
struct NameAndPrice {
  std::string_view name;
  double price;
};

inline NameAndPrice create_item(Body<Item> item) { return {item->name, item->price}; }

// bench/upload
inline Task<std::string> upload(BodyStream& body) {
  std::size_t size = 0;
  for (;;) {
    const std::string_view chunk = co_await body.read();
    if (chunk.empty()) break;
    size += chunk.size();
  }
  co_return std::to_string(size);
}

inline void add_to(App& app) {
  app.get("/plaintext", on_loop<plaintext>);
  app.get("/json", on_loop<json>);
  app.get("/items/{item_id}", item_by_coroutines);
  app.get("/items-loop/{item_id}", on_loop<item_on_loop>);
  app.get("/items-sync/{item_id}", item_by_plain);
  app.get("/items-diamond/{item_id}", item_by_diamond);
  app.post("/items", on_loop<create_item>);
  app.post("/upload", upload, {.body_limit = std::uint64_t{1} << 40});
}

}  // namespace endpoints
